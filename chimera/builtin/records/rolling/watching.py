"""Whether a rollback was carried out, and what was seen for as long as it is watched.

Goes by what the environment holds and by the history of health: nothing has to run meanwhile.
Refuses to count one that was not watched for its whole time, and one that nobody looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING

from chimera.builtin.records.kinds import IncidentSpec, RollbackSpec, written
from chimera.builtin.records.procedures import PROCEDURES
from chimera.builtin.records.rolling.named import Rollback
from chimera.builtin.records.rolling.proposing import (
    put_execution,
    put_observation,
    steps_left,
)
from chimera.builtin.records.writing import Draft
from chimera.kinds import DELETED, when
from chimera.model import Address, Outcome
from chimera.plan import target_digests
from chimera.runtime.health import Health
from chimera.runtime.looks import Look, looks

if TYPE_CHECKING:
    from chimera.builtin.records.occasions import Occasion
    from chimera.kinds import Snapshot
    from chimera.state import StateReader
    from chimera.workspace import Workspace

_MOST_SEEN = 3


class Stands(Enum):
    """Where a rollback stands; only a `stable` one counts."""

    PROPOSED = "proposed"
    PARTLY = "partly carried out"
    WATCHED = "being watched"
    UNSEEN = "not looked at"
    STABLE = "stable"
    UNSTABLE = "unstable"


@dataclass(frozen=True, slots=True)
class Watched:
    """What is known of one rollback at a moment.

    `missing` are the targets that the environment does not hold as the rollback restores them;
    `unhealthy` are the looks that found something unwell since, and `looks` counts all of them.
    `in_tree` are targets that the tree still has as they were taken back.
    """

    rollback: Rollback
    stands: Stands
    now: datetime
    since: datetime | None = None
    until: datetime | None = None
    missing: tuple[str, ...] = ()
    looks: int = 0
    unhealthy: tuple[Look, ...] = ()
    is_recorded: bool = False
    in_tree: tuple[str, ...] = ()

    @property
    def left(self) -> timedelta:
        """How long it is still watched."""
        return max(self.until - self.now, timedelta()) if self.until else timedelta()

    @property
    def outcome(self) -> Outcome:
        """Passed where it counts, failed where it was unstable, and else not exercised."""
        if self.stands is Stands.STABLE and self.is_recorded:
            return Outcome.PASSED
        return Outcome.FAILED if self.stands is Stands.UNSTABLE else Outcome.NOT_EXERCISED

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps of the checklist that nobody did yet; the journal knows what was executed."""
        spec = self.rollback.spec
        known = {PROCEDURES[spec.type].executes} if self.since is not None else set()
        return tuple(step for step in steps_left(spec) if step not in known)


def watch(workspace: Workspace, rollback: Rollback, state: StateReader) -> Watched:
    """Look where a rollback stands now; changes nothing."""
    watched = _watch(workspace, rollback, state)
    if watched.since is None or watched.is_recorded or rollback.spec.redeploy is not None:
        return watched
    snapshot = workspace.loaded.snapshot
    here = {str(target): digest for target, digest in target_digests(snapshot).items()}
    taken = ((one.target, one.after) for one in rollback.spec.reverts)
    still = tuple(target for target, after in taken if here.get(target, DELETED) == after)
    return replace(watched, in_tree=still)


def _watch(workspace: Workspace, rollback: Rollback, state: StateReader) -> Watched:
    spec, now = rollback.spec, workspace.context.clock.now()
    recorded = _recorded(rollback, now)
    if recorded is not None:
        return recorded
    missing = tuple(_missing(state, spec))
    if not spec.answers or len(missing) == len(spec.answers):
        return Watched(rollback, Stands.PROPOSED, now, missing=missing)
    if missing:
        return Watched(rollback, Stands.PARTLY, now, missing=missing)
    since = _since(state, spec)
    if since is None:
        return Watched(rollback, Stands.PROPOSED, now)
    until = since + spec.observation.lasts
    # What is looked at in the moment in which it ends belongs to it.
    upto = min(now, until) + timedelta(microseconds=1)
    seen = [
        look
        for look in looks(state, spec.environment, since=since, until=upto)
        if _concerns(look, spec, workspace.loaded.snapshot)
    ]
    unwell = tuple(look for look in seen if not look.ok or look.status is Health.UNHEALTHY)
    if now < until:
        stands = Stands.UNSTABLE if unwell else Stands.WATCHED
    else:
        stands = Stands.UNSTABLE if unwell else Stands.STABLE if seen else Stands.UNSEEN
    return Watched(rollback, stands, now, since, until, (), len(seen), unwell)


