"""The doors to the state: one for a writer, under the apply lock, and one for any reader."""

from __future__ import annotations

from pathlib import Path

from chimera.context import Context
from chimera.state.database import connect_writer
from chimera.state.layout import Layout
from chimera.state.lock import take
from chimera.state.reader import StateReader
from chimera.state.writer import StateWriter


def open_state(
    root: Path,
    context: Context,
    *,
    command: str,
    wait: float | None = None,
    is_whole: bool = False,
) -> StateWriter:
    """Open the state for writing, under the apply lock, waiting up to `wait` seconds for it.

    `command` is what others are told that the holder does; `wait` is `None` where its user cannot
    say how long. Who has found the database whole a moment ago says so, and has the lock for less
    time. Raises `StateError` where another process holds the lock (naming it), and where the state
    was damaged and is not restored.
    """
    layout = Layout(root)
    layout.create()
    lock = take(layout.lock, context, command, wait=wait)
    try:
        return StateWriter(layout, connect_writer(layout, is_whole=is_whole), lock, context)
    except BaseException:
        lock.release()
        raise


def read_state(root: Path) -> StateReader:
    """Open the state for reading; an absent one reads as empty.

    Raises `StateError` where the state was damaged and is not restored.
    """
    return StateReader.open(Layout(root))


def acknowledge_loss(root: Path) -> tuple[Path, ...]:
    """Accept that the damaged states kept aside are lost; return them. They are not removed."""
    kept = Layout(root).kept_aside()
    for path in kept:
        path.with_name(f"{path.name}.acknowledged").touch()
    return kept
