"""Publish and subscribe: who hears of what, in which order, and what is not done twice."""

from __future__ import annotations

from typing import Any

import pytest

from chimera.builtin.coordination.declaring import stored
from chimera.kinds import Field, Model
from chimera.runtime import OperationCall, PermanentError, StepError
from tests.builtin.coordination.hub.conftest import Hub


class Received(Model):
    """What a subscriber is told."""

    message_id: str = Field(description="Id of the message.")
    topic: str = Field(description="What it is about.")
    payload: dict[str, Any] = Field(description="What there is to say.")
    correlation_id: str = Field(description="Run that published it.")
    timestamp: str = Field(description="When.")


class Nothing(Model):
    """Nothing."""


def subscriber(hub: Hub, module: str, *topics: str, refuses: tuple[str, ...] = ()) -> None:
    """Start a module that keeps what it receives, in order."""

    def receive(call: OperationCall[Received]) -> Nothing:
        if call.inputs.payload.get("n") in refuses:
            raise PermanentError("not this one")
        number = call.store.count(module)
        call.store.put(module, f"{number:04}", call.inputs.model_dump())
        return Nothing()

    name = f"{module}.receive"
    hub.operations[name] = stored(name, "Receive.", Received, Nothing, receive)
    state = {"state": "started", "since": hub.now.isoformat(), "configuration": {}}
    hub.store.put("module", module, state)
    for topic in topics:
        row = {"module": module, "topic": topic, "operation": name}
        hub.store.put("subscription", f"{module}/{topic}", row)


def received(hub: Hub, module: str) -> list[Any]:
    return [value["payload"].get("n") for _, value in hub.store.find(module)]


def test_subscribers_get_what_matches_in_the_order_in_which_it_was_published(hub: Hub) -> None:
    subscriber(hub, "all", "#")
    subscriber(hub, "some", "news.*")
    for number, topic in enumerate(["news.a", "other", "news.b", "news.a.b", "news.c"]):
        hub.do("hub.publish", topic=topic, payload={"n": number})
    assert hub.do("hub.deliver") == {"delivered": 8, "dead": 0, "left": 0}
    assert received(hub, "all") == [0, 1, 2, 3, 4]
    assert received(hub, "some") == [0, 2, 4]


def test_a_subscriber_is_told_what_when_and_by_which_run(hub: Hub) -> None:
    subscriber(hub, "one", "news.#")
    hub.do("hub.publish", topic="news.a", payload={"n": 1})
    hub.do("hub.deliver")
    ((_, told),) = hub.store.find("one")
    assert told == {
        "messageId": "2026-11-21T12:00:00+00:00/000001",
        "topic": "news.a",
        "payload": {"n": 1},
        "correlationId": "run-1",
        "timestamp": "2026-11-21T12:00:00+00:00",
    }


def test_what_modules_publish_is_delivered_too(hub: Hub) -> None:
    subscriber(hub, "one", "context.*")
    hub.do("context.create", name="work")
    hub.do("hub.deliver")
    ((_, told),) = hub.store.find("one")
    assert told["topic"] == "context.created"
    assert told["payload"]["event"]["data"]["alias"] == "ctx-001"


def test_nothing_is_delivered_twice_and_what_is_redelivered_is_recognised(hub: Hub) -> None:
    subscriber(hub, "one", "#")
    hub.do("hub.publish", topic="a", payload={"n": 1})
    hub.before["each[0]/deliver"] = lambda: hub.do("hub.deliver")  # another run, meanwhile
    assert hub.do("hub.deliver")["delivered"] == 1
    assert received(hub, "one") == [1]
    assert hub.do("hub.deliver") == {"delivered": 0, "dead": 0, "left": 0}


def test_a_subscription_of_two_patterns_hears_once(hub: Hub) -> None:
    subscriber(hub, "one", "a.*", "#")
    hub.do("hub.publish", topic="a.b", payload={"n": 1})
    assert hub.do("hub.deliver")["delivered"] == 1


def test_a_module_gets_what_is_published_from_its_start_on(hub: Hub) -> None:
    hub.do("hub.publish", topic="a", payload={"n": "before"})
    hub.wait(seconds=1)
    subscriber(hub, "late", "#")
    hub.wait(seconds=1)
    hub.do("hub.publish", topic="a", payload={"n": "after"})
    hub.do("hub.deliver")
    assert received(hub, "late") == ["after"]
    hub.do("hub.publish", topic="a", payload={"n": "while it was started anew"})
    hub.wait(seconds=1)
    subscriber(hub, "late", "#")
    hub.do("hub.deliver")
    assert received(hub, "late") == ["after", "while it was started anew"]


def test_what_a_subscriber_refuses_is_a_dead_letter_and_the_next_is_delivered(hub: Hub) -> None:
    subscriber(hub, "one", "#", refuses=("b",))
    for name in ("a", "b", "c"):
        hub.do("hub.publish", topic="t", payload={"n": name})
    assert hub.do("hub.deliver") == {"delivered": 2, "dead": 1, "left": 0}
    assert received(hub, "one") == ["a", "c"]
    (letter,) = hub.letters()
    assert letter["reason"] == "one.receive failed: not this one"
    subscriber(hub, "one", "#")
    hub.do("hub.replay", id=letter["message"]["id"])
    assert received(hub, "one") == ["a", "c", "b"]
    assert hub.letters() == []


def test_no_more_than_the_limit_is_delivered_and_what_is_left_is_told(hub: Hub) -> None:
    subscriber(hub, "one", "#")
    for number in range(5):
        hub.do("hub.publish", topic="t", payload={"n": number})
    assert hub.do("hub.deliver", limit=2) == {"delivered": 2, "dead": 0, "left": 3}
    assert hub.do("hub.deliver", limit=9) == {"delivered": 3, "dead": 0, "left": 0}
    assert received(hub, "one") == [0, 1, 2, 3, 4]


def test_publishing_for_subscribers_that_are_far_behind_is_refused_for_a_while(hub: Hub) -> None:
    hub.settings(messageQueueSize=2)
    hub.do("hub.publish", topic="nobody", payload={})
    subscriber(hub, "one", "t")
    for number in range(2):
        assert hub.do("hub.publish", topic="t", payload={"n": number})["subscribers"] == ["one"]
    with pytest.raises(StepError, match="the queue holds 2") as refused:
        hub.do("hub.publish", topic="t", payload={"n": 2})
    assert refused.value.transient
    hub.do("hub.publish", topic="nobody", payload={})
    hub.do("hub.deliver")
    hub.do("hub.publish", topic="t", payload={"n": 2})


@pytest.mark.parametrize("topic", ["", "a.", "a.*", "a b", "a" * 256])
def test_what_is_no_topic_is_not_published(hub: Hub, topic: str) -> None:
    with pytest.raises(PermanentError, match="do not fit"):
        hub.do("hub.publish", topic=topic)


def test_equal_histories_deliver_alike(hub: Hub) -> None:
    other = Hub(dict(hub.operations))
    for one in (hub, other):
        subscriber(one, "b", "#")
        subscriber(one, "a", "t.*")
        for number in range(3):
            one.do("hub.publish", topic=f"t.{number}", payload={"n": number})
        one.do("hub.deliver")
    assert hub.order == other.order
    assert hub.store.values == other.store.values
