"""Which run carries a definition out, and what other processes see of it and ask of it."""

import threading
import time
from datetime import timedelta

import pytest

from chimera.model import Outcome, UsageError
from chimera.runtime import (
    ControlAction,
    Recovery,
    Retry,
    RunError,
    Runs,
    RunStatus,
    Step,
    StepStatus,
    control_run,
    list_runs,
    show_run,
)
from chimera.state import Applied, EventKind, read_state

from .conftest import chain, echo

TARGET = "Workflow/test"


@pytest.fixture
def carry_out(house):
    """Run steps that are built from the pinned definition and input."""

    def run(definition, build, input=None):
        return Runs(house.state, house.context, "local").carry_out(
            TARGET, definition, build, input, 8
        )

    return run


def says_definition(definition, input):
    return [Step("x", lambda call: [definition, input])]


def failing(*args):
    raise RuntimeError("broken")


def test_succeeded_run_that_was_not_applied_is_not_run_again(house, carry_out):
    made = []

    def build(definition, input):
        return [Step("x", lambda call: made.append(call.key))]

    first = carry_out({"v": 1}, build)
    house.restart()
    assert carry_out({"v": 1}, build).run == first.run
    assert len(made) == 1
    house.state.put_applied("local", Applied(TARGET, "d", house.context.clock.now(), run=first.run))
    assert carry_out({"v": 1}, build).run != first.run
    assert len(set(made)) == 2


def test_other_definition_or_input_gets_a_run_of_its_own(carry_out):
    results = [
        carry_out({"v": 1}, says_definition),
        carry_out({"v": 2}, says_definition),
        carry_out({"v": 2}, says_definition, {"n": 1}),
    ]
    assert len({result.run for result in results}) == 3
    assert results[2].outputs == {"x": [{"v": 2}, {"n": 1}]}


def test_failed_run_is_retried_while_its_definition_is_unchanged(house, carry_out):
    broken = carry_out({"v": 1}, lambda d, i: [Step("x", failing)])
    assert broken.status is RunStatus.FAILED
    house.restart()
    assert carry_out({"v": 1}, says_definition).run == broken.run
    again = carry_out({"v": 2}, lambda d, i: [Step("x", failing)])
    assert carry_out({"v": 3}, says_definition).run != again.run
    assert house.state.run(again.run).status is RunStatus.FAILED


def test_interrupted_run_is_finished_as_pinned_before_a_changed_definition_runs(house, carry_out):
    pinned = house.state.create_run("local", TARGET, {"v": 1}, {"n": 1})
    house.state.record(
        pinned.uid, [], status=RunStatus.RUNNING
    )  # what a killed process leaves behind
    house.restart()
    ran = []

    def build(definition, input):
        ran.append((definition, input))
        return says_definition(definition, input)

    result = carry_out({"v": 2}, build, {"n": 2})
    assert ran == [({"v": 1}, {"n": 1}), ({"v": 2}, {"n": 2})]
    assert result.outputs == {"x": [{"v": 2}, {"n": 2}]}
    assert house.state.run(pinned.uid).status is RunStatus.SUCCEEDED


def test_run_is_listed_shown_and_its_log_read_while_it_runs(house):
    seen = {}

    def look(call):
        call.log("looking")
        time.sleep(0.3)  # longer than the scheduler lets a log line wait
        (run,) = list_runs(house.root)
        with read_state(house.root) as reader:
            log = reader.log(run.uid, 0)
        seen.update(run=run, view=show_run(house.root, run.uid), log=log)

    house.execute(chain(echo, look))
    assert seen["run"].status is RunStatus.RUNNING
    assert [s.status for s in seen["view"].steps.values()] == [StepStatus.DONE, StepStatus.STARTED]
    assert [line.text for line in seen["log"]] == ["looking"]


def test_run_whose_process_is_gone_is_shown_as_interrupted(house):
    run = house.new_run()
    assert list_runs(house.root)[0].status is RunStatus.RUNNING
    house.state.close()
    assert list_runs(house.root)[0].status is RunStatus.INTERRUPTED
    assert show_run(house.root, run.uid).run.status is RunStatus.INTERRUPTED


def test_unknown_run_is_a_usage_error(house):
    with pytest.raises(UsageError, match="no run zzz"):
        show_run(house.root, "zzz")
    with pytest.raises(UsageError, match="no run zzz"):
        control_run(house.root, house.context, "zzz", ControlAction.PAUSE)


