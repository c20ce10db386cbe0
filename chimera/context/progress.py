"""Progress of long work, as told to whoever shows it. Refuses to draw: a terminal is `cli`'s."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Hears how long work goes on; may be called from several threads."""

    def start(self, label: str, total: int | None = None) -> None:
        """Hear that `label` began; `total` counts its parts where that is known."""
        ...

    def advance(self, label: str, done: int, note: str = "") -> None:
        """Hear that `done` parts of `label` are finished in all."""
        ...

    def finish(self, label: str, note: str = "") -> None:
        """Hear that `label` ended."""
        ...


class SilentProgress:
    """Shows nothing."""

    def start(self, label: str, total: int | None = None) -> None:
        """Ignore it."""

    def advance(self, label: str, done: int, note: str = "") -> None:
        """Ignore it."""

    def finish(self, label: str, note: str = "") -> None:
        """Ignore it."""
