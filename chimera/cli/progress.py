"""Progress of long work on a terminal, on standard error."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn


class TerminalProgress:
    """Shows one line for each piece of work in progress; gone when the work is."""

    def __init__(self) -> None:
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}"),
            console=Console(stderr=True),
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}

    def start(self, label: str, total: int | None = None) -> None:
        """Begin a piece of work of `total` units; `None` where nobody knows."""
        self._progress.start()
        self._tasks[label] = self._progress.add_task(label, total=total, note="")

    def advance(self, label: str, done: int, note: str = "") -> None:
        """Say that `done` units are finished."""
        if label in self._tasks:
            self._progress.update(self._tasks[label], completed=done, note=note)

    def finish(self, label: str, note: str = "") -> None:
        """End a piece of work, and leave one line that says so."""
        task = self._tasks.pop(label, None)
        if task is not None:
            self._progress.remove_task(task)
            self._progress.console.print(
                f"{label}: {note or 'done'}", highlight=False, markup=False
            )
        if not self._tasks:
            self._progress.stop()
