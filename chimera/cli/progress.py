"""Progress of long work on a terminal, on standard error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.progress import Task


class TerminalProgress:
    """Shows each piece of work in progress, with its note below; gone when the work is."""

    def __init__(self, console: Console | None = None) -> None:
        self._progress = _Display(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=10),
            TimeElapsedColumn(),
            _Left(),
            console=console or Console(stderr=True),
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}

    def start(self, label: str, total: int | None = None) -> None:
        """Begin a piece of work of `total` units, or go on with it; `None` where nobody knows."""
        self._progress.start()
        if label in self._tasks:
            self._progress.update(self._tasks[label], total=total)
        else:
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


class _Display(Progress):
    """A line for each task, and below them the notes, which have the whole width."""

    def get_renderables(self) -> Iterator[RenderableType]:
        yield self.make_tasks_table(self.tasks)
        for task in self.tasks:
            if task.fields["note"]:
                yield Padding(Text(task.fields["note"]), (0, 0, 0, 2))


class _Left(ProgressColumn):
    """How much is done, and how long the rest takes if it goes on like this."""

    def render(self, task: Task) -> Text:
        if not task.total:
            return Text("")
        text = f"{task.percentage:.0f} %"
        if task.time_remaining:
            minutes, seconds = divmod(int(task.time_remaining), 60)
            hours, minutes = divmod(minutes, 60)
            text += f", {hours}:{minutes:02}:{seconds:02} left"
        return Text(text)
