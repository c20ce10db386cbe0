"""Registers `chimera backup` and `chimera restore`, and names the records that are kept here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from chimera.plugin import hookimpl

if TYPE_CHECKING:
    from chimera.state import Holding

_COMMANDS = "chimera.builtin.backups.commands"


@hookimpl
def chimera_register_commands() -> Mapping[str, str]:
    """Register the group `backup`, and `restore`."""
    return {"backup": f"{_COMMANDS}:backup", "restore": f"{_COMMANDS}:restore"}


@hookimpl
def chimera_contribute_backup() -> Iterable[Holding]:
    """Name the records that the workspace writes."""
    from chimera.state import Holding

    about = "what was recorded here, and is not in the tree"
    return (Holding("records", about, _record_faults, stays=True),)


def _record_faults(root: Path) -> Iterator[str]:
    from chimera.documents import parse
    from chimera.workspace.recording import recorded

    for address, path in recorded(root).items():
        _, faults = parse(path.name, path.read_bytes())
        yield from (f"{address}: {fault.message}" for fault in faults[:1])
