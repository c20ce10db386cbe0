"""The Workflow kind: stages over operations, its inputs and outputs, and what starts it.

Owns the shape of the document (seed 003's WorkflowDefinition). Refuses to judge how stages fit
together: that is `compile`'s.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from chimera.builtin.workflow.schedule import Schedule
from chimera.kinds import (
    Duration,
    Field,
    Glob,
    Governs,
    Items,
    Model,
    Plays,
    Role,
    StringConstraints,
    Text,
    TriggerName,
)

STAGE_PATTERN = r"[a-z][a-z0-9-]*"
VARIABLE_PATTERN = r"[A-Za-z][A-Za-z0-9_]*"

StageId = Annotated[str, StringConstraints(pattern=f"^{STAGE_PATTERN}$", max_length=64)]
Variable = Annotated[str, StringConstraints(pattern=f"^{VARIABLE_PATTERN}$", max_length=64)]
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


class SecretSpec(Model):
    """Where a secret comes from; its value reaches neither output nor state."""

    env: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] = Field(
        description="Environment variable that holds the secret."
    )


class RetrySpec(Model):
    """How often a stage that failed is tried again, and how long is waited between."""

    max_attempts: Annotated[int, Field(ge=1, le=100)] = Field(
        default=1, description="Attempts in all, the first one included."
    )
    delay: Duration = Field(
        default=timedelta(seconds=1),
        description="Wait before the second attempt; it doubles from attempt to attempt.",
    )
    max_delay: Duration = Field(
        default=timedelta(minutes=1),
        description="Longest wait between two attempts; equal to delay, the wait stays the same.",
    )


class StageSpec(Model):
    """One step of the work, as the workflow's author writes it."""

    id: StageId = Field(description="Id of the stage, by which others refer to it.")
    name: str = Field(default="", description="What the stage does, for people.")
    operation: Text = Field(
        description="Operation that does the work, such as command; `chimera explain operations` "
        "lists them."
    )
    inputs: dict[str, Any] = Field(
        default_factory=dict,
        description="Inputs of the operation, as `chimera explain OPERATION` shows them; "
        "${stage.output} and ${input.x} take a value's place.",
    )
    dependencies: Items[StageId] = Field(
        default=(), description="Stages that must have finished before this one starts."
    )
    timeout: Duration | None = Field(
        default=None, description="Longest time that one attempt may take."
    )
    retry: RetrySpec = Field(default=RetrySpec(), description="What happens when it fails.")
    on_interrupt: Literal["retry", "escalate"] | None = Field(
        default=None,
        description="What becomes of an attempt that was interrupted: run again with the same key, "
        "or left to a person; the operation's own answer if left out.",
    )


class WorkflowSpec(Model):
    """Stages that do work in an order, and what starts them."""

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
    mode: Literal["sequential", "parallel"] = Field(
        default="sequential",
        description="Whether each stage follows the one before, or only dependencies order them.",
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
    secrets: dict[Variable, SecretSpec] = Field(
        default_factory=dict, description="Secrets by name, for ${secret.name} in stages' inputs."
    )
    stages: Annotated[Items[StageSpec], Field(min_length=1)] = Field(
        description="The stages; their order counts in sequential mode."
    )
    outputs: dict[Variable, Any] = Field(
        default_factory=dict, description="Outputs by name; references name stages' outputs."
    )
