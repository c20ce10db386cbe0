"""What is done about failures and interruptions while a run goes on."""

import asyncio
import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from chimera.runtime import Recovery, Retry, RunSettings, RunStatus, Step
from chimera.runtime.flights import AttemptLostError
from chimera.runtime.recovery import (
    DEFAULT_RECOVERY,
    BreakerRule,
    BulkheadRule,
    Escalation,
    Fallback,
    StepError,
)
from chimera.state import Event, EventKind

from .conftest import SOON, echo


def fail(call):
    raise RuntimeError("broken")


def refuse(call):
    raise StepError("out of reach", transient=True)


def flags(house, result, step):
    return [e.flag for e in house.state.events(result.run) if e.step == step and e.flag]


def test_equal_inputs_are_worked_out_once_in_a_scope(house):
    made = []

    def work(call):
        made.append(call.inputs)
        return [call.inputs]

    def step(id, given, scope="sum"):
        return Step(id, work, inputs=lambda outputs: given, cache=scope)

    first = house.execute([step("a", 1), step("b", 2), step("c", 1, "other")])
    house.restart()
    result = house.execute([step("x", 1), step("y", 3)])
    assert result.outputs == {"x": [1], "y": [3]}
    assert sorted(made) == [1, 1, 2, 3]
    assert flags(house, result, "x") == ["cached"]
    assert house.kinds(result, "x") == ["DONE"]
    assert flags(house, first, "a") == []


def test_no_environment_takes_results_of_another(house):
    def step(value):
        return Step("a", lambda call: value, cache="read")

    assert house.execute([step("dirty")]).outputs == {"a": "dirty"}
    elsewhere = house.state.create_run("production", "Workflow/test", None, None)
    assert house.execute([step("clean")], run=elsewhere).outputs == {"a": "clean"}


def test_failure_is_never_cached(house):
    broken = Step("a", fail, cache="s")
    assert house.execute([broken]).status is RunStatus.FAILED
    assert house.execute([Step("a", lambda call: 1, cache="s")]).outputs == {"a": 1}


def test_by_default_no_earlier_result_stands_in_for_what_failed_or_acts(house):
    """A check that says no, and work that acts, are not what they were another time."""
    good = Step("x", lambda call: "good", effects=False)
    soon = replace(SOON.retry, on="transient")
    shared = RunSettings(recovery=replace(DEFAULT_RECOVERY, retry=soon))

    def again(work, **more):
        house.execute([replace(good, **more)], settings=shared)
        return house.execute([replace(good, work=work, **more)], settings=shared)

    assert again(fail).status is RunStatus.FAILED
    assert again(refuse, effects=True).status is RunStatus.FAILED
    assert again(refuse, executor="inline").status is RunStatus.FAILED
    result = again(refuse)
    assert result.outputs == {"x": "good"}
    assert flags(house, result, "x") == ["cached"]


def test_last_result_takes_the_place_of_one_that_cannot_be_had(house):
    recovery = Recovery(fallbacks=(Fallback("use_cached_result", ("cache_available",)),))
    good = Step("x", lambda call: "good", recovery=recovery)
    bad = Step("x", fail, recovery=recovery)
    assert house.execute([bad]).status is RunStatus.FAILED
    house.execute([good])
    result = house.execute([bad])
    assert result.outputs == {"x": "good"}
    assert flags(house, result, "x") == ["cached"]


def test_step_that_is_not_critical_is_degraded(house):
    recovery = Recovery(fallbacks=(Fallback("degrade_gracefully", value={"rows": []}),))
    result = house.execute(
        [
            Step("x", fail, recovery=recovery, critical=False),
            Step("y", fail, recovery=recovery),
            Step("z", echo, needs=("x",), inputs=dict),
        ]
    )
    assert result.outputs == {"x": {"rows": []}, "z": {"x": {"rows": []}}}
    assert result.failed == {"y": "broken"}
    assert flags(house, result, "x") == ["degraded"]


def test_alternative_gets_the_inputs_and_the_place_of_the_step(house):
    other = Step("other", lambda call: ["other", call.inputs])
    recovery = Recovery(Retry(2, timedelta(), timedelta()), (Fallback("alternative", step=other),))
    step = Step("x", fail, inputs=lambda outputs: 7, recovery=recovery)
    result = house.execute([step, Step("y", echo, needs=("x",), inputs=dict)])
    assert result.outputs == {"x": ["other", 7], "y": {"x": ["other", 7]}}
    assert flags(house, result, "x") == ["alternative"]


