"""What the engine promises: order, one record of each result, retries, ends and restarts."""

import asyncio
import os
import signal
import threading
import time
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chimera.context import Context, Secrets
from chimera.model import ChimeraError, Outcome, StateError
from chimera.runtime import (
    Engine,
    Graph,
    PermanentError,
    Recovery,
    Retry,
    RunSettings,
    RunStatus,
    Step,
)
from chimera.state import Layout, open_state, read_state

from .conftest import SOON, House, chain, echo


def fail(call):
    raise RuntimeError(f"attempt {call.attempt}")


def fail_until(last):
    """Return work that fails until attempt `last`, and the attempts that it saw."""
    seen = []

    def work(call):
        seen.append((call.attempt, call.key))
        if call.attempt < last:
            raise RuntimeError("not yet")
        return call.attempt

    return work, seen


def test_outputs_flow_along_needs(house):
    def add(call):
        return call.inputs["a"] + call.inputs["b"]

    result = house.execute(
        [
            Step("sum", add, needs=("a", "b"), inputs=dict),
            Step("a", lambda call: 1),
            Step("b", lambda call: 2),
        ]
    )
    assert result.status is RunStatus.SUCCEEDED
    assert result.outcome is Outcome.PASSED
    assert result.outputs == {"sum": 3, "a": 1, "b": 2}
    assert list(result.outputs) == ["sum", "a", "b"]
    assert house.state.run(result.run).status is RunStatus.SUCCEEDED


def test_graph_of_nothing_succeeds(house):
    assert house.execute([]).status is RunStatus.SUCCEEDED


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(st.tuples(st.sets(st.integers(0, 30)), st.booleans(), st.booleans()), max_size=15),
    st.integers(1, 5),
)
def test_any_graph_runs_each_step_once_after_what_it_needs(house, shape, concurrency):
    ended = []

    def sync(call):
        ended.append(call.inputs[0])
        return sum(call.inputs[1])

    async def coroutine(call):
        await asyncio.sleep(0)
        return sync(call)

    steps = [
        Step(
            str(n),
            sync if blocking else coroutine,
            needs=tuple(str(need) for need in sorted(needs) if need < n),
            inputs=lambda outputs, n=n: [n, [1, *outputs.values()]],
            effects=effects,
        )
        for n, (needs, blocking, effects) in enumerate(shape)
    ]
    result = house.execute(steps, concurrency=concurrency)
    expected = {}
    for step in steps:
        expected[step.id] = 1 + sum(expected[need] for need in step.needs)
    assert result.outputs == expected
    assert sorted(ended) == list(range(len(steps)))
    for step in steps:
        for need in step.needs:
            assert ended.index(int(need)) < ended.index(int(step.id))


def test_work_with_effects_finds_all_before_it_and_its_own_start_on_disk(house):
    found = []

    def look(call):
        with read_state(house.root) as reader:
            events = reader.events(reader.runs()[0].uid)
            found.append([f"{e.kind.value} {e.step}" for e in events])

    house.execute(chain(echo, look))
    house.execute([*chain(echo, echo, effects=False), Step("x", look, needs=("s1",))])
    assert found[0] == ["START s0", "DONE s0", "START s1"]
    assert sorted(found[1]) == sorted(["START s0", "DONE s0", "START s1", "DONE s1", "START x"])


def test_concurrency_bounds_what_is_in_flight(house):
    lock, now, most = threading.Lock(), [0], [0]

    def work(call):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.005)
        with lock:
            now[0] -= 1

    house.execute([Step(str(n), work) for n in range(12)], concurrency=3)
    assert most[0] == 3


def test_independent_steps_run_at_the_same_time(house):
    meeting = threading.Barrier(4, timeout=20)
    steps = [Step(str(n), lambda call: meeting.wait() >= 0) for n in range(4)]
    assert house.execute(steps).status is RunStatus.SUCCEEDED


