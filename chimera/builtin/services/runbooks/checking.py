"""What is asked of runbooks: steps that can run, say what they risk, and keep evidence first.

The rules of OPERATIONS.md win over any procedure: nothing is taken away before it is kept, nothing
is restored over what was not backed up, and a change is verified. Refuses to run anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from chimera.builtin.services.runbooks.consequences import (
    consequence_of,
    graver,
    losses_of,
    risk_of,
)
from chimera.builtin.services.runbooks.impossible import faults_of
from chimera.builtin.services.runbooks.scripts import HELP, inputs_in_scripts
from chimera.builtin.services.spec.runbook import (
    INPUT,
    RESERVED,
    ProcedureSpec,
    RunbookSpec,
    StepSpec,
)
from chimera.kinds import Document, suggestion
from chimera.model import Diagnostic, Finding, Route, Verdict

Runbook = Document[RunbookSpec]
NEEDED = {"logs": "logs", "state": "state", "data": "backup"}
"""What has to be kept before something is gone: of data, a backup."""


def judge_runbook(runbook: Runbook) -> Verdict:
    """Judge one runbook by itself."""
    faults = tuple(_faults(runbook))
    return Verdict(
        "runbooks",
        str(runbook.address),
        Finding.FAIL if faults else Finding.PASS,
        tuple(fault.message for fault in faults),
        faults,
    )


def _faults(runbook: Runbook) -> Iterator[Diagnostic]:
    procedures = runbook.spec.procedures
    route: Route = ("spec", "procedures")
    yield from _repeated(runbook, route, "procedure", [one.id for one in procedures])
    for index, procedure in enumerate(procedures):
        where = (*route, index)
        names = [step.id for step in procedure.steps]
        yield from _repeated(runbook, (*where, "steps"), "step", names)
        for position, step in enumerate(procedure.steps):
            at = (*where, "steps", position)
            yield from _step(runbook, at, step)
            yield from _inputs(runbook, at, procedure, step)
        yield from _order(runbook, where, procedure)
        yield from _unused(runbook, where, procedure)


def _fault(runbook: Runbook, rule: str, route: Route, message: str, help: str) -> Diagnostic:
    return Diagnostic(rule, message, runbook.at(*route), help, address=str(runbook.address))


def _repeated(
    runbook: Runbook, route: Route, what: str, names: Sequence[str]
) -> Iterator[Diagnostic]:
    counts = Counter[str]()
    for index, name in enumerate(names):
        counts[name] += 1
        if counts[name] == 2:
            yield _fault(
                *(runbook, "runbook-name-repeated", (*route, index, "id")),
                f"another {what} is called {name!r}, too",
                "give each its own id: answers and records name them by it",
            )


def _step(runbook: Runbook, at: Route, step: StepSpec) -> Iterator[Diagnostic]:
    if len(step.ways) != 1:
        told = f"is {' and '.join(step.ways)}" if step.ways else "says nothing to do"
        yield _fault(
            *(runbook, "runbook-step-unclear", at),
            f"the step {step.id!r} {told}",
            "give one of command, pipe, shell, check and instruction",
        )
        return
    if step.check is not None and len(step.check.ways) != 1:
        yield _fault(
            *(runbook, "runbook-check-unclear", (*at, "check")),
            f"the check {step.id!r} looks at {' and '.join(step.check.ways) or 'nothing'}",
            "give one of service, objective and http",
        )
    if (step.save and not step.is_program) or (step.stdin and not step.programs):
        yield _fault(
            *(runbook, "runbook-file-unused", at),
            f"the step {step.id!r} starts no program that writes or reads a file",
            "leave save and stdin to steps with a command",
        )
    for fault in faults_of(step):
        yield _fault(
            *(runbook, fault.rule, (*at, step.ways[0])),
            f"the step {step.id!r}: {fault.message}",
            fault.help,
        )
    yield from _risk(runbook, at, step)


def _risk(runbook: Runbook, at: Route, step: StepSpec) -> Iterator[Diagnostic]:
    known = consequence_of(step)
    if known is None and step.risk is None:
        yield _fault(
            *(runbook, "runbook-risk-missing", at),
            f"the step {step.id!r} does not say what it risks, and nothing here knows it",
            "write risk: reads, changes or destroys",
        )
    least = known.risk if known else "reads"
    if losses_of(step):
        least = graver(least, "changes")
    if step.risk is not None and graver(step.risk, least) != step.risk:
        yield _fault(
            *(runbook, "runbook-risk-understated", (*at, "risk")),
            f"the step {step.id!r} {least}, and says that it {step.risk}",
            f"write risk: {least}",
        )


def _inputs(
    runbook: Runbook, at: Route, procedure: ProcedureSpec, step: StepSpec
) -> Iterator[Diagnostic]:
    for name in inputs_of(step):
        if name not in procedure.inputs and name not in RESERVED:
            yield _fault(
                *(runbook, "runbook-input-unknown", (*at, step.ways[0] if step.ways else "id")),
                f"the step {step.id!r} uses the input {name!r}, which the procedure does not have",
                suggestion(name, procedure.inputs, "add it to the inputs of the procedure"),
            )
    if step.shell is not None and INPUT.search(step.shell) and procedure.inputs:
        known = set(INPUT.findall(step.shell)) & set(procedure.inputs)
        if known:
            yield _fault(
                *(runbook, "runbook-input-in-shell", (*at, "shell")),
                f"the script of {step.id!r} would have the input {min(known)!r} in its text, and a "
                "shell would read whatever is given as a command",
                "use a command or a pipe: their arguments are no script",
            )
    for name in sorted(inputs_in_scripts(step.programs, procedure.inputs)):
        yield _fault(
            *(runbook, "runbook-input-in-shell", (*at, step.ways[0])),
            f"the step {step.id!r} would have the input {name!r} in a script, and whatever is given"
            " would be read as a part of it",
            HELP,
        )


def inputs_of(step: StepSpec) -> tuple[str, ...]:
    """Return the inputs that the arguments of a step name, in their order."""
    found = [name for argv in step.programs for word in argv for name in INPUT.findall(word)]
    return tuple(dict.fromkeys(found))


def _unused(runbook: Runbook, where: Route, procedure: ProcedureSpec) -> Iterator[Diagnostic]:
    used = {name for step in procedure.steps for name in inputs_of(step)}
    for name in procedure.inputs:
        if name in RESERVED:
            yield _fault(
                *(runbook, "runbook-input-reserved", (*where, "inputs", name)),
                f"the input {name!r} is there by itself",
                "give it another name",
            )
        elif name not in used:
            yield _fault(
                *(runbook, "runbook-input-unused", (*where, "inputs", name)),
                f"no step of {procedure.id!r} uses the input {name!r}",
                f"write ${{{name}}} in an argument, or leave it out",
            )


def _order(runbook: Runbook, where: Route, procedure: ProcedureSpec) -> Iterator[Diagnostic]:
    """Yield where evidence goes before it is kept, and where a change is not verified."""
    kept: set[str] = set()
    for position, step in enumerate(procedure.steps):
        at = (*where, "steps", position)
        for lost in sorted(losses_of(step)):
            if NEEDED[lost] not in kept:
                yield _loss(runbook, at, step, lost)
        kept |= set(step.preserves)
    changing = [i for i, step in enumerate(procedure.steps) if risk_of(step) != "reads"]
    if changing and not any(_verifies(step) for step in procedure.steps[changing[-1] + 1 :]):
        step = procedure.steps[changing[-1]]
        yield _fault(
            *(runbook, "runbook-verification-missing", (*where, "steps", changing[-1])),
            f"nothing looks after the step {step.id!r}, which {risk_of(step)}, whether all is well",
            "end with a check, or with a look: no verification is skipped",
        )


def _loss(runbook: Runbook, at: Route, step: StepSpec, lost: str) -> Diagnostic:
    if lost == "data":
        return _fault(
            *(runbook, "runbook-backup-missing", at),
            f"the step {step.id!r} replaces or removes data, and nothing before it is a backup",
            "back up first, always: a step with preserves: [backup]",
        )
    return _fault(
        *(runbook, "runbook-evidence-destroyed", at),
        f"the step {step.id!r} takes {lost} away that nothing before it keeps",
        f"evidence is preserved first: a step with preserves: [{NEEDED[lost]}]",
    )


def _verifies(step: StepSpec) -> bool:
    """Tell whether a step looks at what a change came to."""
    return risk_of(step) == "reads" and (step.check is not None or step.is_program)
