"""The proof step that names an operation: performed in a process of its own, in the export.

What it put out is compared between repetitions and judged by what the proof expects. Refuses an
operation that the exported engine and its plugins do not have, and one that acts outside the
exported folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from chimera.context import Context
from chimera.kinds import Registry
from chimera.model import ChimeraError, Finding
from chimera.plugin import load_plugins
from chimera.proof import OperationStep, StepOutcome
from chimera.runtime.steps import StepCall, idempotency_key

if TYPE_CHECKING:
    from chimera.proof import StepTask


def run_operation(task: StepTask) -> StepOutcome | None:
    """Perform the operation that the step names; `None` where it is another kind of step."""
    step = task.step
    if not isinstance(step, OperationStep):
        return None
    asked = {"operation": step.run, "inputs": step.inputs, "proof": str(task.proof)}
    name = f"{step.run} succeeds"
    try:
        outputs = task.call(f"{__name__}:perform", asked, named=f"operation {step.run}")
    except ChimeraError as error:
        return StepOutcome(Finding.FAIL, {name: "fail"}, 1, reasons=(error.message,))
    return StepOutcome(Finding.PASS, {name: "pass"}, 1, outputs)


def perform(asked: dict[str, Any]) -> Any:
    """Perform an operation in the working directory and return its outputs."""
    operations = Registry.collect(load_plugins()).operations
    if asked["operation"] not in operations:
        raise ChimeraError(
            "there is no such operation",
            help="name one that the exported engine or its plugins register",
        )
    if operations[asked["operation"]].reach == "anywhere":
        raise ChimeraError(
            "it acts outside the exported folder, which no proof step may",
            help="run a workflow that uses it, and simulate that stage",
        )
    call = StepCall(
        inputs=asked["inputs"],
        key=idempotency_key(asked["proof"], asked["operation"], asked["inputs"]),
        attempt=1,
        in_doubt=False,
        context=Context.system(),
        cancelled=lambda: False,
        log=lambda line: None,
    )
    return operations[asked["operation"]].perform(call, Path.cwd())