def test_failing_step_stops_its_dependents_and_no_others(house):
    result = house.execute(
        [
            Step("bad", fail),
            Step("after", echo, needs=("bad",)),
            Step("later", echo, needs=("after", "good")),
            Step("good", echo),
            Step("fine", echo, needs=("good",)),
        ]
    )
    assert result.status is RunStatus.FAILED
    assert result.outcome is Outcome.FAILED
    assert result.failed == {"bad": "attempt 1"}
    assert set(result.outputs) == {"good", "fine"}
    assert result.blocked == ("after", "later")
    assert "chimera" in result.help


def test_failed_run_is_retried_from_its_failed_steps(house):
    made, broken = [], [True]

    def note(call):
        made.append(call.key)

    def once_broken(call):
        if broken[0]:
            raise RuntimeError("broken")
        return "mended"

    steps = chain(note, once_broken, note)
    result = house.execute(steps)
    assert result.failed == {"s1": "broken"}
    broken[0] = False
    house.restart()
    result = house.resume(result, steps)
    assert result.status is RunStatus.SUCCEEDED
    assert result.outputs["s1"] == "mended"
    assert len(made) == 2
    assert house.kinds(result, "s0") == ["START", "DONE"]
    assert house.kinds(result, "s1") == ["START", "FAIL", "START", "DONE"]


def test_transient_error_is_retried_with_the_same_key(house):
    work, seen = fail_until(3)
    result = house.execute([Step("x", work, recovery=SOON)])
    assert result.outputs == {"x": 3}
    assert [attempt for attempt, _ in seen] == [1, 2, 3]
    assert len({key for _, key in seen}) == 1
    assert house.kinds(result, "x") == ["START", "RETRY"] * 2 + ["START", "DONE"]


def test_retries_end(house):
    work, seen = fail_until(99)
    result = house.execute([Step("x", work, recovery=SOON)])
    assert result.failed == {"x": "not yet"}
    assert len(seen) == 3


def test_permanent_error_is_not_retried(house):
    def refuse(call):
        raise PermanentError("the input is wrong")

    result = house.execute([Step("x", refuse, recovery=SOON)])
    assert house.kinds(result, "x") == ["START", "FAIL"]
    assert result.failed == {"x": "the input is wrong"}


def test_wait_for_a_retry_survives_a_restart(house):
    """The retry is persisted with its due time; the attempt that comes next is the second."""
    work, seen = fail_until(2)
    slow = Recovery(Retry(2, timedelta(hours=1), timedelta(hours=1)))
    interrupt = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    interrupt.start()
    first = house.execute([Step("x", work, recovery=slow)])
    assert first.status is RunStatus.INTERRUPTED
    (retry,) = [e for e in house.state.events(first.run) if e.kind.value == "RETRY"]
    assert timedelta(minutes=30) <= retry.due - retry.at <= timedelta(hours=1)
    house.restart()
    # A step that now waits no longer than this is not held up by what was persisted.
    result = house.resume(first, [Step("x", work, recovery=SOON)])
    assert result.outputs == {"x": 2}
    assert [attempt for attempt, _ in seen] == [1, 2]


def test_step_is_skipped_by_its_condition_and_counts_as_finished(house):
    steps = [
        Step("a", lambda call: 1),
        Step("b", fail, needs=("a",), when=lambda outputs: outputs["a"] > 1),
        Step("c", echo, needs=("a", "b"), inputs=dict),
    ]
    result = house.execute(steps)
    assert result.status is RunStatus.SUCCEEDED
    assert result.skipped == ("b",)
    assert result.outputs["c"] == {"a": 1}
    assert house.kinds(result, "b") == ["SKIP"]
    assert house.resume(result, steps).skipped == ("b",)


@pytest.mark.parametrize("option", ["inputs", "when"])
def test_expression_that_raises_fails_the_step(house, option):
    result = house.execute([Step("x", echo, **{option: lambda outputs: outputs["nobody"]})])
    assert result.status is RunStatus.FAILED
    assert "nobody" in result.failed["x"]


@pytest.mark.parametrize("value", [{1, 2}, object(), float("nan"), b"bytes"])
def test_value_that_is_not_json_fails_the_step_at_once(house, value):
    result = house.execute([Step("x", lambda call: value, recovery=SOON)])
    assert "not JSON" in result.failed["x"]
    assert house.kinds(result, "x") == ["START", "FAIL"]