def test_alternative_that_was_chosen_is_still_the_choice_after_a_crash(house):
    other = Step("other", lambda call: "other")
    recovery = Recovery(fallbacks=(Fallback("alternative", step=other),))
    steps = [Step("x", fail, recovery=recovery)]
    whole = house.execute(steps)
    events = house.state.events(whole.run)
    for length in range(len(events) + 1):
        run = house.new_run()
        house.state.record(run.uid, events[:length])
        assert house.execute(steps, run=run).outputs == {"x": "other"}, length


def test_somebody_is_told_of_a_failure_once_by_a_step_of_its_own(house):
    told = []
    recovery = Recovery(Retry(2, timedelta(), timedelta()), escalations=(Escalation(to="ada"),))
    steps = [Step("x", fail, recovery=recovery)]
    first = house.execute(steps, notify=lambda call: told.append(call.inputs))
    assert first.status is RunStatus.FAILED
    assert first.failed == {"x": "broken"}
    (notice,) = told
    assert (notice["to"], notice["severity"], notice["step"]) == ("ada", "high", "x")
    assert house.kinds(first, "x!escalate[0]") == ["RETRY", "START", "DONE"]
    house.restart()
    house.resume(first, steps, notify=lambda call: told.append(call.inputs))
    assert len(told) == 1


def test_notice_that_was_owed_before_a_crash_is_given(house):
    told = []
    recovery = Recovery(
        fallbacks=(Fallback("degrade_gracefully"),), escalations=(Escalation(conditions=()),)
    )
    steps = [Step("x", fail, recovery=recovery, critical=False)]
    whole = house.execute(steps, notify=echo)
    events = house.state.events(whole.run)
    owed = next(n for n, e in enumerate(events) if "escalate" in e.step)
    run = house.new_run()
    house.state.record(run.uid, events[: owed + 2])
    house.execute(steps, run=run, notify=lambda call: told.append(call.inputs))
    assert [notice["outcome"] for notice in told] == ["degraded"]


def test_notice_that_cannot_be_given_fails_no_run(house):
    recovery = Recovery(
        fallbacks=(Fallback("degrade_gracefully"),), escalations=(Escalation(conditions=()),)
    )
    step = Step("x", fail, recovery=recovery, critical=False)

    def refuse(call):
        raise StepError("no mail server")

    settings = RunSettings()
    notify = house.execute([step], notify=lambda call: None, settings=settings)
    assert notify.status is RunStatus.SUCCEEDED


def test_open_breaker_keeps_steps_from_being_attempted(house):
    made = []

    def work(call):
        made.append(call.attempt)
        raise ConnectionError("nobody answers")

    rule = BreakerRule(failures=2, cool_down=timedelta(hours=1))
    settings = RunSettings(breakers={"service": rule})
    steps = [
        Step(f"s{n}", work, recovery=Recovery(breaker="service"), priority=-n) for n in range(5)
    ]
    result = house.execute(steps, concurrency=1, settings=settings)
    assert len(made) == 2
    assert "circuit breaker service is open" in result.failed["s4"]
    kept = house.state.item("local", "breaker", "service").value
    assert kept["state"] == "open"
    house.restart()
    again = house.execute([Step("x", work, recovery=Recovery(breaker="service"))])
    assert "is open" in again.failed["x"]
    assert len(made) == 2


def test_bulkhead_lets_in_so_many_and_queues_and_refuses_the_others(house):
    now, most = [0], [0]

    async def work(call):
        now[0] += 1
        most[0] = max(most[0], now[0])
        await asyncio.sleep(0.005)
        now[0] -= 1

    settings = RunSettings(bulkheads={"small": BulkheadRule(limit=2, queue=3)})
    steps = [Step(f"s{n}", work, recovery=Recovery(bulkhead="small")) for n in range(8)]
    result = house.execute(steps, settings=settings)
    assert most == [2]
    assert len(result.outputs) == 5
    assert all("bulkhead small is full" in error for error in result.failed.values())


