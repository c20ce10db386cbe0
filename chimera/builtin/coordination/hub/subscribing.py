"""What was published, and who subscribed to it.

A step's messages stand in the outbox from the moment at which its result is on disk. `hub.deliver`
carries them to the modules that subscribed to their topics: in order, one at a time for all
modules, at least once. How far a module has come is its *cursor*, which is written with what its
operation wrote: a message that comes again, by a second run for one, is recognised and not done
again. A module gets what is published from its start on. Refuses topics that are none.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from chimera.builtin.coordination.declaring import MODULES
from chimera.builtin.coordination.hub.carrying import Carrier, Operations, inline, route
from chimera.builtin.coordination.hub.messages import Message, plain
from chimera.builtin.coordination.hub.waiting import HUB, limits_of
from chimera.builtin.coordination.lifecycle import SUBSCRIPTIONS
from chimera.kinds import Field, Items, Model, StringConstraints, Text
from chimera.runtime import Expansion, Json, OperationCall, Outputs, Step, StepCall, StepError
from chimera.runtime.outbox import OUTBOX
from chimera.runtime.recovery import Category
from chimera.runtime.topics import MAX_LENGTH, TOPIC_PATTERN, Topics

BACKLOG = "backlog"
"""Item of the hub: how many messages with subscribers wait, as far as is known."""

Topic = Annotated[str, StringConstraints(pattern=TOPIC_PATTERN, max_length=MAX_LENGTH)]


class Published(Model):
    """What is published."""

    topic: Topic = Field(description="What it is about, in words with dots: context.updated.")
    payload: dict[str, Any] = Field(default_factory=dict, description="What there is to say.")


class Heard(Model):
    """Who will hear of what was published."""

    topic: Text = Field(description="What it is about.")
    subscribers: Items[str] = Field(description="Modules that it will be delivered to.")


class Delivery(Model):
    """How much is delivered."""

    limit: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=1000, description="Messages that are delivered at most."
    )


class Delivered(Model):
    """What was delivered."""

    delivered: int = Field(description="How many messages were delivered.")
    dead: int = Field(description="How many became dead letters.")
    left: int = Field(description="How many were left for another time.")


def publish(call: OperationCall[Published]) -> dict[str, Any]:
    """Publish a message; refuses one more for subscribers who have too many to come."""
    asked = call.inputs
    subscribers = [row["module"] for row in _topics(call).find_rows(asked.topic)]
    limit, known = limits_of(call).size, _backlog(call)
    if subscribers and known >= limit:
        raise StepError(
            f"{known} messages wait for modules that subscribed, and the queue holds {limit}",
            category=Category.COMMUNICATION,
            transient=True,
            help="deliver them with hub.deliver; a larger messageQueueSize holds more",
        )
    if subscribers:
        call.store.put(HUB, BACKLOG, {"count": known + len(subscribers)})
    call.publish(asked.topic, asked.payload)
    return {"topic": asked.topic, "subscribers": tuple(subscribers)}


def deliver(asked: Delivery, operations: Operations, root: Path) -> Expansion:
    """Return the steps by which what was published is delivered to modules."""
    carrier = Carrier(operations, root, _is_past, _pass)

    def take(call: StepCall) -> Json:
        waiting = list(_waiting(call))
        taken = waiting[: asked.limit]
        left = len(waiting) - len(taken)
        call.store.put(HUB, BACKLOG, {"count": left})
        return {
            "taken": [{"message": plain(m), "dead": route(call, operations, m)} for m in taken],
            "left": left,
        }

    def each(taken: Json) -> Expansion:
        assert isinstance(taken, list)
        return Expansion(
            count=len(taken),
            make=lambda n: Step(
                "message", inputs=lambda _: taken[n], expand=carrier.carry, effects=False
            ),
            concurrency=1,
            collect=lambda outputs: [one["status"] for one in outputs.values()],
        )

    def collect(outputs: Outputs) -> Json:
        came: Any = outputs["each"]
        return {
            "delivered": came.count("delivered"),
            "dead": came.count("dead"),
            "left": outputs["take"]["left"],
        }

    return Expansion(
        steps=(
            inline("take", take),
            Step(
                "each",
                needs=("take",),
                inputs=lambda outputs: outputs["take"]["taken"],
                expand=each,
                effects=False,
            ),
        ),
        collect=collect,
    )


class Subscriptions:
    """Who subscribed to what, as it stands in the store."""

    def __init__(self, rows: Iterator[tuple[str, Any]]) -> None:
        self._rows = dict(rows)
        self._topics: Topics[str] = Topics()
        for id, row in self._rows.items():
            self._topics.put(row["topic"], id)

    def find_rows(self, topic: str) -> list[dict[str, Any]]:
        """Return the subscriptions to a topic, in order: the first of each module that has some."""
        found: dict[str, dict[str, Any]] = {}
        for id in sorted(self._topics.find(topic)):
            found.setdefault(self._rows[id]["module"], self._rows[id])
        return list(found.values())


def _topics(call: OperationCall[Any] | StepCall) -> Subscriptions:
    return Subscriptions(iter(call.store.find(SUBSCRIPTIONS)))


def _backlog(call: OperationCall[Any]) -> int:
    return int((call.store.get(HUB, BACKLOG) or {"count": 0})["count"])


def _waiting(call: StepCall) -> Iterator[Message]:
    """Yield what modules have still to get, in the order in which it was published."""
    subscriptions = _topics(call)
    for id, told in call.store.find(OUTBOX):
        for row in subscriptions.find_rows(told["topic"]):
            message = _addressed(id, told, row)
            if _is_for(call, message, told["at"]) and not _is_past(call, message):
                yield message


def _addressed(id: str, told: Any, row: dict[str, Any]) -> Message:
    """Return what was published as a message to one of its subscribers."""
    module = row["module"]
    payload = {
        "messageId": id,
        "topic": told["topic"],
        "payload": told["payload"],
        "correlationId": told["run"],
        "timestamp": told["at"],
    }
    message = {
        "id": f"{id}@{module}",
        "sourceModule": told["topic"].partition(".")[0],
        "targetModule": module,
        "operation": row["operation"].removeprefix(f"{module}."),
        "payload": payload,
        "correlationId": told["run"],
        "timestamp": told["at"],
        "priority": "normal",
        "deadline": None,
    }
    return Message.model_validate(message)


def _is_for(call: StepCall, message: Message, at: str) -> bool:
    """Tell whether a module had started when a message was published, if it has got none yet."""
    if call.store.get(HUB, _cursor(message)) is not None:
        return True
    module = call.store.get(MODULES, message.target_module)
    since = module.get("since") if module else None
    return since is None or since <= at


def _is_past(call: StepCall, message: Message) -> bool:
    """Tell whether the module has got the message, or a later one, already."""
    cursor = call.store.get(HUB, _cursor(message))
    return cursor is not None and message.id.rpartition("@")[0] <= cursor["message"]


def _pass(call: StepCall, message: Message) -> None:
    """Note that the module has got the message."""
    call.store.put(HUB, _cursor(message), {"message": message.id.rpartition("@")[0]})


def _cursor(message: Message) -> str:
    return f"cursor/{message.target_module}"
