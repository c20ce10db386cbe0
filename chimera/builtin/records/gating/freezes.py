"""Freezes at the gate: which stand, what they stop, and who can lift them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from chimera.builtin.records.gating.binding import (
    binding,
    known_environments,
    rollback_of,
    standing_freezes,
)
from chimera.builtin.records.kinds import FreezeSpec, IncidentSpec
from chimera.builtin.records.spec.freeze import FreezeScope
from chimera.documents import locate
from chimera.kinds import DELETED, Document, in_scope
from chimera.model import Change, Diagnostic, Finding, Verdict

if TYPE_CHECKING:
    from chimera.gate import Side, Weighing

Freeze = Document[FreezeSpec]


def review_freezes(weighing: Weighing) -> Iterator[Verdict]:
    """Yield a refusal for each change that a freeze stops, and what stands and lets through."""
    standing = tuple(standing_freezes(weighing))
    changes = [item.change for item in weighing.plan.changing]
    for side, freeze in standing:
        scope = _meant(freeze.spec.scope, weighing)
        frozen = [change for change in changes if in_scope(scope, change, weighing.subject)]
        is_let_through = exceptions_of(freeze, weighing)
        stopped = [change for change in frozen if not is_let_through(change)]
        yield from (_refusal(side, freeze, change) for change in stopped)
        if not stopped:
            why = "is let through by it" if frozen else "is in its scope"
            reason = f"{freeze.address} stands in {side.name}, and " + (
                f"what changes {why}" if frozen else f"nothing that changes {why}"
            )
            by = (freeze.digest,)
            yield Verdict(str(freeze.address), "gate", Finding.PASS, (reason,), rests_on=by)
    if not standing:
        places = ", ".join(side.name for side in weighing.sides) or "nowhere"
        yield Verdict("freeze", "gate", Finding.PASS, (f"no freeze stands; looked at: {places}",))


def _meant(scope: FreezeScope, weighing: Weighing) -> FreezeScope:
    """Return the scope in any environment where it names one that no place knows: in doubt."""
    known = known_environments(weighing)
    if all(name.removeprefix("Environment/") in known for name in scope.environments):
        return scope
    return scope.model_copy(update={"environments": ()})


def exceptions_of(freeze: Freeze, weighing: Weighing) -> Callable[[Change], bool]:
    """Return what tells whether a freeze lets exactly this change through.

    It names it itself, or stands for an incident that names the change's rollback.
    """
    excepted = {(one.target, one.after) for one in freeze.spec.excepted}
    rollbacks = [
        rollback_of(incident.spec, weighing)
        for _, incident in binding(weighing, IncidentSpec, lambda spec: spec.opened.at)
        if str(incident.address) == freeze.spec.incident
    ]

    def is_let_through(change: Change) -> bool:
        if (str(change.target), change.after or DELETED) in excepted:
            return True
        return bool(rollbacks) and all(is_of(change) for is_of in rollbacks)

    return is_let_through


def _refusal(side: Side, freeze: Freeze, change: Change) -> Verdict:
    spec = freeze.spec
    until = f" until {spec.until}" if spec.until else ""
    because = f" ({spec.incident})" if spec.incident else ""
    message = f"{freeze.address} freezes {change.target}{until}: {spec.reason}{because}"
    where = "" if side.is_trusted else f" where it stands, in {side.name}"
    lift = f"to lift it, write lifted: {{at, by, reason}} into it{where}"
    if side.is_trusted:
        lift += f" and merge that into {side.name}"
    lift += f"; who can: {spec.by}"
    if spec.incident:
        name = spec.incident.partition("/")[2]
        lift = f"resolve the incident first, `chimera incident resolve {name}`; {lift}"
    instead = _instead(spec, change)
    fault = Diagnostic(
        "freeze-stands",
        message,
        freeze.at("spec", "reason"),
        f"{lift}; {instead}",
        address=str(freeze.address),
    )
    return Verdict(
        str(freeze.address),
        str(change.target),
        Finding.FAIL,
        (message, lift, instead),
        locate((fault,), side.snapshot.tree),
        rests_on=(freeze.digest,),
    )


def _instead(spec: FreezeSpec, change: Change) -> str:
    if spec.incident:
        name = spec.incident.partition("/")[2]
        return f"what it lets through is the incident's rollback: `chimera rollback suggest {name}`"
    after = change.after or DELETED
    return f"a rollback is let through by except: {{target: {change.target}, after: {after}}}"