def test_recovery_of_the_settings_is_that_of_steps_that_say_none(house):
    seen = []

    def work(call):
        seen.append(call.attempt)
        raise RuntimeError("broken")

    steps = [Step("x", work), Step("y", fail, recovery=Recovery())]
    house.execute(steps, settings=RunSettings(recovery=SOON))
    assert seen == [1, 2, 3]


def interrupted(house, steps):
    """Return a run that a killed process left in the middle of its first step."""
    run = house.new_run()
    now = house.context.clock.now()
    house.state.record(run.uid, [Event(EventKind.START, steps[0].id, 1, now, {"key": "k"})])
    house.restart()
    return run


@pytest.mark.parametrize("found", [{"id": 5}, None])
def test_interrupted_step_is_looked_up_before_it_is_done_again(house, found):
    made = []

    def work(call):
        made.append(call.in_doubt)
        return "made"

    keys = []

    def probe(call):
        keys.append(call.key)
        return found

    steps = [Step("x", work, on_interrupt="probe", probe=probe)]
    result = house.execute(steps, run=interrupted(house, steps))
    assert result.outputs["x"] == (found or "made")
    assert made == ([] if found else [True])
    assert len(keys) == 1
    assert flags(house, result, "x") == (["probed"] if found else [])


def test_step_that_was_not_interrupted_is_not_looked_up(house):
    step = Step("x", lambda call: 1, on_interrupt="probe", probe=lambda call: pytest.fail("asked"))
    assert house.execute([step]).outputs == {"x": 1}


def test_attempt_that_an_executor_loses_uses_up_no_retry(house):
    seen = []

    def work(call):
        seen.append((call.attempt, call.in_doubt))
        if len(seen) < 3:
            raise AttemptLostError("the worker died")
        return "done"

    assert house.execute([Step("x", work)]).outputs == {"x": "done"}
    assert seen == [(1, False), (1, True), (1, True)]


def test_attempts_are_not_lost_for_ever(house):
    def work(call):
        raise AttemptLostError("the worker died")

    result = house.execute([Step("x", work)])
    assert result.failed == {"x": "the worker died"}
    assert house.kinds(result, "x") == ["START"] * 4 + ["FAIL"]


def test_lost_attempt_that_must_not_be_repeated_waits_for_a_person(house):
    def work(call):
        raise AttemptLostError("the worker died")

    result = house.execute([Step("x", work, on_interrupt="escalate")])
    assert house.kinds(result, "x") == ["START", "ESCALATE"]


def test_result_that_is_too_large_is_refused_with_what_to_do(house):
    result = house.execute(
        [Step("x", lambda call: "x" * 2_000, recovery=SOON)],
        settings=RunSettings(max_result=1_000),
    )
    assert "no more than 1,000 are kept" in result.failed["x"]
    assert house.kinds(result, "x") == ["START", "FAIL"]


def test_result_of_a_hundred_megabytes_is_refused(house):
    result = house.execute([Step("x", lambda call: "x" * 100_000_000)])
    assert "100,000,002 characters" in result.failed["x"]


def test_lone_surrogate_is_no_json_and_stops_nothing_else(house):
    result = house.execute([Step("x", lambda call: "\ud800"), Step("y", echo)])
    assert "not JSON" in result.failed["x"]
    assert "y" in result.outputs


def test_log_without_end_is_cut_and_says_so(house):
    def talk(call):
        for number in range(500):
            call.log(f"line {number}")
        call.log("\ud800 and more")

    result = house.execute([Step("x", talk)], settings=RunSettings(max_log_lines=100))
    lines = [line.text for line in house.state.log(result.run)]
    assert len(lines) == 101
    assert lines[99:] == ["line 99", "401 lines dropped"]


def test_long_line_is_cut_and_says_so(house):
    result = house.execute([Step("x", lambda call: call.log("x" * 70_000))])
    (line,) = house.state.log(result.run)
    assert line.text.endswith("(4464 characters dropped)")


def test_work_that_outlives_a_cancelled_run_is_not_waited_for(house):
    release = threading.Event()
    step = Step("x", lambda call: release.wait(30), timeout=timedelta(milliseconds=10))
    result = house.execute([step], grace=0.02)
    release.set()
    assert result.status is RunStatus.FAILED
