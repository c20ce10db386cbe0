"""What is compiled: random numbers, arithmetic that gives the same bits everywhere, algorithms.

Remembers what lay here before any of it was imported: a process that goes on while it is upgraded
would otherwise take new sources for those that it has.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

Stamps = dict[str, tuple[int, ...]]


def stamps() -> Stamps:
    """Return what differs in the sources that lie here when they are replaced."""
    found: Stamps = {}
    for path in Path(__file__).parent.glob("*.py"):
        with suppress(OSError):
            now = path.stat()
            found[path.name] = (now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns)
    return found


IMPORTED = stamps()
"""The stamps of what this process imports, or an upgrade is on its way."""
