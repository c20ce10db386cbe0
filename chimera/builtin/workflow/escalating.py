"""How somebody hears of a failure that no retry helped: the operation `notify`, as a step.

A notice is a line in the run's log and in `.chimera/out/notices.jsonl`. Refuses to decide what is
told: that is recovery's.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from chimera.builtin.workflow.operations.tree import OUT
from chimera.runtime import Json, Operation, StepCall

NOTICES = f"{OUT}/notices.jsonl"
_TOLD = ("to", "severity")


def tell(operation: Operation[Any, Any], root: Path, call: StepCall) -> Json:
    """Tell what recovery owes somebody, which the call has as its inputs."""
    assert isinstance(call.inputs, dict)
    owed = call.inputs
    inputs = {name: owed[name] for name in _TOLD}
    inputs["message"] = f"{owed['step']} {owed['outcome']}: {owed['message']}"
    inputs["details"] = {name: value for name, value in owed.items() if name not in _TOLD}
    inputs["file"] = NOTICES
    return operation.perform(replace(call, inputs=inputs), root)
