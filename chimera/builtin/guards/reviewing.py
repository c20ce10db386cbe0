"""Guards at the gate: an engaged one refuses every change in its scope.

It counts wherever a place that binds has it engaged, be that the judged tree, the work tree or the
trust ref: a guard may only stop.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from chimera.builtin.guards.kinds import GuardSpec
from chimera.documents import locate
from chimera.gate import unread
from chimera.kinds import Document, in_scope
from chimera.model import Change, Diagnostic, Digest, Finding, Verdict

if TYPE_CHECKING:
    from chimera.gate import Side, Weighing

Guard = Document[GuardSpec]


def review(weighing: Weighing) -> Iterator[Verdict]:
    """Yield a refusal for each change that an engaged guard stops, and what stops none."""
    yield from unread(weighing, "Guard")
    changes = [item.change for item in weighing.plan.changing]
    engaged = tuple(_engaged(weighing.sides))
    for side, guard in engaged:
        scope, subject = guard.spec.scope, weighing.subject
        stopped = [change for change in changes if in_scope(scope, change, subject)]
        yield from (_refusal(side, guard, change) for change in stopped)
        if not stopped:
            reason = f"it is engaged in {side.name}, and nothing that changes is in its scope"
            by = (guard.digest,)
            yield Verdict(str(guard.address), "gate", Finding.PASS, (reason,), rests_on=by)
    if not engaged:
        places = ", ".join(side.name for side in weighing.sides) or "nowhere"
        yield Verdict("guard", "gate", Finding.PASS, (f"no guard is engaged; looked at: {places}",))


def _engaged(sides: Iterable[Side]) -> Iterator[tuple[Side, Guard]]:
    """Yield each engaged guard, once for each digest, with the place that has it."""
    seen: set[Digest] = set()
    for side in sides:
        for guard in side.snapshot.of_model(GuardSpec):
            if guard.spec.engaged and guard.digest not in seen:
                seen.add(guard.digest)
                yield side, guard


def _refusal(side: Side, guard: Guard, change: Change) -> Verdict:
    message = f"{guard.address} stops {change.target}: {guard.spec.reason}"
    release = f"release it: set engaged to false in {side.name}"
    fault = Diagnostic(
        "guard-engaged",
        message,
        guard.at("spec", "engaged"),
        release,
        address=str(guard.address),
    )
    return Verdict(
        str(guard.address),
        str(change.target),
        Finding.FAIL,
        (message, release),
        locate((fault,), side.snapshot.tree),
        rests_on=(guard.digest,),
    )
