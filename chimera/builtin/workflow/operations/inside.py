"""The operation `workflow.run`: a workflow, as it is pinned, inside whatever asks for it.

It is how other rooms run a workflow as steps of a run of their own, as an evolution does for each
candidate; a stage names its `workflow` instead. Refuses a definition that does not compile.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from chimera.kinds import AddressText, Field, Model
from chimera.policy import Predicates
from chimera.runtime import Expansion, Operation
from chimera.runtime.operations import Operations


class RunInputs(Model):
    """A workflow, and what it is given."""

    address: AddressText = Field(description="What the workflow is called.")
    spec: dict[str, Any] = Field(description="Its spec, as it is written.")
    workflows: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="Specs of the workflows that it runs, by address."
    )
    inputs: dict[str, Any] = Field(default_factory=dict, description="Its inputs.")


class RunOutputs(Model):
    """What the workflow gives."""

    outputs: Any = Field(default=None, description="Its outputs.")


def expand(inputs: RunInputs, operations: Operations, root: Path) -> Expansion:
    """Return the workflow's stages as steps."""
    from chimera.builtin.workflow.running import expansion_of

    definition = {"spec": inputs.spec, "workflows": inputs.workflows}
    return expansion_of(inputs.address, definition, inputs.inputs, operations, root, _predicates())


@cache
def _predicates() -> Predicates:
    """Return what evaluates predicates: one child for all workflows inside runs of this process."""
    return Predicates()


OPERATIONS = (
    Operation(
        name="workflow.run",
        summary="Run a workflow inside another run, as it is pinned there.",
        inputs=RunInputs,
        outputs=RunOutputs,
        expand=expand,
    ),
)
