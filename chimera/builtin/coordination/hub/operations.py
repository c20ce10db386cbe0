"""What the hub can do, as operations: request, broadcast, publish, deliver, and dead letters.

Refuses to do anything besides: how a message is carried is laid out elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from chimera.builtin.coordination.declaring import stored
from chimera.builtin.coordination.hub.messages import Letter
from chimera.builtin.coordination.hub.requests import (
    Answer,
    Answers,
    Broadcast,
    Replay,
    Request,
    broadcast,
    replay,
    request,
)
from chimera.builtin.coordination.hub.subscribing import (
    Delivered,
    Delivery,
    Heard,
    Published,
    deliver,
    publish,
)
from chimera.builtin.coordination.hub.waiting import LETTERS, discard, letter_of
from chimera.kinds import Field, Items, Model, Text
from chimera.runtime import Operation, OperationCall


class Query(Model):
    """Which dead letters are asked for."""

    module: Text | None = Field(default=None, description="Module that they were for.")
    correlation_id: Text | None = Field(default=None, description="What they belong to.")
    limit: Annotated[int, Field(ge=1, le=1000)] = Field(default=100, description="Most to give.")


class Letters(Model):
    """The dead letters that were found."""

    letters: Items[Letter] = Field(description="The dead letters, the oldest first.")
    count: int = Field(description="How many they are.")


class Discarded(Model):
    """Which dead letter is forgotten."""

    id: Text = Field(description="Id of the message.")


def _letters(call: OperationCall[Query]) -> Mapping[str, Any]:
    asked = call.inputs
    found = [Letter.model_validate(value) for _, value in call.store.find(LETTERS)]
    chosen = [
        letter
        for letter in found
        if asked.module in (None, letter.message.target_module)
        and asked.correlation_id in (None, letter.message.correlation_id)
    ]
    chosen.sort(key=lambda letter: (letter.at, letter.message.id))
    return {"letters": tuple(chosen[: asked.limit]), "count": len(chosen[: asked.limit])}


def _discard(call: OperationCall[Discarded]) -> Letter:
    letter = letter_of(call, call.inputs.id)
    discard(call, call.inputs.id)
    return letter


OPERATIONS: tuple[Operation[Any, Any], ...] = (
    Operation(
        name="hub.request",
        summary="Ask a module to do something, and give what it answers.",
        inputs=Request,
        outputs=Answer,
        expand=request,
        aliases=("core.routeMessage",),
    ),
    Operation(
        name="hub.broadcast",
        summary="Ask every module that can do it to do something.",
        inputs=Broadcast,
        outputs=Answers,
        expand=broadcast,
        aliases=("core.broadcast",),
    ),
    Operation(
        name="hub.replay",
        summary="Send a dead letter again.",
        inputs=Replay,
        outputs=Answer,
        expand=replay,
    ),
    Operation(
        name="hub.deliver",
        summary="Deliver what was published to the modules that subscribed to it.",
        inputs=Delivery,
        outputs=Delivered,
        expand=deliver,
    ),
    stored("hub.publish", "Say something to whoever subscribed.", Published, Heard, publish),
    stored("hub.deadLetters", "List messages that were not delivered.", Query, Letters, _letters),
    stored("hub.discard", "Forget a dead letter, and give it.", Discarded, Letter, _discard),
)
