"""Which recent change may have caused an incident: changes of the journal, ranked with reasons.

It compares facts: when a change was let through, which paths, layers and services it is of, whether
it still holds. Refuses to decide, and to say how sure it is: people choose, and nothing is done.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from chimera.builtin.records.chain import WINDOW
from chimera.builtin.records.kinds import IncidentSpec
from chimera.builtin.records.rendering.wording import length
from chimera.documents import Globs, differences, has_commit, open_commit
from chimera.kinds import Document, references_of, when
from chimera.model import Address, Outcome, Target, parse_target
from chimera.workspace.judging import placements_of

if TYPE_CHECKING:
    from chimera.state import StateReader
    from chimera.workspace import Workspace

Incident = Document[IncidentSpec]
_MOST_SHOWN = 3
_Candidate = tuple[int, datetime, "str | None", dict[str, Any]]
"""A change: its position in the journal, when it was let through, its commit, and its item."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One change that could be taken back, with what speaks for it.

    `to` is the commit that was permitted before it, where there is one: to go back to.
    """

    target: str
    action: str
    at: datetime
    revision: str | None
    to: str | None
    is_recent: bool
    reasons: tuple[str, ...]

    @property
    def rank(self) -> tuple[bool, int, float]:
        """What is compared: within the window first, then by how much fits, then the latest."""
        return (not self.is_recent, -len(self.reasons), -self.at.timestamp())


@dataclass
class _Journal:
    """The changes that were let through into one environment, the newest first."""

    workspace: Workspace
    state: StateReader
    environment: str
    passed: list[tuple[datetime, str | None, list[dict[str, Any]]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for record in self.state.rulings(self.environment):
            ruling = record.ruling
            if isinstance(ruling, dict) and ruling.get("outcome") == Outcome.PASSED.value:
                items = [one for one in ruling["items"] if one["action"] != "run"]
                if items:
                    self.passed.append((record.at, ruling.get("revision"), items))

    @cached_property
    def held(self) -> dict[str, str]:
        """The digests that the environment holds now."""
        applied = self.state.applied(self.environment)
        return {target: entry.digest for target, entry in applied.items()}

    def before(self, position: int, target: str) -> str | None:
        """Return the commit that was last permitted before, which had what the target was."""
        for _, revision, items in self.passed[position + 1 :]:
            if revision is not None:
                return revision
            if any(one["target"] == target for one in items):
                return None  # from a work tree: no commit has it
        return None


def suggest(
    workspace: Workspace, incident: Incident, state: StateReader, *, most: int = 5
) -> tuple[Suggestion, ...]:
    """Return the changes before an incident that still hold, the likeliest first."""
    journal = _Journal(workspace, state, incident.spec.environment)
    began = when(incident.spec.opened.at)
    last: dict[str, _Candidate] = {}
    for position, (at, revision, items) in enumerate(journal.passed):
        for item in items if at <= began else ():
            # Only the last change of a target holds, and only what holds can be taken back.
            if journal.held.get(item["target"]) == item["after"]:
                last.setdefault(item["target"], (position, at, revision, item))
    recent = [one for one in last.values() if began - one[1] <= WINDOW]
    found = []
    # What speaks for a change is asked of git: not for what comes after all that is shown.
    for position, at, revision, item in recent if len(recent) >= most else last.values():
        target, since = item["target"], began - at
        to = journal.before(position, target)
        reasons = tuple(_reasons(workspace, incident.spec, item, revision, to))
        told = (f"applied {length(since)} before the incident", *reasons)
        found.append(Suggestion(target, item["action"], at, revision, to, since <= WINDOW, told))
    return tuple(sorted(found, key=lambda one: (one.rank, one.target))[:most])


def _reasons(
    workspace: Workspace,
    incident: IncidentSpec,
    item: dict[str, Any],
    revision: str | None,
    to: str | None,
) -> Iterator[str]:
    target = parse_target(item["target"])
    snapshot = workspace.loaded.snapshot
    touched = _paths(workspace, target, revision, to)
    if incident.paths:
        globs = Globs(incident.paths)
        same = sorted(path for path in touched if globs.matches(path))
        if same:
            more = f" and {len(same) - _MOST_SHOWN} more" if len(same) > _MOST_SHOWN else ""
            yield f"errors point to what it changes: {', '.join(same[:_MOST_SHOWN])}{more}"
    document = snapshot.get(target) if isinstance(target, Address) else None
    if isinstance(target, Address):
        standing = {one.layer for one in placements_of(snapshot).get(target, ())}
        layers = sorted(standing & set(incident.layers))
        if layers:
            yield f"it stands in an affected layer: {', '.join(layers)}"
    services = sorted(_services(incident, target, document))
    if services:
        yield f"it is of an affected service: {', '.join(services)}"


def _paths(
    workspace: Workspace, target: Target, revision: str | None, to: str | None
) -> tuple[str, ...]:
    """Return which paths a change was of: those that differ, where both commits are here."""
    if isinstance(target, Address):
        document = workspace.loaded.snapshot.get(target)
        return (document.place.path,) if document is not None else ()
    globs = Globs(target.globs)
    root = workspace.root
    if revision and to and has_commit(root, revision) and has_commit(root, to):
        both = open_commit(root, to), open_commit(root, revision)
        return tuple(difference.path for difference in differences(*both, globs))
    return tuple(globs.select([entry.path for entry in workspace.tree.entries()]))


def _services(incident: IncidentSpec, target: Target, document: Document[Any] | None) -> set[str]:
    """Return the affected services that a change is of: by name, by reference or by its label."""
    affected = {name.removeprefix("Service/") for name in incident.services}
    if document is None:
        return affected & {str(target).removeprefix("Service/")}
    used = {use.target for use in references_of(document)} | {document.address}
    named = {address.name for address in used if address.kind == "Service"}
    return affected & {*named, document.labels.get("service", "")}
