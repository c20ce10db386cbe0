"""The Workflow kind: stages over operations, its inputs and outputs, and what starts it.

Owns the shape of the document (seed 003's WorkflowDefinition). Refuses to judge how stages fit
together: that is `compile`'s.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal

from chimera.builtin.workflow.handling import ErrorHandlingSpec
from chimera.builtin.workflow.schedule import Schedule
from chimera.builtin.workflow.stages import StageSpec, Variable
from chimera.kinds import (
    Duration,
    Field,
    Glob,
    Governs,
    Items,
    Model,
    Plays,
    Role,
    Text,
    TriggerName,
)
from chimera.runtime.recovery.policy import RetryPolicySpec
from chimera.runtime.secrets import Secret

__all__ = [
    "MOST_STAGES",
    "InputSpec",
    "StageSpec",
    "TypeName",
    "WorkflowSpec",
]

MOST_STAGES = 20_000
"""Stages that one workflow may have; whoever has more makes them with forEach."""

TypeName = Literal["string", "integer", "number", "boolean", "array", "object"]
"""The types of JSON Schema that a workflow's input can have."""


class InputSpec(Model):
    """One input of a workflow."""

    type: TypeName = Field(default="string", description="Type of the value, in JSON's terms.")
    default: Any = Field(
        default=None, description="Value where none is given; without it the input is required."
    )
    description: str = Field(default="", description="What the input is for.")

    @property
    def is_required(self) -> bool:
        """Whether whoever starts the workflow has to give a value."""
        return "default" not in self.model_fields_set


class WorkflowSpec(Model):
    """Stages that do work in an order, and what starts them."""

    other_words: ClassVar = MappingProxyType(
        {
            "id": "metadata.name",
            "name": "metadata.name",
            "description": "metadata.description",
            "executionMode": "mode",
        }
    )

    trigger: TriggerName = Field(
        description="What starts it: human (chimera run), apply (once a digest), event or schedule."
    )
    schedule: Annotated[Schedule, Plays(Role.CADENCE)] | None = Field(
        default=None,
        description="When it is due, as five cron fields in UTC (trigger: schedule).",
    )
    event: Text | None = Field(
        default=None, description="Name of the event that starts it (trigger: event)."
    )
    version: Text | None = Field(
        default=None, description="Version of the workflow, for people: runs are pinned by content."
    )
    mode: Literal["sequential", "parallel", "conditional"] = Field(
        default="sequential",
        description="Whether each stage follows the one before; or only dependencies order them; "
        "or, conditional, a stage is skipped, too, when all that it depends on was.",
    )
    timeout: Duration | None = Field(
        default=None, description="Longest time that a run may take, waits included."
    )
    retry_policy: RetryPolicySpec | None = Field(
        default=None, description="What happens when a stage fails that says nothing else."
    )
    error_handling: ErrorHandlingSpec | None = Field(
        default=None,
        description="What happens when no retry helps a stage that says nothing else.",
    )
    on_failure: Literal["stop", "compensate"] = Field(
        default="stop",
        description="Whether a run that fails stays as it is, or its finished stages are undone, "
        "the last one first.",
    )
    concurrency: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=32, description="Stages in work at a time."
    )
    priority: int = Field(
        default=0, description="Which of several runs comes first: that of the higher."
    )
    limits: dict[Text, Annotated[int, Field(ge=1)]] = Field(
        default_factory=dict,
        description="How many stages that name a limit run at a time, by name of the limit.",
    )
    paths: Items[Annotated[Glob, Governs()]] = Field(
        default=(), description="Paths that the work reads: when they change, apply runs it again."
    )
    writes: Items[Annotated[Text, Plays(Role.WRITES)]] = Field(
        default=(), description="Path globs, or kinds of documents, that running it writes."
    )
    inputs: dict[Variable, InputSpec] = Field(
        default_factory=dict, description="Inputs by name, for ${input.name}."
    )
    secrets: dict[Variable, Secret] = Field(
        default_factory=dict, description="Secrets by name, for ${secret.name} in stages' inputs."
    )
    stages: Annotated[Items[StageSpec], Field(min_length=1, max_length=MOST_STAGES)] = Field(
        description="The stages; their order counts in sequential mode."
    )
    outputs: dict[Variable, Any] = Field(
        default_factory=dict, description="Outputs by name; references name stages' outputs."
    )
