"""Freezes at the gate: which stand, what they stop, and who can lift them.

A freeze stands wherever a place that binds has it: the judged tree, the work tree, the records
written here. Of one that the trust ref has, the trust ref's word is the last: deleting or lifting
it on a branch lifts nothing, and what was lifted there stands no longer for an older commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from chimera.builtin.records.kinds import FreezeSpec
from chimera.documents import locate
from chimera.gate import unread
from chimera.kinds import DELETED, Document, in_scope
from chimera.model import Change, Diagnostic, Digest, Finding, Verdict

if TYPE_CHECKING:
    from chimera.gate import Side, Weighing

Freeze = Document[FreezeSpec]


def review(weighing: Weighing) -> Iterator[Verdict]:
    """Yield a refusal for each change that a freeze stops, and what stands and lets through."""
    yield from unread(weighing, "Freeze")
    standing = tuple(_standing(weighing.sides, weighing.now))
    changes = [item.change for item in weighing.plan.changing]
    for side, freeze in standing:
        scope = freeze.spec.scope
        frozen = [change for change in changes if in_scope(scope, change, weighing.subject)]
        stopped = [change for change in frozen if not _is_let_through(freeze, change)]
        yield from (_refusal(side, freeze, change) for change in stopped)
        if not stopped:
            why = "is let through by its except" if frozen else "is in its scope"
            reason = f"{freeze.address} stands in {side.name}, and " + (
                f"what changes {why}" if frozen else f"nothing that changes {why}"
            )
            by = (freeze.digest,)
            yield Verdict(str(freeze.address), "gate", Finding.PASS, (reason,), rests_on=by)
    if not standing:
        places = ", ".join(side.name for side in weighing.sides) or "nowhere"
        yield Verdict("freeze", "gate", Finding.PASS, (f"no freeze stands; looked at: {places}",))


def _standing(sides: Iterable[Side], now: datetime) -> Iterator[tuple[Side, Freeze]]:
    """Yield each freeze that stands, once for each digest, with the place that has it."""
    decided: set[tuple[str, str]] = set()
    seen: set[Digest] = set()
    for side in sorted(sides, key=lambda side: not side.is_trusted):
        for freeze in side.snapshot.of_model(FreezeSpec):
            key = (str(freeze.address), freeze.spec.since)
            if side.is_trusted:
                decided.add(key)
            elif key in decided:
                continue
            if freeze.digest not in seen and freeze.spec.stands(now):
                seen.add(freeze.digest)
                yield side, freeze


def _is_let_through(freeze: Freeze, change: Change) -> bool:
    """Tell whether the freeze names exactly this change among those that it lets through."""
    wanted = (str(change.target), change.after or DELETED)
    return any((one.target, one.after) == wanted for one in freeze.spec.excepted)


def _refusal(side: Side, freeze: Freeze, change: Change) -> Verdict:
    spec = freeze.spec
    until = f" until {spec.until}" if spec.until else ""
    message = f"{freeze.address} freezes {change.target}{until}: {spec.reason}"
    where = "" if side.is_trusted else f" where it stands, in {side.name}"
    lift = f"to lift it, write lifted: {{at, by, reason}} into it{where}"
    if side.is_trusted:
        lift += f" and merge that into {side.name}"
    lift += f"; who can: {spec.by}"
    after = change.after or DELETED
    instead = f"a rollback is let through by except: {{target: {change.target}, after: {after}}}"
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
