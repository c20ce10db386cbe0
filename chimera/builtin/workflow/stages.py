"""Stages: the steps of a workflow as its author writes them.

Owns the shape of a stage (seed 003's WorkflowStage, and what it leaves open): what it does, when,
how often, and what comes of a failure. Refuses to judge how stages fit together: that is
`compile`'s.
"""

from __future__ import annotations

from datetime import timedelta
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal

from chimera.builtin.workflow.handling import ErrorHandlingSpec
from chimera.kinds import (
    AddressText,
    Duration,
    Expression,
    Field,
    Items,
    Model,
    Plays,
    Reference,
    Role,
    StringConstraints,
    Text,
)
from chimera.runtime.recovery.policy import RetryPolicySpec

STAGE_PATTERN = r"[a-z][a-z0-9-]*"
VARIABLE_PATTERN = r"[A-Za-z][A-Za-z0-9_]*"

_PLAIN = frozenset(
    {"id", "name", "module", "operation", "inputs", "dependencies", "timeout", "retry_policy"}
)
"""Fields beside which a stage with an operation says nothing that could be wrong by itself."""

StageId = Annotated[str, StringConstraints(pattern=f"^{STAGE_PATTERN}$", max_length=64)]
Variable = Annotated[str, StringConstraints(pattern=f"^{VARIABLE_PATTERN}$", max_length=64)]
Predicate = Annotated[Text, StringConstraints(max_length=4096), Expression()]
"""A CEL expression that gives true or false, over `input` and the outputs of earlier stages."""


class ForEachSpec(Model):
    """What a stage does once for every item of a list; its output is the list of their outputs."""

    items: str | list[Any] | Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        description="The items: a reference to a list, such as ${find.files}, a literal list, or a "
        "number, for 0, 1 and so on."
    )
    as_: Variable = Field(
        default="item", alias="as", description="Name of an item inside the stage: ${item.path}."
    )
    concurrency: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        default=None, description="Items in work at a time; as many as the run allows if left out."
    )
    keep_going: bool = Field(
        default=False, description="Whether the other items go on when one of them has failed."
    )


class WaitSpec(Model):
    """What a stage waits for: exactly one of for, until and signal. A restart loses none of it."""

    for_: Duration | None = Field(default=None, alias="for", description="A length of time.")
    until: Annotated[Text, Plays(Role.CADENCE)] | None = Field(
        default=None, description="A moment, as 2026-12-01T06:00:00Z; it may be a reference."
    )
    signal: Text | None = Field(
        default=None,
        description="A signal of this name, from `chimera runs signal`; the stage gives its data.",
    )
    timeout: Duration | None = Field(
        default=None, description="How long a signal is waited for before the stage fails."
    )


class ConfirmSpec(Model):
    """A question that a human answers; the stage gives the answer and who gave it.

    Who answers is who is logged in, as the journal has it. A name proves nothing: what has to be
    signed is an approval of the run.
    """

    question: Text = Field(description="What is asked; references bring values into it.")
    approvers: Items[Annotated[Text, Plays(Role.PARTICIPANT)]] = Field(
        default=(),
        description="Who is asked, by the names of their logins; any human if left out. "
        "Automation never answers.",
    )
    timeout: Duration | None = Field(
        default=None, description="How long an answer is waited for before the stage fails."
    )
    on_reject: Literal["fail", "continue"] = Field(
        default="fail",
        description="Whether a no fails the stage, or is its output, `approved: false`.",
    )


Question = Annotated[ConfirmSpec, Plays(Role.AUTO_APPROVES)]
"""A question, to a contract's eyes: its answer counts, and nobody signs it."""


class ConfirmOutputs(Model):
    """What a confirmation gives."""

    approved: bool = Field(description="Whether the answer was yes.")
    by: str = Field(description="Who gave it.")
    at: str = Field(default="", description="When, in ISO 8601.")
    comment: str = Field(default="", description="What was said with it.")
    request: str = Field(
        default="", description="Alias of the request in the module confirm, where there is one."
    )


class CaseSpec(Model):
    """One way that a switch can go."""

    case: Text = Field(description="Name of the case: what ${stage.case} says when it is chosen.")
    when: Predicate | None = Field(
        default=None,
        description="CEL over `input` and outputs of earlier stages; the last case may do without.",
    )


class CompensateSpec(Model):
    """What undoes a finished stage when the run fails."""

    module: Text | None = Field(default=None, description="Module of the operation.")
    operation: Text = Field(description="Operation that undoes the stage.")
    inputs: dict[str, Any] = Field(
        default_factory=dict,
        description="Its inputs; besides what the stage could refer to, ${stage.output} of itself.",
    )


