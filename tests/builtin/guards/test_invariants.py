"""An invariant that breaks stops the run, and names expression, values and step."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chimera.builtin.guards.invariants import RunInvariants, Stages, predicate_of
from chimera.builtin.guards.kinds import InvariantSpec
from chimera.model import Outcome
from chimera.policy import Predicates
from chimera.runtime import Expansion, Step, StepCall
from chimera.runtime.steps import OperationStep
from chimera.state import RunStatus
from tests.builtin.guards.conftest import Site


def pay(amount: int, done: list[int] | None = None) -> Step:
    async def work(call: StepCall) -> Any:
        if done is not None:
            done.append(amount)
        return {"total": amount}

    return OperationStep(
        "pay", work, inputs=lambda outputs: {"amount": amount}, operation="payments.send"
    )


def after(name: str = "after", *needs: str, done: list[str] | None = None) -> Step:
    async def work(call: StepCall) -> str:
        if done is not None:
            done.append(name)
        return name

    return Step(name, work, needs or ("pay",))


def test_one_that_holds_changes_nothing(site: Site) -> None:
    site.invariant("!has(inputs.amount) || inputs.amount <= 10")
    result = site.execute([pay(10), replace(after(), inputs=lambda outputs: {})])
    assert (result.status, result.message, site.halts(result)) == (RunStatus.SUCCEEDED, "", [])


def test_one_that_breaks_before_a_step_keeps_it_from_beginning(site: Site) -> None:
    site.invariant("inputs.amount <= 10", stages="[pay]")
    done: list[int] = []
    steps = [pay(11, done), after()]
    result = site.execute(steps)
    assert (result.status, result.outcome, done) == (RunStatus.PAUSED, Outcome.FAILED, [])
    assert result.message == (
        "Guard/caps stops it before the step pay: at most ten are paid (invariant cap): "
        "`inputs.amount <= 10` does not hold with inputs.amount = 11"
    )
    assert ("START", "pay") not in site.events(result)
    assert result.help is not None
    assert result.help.startswith(
        "mend what is wrong, or the guard and apply that; then `chimera runs resume "
    )
    assert site.resume(result, steps).status is RunStatus.PAUSED
    assert done == [], "resuming asks again"
    site.invariant("inputs.amount <= 20", stages="[pay]")
    assert site.resume(result, steps).status is RunStatus.SUCCEEDED
    assert done == [11]


def test_one_that_breaks_after_a_step_leaves_it_done_and_stops_what_follows(site: Site) -> None:
    site.invariant("outputs.total <= 10", when="[after]", operations="['payments.*']")
    done: list[int] = []
    said: list[str] = []
    steps = [pay(11, done), after(done=said)]
    result = site.execute(steps)
    assert (result.status, said) == (RunStatus.PAUSED, [])
    assert "after the step pay" in result.message
    assert "outputs.total = 11" in result.message
    assert ("DONE", "pay") in site.events(result), "its effect has happened"
    (halt,) = site.halts(result)
    assert (halt["step"], halt["phase"], halt["expression"], halt["values"]) == (
        "pay",
        "after",
        "outputs.total <= 10",
        {"outputs.total": 11},
    )
    again = site.resume(result, steps)
    assert (again.status, said, done) == (RunStatus.PAUSED, [], [11]), (
        "resuming washes nothing away"
    )
    site.invariant("outputs.total <= 20", when="[after]", operations="['payments.*']")
    assert site.resume(result, steps).status is RunStatus.SUCCEEDED
    assert (said, done) == (["after"], [11])


def test_a_stage_that_is_done_anew_is_asked_anew(site: Site) -> None:
    from chimera.runtime import ControlAction, control_run

    site.invariant("outputs.total <= 10", when="[after]", stages="[pay]")
    steps = [pay(11), after()]
    result = site.execute(steps)
    site.house.state.close()
    control_run(site.root, site.house.context, result.run, ControlAction.RETRY, name="pay")
    site.house.restart()
    good = [pay(5), after()]
    ended = site.resume(result, good)
    assert (ended.status, ended.outputs["pay"]) == (RunStatus.SUCCEEDED, {"total": 5})


@pytest.mark.parametrize(
    "expression", ["inputs.amuont <= 10", "inputs.amount / 0 == 1", "inputs.amount"]
)
def test_one_that_errs_stops(site: Site, expression: str) -> None:
    site.invariant(expression, when="[before]")
    done: list[int] = []
    result = site.execute([pay(1, done)])
    assert (result.status, done) == (RunStatus.PAUSED, [])
    assert f"`{expression}`" in result.message
    assert "inputs.am" in result.message


def test_one_that_takes_more_than_it_may_stops(site: Site) -> None:
    site.invariant(
        "inputs.l.all(a, inputs.l.all(b, inputs.l.all(c, inputs.l.all(d, a + b + c + d > 0))))"
    )
    step = replace(pay(1), inputs=lambda outputs: {"l": list(range(1, 300))})
    result = site.execute([step])
    assert result.status is RunStatus.PAUSED
    assert "cannot be decided (" in result.message
    assert len(result.message) < 600, "what is shown of a value is short"


def test_what_is_in_flight_beside_a_broken_one_comes_back_and_is_recorded(site: Site) -> None:
    site.invariant("outputs != 3", when="[after]")

    def give(call: StepCall) -> Any:
        return call.inputs

    steps = [
        Step(f"s{n}", give, inputs=lambda outputs, n=n: n, effects=False)  # type: ignore[misc]
        for n in range(6)
    ]
    result = site.execute([*steps, after("last", *(s.id for s in steps))])
    assert result.status is RunStatus.PAUSED
    events = site.events(result)
    assert {s for k, s in events if k == "START"} == {s for k, s in events if k == "DONE"}
    assert ("START", "last") not in events


def test_items_of_a_list_are_judged_and_steps_inside_are_named(site: Site) -> None:
    site.invariant("outputs < 3", when="[after]", stages="[fan]")
    definition = {"spec": {"stages": [{"id": "fan", "forEach": {}}]}}

    def element(n: int) -> Step:
        return Step(str(n), lambda call: n, effects=False)

    steps = [Step("fan", expand=lambda inputs: Expansion(count=5, make=element, concurrency=1))]
    run = site.new_run(definition)
    guard = site.guard()
    from chimera.runtime import RunSettings

    settings = RunSettings(guards=(guard,))
    engine_result = _execute(site, run, steps, settings, definition)
    guard.close()
    assert engine_result.status is RunStatus.PAUSED
    assert "after the step fan[3]" in engine_result.message


def _execute(site: Site, run: Any, steps: list[Step], settings: Any, definition: Any) -> Any:
    from chimera.runtime import Engine, Graph

    engine = Engine(site.house.state, site.house.context, settings=settings)
    return engine.execute(run, Graph(definition, tuple(steps)))


def test_a_result_of_the_cache_and_a_wait_are_judged_like_others(site: Site) -> None:
    site.invariant("outputs != 7", when="[after]", stages="[cached]")
    step = Step("cached", lambda call: 7, cache="c", effects=False)
    assert site.execute([step]).status is RunStatus.PAUSED
    other = replace(step, work=lambda call: 1)
    assert "outputs = 7" in site.execute([other]).message, "found in the cache, and judged"


def test_inputs_are_seen_as_their_author_wrote_them(site: Site) -> None:
    site.invariant("inputs.path.startsWith('src/')", when="[before]")

    def given(known: Any) -> Any:
        return {"path": f"etc/{known['x']}"}

    result = site.execute([replace(pay(1), inputs=lambda outputs: {"x": "y"}, given=given)])
    assert 'inputs.path = "etc/y"' in result.message

    def broken(known: Any) -> Any:
        raise KeyError("x")

    result = site.execute([replace(pay(1), given=broken)])
    assert result.status is RunStatus.PAUSED, "what cannot be told does not hold"


def test_run_and_environment_can_be_named(site: Site) -> None:
    site.invariant(
        "run.target == 'Thing/a' && environment.name == 'local' && !environment.protected"
        " && step.phase in ['before', 'after'] && step.operation == 'payments.send'"
        " && step.stage == 'pay' && step.id == 'pay' && run.id != '' && run.inputs == null"
    )
    assert site.execute([pay(1)]).status is RunStatus.SUCCEEDED


def test_one_that_selects_by_operation_layer_or_workflow_leaves_others_alone(site: Site) -> None:
    for chosen in (
        {"operations": "[git.*]"},
        {"stages": "[other]"},
        {"workflows": "[Workflow/other]"},
        {"layers": "[ops/9]"},
    ):
        site.invariant("false", **chosen)
        assert site.execute([pay(1)]).status is RunStatus.SUCCEEDED
    site.invariant("false", operations="['payments.*']", stages="['p*']")
    assert site.execute([pay(1)]).status is RunStatus.PAUSED


def test_stages_are_found_in_the_workflows_that_a_run_has_inside() -> None:
    inner = {"stages": [{"id": "build"}]}
    definition = {
        "spec": {"stages": [{"id": "deploy", "workflow": "Workflow/in"}, {"id": "end"}]},
        "workflows": {"Workflow/in": inner},
    }

    class Run:
        target = "Workflow/out"

    run: Any = Run()
    run.definition = definition
    stages = Stages(run)
    assert stages.workflows_of("deploy") == ("Workflow/out",)
    assert stages.workflows_of("deploy/build") == ("Workflow/out", "Workflow/in")
    assert stages.workflows_of("end") == ("Workflow/out",)


def test_before_a_step_there_are_no_outputs_to_name() -> None:
    spec = InvariantSpec.model_validate({"id": "a", "message": "m", "expression": "outputs.x == 1"})
    with Predicates() as predicates:
        before, after = predicates.faults(
            [predicate_of(spec, "before"), predicate_of(spec, "after")]
        )
    assert "undeclared reference to 'outputs.x'" in before[0].message
    assert after == ()


def test_many_steps_are_asked_about_at_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    usual = RunInvariants.judge

    def counted(self: RunInvariants, seen: Any) -> Any:
        asked.append(len(seen))
        return usual(self, seen)

    monkeypatch.setattr(RunInvariants, "judge", counted)
    site.invariant("step.id != 's77' || step.phase == 'before'")

    async def work(call: StepCall) -> None:
        return None

    steps = [Step(f"s{n}", work, effects=False) for n in range(200)]
    result = site.execute(steps)
    assert result.status is RunStatus.PAUSED
    assert "after the step s77" in result.message
    assert max(asked) > 100, "before they begin"
    assert len(asked) < 40, "and after they have come back"
    begun = [id for kind, id in site.events(result) if kind == "START"]
    assert len(begun) < 200, "none begins after the turn in which one broke"