def uid_of(house):
    return list_runs(house.root)[0].uid


def test_paused_run_finishes_what_is_in_flight_and_starts_nothing(house):
    def pause(call):
        control_run(house.root, house.context, uid_of(house), ControlAction.PAUSE, "lunch")
        while show_run(house.root, uid_of(house)).run.status is not RunStatus.PAUSING:
            time.sleep(0.01)
        return "finished"

    steps = chain(pause, echo)
    result = house.execute(steps)
    assert result.status is RunStatus.PAUSED
    assert result.outcome is Outcome.FAILED
    assert result.outputs == {"s0": "finished"}
    (event,) = [e for e in house.state.events(result.run) if e.kind is EventKind.PAUSE]
    assert event.data["actor"] == house.context.actor.name
    assert event.data["reason"] == "lunch"
    assert house.resume(result, steps).status is RunStatus.SUCCEEDED


def test_paused_run_stays_paused_until_it_is_resumed(house, carry_out):
    run = house.state.create_run("local", TARGET, {}, None)
    house.state.close()
    paused = control_run(house.root, house.context, run.uid, ControlAction.PAUSE)
    assert paused.status is RunStatus.PAUSED
    house.restart()
    result = carry_out({}, says_definition)
    assert (result.run, result.status) == (run.uid, RunStatus.PAUSED)
    house.state.close()
    control_run(house.root, house.context, run.uid, ControlAction.RESUME)
    house.restart()
    assert carry_out({}, says_definition).status is RunStatus.SUCCEEDED
    assert house.state.unsettled_run("local", TARGET).uid == run.uid


def test_pause_is_taken_back_by_resume_before_it_takes_effect(house):
    def both(call):
        for action in (ControlAction.PAUSE, ControlAction.RESUME):
            control_run(house.root, house.context, uid_of(house), action)
        time.sleep(0.3)

    assert house.execute(chain(both, echo)).status is RunStatus.SUCCEEDED


def test_cancelled_run_is_told_and_does_not_go_on(house, carry_out):
    def cancel(call):
        control_run(house.root, house.context, uid_of(house), ControlAction.CANCEL)
        while not call.cancelled():
            time.sleep(0.005)
        raise RuntimeError("stopped")

    result = carry_out({}, lambda d, i: chain(cancel, echo))
    assert result.status is RunStatus.CANCELLED
    assert result.outputs == {}
    with pytest.raises(UsageError, match=r"is over: cancelled$"):
        control_run(house.root, house.context, result.run, ControlAction.RESUME)
    assert carry_out({}, says_definition).run != result.run


def test_run_that_nobody_executes_is_cancelled_at_once(house, carry_out):
    run = house.state.create_run("local", TARGET, {}, None)
    house.state.close()
    cancelled = control_run(house.root, house.context, run.uid, ControlAction.CANCEL)
    assert cancelled.status is RunStatus.CANCELLED
    assert list((house.root / ".chimera" / "control").iterdir()) == []
    house.restart()
    assert carry_out({}, says_definition).run != run.uid


def test_pause_holds_a_step_that_waits_for_its_retry(house):
    waiting = Recovery(Retry(2, timedelta(hours=1), timedelta(hours=1)))
    asked = threading.Timer(
        0.1,
        lambda: control_run(house.root, house.context, uid_of(house), ControlAction.PAUSE),
    )
    asked.start()
    result = house.execute([Step("x", failing, recovery=waiting)])
    asked.join()
    assert result.status is RunStatus.PAUSED


def test_file_in_the_spool_that_is_no_request_is_passed_over(house):
    run = house.new_run()
    spool = house.state.layout.control
    spool.mkdir()
    (spool / f"{run.uid}.1.json").write_text("{")
    (spool / f"{run.uid}.2.json").write_text('{"action": "explode", "actor": "", "reason": ""}')
    assert house.execute([Step("x", echo)], run=run).status is RunStatus.SUCCEEDED


def test_run_error_says_which_run_failed_why_and_what_to_do(house):
    result = house.execute([Step("x", failing)])
    error = RunError(result)
    assert error.message == f"run {result.run} failed: x: broken"
    assert error.outcome is Outcome.FAILED
    assert result.run in error.help
