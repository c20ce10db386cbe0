"""The queue of messages and the dead letters, in the store.

The queue is bounded, and its policy is to refuse: whoever sends to a full one fails for a while,
and is retried as its stage says, so that senders slow down to what is delivered. A message whose
deadline passed while it waited makes room as a dead letter. Refuses to carry anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from chimera.builtin.coordination.hub.messages import Letter, Message, plain
from chimera.builtin.coordination.shelf import written
from chimera.kinds import parse_duration
from chimera.runtime import OperationCall, PermanentError, StepCall, StepError
from chimera.runtime.recovery import Category
from chimera.runtime.system import DEFAULT_SYSTEM, SETTINGS, SYSTEM

Call = StepCall | OperationCall[Any]

QUEUE, LETTERS, HUB = "message", "dead-letter", "hub"
"""Collections: what waits, what could not be delivered, and how far the hub has come."""

WAITING = "waiting"
"""Item of the hub that counts what waits, so that no message costs a look at all others."""

DEAD_TOPIC = "hub.dead"


@dataclass(frozen=True, slots=True)
class Limits:
    """How many messages wait at most, and how long one does."""

    size: int
    timeout: timedelta


def limits_of(call: Call) -> Limits:
    """Return what the applied orchestrator says of messages, else what holds without one."""
    said = call.store.get(SETTINGS, SYSTEM)
    if said is None:
        return Limits(DEFAULT_SYSTEM.queue_size, DEFAULT_SYSTEM.message_timeout)
    return Limits(said["messageQueueSize"], parse_duration(said["messageTimeout"]))


def enter(call: Call, message: Message) -> None:
    """Have a message wait; raises `StepError`, which is transient, where the queue is full."""
    size = limits_of(call).size
    if waiting(call) >= size:
        sweep(call)
    if waiting(call) >= size:
        raise StepError(
            f"{size} messages wait for delivery, as many as the queue holds",
            category=Category.COMMUNICATION,
            transient=True,
            help="it is tried again; a larger messageQueueSize of the Orchestrator holds more",
        )
    call.store.put(QUEUE, message.id, plain(message))
    _count(call, 1)


def leave(call: Call, id: str) -> None:
    """Have a message wait no longer, if it does."""
    if call.store.get(QUEUE, id) is not None:
        call.store.delete(QUEUE, id)
        _count(call, -1)


def sweep(call: Call) -> None:
    """Make dead letters of messages that nobody delivered before their deadlines."""
    for _, value in list(call.store.find(QUEUE)):
        message = Message.model_validate(value)
        if message.is_late(call.now):
            leave(call, message.id)
            bury(call, message, f"nobody delivered it before its deadline, {message.deadline}")


def waiting(call: Call) -> int:
    """Return how many messages wait."""
    return int((call.store.get(HUB, WAITING) or {"count": 0})["count"])


def _count(call: Call, more: int) -> None:
    call.store.put(HUB, WAITING, {"count": waiting(call) + more})


def bury(call: Call, message: Message, reason: str) -> Letter:
    """Keep a message that could not be delivered as a dead letter, and say so to subscribers."""
    known = call.store.get(LETTERS, message.id)
    replays = 0 if known is None else known["replays"] + 1
    letter = Letter(
        message=message, reason=reason, at=written(call.now), run=call.run, replays=replays
    )
    call.store.put(LETTERS, message.id, plain(letter))
    call.publish(DEAD_TOPIC, {"id": message.id, "operation": message.name, "reason": reason})
    return letter


def letter_of(call: Call, id: str) -> Letter:
    """Return a dead letter; raises `PermanentError` where there is none of that id."""
    found = call.store.get(LETTERS, id)
    if found is None:
        raise PermanentError(
            f"there is no dead letter {id}", help="hub.deadLetters lists those that there are"
        )
    return Letter.model_validate(found)


def discard(call: Call, id: str) -> None:
    """Forget a dead letter, if there is one."""
    call.store.delete(LETTERS, id)
