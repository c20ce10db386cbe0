"""Finding a recorded ruling by its digest. Refuses one whose content does not have it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chimera.gate import RecordedRuling, ruling_from_json
from chimera.model import StateError, UsageError
from chimera.state import RulingRecord, StateReader
from chimera.workspace.naming import LATEST, is_digest_prefix

if TYPE_CHECKING:
    from chimera.workspace.workspace import Workspace

_MOST_NAMED = 5


@dataclass(frozen=True)
class ShownRuling:
    """A ruling as it was recorded, and what it says."""

    record: RulingRecord
    recorded: RecordedRuling

    @property
    def name(self) -> str:
        """The part of its digest by which people call it."""
        return (self.record.digest or "")[7:19]


def show_ruling(workspace: Workspace, name: str, environment: str | None = None) -> ShownRuling:
    """Return a ruling by the beginning of its digest, or the latest (of an environment).

    Raises `UsageError` where none or more than one is meant, and `StateError` for one that was
    edited since it was recorded.
    """
    with workspace.read_state() as state:
        record = _find(state, name, environment)
    if not record.is_intact:
        raise StateError(
            f"the ruling {(record.digest or 'without a digest')[7:19]} was edited after it was"
            " recorded: its content does not have its digest",
            help="believe nothing that it says; restore .chimera/state.db from a backup",
        )
    return ShownRuling(record, ruling_from_json(record.ruling))


def _find(state: StateReader, name: str, environment: str | None) -> RulingRecord:
    if name == LATEST:
        rulings = state.rulings(environment, 1) if environment else state.find_rulings(limit=1)
        if not rulings:
            where = f" for {environment}" if environment else ""
            raise UsageError(
                f"no gate has ruled yet{where}", help="`chimera apply` has it rule on what changes"
            )
        return rulings[0]
    if not is_digest_prefix(name):
        raise UsageError(
            f"{name!r} is neither a file nor the digest of a ruling",
            help="name a saved plan, at least four characters of a ruling's digest, or latest",
        )
    found = {
        record.digest: record
        for record in state.find_rulings(name)
        if environment in {None, record.environment}
    }
    if not found:
        raise UsageError(f"there is no ruling {name}", help="`chimera show latest` shows the last")
    if len(found) > 1:
        several = ", ".join(str(digest)[7:19] for digest in list(found)[:_MOST_NAMED])
        raise UsageError(f"{name} is the beginning of several rulings", help=f"these: {several}")
    return next(iter(found.values()))