def test_what_flows_between_steps_is_what_is_recorded(tmp_path):
    context = Context.system()
    secret = Secrets(["hunter2-hunter2"])
    house = House(
        tmp_path,
        Context(
            context.clock,
            context.ids,
            context.actor,
            context.processes,
            secret,
            context.progress,
        ),
    )
    steps = chain(lambda call: {"t": ("hunter2-hunter2", 1)}, echo)
    result = house.execute(steps)
    assert result.outputs["s1"] == {"t": ["***", 1]}
    assert house.resume(result, steps).outputs == result.outputs
    house.state.close()


def test_error_and_log_are_kept_without_secrets(tmp_path):
    context = Context.system()
    context.secrets.add("hunter2-hunter2")
    house = House(tmp_path, context)

    def tell(call):
        call.log("using hunter2-hunter2")
        raise RuntimeError("bad password hunter2-hunter2")

    result = house.execute([Step("x", tell)])
    assert result.failed == {"x": "bad password ***"}
    assert [line.text for line in house.state.log(result.run)] == ["using ***"]
    house.state.close()


@pytest.mark.parametrize("is_coroutine", [True, False])
def test_step_that_takes_too_long_is_told_and_fails(house, is_coroutine):
    told = []

    def work(call):
        while not call.cancelled():
            time.sleep(0.002)
        told.append(True)
        return "late"

    async def coroutine(call):
        try:
            await asyncio.sleep(60)
        finally:
            told.append(True)

    step = Step("x", coroutine if is_coroutine else work, timeout=timedelta(milliseconds=20))
    result = house.execute([step])
    assert result.failed == {"x": "it took longer than 0.02 s"}
    assert told == [True]


def test_timeout_counts_as_transient(house):
    def work(call):
        while call.attempt == 1 and not call.cancelled():
            time.sleep(0.002)
        return call.attempt

    step = Step("x", work, timeout=timedelta(milliseconds=50), recovery=SOON)
    assert house.execute([step]).outputs == {"x": 2}


@pytest.mark.parametrize(("on_interrupt", "kind"), [("retry", "FAIL"), ("escalate", "ESCALATE")])
def test_work_that_does_not_hear_is_not_waited_for_and_not_begun_again(house, on_interrupt, kind):
    release = threading.Event()
    step = Step(
        "x",
        lambda call: release.wait(30),
        timeout=timedelta(milliseconds=10),
        recovery=SOON,
        on_interrupt=on_interrupt,
    )
    result = house.execute([step, Step("y", echo)], grace=0.05)
    release.set()
    assert result.status is RunStatus.FAILED
    assert "y" in result.outputs
    assert house.kinds(result, "x") == ["START", kind]


def interrupting(then):
    """Return work that sends SIGINT to this process at its first call, then calls `then`."""
    calls = []

    def work(call):
        calls.append((call.attempt, call.key, call.in_doubt))
        if len(calls) == 1:
            os.kill(os.getpid(), signal.SIGINT)
            while not call.cancelled():
                time.sleep(0.002)
            return then()
        return "again"

    return work, calls


def raise_stopped():
    raise ChimeraError("stopped early")


def test_interrupted_step_is_run_again_with_the_same_key_and_uses_up_no_retry(house):
    work, calls = interrupting(raise_stopped)
    steps = chain(echo, work, echo)
    first = house.execute(steps)
    assert first.status is RunStatus.INTERRUPTED
    assert first.outcome is Outcome.INTERRUPTED
    assert first.outputs == {"s0": None}
    assert house.kinds(first, "s1") == ["START"]
    house.restart()
    result = house.resume(first, steps)
    assert result.status is RunStatus.SUCCEEDED
    (attempt, key, doubt), (again, same_key, in_doubt) = calls
    assert (attempt, doubt) == (1, False)
    assert (again, in_doubt) == (1, True)
    assert key == same_key
    assert house.kinds(result, "s0") == ["START", "DONE"]


