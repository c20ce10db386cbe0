"""Registers workflows and their operations, judges them and runs them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

from chimera.builtin.workflow.kinds import WorkflowSpec
from chimera.kinds import Document, Kind, Model, Registry
from chimera.model import Verdict
from chimera.plugin import hookimpl

if TYPE_CHECKING:
    from chimera.runtime import Operation, ReconcileTask


@hookimpl
def chimera_register_kinds() -> list[Kind]:
    """Register `Workflow`."""
    return [
        Kind(
            "Workflow",
            WorkflowSpec,
            "Stages that do work in an order, as durable steps, and what starts them.",
            executable=True,
            breaks=_breaks,
        )
    ]


def _breaks(before: WorkflowSpec, after: WorkflowSpec) -> Iterable[str]:
    from chimera.builtin.workflow.compatibility import breaks

    return breaks(before, after)


@hookimpl
def chimera_register_operations() -> Iterable[Operation[Any, Any]]:
    """Register `command`, `http.*` and `file.*`."""
    from chimera.builtin.workflow.operations import command, file, http

    return (*command.OPERATIONS, *http.OPERATIONS, *file.OPERATIONS)


@hookimpl
def chimera_check_document(document: Document[Model], registry: Registry) -> Iterable[Verdict]:
    """Compile a workflow and report all that is wrong with it."""
    if not isinstance(document.spec, WorkflowSpec):
        return ()
    from chimera.builtin.workflow.compile import judge

    return (judge(cast("Document[WorkflowSpec]", document), registry.operations),)


@hookimpl
def chimera_reconcile(task: ReconcileTask) -> Mapping[str, Any] | None:
    """Run a workflow, or register it for what starts it."""
    from chimera.builtin.workflow.reconcile import reconcile

    return reconcile(task)


@hookimpl
def chimera_execute(task: ReconcileTask, inputs: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Run an applied workflow now, with these inputs."""
    from chimera.builtin.workflow.reconcile import execute

    return execute(task, inputs)
