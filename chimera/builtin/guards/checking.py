"""What is asked of guards: invariants that can be decided, and that are about something."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase

from chimera.builtin.guards.invariants import predicate_of
from chimera.builtin.guards.kinds import GuardSpec, InvariantSpec, Phase
from chimera.kinds import Document, Subject, suggestion
from chimera.model import Diagnostic, Finding, Severity, Verdict
from chimera.policy import Predicates

Guard = Document[GuardSpec]


def judge(subject: Subject) -> Iterator[Verdict]:
    """Yield a verdict for each guard."""
    guards = list(subject.snapshot.of_model(GuardSpec))
    faults: dict[str, list[Diagnostic]] = {str(guard.address): [] for guard in guards}
    for guard in guards:
        faults[str(guard.address)] += _faults(guard, subject)
    for guard, fault in _undecidable(guards, subject):
        faults[str(guard.address)].append(fault)
    for guard in guards:
        found = tuple(faults[str(guard.address)])
        has_failed = any(fault.severity is Severity.ERROR for fault in found)
        finding = Finding.FAIL if has_failed else Finding.PASS
        reasons = tuple(fault.message for fault in found)
        yield Verdict("guards", str(guard.address), finding, reasons, found)


def _faults(guard: Guard, subject: Subject) -> Iterator[Diagnostic]:
    yield from _maintenance(guard, subject)
    twice = [id for id, n in Counter(i.id for i in guard.spec.invariants).items() if n > 1]
    for at, invariant in enumerate(guard.spec.invariants):
        if invariant.id in twice:
            twice.remove(invariant.id)
            yield _fault(
                guard,
                "guard-invariant-twice",
                f"two invariants are called {invariant.id}",
                ("invariants", at, "id"),
                "give each its own id: what broke is told by it",
            )
        yield from _operations(guard, at, invariant, subject)


def _maintenance(guard: Guard, subject: Subject) -> Iterator[Diagnostic]:
    maintenance = guard.spec.maintenance
    if maintenance is None:
        return
    if maintenance.begins is not None and maintenance.ends <= maintenance.begins:
        yield _fault(
            guard,
            "guard-maintenance-backwards",
            f"the maintenance ends at {maintenance.until}, before it begins",
            ("maintenance", "until"),
            "write when it begins under from, and a later time under until",
        )
    elif maintenance.ends <= subject.now:
        yield _fault(
            guard,
            "guard-maintenance-over",
            f"the maintenance was over at {maintenance.until}: it stops nothing",
            ("maintenance", "until"),
            "remove it, or write when it is to end now",
            Severity.WARNING,
        )


def _operations(
    guard: Guard, at: int, invariant: InvariantSpec, subject: Subject
) -> Iterator[Diagnostic]:
    known = subject.snapshot.registry.operations
    for number, pattern in enumerate(invariant.steps.operations):
        if not any(fnmatchcase(name, pattern) for name in known):
            listed = "`chimera explain operations` lists them"
            yield _fault(
                guard,
                "guard-operation-unknown",
                f"no operation is called {pattern!r}: the invariant {invariant.id} would hold of"
                " nothing",
                ("invariants", at, "steps", "operations", number),
                suggestion(pattern, known, listed),
            )


def _undecidable(guards: Sequence[Guard], subject: Subject) -> Iterator[tuple[Guard, Diagnostic]]:
    """Yield what is wrong with expressions; one child serves for all."""
    asked: list[tuple[Guard, int, Phase]] = [
        (guard, at, phase)
        for guard in guards
        for at, invariant in enumerate(guard.spec.invariants)
        for phase in _distinct(invariant.when)
    ]
    if not asked:
        return
    with Predicates(subject.context.processes) as predicates:
        told = predicates.faults([predicate_of(g.spec.invariants[at], p) for g, at, p in asked])
    for (guard, at, phase), faults in zip(asked, told, strict=True):
        for fault in faults:
            message = f"the invariant cannot be asked {phase} a step: {fault}"
            route = ("invariants", at, "expression")
            yield (
                guard,
                _fault(guard, "guard-invariant-invalid", message, route, _help(phase, fault)),
            )


def _distinct(phases: Iterable[Phase]) -> Iterable[Phase]:
    return dict.fromkeys(phases)


def _help(phase: Phase, fault: object) -> str:
    if phase == "before" and "'outputs" in str(fault):
        return "there are no outputs before a step: write when: [after]"
    return (
        "write CEL that gives true or false of inputs, outputs, step.id, step.stage, "
        "step.operation, step.phase, run.id, run.target, run.inputs, environment.name and "
        "environment.protected"
    )


def _fault(
    guard: Guard,
    rule: str,
    message: str,
    route: tuple[str | int, ...],
    help: str,
    severity: Severity = Severity.ERROR,
) -> Diagnostic:
    where = guard.at("spec", *route)
    return Diagnostic(rule, message, where, help, severity, address=str(guard.address))
