"""Questions to humans: who may answer, and what the module confirm knows of them."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chimera.builtin.workflow.plugin import chimera_reconcile
from chimera.context import Context
from chimera.model import Actor, UsageError
from chimera.render.runs import run_json, run_text
from chimera.runtime import ReconcileTask, RunError
from chimera.state import StateWriter
from chimera.workspace import Workspace
from tests.builtin.workflow.conftest import ADDRESS, write_workflows

ASKING = """
    trigger: human
    stages:
      - {id: ask, confirm: {question: "go on?", approvers: [ada]%s}}
    outputs: {by: "${ask.by}", approved: "${ask.approved}", request: "${ask.request}"}
"""
ADA, BOB, ROBOT = Actor("ada", "human"), Actor("bob", "human"), Actor("ada", "automation")


class House:
    """A repository with one run that asks."""

    def __init__(self, root: Path, more: str = "") -> None:
        self.root = root
        write_workflows(root, it=ASKING % more)
        self.acting(ADA).apply()
        self.uid = self.run()

    def acting(self, actor: Actor) -> Workspace:
        return Workspace.open(self.root, replace(Context.system(), actor=actor))

    def run(self) -> str:
        self.acting(ADA).run(str(ADDRESS), {}, waits=False)
        return self.acting(ADA).runs.list()[0].uid

    def answer(self, actor: Actor, **data: Any) -> None:
        self.acting(actor).runs.signal(self.uid, "ask", data)

    def go_on(self) -> str:
        self.acting(ADA).runs.due(waits=False)
        return self.acting(ADA).runs.status(self.uid).status.value

    @property
    def shown(self) -> Any:
        return run_json(self.acting(ADA).runs.details(self.uid))["steps"]

    @property
    def requests(self) -> list[Any]:
        with self.acting(ADA).read_state() as state:
            return [item.value for item in state.items("local", "confirm")]


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_who_answers_is_who_sends_it_whatever_the_data_say(house: House) -> None:
    house.answer(ADA, approved=True, by="somebody", kind="robot", comment="well done")
    assert house.go_on() == "succeeded"
    said = house.shown["ask"]["output"]
    assert (said["by"], said["approved"], said["comment"]) == ("ada", True, "well done")


@pytest.mark.parametrize(
    ("actor", "data", "message"),
    [
        (BOB, {"approved": True, "by": "ada"}, "bob was not asked"),
        (ROBOT, {"approved": True, "kind": "human"}, "ada is automation"),
        (ADA, {"approved": "yes"}, "no answer"),
        (ADA, {}, "no answer"),
    ],
)
def test_what_does_not_answer_is_refused_and_the_question_stays(
    house: House, actor: Actor, data: Any, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        house.answer(actor, **data)
    assert house.go_on() == "waiting"
    assert house.requests[0]["status"] == "pending"


def test_automation_that_answers_before_it_is_asked_answers_nothing(tmp_path: Path) -> None:
    write_workflows(
        tmp_path,
        it="""
        trigger: human
        stages:
          - {id: first, wait: {signal: begin}}
          - {id: ask, confirm: {question: "go on?"}}
        """,
    )
    here = Workspace.open(tmp_path, replace(Context.system(), actor=ROBOT))
    here.apply()
    here.run(str(ADDRESS), {}, waits=False)
    uid = here.runs.list()[0].uid
    here.runs.signal(uid, "ask", {"approved": True, "by": "eve", "kind": "human"})
    here.runs.signal(uid, "begin")
    here.runs.due()
    details = here.runs.details(uid)
    assert details.run.status.value == "failed"
    assert "automation, and a human is asked" in run_text(details)


def test_a_question_is_a_request_that_its_answer_closes(house: House) -> None:
    (asked,) = house.requests
    assert (asked["status"], asked["reason"]) == ("pending", "go on?")
    assert asked["requested_by_role"] == f"run {house.uid}"
    house.answer(ADA, approved=True, comment="fine")
    assert house.go_on() == "succeeded"
    (closed,) = house.requests
    (decision,) = closed["decisions"]
    assert closed["status"] == "approved"
    assert (decision["decided_by_role"], decision["reason"]) == ("ada", "fine")
    assert house.shown["ask"]["output"]["request"] == "confirm-001"


def test_a_no_is_written_down_although_it_fails_the_stage(house: House) -> None:
    house.answer(ADA, approved=False)
    assert house.go_on() == "failed"
    assert house.requests[0]["status"] == "rejected"
    assert house.shown["ask/decision"]["error"].startswith("ada said no")


def test_a_no_can_be_an_answer_like_another(tmp_path: Path) -> None:
    house = House(tmp_path, ", onReject: continue")
    house.answer(ADA, approved=False)
    assert house.go_on() == "succeeded"
    assert house.shown["ask"]["output"]["approved"] is False


def test_a_question_that_nobody_answers_in_time_is_given_up(tmp_path: Path) -> None:
    house = House(tmp_path, ", timeout: 10ms")
    until = time.monotonic() + 20
    while house.go_on() == "waiting" and time.monotonic() < until:
        time.sleep(0.02)
    assert house.shown["ask/decision"]["error"].startswith("nobody answered in time")
    assert house.requests[0]["status"] == "cancelled"


def test_what_was_rejected_in_the_module_is_not_approved_by_a_signal(
    house: House, tmp_path: Path
) -> None:
    write_workflows(
        tmp_path,
        deny="""
        trigger: human
        stages:
          - {id: deny, module: confirm, operation: decide,
             inputs: {requestId: confirm-001, approver: ada, decision: rejected}}
        """,
    )
    house.acting(ADA).apply()
    house.acting(ADA).run("Workflow/deny", {})
    house.answer(ADA, approved=True)
    assert house.go_on() == "failed"
    assert "confirm-001 was rejected meanwhile" in house.shown["ask/decision"]["error"]


def test_a_run_shows_whom_it_asks_and_how_to_answer(house: House) -> None:
    text = run_text(house.acting(ADA).runs.details(house.uid))
    assert "asks ada: go on?" in text
    assert f"`chimera runs signal {house.uid} ask --data '{{\"approved\": true}}'`" in text
    assert house.shown["ask/answer"]["asks"] == {"question": "go on?", "approvers": ["ada"]}


def test_without_the_module_it_is_a_wait(task: Any, state: StateWriter) -> None:
    given: ReconcileTask = task(ASKING.replace("human", "apply", 1) % "")
    plain = {name: one for name, one in given.operations.items() if "confirm." not in name}
    with pytest.raises(RunError, match="waiting"):
        chimera_reconcile(replace(given, operations=plain))
    (run,) = state.runs(target=str(ADDRESS))
    assert {event.step for event in state.events(run.uid)} == {"ask", "ask/answer"}
    assert state.items("local", "confirm") == ()
