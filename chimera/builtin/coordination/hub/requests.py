"""Requests: a message from one module to another, to all that can do what it asks, or once more.

Owns what the operations `hub.request`, `hub.broadcast` and `hub.replay` take, give, and are made
of. Refuses to fail before the dead letter is kept that says why.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from chimera.builtin.coordination.hub.carrying import Carrier, Operations, inline, outcome, route
from chimera.builtin.coordination.hub.messages import Message, Priority, plain
from chimera.builtin.coordination.hub.waiting import enter, letter_of, limits_of
from chimera.builtin.coordination.orchestrator import Period
from chimera.builtin.coordination.shelf import written
from chimera.kinds import Field, Items, Model, StringConstraints, Text
from chimera.runtime import Expansion, Json, Outputs, Step, StepCall

NAME_PATTERN = r"^[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z][A-Za-z0-9_-]*)*$"
NamePart = Annotated[str, StringConstraints(pattern=NAME_PATTERN, max_length=128)]


class Sent(Model):
    """What is asked, and how it is sent."""

    source_module: NamePart = Field(default="core", description="Who sends it.")
    operation: NamePart = Field(description="What is asked: the operation without its module.")
    payload: dict[str, Any] = Field(
        default_factory=dict, description="Inputs of the operation, which must fit it."
    )
    correlation_id: Text | None = Field(
        default=None, description="What it belongs to; the run if left out."
    )
    priority: Priority = Field(
        default="normal", description="Of messages that are ready, the highest is delivered first."
    )
    timeout: Period | None = Field(
        default=None,
        description="How long it may wait for delivery before it is a dead letter; the "
        "messageTimeout of the Orchestrator if left out.",
    )
    fail_on_dead: bool = Field(
        default=True, description="Whether this fails where it could not be delivered."
    )


class Request(Sent):
    """A message to one module."""

    target_module: NamePart = Field(description="Whom it is for: context, plan, or another.")


class Broadcast(Sent):
    """A message to every module that can do what it asks."""

    fail_on_dead: bool = Field(
        default=False, description="Whether this fails where one could not be delivered."
    )


class Replay(Model):
    """The dead letter that is sent again."""

    id: Text = Field(description="Id of the message.")
    timeout: Period | None = Field(
        default=None, description="How long it may wait for delivery this time."
    )
    fail_on_dead: bool = Field(
        default=True, description="Whether this fails where it cannot be delivered again."
    )


class Answer(Model):
    """What became of a message."""

    message_id: Text = Field(description="Id of the message.")
    correlation_id: Text = Field(description="What it belongs to.")
    module: Text = Field(description="Whom it was for.")
    status: Literal["delivered", "dead"] = Field(
        description="Whether it was delivered, or is a dead letter."
    )
    reply: Any = Field(default=None, description="What the operation gave.")
    reason: str | None = Field(default=None, description="Why it could not be delivered.")


class Answers(Model):
    """What became of a message to many."""

    answers: Items[Answer] = Field(description="What became of it at each module, in their order.")
    delivered: int = Field(description="To how many modules it was delivered.")
    dead: int = Field(description="At how many it could not be.")


def request(asked: Request, operations: Operations, root: Path) -> Expansion:
    """Return the steps of a request."""
    return _sending(lambda call: _compose(call, asked), asked.fail_on_dead, operations, root)


def broadcast(asked: Broadcast, operations: Operations, root: Path) -> Expansion:
    """Return the steps of a broadcast: one request for each module that has the operation."""
    suffix = f".{asked.operation}"
    names = {operation.name for operation in operations.values()}
    modules = sorted(name.removesuffix(suffix) for name in names if name.endswith(suffix))
    said = asked.model_dump(exclude_none=True)

    def to(module: str) -> Step:
        one = Request.model_validate({**said, "targetModule": module, "failOnDead": False})
        return Step(module, expand=lambda _: request(one, operations, root), effects=False)

    def collect(outputs: Outputs) -> Json:
        answers = [outputs[module] for module in modules]
        delivered = sum(one["status"] == "delivered" for one in answers)
        return {"answers": answers, "delivered": delivered, "dead": len(answers) - delivered}

    def outcomes(call: StepCall) -> Json:
        for answer in call.inputs:
            outcome(replace(call, inputs=answer))
        return None

    steps = [to(module) for module in modules]
    if asked.fail_on_dead:
        last = inline(
            "outcome!",
            outcomes,
            needs=tuple(modules),
            inputs=lambda outputs: [outputs[module] for module in modules],
        )
        steps.append(last)
    return Expansion(steps=steps, collect=collect)


def replay(asked: Replay, operations: Operations, root: Path) -> Expansion:
    """Return the steps that send a dead letter again, as the same message with a new deadline."""

    def again(call: StepCall) -> Message:
        message = letter_of(call, asked.id).message
        timeout = asked.timeout or limits_of(call).timeout
        return message.model_copy(update={"deadline": written(call.now + timeout)})

    return _sending(again, asked.fail_on_dead, operations, root)


def _sending(
    compose: Callable[[StepCall], Message], fail_on_dead: bool, operations: Operations, root: Path
) -> Expansion:
    """Return the steps by which the message that `compose` makes is sent and carried."""

    def send(call: StepCall) -> Json:
        message = compose(call)
        dead = route(call, operations, message)
        if dead is None:
            enter(call, message)
        return {"message": plain(message), "dead": dead}

    steps = [
        inline("send", send),
        Step(
            "carry",
            needs=("send",),
            inputs=lambda outputs: outputs["send"],
            expand=Carrier(operations, root).carry,
            effects=False,
        ),
    ]
    if fail_on_dead:
        steps.append(
            inline(
                "outcome",
                outcome,
                needs=("carry",),
                inputs=lambda outputs: outputs["carry"],
            )
        )
    return Expansion(steps=steps, collect=lambda outputs: outputs["carry"])


def _compose(call: StepCall, asked: Request) -> Message:
    timeout = asked.timeout or limits_of(call).timeout
    message = {
        "id": call.new_id(),
        "sourceModule": asked.source_module,
        "targetModule": asked.target_module,
        "operation": asked.operation,
        "payload": asked.payload,
        "correlationId": asked.correlation_id or call.run or call.key,
        "timestamp": written(call.now),
        "priority": asked.priority,
        "deadline": written(call.now + timeout),
    }
    return Message.model_validate(message)
