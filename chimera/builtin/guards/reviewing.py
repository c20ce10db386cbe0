"""Guards at the gate: one that stops anything refuses every change in its scope.

It counts wherever a place that binds has it engaged, or in its time of maintenance, be that the
judged tree, the work tree or the trust ref; and where a switch of this machine is engaged. A guard
may only stop.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from chimera.builtin.guards.scoping import stops
from chimera.builtin.guards.standing import Guard, document_halts, guards_of, machine_halt
from chimera.builtin.guards.switches import read_switches
from chimera.documents import locate
from chimera.gate import unread
from chimera.model import Change, Diagnostic, Finding, Span, Verdict

if TYPE_CHECKING:
    from chimera.gate import Halt, Side, Weighing


def review(weighing: Weighing) -> Iterator[Verdict]:
    """Yield a refusal for each change that a guard stops, and what stops none."""
    yield from unread(weighing, "Guard")
    found = [*_machine(weighing), *_documents(weighing)]
    yield from found
    if not found:
        places = ", ".join(side.name for side in weighing.sides) or "nowhere"
        reason = f"no guard is engaged; looked at: {places}, and the switches of this machine"
        yield Verdict("guard", "gate", Finding.PASS, (reason,))


def _machine(weighing: Weighing) -> Iterator[Verdict]:
    root = weighing.subject.snapshot.tree.root
    for switch in read_switches(root):
        where = Span(switch.path.relative_to(root).as_posix())
        halt = machine_halt(switch)
        stopped = [c for c in _changes(weighing) if stops(switch.scope, c, weighing.subject)]
        yield from (_by_machine(where, halt, change) for change in stopped)
        if not stopped:
            yield _passing(halt)


def _documents(weighing: Weighing) -> Iterator[Verdict]:
    for side, guard in guards_of(weighing.sides):
        for halt in document_halts(side, guard, weighing.now):
            if not halt.is_standing:
                continue
            scope = guard.spec.scope
            stopped = [c for c in _changes(weighing) if stops(scope, c, weighing.subject)]
            yield from (_by_document(side, guard, halt, change) for change in stopped)
            if not stopped:
                yield _passing(halt, (guard.digest,))


def _changes(weighing: Weighing) -> Iterator[Change]:
    return (item.change for item in weighing.plan.changing)


def _passing(halt: Halt, by: tuple[str, ...] = ()) -> Verdict:
    state = "is engaged" if halt.kind != "maintenance" else "is in its time of maintenance"
    reason = f"it {state} in {halt.where}, and nothing that changes is in its scope"
    return Verdict(halt.guard, "gate", Finding.PASS, (reason,), rests_on=by)


def _by_machine(where: Span, halt: Halt, change: Change) -> Verdict:
    message = f"{halt.guard} stops {change.target}: {halt.said}"
    fault = Diagnostic("guard-engaged", message, where, halt.lift, address=halt.guard)
    return Verdict(halt.guard, str(change.target), Finding.FAIL, (message, halt.lift), (fault,))


def _by_document(side: Side, guard: Guard, halt: Halt, change: Change) -> Verdict:
    is_maintenance = halt.kind == "maintenance"
    until = f" until {guard.spec.maintenance.until}" if guard.spec.maintenance else ""
    message = f"{halt.guard} stops {change.target}{until if is_maintenance else ''}: {halt.reason}"
    fault = Diagnostic(
        "guard-maintenance" if is_maintenance else "guard-engaged",
        message,
        guard.at("spec", "maintenance", "until") if is_maintenance else guard.at("spec", "engaged"),
        halt.lift,
        address=halt.guard,
    )
    return Verdict(
        halt.guard,
        str(change.target),
        Finding.FAIL,
        (message, halt.lift),
        locate((fault,), side.snapshot.tree),
        rests_on=(guard.digest,),
    )