def test_result_that_comes_back_during_an_interruption_is_kept(house):
    work, calls = interrupting(lambda: "finished")
    steps = chain(work, echo)
    first = house.execute(steps)
    assert first.status is RunStatus.INTERRUPTED
    assert first.outputs == {"s0": "finished"}
    assert house.resume(first, steps).status is RunStatus.SUCCEEDED
    assert len(calls) == 1


def test_interruption_of_the_last_step_that_finishes_leaves_nothing_to_resume(house):
    work, _ = interrupting(lambda: "finished")
    assert house.execute([Step("x", work)]).status is RunStatus.SUCCEEDED


def test_interrupted_step_that_must_not_be_repeated_waits_for_a_person(house):
    work, calls = interrupting(raise_stopped)
    steps = chain(work, echo, on_interrupt="escalate")
    first = house.execute(steps)
    assert first.status is RunStatus.INTERRUPTED
    for _ in range(2):
        house.restart()
        result = house.resume(first, steps)
        assert result.status is RunStatus.FAILED
        assert "may have taken effect" in result.failed["s0"]
        assert "`chimera runs retry RUN --from STAGE`" in result.failed["s0"]
        assert f"`chimera runs retry {first.run}`" in str(result.help)
        assert result.blocked == ("s1",)
    assert len(calls) == 1


def test_second_interruption_does_not_wait(house):
    release = threading.Event()

    def deaf(call):
        os.kill(os.getpid(), signal.SIGINT)
        while not call.cancelled():  # two at once are one
            time.sleep(0.002)
        os.kill(os.getpid(), signal.SIGINT)
        release.wait(30)

    result = house.execute([Step("x", deaf)], grace=25)
    release.set()
    assert result.status is RunStatus.INTERRUPTED


def test_handlers_of_signals_are_put_back(house):
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    house.execute([Step("x", echo)])
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_run_can_be_executed_outside_the_main_thread(tmp_path):
    results = []

    def elsewhere():
        house = House(tmp_path)
        results.append(house.execute(chain(echo, echo)))
        house.state.close()

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert results[0].status is RunStatus.SUCCEEDED


def test_journal_that_cannot_be_written_ends_the_run_and_starts_nothing_more(house):
    """Another writer takes over (its lock file was removed): this one must not go on."""
    begun = []

    def lose_the_state(call):
        Layout(house.root).lock.unlink()
        open_state(house.root, house.context, command="thief").close()

    steps = chain(lose_the_state, lambda call: begun.append(1))
    with pytest.raises(StateError, match="taken over"):
        house.execute(steps)
    assert begun == []
    house.restart()
    run = house.state.runs()[0]
    assert [e.kind.value for e in house.state.events(run.uid)] == ["START"]


def test_run_is_executed_with_no_other_definition(house):
    run = house.new_run({"stages": 1})
    with pytest.raises(ChimeraError, match="pinned"):
        Engine(house.state, house.context).execute(run, Graph({"stages": 2}, ()))


def test_exit_of_a_step_is_a_failure_of_the_step(house):
    def leave(call):
        raise SystemExit(3)

    assert house.execute([Step("x", leave)]).failed == {"x": "3"}


def test_a_watcher_that_raises_fails_no_run_and_is_told_of(house, caplog):
    house.context.secrets.add("a-long-secret")
    seen = []

    def broken(state, runs):
        raise RuntimeError("no route with a-long-secret")

    def sound(state, runs):
        seen.extend((uid, state.run(uid).status) for uid in runs)

    settings = RunSettings(watchers=(broken, sound))
    result = house.execute([Step("a", lambda call: 1)], settings=settings)
    assert result.status is RunStatus.SUCCEEDED
    assert seen == [(result.run, RunStatus.SUCCEEDED)]
    (record,) = caplog.records
    assert "broken, which watches runs, failed, and no run with it: RuntimeError('no route" in (
        record.getMessage()
    )
    assert "a-long-secret" not in caplog.text


def test_a_watcher_that_is_interrupted_ends_the_command(house):
    def watch(state, runs):
        raise KeyboardInterrupt

    settings = RunSettings(watchers=(watch,))
    with pytest.raises(KeyboardInterrupt):
        house.execute([Step("a", lambda call: 1)], settings=settings)
