"""A plan is executed step by step: its steps and its trace say at every moment what is done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from chimera.builtin.coordination.executing import Executed, Execution, expand
from chimera.builtin.coordination.hub.operations import OPERATIONS as HUB
from chimera.kinds import Field, Model
from chimera.runtime import Operation, OperationCall, PermanentError
from tests.builtin.coordination.conftest import OPERATIONS, ROOT, Desk, Interpreter, needs_oracle
from tests.builtin.coordination.test_protocol import oracle


class Nothing(Model):
    """Nothing."""


class Said(Model):
    """What was said."""

    said: str = Field(description="What was said.")


def _say(call: OperationCall[Said]) -> Mapping[str, Any]:
    if call.inputs.said == "fail":
        raise PermanentError("it cannot be said")
    return {"said": call.inputs.said}


SAY = Operation("own.say", "Say it.", Said, Said, _say, effects=False)
SHOUT = Operation("own.shout", "Shout it.", Said, Said, _say)
SENDING = {name: one for one in HUB for name in (one.name, *one.aliases)}
KNOWN = {**OPERATIONS, **SENDING, "own.say": SAY, "own.shout": SHOUT}


def say(id: str, what: str, *needs: str, **more: Any) -> dict[str, Any]:
    step = {"id": id, "description": id, "operation": "own.say", "inputs": {"said": what}}
    return {**step, "dependencies": list(needs), **more}


def planned(desk: Desk, *steps: dict[str, Any]) -> str:
    id: str = desk.do("plan.create", contextId=desk.context(), steps=list(steps))["planId"]
    return id


def execute(interpreter: Interpreter, plan: str, **more: Any) -> Any:
    layout = expand(Execution.model_validate({"planId": plan, **more}), KNOWN, ROOT)
    return layout.collect(interpreter.run(layout.steps))


def states(desk: Desk, plan: str) -> list[str]:
    return [one["status"] for one in desk.do("plan.get", planId=plan)["plan"]["steps"]]


def test_steps_are_done_and_kept_account_of(desk: Desk, interpreter: Interpreter) -> None:
    plan = planned(desk, say("a", "x"), say("b", "y", "a"))
    found = execute(interpreter, plan)

    assert Executed.model_validate(found).status == "completed"
    assert [one["outputs"] for one in found["steps"]] == [{"said": "x"}, {"said": "y"}]
    assert states(desk, plan) == ["completed", "completed"]
    assert desk.do("plan.get", planId=plan)["status"] == "completed"
    trace = desk.do("trace.get", traceId=found["traceId"])["trace"]
    assert trace["status"] == "completed"
    assert trace["plan_id"] == plan
    told = [(one["label"], one["status"]) for one in trace["segments"]]
    assert told == [("a", "completed"), ("b", "completed")]
    assert interpreter.done == [
        "begin",
        *("steps/0/start", "steps/0/do/work", "steps/0/end"),
        *("steps/1/start", "steps/1/do/work", "steps/1/end"),
        *("finish", "outcome"),
    ]


def test_failure_is_kept_account_of_before_it_fails_the_stage(
    desk: Desk, interpreter: Interpreter
) -> None:
    plan = planned(desk, say("a", "fail"), say("b", "y", "a"), say("c", "z"))
    with pytest.raises(PermanentError, match="1 of its steps failed, and 1 were not begun"):
        execute(interpreter, plan)

    assert states(desk, plan) == ["failed", "blocked", "completed"]
    assert desk.do("plan.get", planId=plan)["status"] == "failed"
    (trace,) = desk.do("trace.query", planId=plan)["traces"]
    assert trace["status"] == "failed"
    assert [one["status"] for one in trace["segments"]] == ["failed", "skipped", "completed"]


def test_plan_that_failed_goes_on_from_what_failed(desk: Desk, interpreter: Interpreter) -> None:
    plan = planned(desk, say("a", "x"), say("b", "fail", "a"), say("c", "z", "b"))
    found = execute(interpreter, plan, failOnError=False)
    assert (found["status"], found["failed"], found["blocked"]) == ("failed", 1, 1)
    work = desk.store.get("plan.facts", plan)
    mended = {id: {**one, "inputs": {"said": "ok"}} for id, one in work["work"].items()}
    desk.store.put("plan.facts", plan, {**work, "work": mended})
    interpreter.done.clear()

    assert execute(interpreter, plan)["status"] == "completed"
    assert "steps/0/do/work" not in interpreter.done
    assert {"steps/1/do/work", "steps/2/do/work"} <= set(interpreter.done)


def test_stage_passes_where_the_plan_was_completed_since(
    desk: Desk, interpreter: Interpreter
) -> None:
    plan = planned(desk, say("a", "fail"))
    layout = expand(Execution.model_validate({"planId": plan}), KNOWN, ROOT)
    with pytest.raises(PermanentError):
        interpreter.run(layout.steps)
    desk.do("plan.start", planId=plan)
    desk.do("plan.startStep", planId=plan, stepId="0")
    desk.do("plan.completeStep", planId=plan, stepId="0")
    desk.do("plan.complete", planId=plan)
    (outcome,) = [step for step in layout.steps if step.id == "outcome"]
    failed = {"planId": plan, "status": "failed", "completed": 0, "failed": 1, "blocked": 0}

    found = desk.perform(outcome.work, failed, "outcome")
    assert (found["status"], found["completed"], found["failed"]) == ("completed", 1, 0)


def test_step_without_work_is_only_kept_account_of(desk: Desk, interpreter: Interpreter) -> None:
    plan = planned(desk, {"description": "think"})

    assert execute(interpreter, plan)["completed"] == 1


@pytest.mark.parametrize(
    ("signal", "status"), [(None, "completed"), ({"status": "failed"}, "failed")]
)
def test_step_of_a_role_waits_until_somebody_says_so(
    desk: Desk, interpreter: Interpreter, signal: Any, status: str
) -> None:
    plan = planned(desk, say("a", "x"), {"description": "review", "agentRole": "reviewer"})
    interpreter.signals["plan-001/1"] = signal

    found = execute(interpreter, plan, failOnError=False)
    assert [one["status"] for one in found["steps"]] == ["completed", status]


def test_modules_operations_are_steps_of_a_plan(desk: Desk, interpreter: Interpreter) -> None:
    context = desk.context()
    step = {"description": "talk", "operation": "dialog.start", "inputs": {"contextId": context}}
    plan = desk.do("plan.create", contextId=context, steps=[step])["planId"]

    found = execute(interpreter, plan)
    assert found["steps"][0]["outputs"]["alias"] == "dialog-001"
    assert desk.do("dialog.get", dialogId="dialog-001")["status"] == "active"


def test_plan_within_a_plan_is_executed_too(desk: Desk, interpreter: Interpreter) -> None:
    inner = planned(desk, say("a", "x"))
    step = {"description": "x", "operation": "core.executePlan", "inputs": {"planId": inner}}
    outer = planned(desk, step)

    assert execute(interpreter, outer)["status"] == "completed"
    assert states(desk, inner) == ["completed"]


def test_plan_does_not_execute_itself(desk: Desk, interpreter: Interpreter) -> None:
    step = {"description": "x", "operation": "core.executePlan", "inputs": {"planId": "plan-001"}}
    plan = planned(desk, step)

    assert execute(interpreter, plan, failOnError=False)["failed"] == 1


def test_unknown_operation_is_refused_before_anything_begins(
    desk: Desk, interpreter: Interpreter
) -> None:
    plan = planned(desk, say("a", "x"), {"description": "x", "operation": "own.sing"})
    with pytest.raises(PermanentError, match=r"own\.sing, which nobody registered"):
        execute(interpreter, plan)

    assert states(desk, plan) == ["pending", "pending"]
    assert desk.do("plan.get", planId=plan)["status"] == "draft"


@pytest.mark.parametrize(
    ("allow", "allowed"),
    [(["own.shout"], True), (["own.*"], True), (["own.say"], False), ([], False)],
)
def test_operation_with_effects_has_to_be_allowed(
    desk: Desk, interpreter: Interpreter, allow: list[str], allowed: bool
) -> None:
    """Plans are data: nobody has reviewed what their steps do."""
    desk.configure("core", allowOperations=allow)
    plan = planned(desk, say("a", "x", operation="own.shout"))
    if allowed:
        assert execute(interpreter, plan)["status"] == "completed"
    else:
        with pytest.raises(PermanentError, match="has effects and is not allowed"):
            execute(interpreter, plan)
        assert states(desk, plan) == ["pending"]


@pytest.mark.parametrize("carrier", ["core.routeMessage", "hub.broadcast", "nested"])
def test_a_plan_that_may_send_messages_may_not_for_that_do_what_they_ask(
    desk: Desk, interpreter: Interpreter, carrier: str
) -> None:
    asked: dict[str, Any] = {"targetModule": "own", "operation": "shout", "payload": {"said": "x"}}
    if carrier == "nested":
        asked = {"targetModule": "hub", "operation": "request", "payload": asked}
    name = "hub.request" if carrier == "nested" else carrier
    if name == "hub.broadcast":
        del asked["targetModule"]
    desk.configure("core", allowOperations=["core.*", "hub.*"])
    plan = planned(desk, {"id": "a", "description": "a", "operation": name, "inputs": asked})
    with pytest.raises(PermanentError, match=r"own\.shout, which has effects and is not allowed"):
        execute(interpreter, plan)
    assert states(desk, plan) == ["pending"]


@pytest.mark.parametrize(("capabilities", "allowed"), [(["own.*"], True), (["plan.*"], False)])
def test_role_does_only_what_it_can(
    desk: Desk, interpreter: Interpreter, capabilities: list[str], allowed: bool
) -> None:
    desk.do("role.create", name="speaker", capabilities=capabilities)
    plan = planned(desk, say("a", "x", agentRole="speaker"))
    if allowed:
        assert execute(interpreter, plan)["status"] == "completed"
    else:
        with pytest.raises(PermanentError, match=r"speaker cannot do own\.say"):
            execute(interpreter, plan)


def test_plan_in_a_context_that_is_over_is_not_begun(desk: Desk, interpreter: Interpreter) -> None:
    plan = planned(desk, say("a", "x"))
    desk.wait(hours=1)

    with pytest.raises(PermanentError, match="ctx-001 expired"):
        execute(interpreter, plan)


def test_execution_is_no_single_piece_of_work(desk: Desk) -> None:
    with pytest.raises(PermanentError, match="durable steps"):
        desk.do("core.executePlan", planId="plan-001")


@needs_oracle
def test_every_object_is_valid_while_a_plan_is_executed() -> None:
    class Judging(Desk):
        def perform(self, work: Any, inputs: Any, path: str) -> Any:
            outputs = super().perform(work, inputs, path)
            for module in ("context", "plan", "trace"):
                for value in self.store.values.get(module, {}).values():
                    oracle(module).validate(value)
            return outputs

    desk = Judging()
    plan = planned(desk, say("a", "fail"), say("b", "y", "a"), say("c", "z"))

    assert execute(Interpreter(desk), plan, failOnError=False)["blocked"] == 1
