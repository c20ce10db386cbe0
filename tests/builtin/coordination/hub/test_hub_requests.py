"""Routed requests: answers, deadlines, priorities, back-pressure, dead letters and replays."""

from __future__ import annotations

from typing import Any

import pytest

from chimera.builtin.coordination.declaring import stored
from chimera.builtin.coordination.hub.messages import RANKS
from chimera.builtin.coordination.hub.requests import Request, request
from chimera.kinds import Field, Model
from chimera.runtime import OperationCall, PermanentError, StepError
from chimera.runtime.recovery import Category
from tests.builtin.coordination.conftest import ROOT
from tests.builtin.coordination.hub.conftest import Hub


class Text(Model):
    """A text."""

    text: str = Field(default="", description="The text.")


def install(hub: Hub, name: str, run: Any) -> None:
    """Register an operation that touches only the store."""
    hub.operations[name] = stored(name, "For a test.", Text, Text, run)


def test_a_request_gives_what_the_module_answers(hub: Hub) -> None:
    came = hub.do(
        "hub.request", targetModule="context", operation="create", payload={"name": "work"}
    )
    assert came["status"] == "delivered"
    assert came["reply"]["alias"] == "ctx-001"
    assert came["module"] == "context"
    assert hub.store.find("context") != []
    assert hub.store.find("message") == []
    assert hub.letters() == []


def test_a_request_can_be_made_by_the_name_that_the_seed_gives_it(hub: Hub) -> None:
    came = hub.do("core.routeMessage", targetModule="context", operation="query")
    assert came["reply"]["count"] == 0


def test_what_belongs_to_a_run_says_so_unless_it_says_another(hub: Hub) -> None:
    asked = {"targetModule": "context", "operation": "query"}
    assert hub.do("hub.request", **asked)["correlationId"] == "run-1"
    said = hub.do("hub.request", **asked, correlationId="workflow-123")
    assert said["correlationId"] == "workflow-123"


def test_equal_runs_send_equal_messages(hub: Hub) -> None:
    other = Hub(dict(hub.operations))
    asked = {"targetModule": "context", "operation": "create", "payload": {"name": "work"}}
    assert hub.do("hub.request", **asked) == other.do("hub.request", **asked)
    assert (hub.order, hub.store.values) == (other.order, other.store.values)


def test_a_request_past_its_deadline_is_not_delivered(hub: Hub) -> None:
    hub.before["/deliver"] = lambda: hub.wait(seconds=31)
    with pytest.raises(PermanentError, match=r"deadline, 2026-11-21T12:00:30.000Z, passed"):
        hub.do("hub.request", targetModule="context", operation="create", payload={"name": "a"})
    assert hub.store.find("context") == []
    (letter,) = hub.letters()
    assert letter["reason"].endswith("passed before it was delivered")
    assert letter["message"]["operation"] == "create"


@pytest.mark.parametrize(("timeout", "status"), [("2m", "delivered"), ("30s", "dead")])
def test_the_deadline_is_the_request_s_own_or_the_orchestrator_s(
    hub: Hub, timeout: str, status: str
) -> None:
    hub.settings(messageTimeout=timeout)
    hub.before["/deliver"] = lambda: hub.wait(minutes=1)
    asked = {"targetModule": "context", "operation": "query", "failOnDead": False}
    assert hub.do("hub.request", **asked)["status"] == status
    hub.before["/deliver"] = lambda: hub.wait(minutes=1)
    assert hub.do("hub.request", **asked, timeout="5m")["status"] == "delivered"


def test_a_message_to_nobody_is_a_dead_letter_that_suggests(hub: Hub) -> None:
    with pytest.raises(PermanentError, match=r"context.creat: did you mean context.create\?"):
        hub.do("hub.request", targetModule="context", operation="creat")
    (letter,) = hub.letters()
    assert letter["message"]["targetModule"] == "context"
    assert hub.published("hub.dead")[0]["id"] == letter["message"]["id"]
    assert hub.store.find("message") == []


def test_a_message_to_a_module_that_is_not_there_says_so(hub: Hub) -> None:
    came = hub.do("hub.request", targetModule="nobody", operation="create", failOnDead=False)
    assert came["reason"] == "there is no module nobody"


