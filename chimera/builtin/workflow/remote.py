"""Stages in other processes: what is sent of a stage, and what does its work there.

Secrets are read where the work is done, so none is sent. Refuses an operation that is not
registered there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from chimera.builtin.workflow.promising import checked
from chimera.builtin.workflow.references import resolve
from chimera.context import Context
from chimera.runtime import Json, Operation, PermanentError, RemoteWork, StepCall
from chimera.runtime.secrets import SecretSpec, read_secret


def remote_work(
    operation: str,
    inputs: Mapping[str, Any],
    secrets: Mapping[str, SecretSpec],
    root: Path,
    promised: Sequence[str] = (),
) -> RemoteWork:
    """Return the work of a stage as another process can do it.

    `inputs` are the stage's as their author wrote them; `secrets` those that they refer to, by the
    text of the reference; `promised` outputs that the stage has to give.
    """
    return RemoteWork(
        "chimera.builtin.workflow.remote:perform",
        {
            "operation": operation,
            "inputs": dict(inputs),
            "secrets": {
                text: spec.model_dump(mode="json", exclude_none=True)
                for text, spec in secrets.items()
            },
            "root": str(root),
            "promised": list(promised),
        },
    )


def perform(argument: Json, call: StepCall) -> Json:
    """Do the work of the stage that `remote_work` made `argument` of."""
    assert isinstance(argument, dict)
    assert isinstance(call.inputs, dict)
    root = Path(argument["root"])
    name = argument["operation"]
    operation = _operations(root).get(name)
    if operation is None:
        raise PermanentError(
            f"there is no operation {name} where the stage was to be executed",
            help="have the same plugins installed there",
        )
    secrets = {
        text: read_secret(text, SecretSpec.model_validate(spec), call.context, root, call.cancelled)
        for text, spec in argument["secrets"].items()
    }
    inputs = resolve(argument["inputs"], {**call.inputs, **secrets})
    outputs = operation.perform(replace(call, inputs=inputs), root)
    return checked(outputs, argument["promised"])


@cache
def _operations(root: Path) -> Mapping[str, Operation[Any, Any]]:
    """Return what the plugins of the repository register: once, as the process does many stages."""
    from chimera.workspace import Workspace

    found: Mapping[str, Operation[Any, Any]]
    found = Workspace(root, Context.system()).registry.operations
    return found
