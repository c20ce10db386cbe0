"""What a restore does not go back on: what stops, what people decided, what was used up.

A kill switch that is engaged, a freeze, a rejection and an approval that was spent outlast it.
Refuses to put a file over one of the backup.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from chimera.builtin.backups.scanning import open_plainly, scan
from chimera.context import write_whole
from chimera.model import StateError
from chimera.state import Holding, Layout
from chimera.state.backing import carry_spent


@dataclass(frozen=True, slots=True)
class Carried:
    """What remains of what was here: files by path, and how many approvals stay spent.

    `doubt` says why it is not known which were.
    """

    files: tuple[str, ...] = ()
    spent: int = 0
    doubt: str | None = None


def carry(present: Layout, ready: Layout, holdings: Iterable[Holding]) -> Carried:
    """Add to a state that is to be what remains of the present one, on disk when this returns."""
    folders = tuple(f"{holding.path}/" for holding in holdings if holding.stays)
    files: list[str] = []
    for path in scan(present).files:
        if path.startswith(folders) and not (ready.folder / path).exists():
            with open_plainly(present.folder / path) as file:
                write_whole(ready.folder / path, file.read())
            files.append(path)
    try:
        return Carried(tuple(files), carry_spent(present, ready))
    except StateError as error:
        return Carried(tuple(files), doubt=error.message)