def test_a_module_that_is_shut_down_gets_nothing(hub: Hub) -> None:
    hub.store.put("module", "context", {"state": "stopped", "configuration": {}})
    asked = {"targetModule": "context", "operation": "query", "failOnDead": False}
    assert hub.do("hub.request", **asked)["reason"] == "the module context is stopped"
    hub.store.put("module", "context", {"state": "started", "configuration": {}})
    assert hub.do("hub.request", **asked)["status"] == "delivered"


def test_what_the_operation_refuses_is_told_and_nothing_of_it_is_kept(hub: Hub) -> None:
    def half(call: OperationCall[Text]) -> Text:
        call.store.put("half", "a", {"done": True})
        call.publish("half.done", {})
        raise PermanentError("not today")

    install(hub, "half.do", half)
    came = hub.do("hub.request", targetModule="half", operation="do", failOnDead=False)
    assert (came["status"], came["reason"]) == ("dead", "half.do failed: not today")
    assert hub.store.find("half") == []
    assert hub.published("half.done") == []


def test_a_payload_that_does_not_fit_is_a_dead_letter(hub: Hub) -> None:
    asked = {"targetModule": "context", "operation": "create", "payload": {"nme": "x"}}
    came = hub.do("hub.request", **asked, failOnDead=False)
    assert came["status"] == "dead"
    assert "the inputs of the operation context.create do not fit" in came["reason"]


def test_transient_failures_are_retried_and_then_told(hub: Hub) -> None:
    failures = [StepError("busy", category=Category.MODULE, transient=True)] * 2

    def flaky(call: OperationCall[Text]) -> Text:
        call.store.put("flaky", str(call.attempt), {})
        if failures:
            raise failures.pop()
        return Text(text="there")

    install(hub, "flaky.do", flaky)
    came = hub.do("hub.request", targetModule="flaky", operation="do")
    assert came["reply"] == {"text": "there"}
    assert [id for id, _ in hub.store.find("flaky")] == ["3"]
    failures.extend([StepError("busy", category=Category.MODULE, transient=True)] * 9)
    came = hub.do("hub.request", targetModule="flaky", operation="do", failOnDead=False)
    assert came["reason"] == "flaky.do failed: busy"
    assert len(failures) == 5


def test_what_an_operation_publishes_is_published(hub: Hub) -> None:
    hub.do("hub.request", targetModule="context", operation="create", payload={"name": "a"})
    assert len(hub.published("context.created")) == 1


def test_an_operation_of_many_steps_can_be_asked_for(hub: Hub) -> None:
    payload = {"targetModule": "context", "operation": "query"}
    came = hub.do("hub.request", targetModule="hub", operation="request", payload=payload)
    assert came["reply"]["reply"]["count"] == 0
    payload = {"targetModule": "context", "operation": "querry"}
    asked = {"targetModule": "hub", "operation": "request", "payload": payload}
    came = hub.do("hub.request", **asked, failOnDead=False)
    assert came["reason"] == "hub.request failed: `chimera runs show` says in which step"


@pytest.mark.parametrize("priority", RANKS)
def test_a_priority_is_that_of_the_step_that_delivers(hub: Hub, priority: Any) -> None:
    asked = Request(targetModule="context", operation="query", priority=priority)
    _, carry, _ = request(asked, hub.operations, ROOT).steps
    sent = {"dead": None, "message": {**MESSAGE, "priority": priority}}
    assert carry.expand is not None
    deliver, _ = carry.expand(sent).steps
    assert deliver.priority == RANKS[priority]


MESSAGE = {
    "id": "m",
    "sourceModule": "core",
    "targetModule": "context",
    "operation": "query",
    "payload": {},
    "correlationId": "c",
    "timestamp": "2026-11-21T11:00:00.000Z",
    "priority": "normal",
    "deadline": "2026-11-21T12:00:10.000Z",
}


def occupy(hub: Hub, count: int) -> None:
    """Have messages wait that nobody delivers."""
    for number in range(count):
        hub.store.put("message", f"m{number}", {**MESSAGE, "id": f"m{number}"})
    hub.store.put("hub", "waiting", {"count": count})


