"""Registers workflows and their operations, judges them and runs them."""

from __future__ import annotations

from chimera.builtin.workflow.kinds import WorkflowSpec
from chimera.kinds import Kind
from chimera.plugin import hookimpl


@hookimpl
def chimera_register_kinds() -> list[Kind]:
    """Register `Workflow`."""
    return [
        Kind(
            "Workflow",
            WorkflowSpec,
            "Stages that do work in an order, as durable steps, and what starts them.",
            executable=True,
        )
    ]