class StageSpec(Model):
    """One step of the work; it has exactly one of operation, workflow, wait, confirm and switch."""

    other_words: ClassVar = MappingProxyType({"moduleType": "module", "conditions": "when"})

    id: StageId = Field(description="Id of the stage, by which others refer to it.")
    name: str = Field(default="", description="What the stage does, for people.")
    module: Text | None = Field(
        default=None,
        description="Module that the operation belongs to: context and createContext are the "
        "operation context.createContext.",
    )
    operation: Text | None = Field(
        default=None,
        description="Operation that does the work, such as command; `chimera explain operations` "
        "lists them.",
    )
    workflow: Annotated[AddressText, Reference("Workflow")] | None = Field(
        default=None,
        description="Workflow that runs inside this one, as Workflow/NAME; the stage gives its "
        "outputs.",
    )
    wait: Annotated[WaitSpec, Plays(Role.BACKGROUND)] | None = Field(
        default=None, description="What is waited for; the run may outlive its command for it."
    )
    confirm: Annotated[Question, Plays(Role.BACKGROUND)] | None = Field(
        default=None,
        description="A question to a human: the stage gives `approved` and `by`. Nobody signs the "
        "answer: what a signature is owed for belongs to a Gate.",
    )
    switch: Annotated[Items[CaseSpec], Field(min_length=1)] | None = Field(
        default=None,
        description="Cases of which the first that holds is chosen: the stage gives its name as "
        "`case`.",
    )
    inputs: dict[str, Any] = Field(
        default_factory=dict,
        description="Inputs of the operation or workflow, as `chimera explain OPERATION` shows "
        "them; ${stage.output}, ${input.x} and ${stage.output ?? default} take a value's place.",
    )
    outputs: Items[Variable] = Field(
        default=(), description="Outputs that the stage must give, by name."
    )
    dependencies: Items[StageId] = Field(
        default=(), description="Stages that must have finished before this one starts."
    )
    when: Predicate | None = Field(
        default=None,
        description="CEL over `input` and outputs of earlier stages, such as "
        "`test.exitCode == 0 && input.deploy`; where it gives false the stage is skipped.",
    )
    for_each: ForEachSpec | None = Field(
        default=None, description="Does the stage once for every item of a list."
    )
    timeout: Duration | None = Field(
        default=None, description="Longest time that one attempt may take."
    )
    retry_policy: RetryPolicySpec | None = Field(
        default=None, description="What happens when it fails; the workflow's if left out."
    )
    error_handling: ErrorHandlingSpec | None = Field(
        default=None,
        description="What happens when no retry helps; the workflow's if left out.",
    )
    on_interrupt: Literal["retry", "probe", "escalate"] | None = Field(
        default=None,
        description="What becomes of an attempt that was interrupted: run again with the same key, "
        "looked up where the operation can tell, or left to a person; the operation's own answer "
        "if left out.",
    )
    compensate: CompensateSpec | None = Field(
        default=None,
        description="What undoes it when the run fails (onFailure: compensate); the operation's "
        "own way if left out.",
    )
    cache: bool = Field(
        default=False, description="Whether equal inputs take the output that they gave before."
    )
    critical: bool = Field(
        default=True,
        description="Whether the run cannot do without it; one that is not may degrade gracefully.",
    )
    priority: int = Field(
        default=0, description="Which of the stages that are ready starts first: the higher."
    )
    limits: Items[Text] = Field(
        default=(), description="Limits that it counts against, by name, while it runs."
    )
    executor: Text | None = Field(
        default=None, description="Where it runs, such as thread or process."
    )

    @property
    def plain_operation(self) -> str | None:
        """The full name of the operation, if the stage says little else, as most do."""
        # Judging a large repository asks every stage: attributes of models take their time.
        if not self.__pydantic_fields_set__ <= _PLAIN:
            return None
        values = self.__dict__
        return full_name(values["module"], values["operation"])

    @property
    def operation_name(self) -> str | None:
        """The full name of the operation, if the stage has one."""
        return full_name(self.module, self.operation)

    @property
    def wait_timeout(self) -> timedelta | None:
        """How long whatever it waits for may take."""
        waits = self.wait or self.confirm
        return (waits.timeout if waits else None) or self.timeout


def full_name(module: str | None, operation: str | None) -> str | None:
    """Return the name that an operation is registered by."""
    return f"{module}.{operation}" if module and operation else operation
