"""The hub on the real engine: what a run of one of its operations leaves in the state."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chimera.builtin.coordination.declaring import stored
from chimera.builtin.coordination.hub.health import observe
from chimera.builtin.coordination.hub.requests import Request
from chimera.context import Context
from chimera.kinds import Field, Model
from chimera.runtime import Engine, Graph, Operation, OperationCall, Outputs, RunResult, Step
from chimera.runtime.health import HealthTask
from chimera.state import RunStatus, StateWriter, open_state
from tests.builtin.coordination.hub.conftest import REGISTERED


class Pacing:
    """The machine's clock, which goes on by `pace` whenever it is looked at."""

    pace = timedelta()
    gone = timedelta()

    def now(self) -> datetime:
        self.gone += self.pace
        return datetime.now(UTC) + self.gone


class House:
    """A state, and operations performed on it, each in a run of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.clock = Pacing()
        self.context = replace(Context.system(), clock=self.clock)
        self.operations: dict[str, Operation[Any, Any]] = dict(REGISTERED)
        self.state: StateWriter = open_state(root, self.context, command="test")

    def step(self, id: str, name: str, /, **inputs: Any) -> Step:
        operation = self.operations[name]

        def given(outputs: Outputs) -> Any:
            return inputs

        if operation.expand is not None:
            return Step(
                id,
                inputs=given,
                expand=lambda asked: operation.expanded(asked, self.operations, self.root),
                effects=False,
            )
        return Step(
            id,
            lambda call: operation.perform(call, self.root),
            inputs=given,
            effects=operation.effects,
            executor=operation.executor,
        )

    def execute(self, *steps: Step, concurrency: int = 32) -> RunResult:
        run = self.state.create_run("local", "Workflow/test", None, None)
        graph = Graph(None, steps, concurrency)
        return Engine(self.state, self.context).execute(run, graph)

    def do(self, name: str, /, **inputs: Any) -> Any:
        result = self.execute(self.step("do", name, **inputs))
        assert result.status is RunStatus.SUCCEEDED, result.failed
        assert result.outputs is not None
        return result.outputs["do"]

    def items(self, collection: str) -> list[Any]:
        return [item.value for item in self.state.items("local", collection)]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.state.close()


class Told(Model):
    """What a subscriber is told."""

    message_id: str = Field(description="Id of the message.")
    topic: str = Field(description="What it is about.")
    payload: dict[str, Any] = Field(description="What there is to say.")
    correlation_id: str = Field(description="Run that published it.")
    timestamp: str = Field(description="When.")


class Nothing(Model):
    """Nothing."""


def subscribe(house: House, module: str, topic: str) -> None:
    """Have a module keep what is published under a topic."""

    def receive(call: OperationCall[Told]) -> Nothing:
        call.store.put(module, call.inputs.message_id, call.inputs.payload)
        return Nothing()

    name = f"{module}.receive"
    house.operations[name] = stored(name, "Receive.", Told, Nothing, receive)

    def start(call: Any) -> None:
        row = {"module": module, "topic": topic, "operation": name}
        call.store.put("subscription", f"{module}/{topic}", row)
        state = {"state": "started", "since": call.now.isoformat(), "configuration": {}}
        call.store.put("module", module, state)

    house.execute(Step("start", start, executor="inline", effects=False))


def test_a_request_is_answered_by_a_durable_step(house: House) -> None:
    came = house.do(
        "hub.request", targetModule="context", operation="create", payload={"name": "a"}
    )
    assert came["reply"]["alias"] == "ctx-001"
    assert len(house.items("context")) == 1
    assert house.items("message") == []
    assert house.items("hub") == [{"count": 0}]


def test_a_request_past_its_deadline_is_a_dead_letter_though_the_stage_fails(house: House) -> None:
    done: list[int] = []

    def work(call: OperationCall[Nothing]) -> Nothing:
        done.append(call.attempt)
        return Nothing()

    house.operations["slow.it"] = Operation("slow.it", "Work.", Nothing, Nothing, work)
    clock = house.clock
    clock.pace = timedelta(seconds=1)
    asked = {"targetModule": "slow", "operation": "it"}
    result = house.execute(house.step("do", "hub.request", **asked, timeout="1ms"))
    assert result.status is RunStatus.FAILED
    assert done == []
    (letter,) = house.items("dead-letter")
    assert "passed before it was delivered" in letter["reason"]
    assert letter["run"] == result.run
    assert house.do("hub.replay", id=letter["message"]["id"])["status"] == "delivered"
    assert house.items("dead-letter") == []
    assert done == [1]


def test_a_higher_priority_is_delivered_first(house: House) -> None:
    order: list[str] = []

    def note(call: OperationCall[Request]) -> Nothing:
        order.append(call.inputs.source_module)
        return Nothing()

    house.operations["note.it"] = Operation("note.it", "Note.", Request, Nothing, note)
    first = Step("first", lambda call: None)
    steps = []
    for priority in ("low", "normal", "critical", "high"):
        payload = {"sourceModule": priority, "targetModule": "x", "operation": "y"}
        asked = {"targetModule": "note", "operation": "it", "payload": payload}
        steps.append(house.step(priority, "hub.request", **asked, priority=priority))
    result = house.execute(first, *steps, concurrency=1)
    assert result.status is RunStatus.SUCCEEDED, result.failed
    assert sorted(order) == ["critical", "high", "low", "normal"]
    assert order.index("critical") < order.index("low")


def test_what_is_published_is_delivered_in_order_and_once(house: House) -> None:
    subscribe(house, "listener", "news.#")
    for number in range(3):
        house.do("hub.publish", topic="news.a", payload={"n": number})
    assert house.do("hub.deliver") == {"delivered": 3, "dead": 0, "left": 0}
    assert house.items("listener") == [{"n": 0}, {"n": 1}, {"n": 2}]
    assert house.do("hub.deliver") == {"delivered": 0, "dead": 0, "left": 0}


def test_two_deliveries_at_once_deliver_once(house: House) -> None:
    subscribe(house, "listener", "#")
    for number in range(20):
        house.do("hub.publish", topic="news", payload={"n": number})
    result = house.execute(*(house.step(f"d{n}", "hub.deliver") for n in range(3)))
    assert result.status is RunStatus.SUCCEEDED, result.failed
    assert house.items("listener") == [{"n": number} for number in range(20)]


def test_a_broadcast_reaches_all(house: House) -> None:
    came = house.do("hub.broadcast", operation="query", payload={"limit": 3})
    assert came["dead"] == 0
    assert came["delivered"] >= 9


def health_of(house: House) -> tuple[str, str] | None:
    """Return how the hub is said to be, and what is to be done."""
    snapshot: Any = None
    task = HealthTask("local", snapshot, house.state, house.context)
    found = [(check.status.value, check.help or "") for check in observe(task)]
    return found[0] if found else None


def test_the_hub_says_how_it_is(house: House) -> None:
    assert health_of(house) is None
    house.do("hub.request", targetModule="context", operation="query")
    assert health_of(house) == ("healthy", "")
    house.do("hub.request", targetModule="nobody", operation="x", failOnDead=False)
    status, help = health_of(house) or ("", "")
    assert status == "degraded"
    assert "hub.replay" in help
    house.state.put_items({("local", "hub", "waiting"): {"count": 10_000}})
    status, help = health_of(house) or ("", "")
    assert status == "unhealthy"
    assert "messageQueueSize" in help
