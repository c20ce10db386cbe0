"""The weekly review of the changelog: changes without an entry, and entries that nobody saw."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from chimera.builtin.records.chain import Chain, chains, passed_in, production_of
from chimera.builtin.records.checks.changelog import ARCHIVE
from chimera.builtin.records.finding import environment_named
from chimera.builtin.records.kinds import ChangelogEntrySpec
from chimera.builtin.records.occasions import Occasion
from chimera.builtin.records.writing import Draft
from chimera.gate import environments
from chimera.kinds import Document, Snapshot
from chimera.state.periods import Span

if TYPE_CHECKING:
    from chimera.workspace import Workspace

Entry = Document[ChangelogEntrySpec]


@dataclass(frozen=True, slots=True)
class Review:
    """The changes of a period with their entries, and the entries that no review has seen."""

    since: str
    chains: tuple[Chain, ...]
    unseen: tuple[Entry, ...]

    @staticmethod
    def of(workspace: Workspace, environment: str | None, back: timedelta) -> Review:
        """Return the review of the time up to now; of production where no environment is named.

        Where nothing says that it is production, of all there are.
        """
        snapshot, now = workspace.loaded.snapshot, workspace.context.clock.now()
        names = sorted(production_of(snapshot) or environments(snapshot))
        if environment is not None:
            names = [environment_named(snapshot, environment)]
        start = _before(now, back)
        with workspace.read_state() as state:
            # The end of a span is not in it, and what happened just now is.
            changes = list(passed_in(state, Span(names, start, now + timedelta(microseconds=1))))
        entries = entries_of(snapshot, None, everything=False)
        unseen = [e for e in entries if e.spec.environment in names and e.spec.reviewed is None]
        return Review(f"{start:%Y-%m-%d}", tuple(chains(snapshot, changes)), tuple(unseen))

    def mark(self, workspace: Workspace) -> Draft:
        """Propose that the entries were reviewed by whoever runs the command."""
        stamp = Occasion.of(workspace, "to review the changelog", None, None).stamp()
        draft = Draft(workspace)
        for entry in self.unseen:
            draft.put(entry.address, ("reviewed",), stamp)
        return draft


def entries_of(
    snapshot: Snapshot, environment: str | None, *, everything: bool
) -> tuple[Entry, ...]:
    """Return the entries of an environment, or of all; `everything` has the archive, too."""
    return tuple(
        entry
        for entry in snapshot.of_model(ChangelogEntrySpec)
        if environment in (None, entry.spec.environment)
        and (everything or ARCHIVE not in entry.place.path.split("/")[:-1])
    )


def _before(now: datetime, back: timedelta) -> datetime:
    try:
        return now - back
    except OverflowError:
        return datetime.min.replace(tzinfo=now.tzinfo)