def _recorded(rollback: Rollback, now: datetime) -> Watched | None:
    """Return what the record itself says, where it says how it ended."""
    seen = rollback.spec.observation
    if seen.result is None:
        return None
    since = when(seen.since) if seen.since else None
    until = when(seen.until) if seen.until else None
    is_stable = seen.result == "stable" and rollback.spec.counts(now)
    stands = Stands.STABLE if is_stable else Stands.UNSTABLE
    return Watched(rollback, stands, now, since, until, is_recorded=True)


def _missing(state: StateReader, spec: RollbackSpec) -> Iterator[str]:
    applied = state.applied(spec.environment)
    for answer in spec.answers:
        entry = applied.get(answer.target)
        if (entry.digest if entry else DELETED) != answer.after:
            yield answer.target


def _since(state: StateReader, spec: RollbackSpec) -> datetime | None:
    """Return when the last of it was restored: by what is held, or by the ruling that let it go."""
    applied = state.applied(spec.environment)
    targets = {answer.target for answer in spec.answers}
    held = (applied[target].at for target in targets & applied.keys())
    gone = _gone_at(state, spec.environment, targets - applied.keys())
    return max((*held, *gone), default=None)


def _gone_at(state: StateReader, environment: str, targets: set[str]) -> Iterator[datetime]:
    """Yield when each target was deleted last, by the ruling that permitted it."""
    if not targets:
        return
    for record in state.rulings(environment):
        ruling = record.ruling
        if not isinstance(ruling, dict) or ruling.get("outcome") != Outcome.PASSED.value:
            continue
        deleted = {item["target"] for item in ruling.get("items", ()) if item["after"] is None}
        yield from (record.at for _ in targets & deleted)
        targets = targets - deleted
        if not targets:
            return


def _concerns(look: Look, spec: RollbackSpec, snapshot: Snapshot) -> bool:
    """Tell whether a look is at what the incident is about: all, where that names no service."""
    incident = snapshot.get(Address.parse(spec.incident)) if spec.incident else None
    if incident is None or not isinstance(incident.spec, IncidentSpec):
        return True
    named = {name.removeprefix("Service/") for name in incident.spec.services}
    subject = look.subject.removeprefix("Service/")
    return not named or any(subject == name or subject.startswith(f"{name}/") for name in named)


def record_observation(
    workspace: Workspace, watched: Watched, by: Occasion, note: str | None = None
) -> tuple[str, ...]:
    """Write how the observation ended into the record; what has not ended writes nothing.

    Nor does one of which steps are left. Where nothing looked at health, a person says with a
    `note` what they saw.
    """
    if watched.is_recorded or watched.since is None or watched.until is None:
        return ()
    if watched.steps and watched.stands is not Stands.UNSTABLE:
        return ()
    is_seen = watched.stands is Stands.STABLE or (watched.stands is Stands.UNSEEN and bool(note))
    if not is_seen and watched.stands is not Stands.UNSTABLE:
        return ()
    seen = {
        "from": written(watched.since),
        "until": written(watched.until if is_seen else watched.now),
        "result": "stable" if is_seen else "unstable",
        "by": by.by,
        "note": note or _note(watched),
    }
    draft = Draft(workspace)
    if not watched.steps:
        put_execution(draft, watched.rollback, watched.since, by)
    put_observation(draft, watched.rollback, seen)
    return draft.write()


def _note(watched: Watched) -> str:
    if watched.unhealthy:
        named = ", ".join(sorted({look.subject for look in watched.unhealthy})[:_MOST_SEEN])
        return f"{len(watched.unhealthy)} of {watched.looks} looks found something unwell: {named}"
    return f"{watched.looks} looks at health, and none found anything unwell"
