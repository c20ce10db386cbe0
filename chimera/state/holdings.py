"""What is kept below `.chimera/` by whom, as a backup has to know it.

Refuses to know what any of it means: who keeps it says how a restored copy is verified.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Holding:
    """Files that one room keeps below `.chimera/`: those at and below `path`, as in `evidence`.

    `verify` is given the top folder of a work tree in which they were restored, and yields what is
    wrong with them, a line each; it starts nothing and writes nothing. Files of what `stays` that
    are here when a backup is restored remain beside those of the backup: what stops, and what
    people decided, is not undone by going back.
    """

    path: str
    description: str
    verify: Callable[[Path], Iterable[str]] | None = None
    stays: bool = False
