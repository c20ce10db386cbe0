"""Carrying out a workflow: once a digest on apply, on demand, or registered for what starts it.

Owns what a person may give as input. Refuses a daemon: what fires a schedule or an event lives
elsewhere, and comes back by `chimera run`.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from chimera.builtin.workflow.kinds import InputSpec, WorkflowSpec
from chimera.builtin.workflow.running import builder, definition_of, outputs_of
from chimera.builtin.workflow.sharing import shared
from chimera.builtin.workflow.wording import did_you_mean, has_type
from chimera.kinds import Document
from chimera.model import Address, UsageError
from chimera.runtime import ReconcileTask


def reconcile(task: ReconcileTask) -> Mapping[str, Any] | None:
    """Run the workflow if its trigger is `apply`, else say that it is registered."""
    document = task.document
    if document is None:
        return {} if str(task.change.target).startswith("Workflow/") else None
    if not isinstance(document.spec, WorkflowSpec):
        return None
    if document.spec.trigger != "apply":
        return {"registered": True}
    return _run(task, document, {})


def execute(task: ReconcileTask, inputs: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Run the applied workflow now, whatever its trigger, with `inputs`."""
    document = task.document
    if document is None or not isinstance(document.spec, WorkflowSpec):
        return None
    return _run(task, document, inputs)


def _run(
    task: ReconcileTask, document: Document[Any], inputs: Mapping[str, Any]
) -> Mapping[str, Any]:
    spec: WorkflowSpec = document.spec
    given = read_inputs(spec, inputs)
    definition = definition_of(task.change.after, document.value["spec"], _finder(task))
    with shared(task.context.processes) as predicates:
        build = builder(str(document.address), task.operations, task.root, predicates)
        return {"outputs": outputs_of(spec, given, task.execute(definition, build, given))}


def _finder(task: ReconcileTask) -> Callable[[str], Mapping[str, Any] | None]:
    """Return what gives the spec of another workflow as it is written."""

    def find(address: str) -> Mapping[str, Any] | None:
        document = task.snapshot.get(Address.parse(address))
        return None if document is None else document.value["spec"]

    return find


def read_inputs(spec: WorkflowSpec, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the value of every input: what was given, read by its type, else the default.

    Raises `UsageError` for an unknown or a missing input and for a value of another type.
    """
    for name in given:
        if name not in spec.inputs:
            listed = ", ".join(sorted(spec.inputs)) or "none"
            raise UsageError(
                f"the workflow has no input {name!r}",
                help=did_you_mean(name, spec.inputs, f"there is: {listed}"),
            )
    values = {}
    for name, wanted in spec.inputs.items():
        if name in given:
            values[name] = _read_input(name, wanted, given[name])
        elif wanted.is_required:
            raise UsageError(
                f"the input {name!r} has no value", help=f"give it with --input {name}=VALUE"
            )
        else:
            values[name] = wanted.default
    return values


def _read_input(name: str, wanted: InputSpec, value: Any) -> Any:
    """Read text from a command line by the type that is wanted."""
    if isinstance(value, str) and wanted.type != "string":
        with contextlib.suppress(ValueError):  # what stays text is refused below
            value = json.loads(value)
    if not has_type(value, wanted.type):
        raise UsageError(
            f"the input {name!r} is not of the type {wanted.type}",
            help=f"give it as JSON, with --input '{name}=...'",
        )
    return value