def test_a_full_queue_refuses_for_a_while(hub: Hub) -> None:
    hub.settings(messageQueueSize=2)
    occupy(hub, 2)
    with pytest.raises(StepError, match="as many as the queue holds") as refused:
        hub.do("hub.request", targetModule="context", operation="query")
    assert refused.value.transient
    assert refused.value.category is Category.COMMUNICATION
    hub.settings(messageQueueSize=3)
    hub.do("hub.request", targetModule="context", operation="query")
    assert hub.store.get("hub", "waiting") == {"count": 2}


def test_messages_whose_deadline_passed_make_room(hub: Hub) -> None:
    hub.settings(messageQueueSize=2)
    occupy(hub, 2)
    hub.wait(seconds=11)
    hub.do("hub.request", targetModule="context", operation="query")
    assert [letter["message"]["id"] for letter in hub.letters()] == ["m0", "m1"]
    assert hub.letters()[0]["reason"].startswith("nobody delivered it before its deadline")
    assert hub.store.get("hub", "waiting") == {"count": 0}


def test_a_dead_letter_is_sent_again_as_the_same_message(hub: Hub) -> None:
    hub.store.put("module", "context", {"state": "stopped", "configuration": {}})
    asked = {"targetModule": "context", "operation": "query", "failOnDead": False}
    id = hub.do("hub.request", **asked)["messageId"]
    hub.wait(hours=1)
    assert hub.do("hub.replay", id=id, failOnDead=False)["status"] == "dead"
    assert hub.letters()[0]["replays"] == 1
    hub.store.put("module", "context", {"state": "started", "configuration": {}})
    came = hub.do("hub.replay", id=id)
    assert (came["messageId"], came["status"]) == (id, "delivered")
    assert hub.letters() == []
    with pytest.raises(PermanentError, match="there is no dead letter"):
        hub.do("hub.replay", id=id)


def test_dead_letters_are_listed_and_forgotten(hub: Hub) -> None:
    for module in ("a", "b"):
        asked = {"targetModule": module, "operation": "x", "correlationId": f"of-{module}"}
        hub.do("hub.request", **asked, failOnDead=False)
        hub.wait(seconds=1)
    assert [one["message"]["targetModule"] for one in hub.letters()] == ["a", "b"]
    (of_b,) = hub.do("hub.deadLetters", module="b")["letters"]
    assert hub.do("hub.deadLetters", correlationId="of-a")["count"] == 1
    assert hub.do("hub.discard", id=of_b["message"]["id"]) == of_b
    assert [one["message"]["targetModule"] for one in hub.letters()] == ["a"]
    with pytest.raises(PermanentError, match="there is no dead letter"):
        hub.do("hub.discard", id="nobody")


def test_a_broadcast_reaches_every_module_that_can_do_it(hub: Hub) -> None:
    came = hub.do("hub.broadcast", operation="query", payload={"limit": 5})
    modules = [answer["module"] for answer in came["answers"]]
    assert modules == sorted(modules)
    assert {"context", "plan", "role", "trace"} <= set(modules)
    assert came["delivered"] == len(modules)
    assert hub.do("hub.broadcast", operation="noSuchThing") == {
        "answers": [],
        "delivered": 0,
        "dead": 0,
    }


def test_a_broadcast_goes_on_past_a_module_that_refuses(hub: Hub) -> None:
    hub.store.put("module", "context", {"state": "stopped", "configuration": {}})
    came = hub.do("hub.broadcast", operation="query", payload={"limit": 5})
    assert came["dead"] == 1
    assert came["delivered"] > 5
    with pytest.raises(PermanentError, match="the module context is stopped"):
        hub.do("hub.broadcast", operation="query", failOnDead=True)


def test_what_has_several_steps_is_no_one_piece_of_work(hub: Hub) -> None:
    with pytest.raises(PermanentError, match="durable steps"):
        hub.operations["hub.request"].run(None)  # type: ignore[arg-type]


def test_a_retry_past_the_deadline_delivers_nothing(hub: Hub) -> None:
    def busy(call: OperationCall[Text]) -> Text:
        hub.wait(seconds=40)
        raise StepError("busy", category=Category.MODULE, transient=True)

    install(hub, "busy.do", busy)
    came = hub.do("hub.request", targetModule="busy", operation="do", failOnDead=False)
    assert came["reason"].startswith("its deadline, 2026-11-21T12:00:30.000Z, passed")
    assert len([path for path in hub.attempts if path.endswith("/deliver")]) == 2
