"""What users of other engines complain of, each by its number, so that nobody does of ours."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest

from chimera.model import StateError, UsageError
from chimera.runtime import (
    ControlAction,
    Expansion,
    Recovery,
    Retry,
    RunSettings,
    RunStatus,
    Step,
    Wait,
    control_run,
    due_runs,
    migrate_run,
)
from chimera.runtime.engine import Engine
from chimera.runtime.recovery import BulkheadRule
from chimera.runtime.steps import Graph
from chimera.state import EventKind, open_state, read_state

from .conftest import SOON, chain, echo


def ask(house, run, action, **what):
    return control_run(house.root, house.context, run.uid, action, **what)


def later(seconds, call, *arguments, **options):
    timer = threading.Timer(seconds, call, arguments, options)
    timer.start()
    return timer


# -- Pause that races or never finishes: temporal#3006, temporal#10239, airflow#71381, prefect#20388


@pytest.mark.parametrize("seconds", [0.0, 0.05, 0.12, 0.2])
def test_pause_at_any_moment_is_over_once_nothing_is_in_flight(house, seconds):
    run = house.new_run()

    def work(call):
        time.sleep(0.04)
        return 1

    asked = later(seconds, ask, house, run, ControlAction.PAUSE)
    result = house.execute(chain(*[work] * 12), run=run)
    asked.join()
    assert result.status is RunStatus.PAUSED
    assert house.state.run(run.uid).status is RunStatus.PAUSED
    events = house.state.events(run.uid)
    paused = next(n for n, e in enumerate(events) if e.kind is EventKind.PAUSE)
    assert not [e for e in events[paused:] if e.kind is EventKind.START]
    house.state.close()
    ask(house, run, ControlAction.RESUME)
    house.restart()
    assert house.execute(chain(*[work] * 12), run=house.state.run(run.uid)).status is (
        RunStatus.SUCCEEDED
    )


def test_pause_and_resume_again_and_again_end_as_the_last_one_says(house):
    run = house.new_run()

    def flicker():
        for _ in range(30):
            ask(house, run, ControlAction.PAUSE)
            ask(house, run, ControlAction.RESUME)

    def work(call):
        time.sleep(0.7)

    asking = threading.Thread(target=flicker)
    asking.start()
    result = house.execute([Step("a", work), Step("b", echo, ("a",))], run=run)
    asking.join()
    while result.status is RunStatus.PAUSED:  # the look fell between a pause and its resume
        house.state.close()
        house.restart()
        assert due_runs(house.state, "local", house.context.clock.now())
        from chimera.runtime.asking import take_requests

        take_requests(house.state, house.context, house.state.run(run.uid))
        result = house.execute(
            [Step("a", work), Step("b", echo, ("a",))], run=house.state.run(run.uid)
        )
    assert result.status is RunStatus.SUCCEEDED


def test_pause_of_a_fan_that_has_begun_lets_it_land_and_begins_no_more(house):
    run = house.new_run()
    begun = []

    def work(call):
        begun.append(1)
        time.sleep(0.3)

    fan = Step(
        "fan", expand=lambda i: Expansion(count=100, make=lambda n: Step("e", work), concurrency=3)
    )
    asked = later(0.05, ask, house, run, ControlAction.PAUSE)
    assert house.execute([fan], run=run).status is RunStatus.PAUSED
    asked.join()
    assert len(begun) == sum(e.kind is EventKind.DONE for e in house.state.events(run.uid)) <= 6


# -- Runs stranded by a code change: airflow#22006


def test_run_goes_on_as_it_was_pinned_when_the_code_has_changed_and_moves_when_told_to(house):
    done = []

    def step(id, *needs, work=None):
        return Step(id, work or (lambda call: done.append(id)), needs, identity=f"does {id}")

    def fail(call):
        raise ValueError("not yet")

    first = house.state.create_run("local", "Workflow/x", {"v": 1}, None)
    engine = Engine(house.state, house.context)
    graph = Graph({"v": 1}, [step("a"), step("b", "a", work=fail)])
    assert engine.execute(first, graph).status is RunStatus.FAILED
    new = Graph({"v": 2}, [step("a"), step("b", "a"), step("c", "b")])
    run = house.state.run(first.uid)
    with pytest.raises(Exception, match="pinned") as caught:
        engine.execute(run, new)
    assert "chimera runs migrate" in caught.value.help
    build = lambda definition, given: new if definition == {"v": 2} else graph  # noqa: E731
    moved = migrate_run(house.state, house.context, run.uid, {"v": 2}, build)
    assert engine.execute(moved, new).status is RunStatus.SUCCEEDED
    assert done == ["a", "b", "c"]


# -- A stage that two runners run: dbos-transact-py#541, hatchet#1022

RIVAL = """
import sys, time
from pathlib import Path
from chimera.context import Context
from chimera.model import StateError
from chimera.runtime import Engine, Graph, Step
from chimera.state import open_state

root, uid = Path(sys.argv[1]), sys.argv[2]

def work(call):
    with (root / "effects").open("a") as file:
        file.write(call.key + "\\n")
    time.sleep(0.2)

context = Context.system()
try:
    with open_state(root, context, command="rival") as state:
        run = state.run(uid)
        if run.status.value != "succeeded":
            steps = [Step(f"s{n}", work, (f"s{n-1}",) if n else ()) for n in range(5)]
            print(Engine(state, context).execute(run, Graph(None, steps)).status.value)
        else:
            print("was there")
except StateError as error:
    print("refused:", error.help)
"""


def rival(root, uid):
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.Popen(
        [sys.executable, "-c", RIVAL, str(root), uid],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def test_stage_is_run_by_one_of_two_runners(house):
    run = house.new_run()
    house.state.close()
    rivals = [rival(house.root, run.uid) for _ in range(3)]
    said = [process.communicate(timeout=60) for process in rivals]
    assert not any(error for _, error in said)
    outs = [out.split(":")[0].strip() for out, _ in said]
    assert outs.count("succeeded") == 1
    assert set(outs) <= {"succeeded", "refused", "was there"}
    lines = (house.root / "effects").read_text().split()
    assert len(lines) == len(set(lines)) == 5
    house.restart()


def test_runner_whose_lock_file_was_removed_writes_nothing_more(house):
    """The other takes over; the first learns of it with its next commit, and says so."""
    run = house.new_run()
    released = threading.Event()

    def take_over(call):
        house.state.layout.lock.unlink()
        with open_state(house.root, house.context, command="rival") as other:
            other.record(run.uid, status=RunStatus.PAUSED)
        released.set()
        return 1

    with pytest.raises(StateError, match="taken over") as caught:
        house.execute(chain(take_over, echo), run=run, grace=0.5)
    assert released.is_set()
    assert "never remove .chimera/lock" in caught.value.help
    house.state.close()
    with read_state(house.root) as reader:
        assert reader.run(run.uid).status is RunStatus.PAUSED
        assert not [e for e in reader.events(run.uid) if e.kind is EventKind.DONE]
    house.restart()


# -- Stuck after recovery: dbos-transact-py#805


@pytest.mark.parametrize("where", ["retry", "timer", "signal", "fan", "probe", "undo"])
def test_run_that_was_killed_while_it_waited_goes_on(house, where):
    """What a dead process leaves: START without DONE, due times, a fan half done."""
    run = house.new_run()
    waits = Recovery(Retry(3, timedelta(hours=5), timedelta(hours=5)))

    def die(call):
        raise KeyboardInterrupt

    def fail(call):
        raise ConnectionError("no")

    dying = Step("die", die, executor="inline")
    before, after, options = {
        "retry": ([Step("x", fail, recovery=waits)], [Step("x", echo, recovery=SOON)], {}),
        "timer": ([Step("x", wait=Wait(seconds=0.2))], [Step("x", wait=Wait(seconds=0.2))], {}),
        "signal": ([Step("x", wait=Wait(signal="s"))], [Step("x", wait=Wait(signal="s"))], {}),
        "fan": (
            [Step("x", expand=lambda i: Expansion(count=3, make=lambda n: Step("e", echo)))],
            [Step("x", expand=lambda i: Expansion(count=3, make=lambda n: Step("e", echo)))],
            {},
        ),
        "probe": (
            [Step("x", die, executor="inline", on_interrupt="probe", probe=lambda call: None)],
            [Step("x", echo, on_interrupt="probe", probe=lambda call: None)],
            {},
        ),
        "undo": (
            [Step("x", echo, compensate=die), Step("y", fail, ("x",))],
            [Step("x", echo, compensate=echo), Step("y", fail, ("x",))],
            {"on_failure": "compensate"},
        ),
    }[where]
    wait = Step("pause", lambda call: time.sleep(0.05))
    with pytest.raises(KeyboardInterrupt) if where != "undo" else _nothing():
        house.execute(
            [*before, wait, *([dying] if where not in {"undo", "probe"} else [])], run=run
        )
    house.restart()
    if where == "signal":
        house.state.close()
        ask(house, run, ControlAction.SIGNAL, name="s")
        house.restart()
    settings = RunSettings(patience=timedelta(seconds=5))
    steps = [*after, Step("pause", echo), Step("die", echo, executor="inline")]
    steps = steps if where not in {"undo", "probe"} else steps[:-1]
    result = house.execute(steps, run=house.state.run(run.uid), settings=settings, **options)
    wanted = RunStatus.COMPENSATED if where == "undo" else RunStatus.SUCCEEDED
    assert result.status is wanted


class _nothing:  # noqa: N801 - used like a function
    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


# -- A crash that retry does not cover, or that uses up the retries: dagster#12577, airflow#38304


def test_worker_that_dies_is_covered_and_uses_up_no_retry(house):
    run = house.new_run()
    script = RIVAL.replace("time.sleep(0.2)", "import os; os.kill(os.getpid(), 9)")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    house.state.close()
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", script, str(house.root), run.uid], env=environment
        )
        assert done.returncode == -signal.SIGKILL
    house.restart()
    attempts = []

    def work(call):
        attempts.append((call.attempt, call.in_doubt))
        if len(attempts) < 3:
            raise ConnectionError("no")

    steps = [
        Step(f"s{n}", work, (f"s{n - 1}",) if n else (), recovery=Recovery(Retry(3, timedelta(0))))
        for n in range(5)
    ]
    assert house.execute(steps, run=house.state.run(run.uid)).status is RunStatus.SUCCEEDED
    assert attempts[:3] == [(1, True), (2, True), (3, True)]


# -- No re-run from a step: argo#950, dagster#30077


def test_finished_run_runs_again_from_a_step_and_keeps_the_others(house):
    made = []

    def step(id, *needs):
        return Step(id, lambda call: made.append(id), needs)

    steps = [step("a"), step("b", "a"), step("c", "b"), step("d")]
    first = house.execute(steps)
    house.state.close()
    control_run(house.root, house.context, first.run, ControlAction.RETRY, name="b")
    house.restart()
    assert house.resume(first, steps).status is RunStatus.SUCCEEDED
    assert sorted(made) == ["a", "b", "b", "c", "c", "d"]


# -- Thousands of stages: kubeflow/pipelines#4175, luigi#1750

MILLION = """
import resource, sys
from pathlib import Path
from chimera.context import Context
from chimera.runtime import Engine, Expansion, Graph, Step
from chimera.state import open_state

count = int(sys.argv[2])

def one(call):
    return 1

context = Context.system()
with open_state(Path(sys.argv[1]), context, command="many") as state:
    fan = Step("fan", effects=False, expand=lambda i: Expansion(
        count=count, make=lambda n: Step("e", one, effects=False, executor="inline"), collect=len))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    run = state.create_run("local", "Workflow/many", None, None)
    result = Engine(state, context).execute(run, Graph(None, [fan]))
    assert result.outputs == {"fan": count}, result
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""

MANY = int(os.environ.get("CHIMERA_ELEMENTS", "30000"))
"""How many elements of one expansion; the nightly run sets 1,000,000."""


def test_expansion_of_many_elements_takes_little_memory(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", MILLION, str(tmp_path), str(MANY)],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 24e6 + 60 * MANY, "bytes: a fixed amount, and an output each"


def test_graph_of_thousands_of_stages_is_built_and_run(house):
    count = 3_000
    wide = [Step(f"w{n}", echo, effects=False, executor="inline") for n in range(count)]
    join = Step("join", echo, tuple(s.id for s in wide), inputs=len, executor="inline")
    row = chain(*[echo] * count, effects=False, executor="inline")
    result = house.execute([*wide, join, *row])
    assert result.status is RunStatus.SUCCEEDED
    assert result.outputs["join"] == count


# -- "database is locked": prefect#19771


def test_readers_and_requests_of_other_processes_never_meet_a_locked_database(house):
    run = house.new_run()
    stop, errors, looks = threading.Event(), [], []

    def look():
        while not stop.is_set():
            try:
                with read_state(house.root) as reader:
                    looks.append(len(reader.events(run.uid)))
                ask(house, run, ControlAction.SIGNAL, name="nobody")
            except Exception as error:
                errors.append(error)
            time.sleep(0.01)

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    steps = chain(*[lambda call: time.sleep(0.01)] * 50)
    result = house.execute(steps, run=run)
    stop.set()
    for thread in threads:
        thread.join()
    assert result.status is RunStatus.SUCCEEDED
    assert [e for e in errors if not isinstance(e, UsageError)] == []  # it may be over by then
    assert len(looks) > 3


# -- Too heavy to embed: temporal#3366, prefect#14810


def test_engine_needs_no_server_no_thread_and_no_package_that_is_heavy(tmp_path):
    script = """
import json, sys, threading
from pathlib import Path
from chimera.context import Context
from chimera.runtime import Engine, Graph, Step
from chimera.state import open_state

context = Context.system()
with open_state(Path(sys.argv[1]), context, command="light") as state:
    run = state.create_run("local", "Workflow/light", None, None)
    async def one(call):
        return 1
    assert Engine(state, context).execute(run, Graph(None, [Step("a", one)])).outputs == {"a": 1}
heavy = {"ray", "numpy", "numba", "scipy", "pydantic", "click", "rich", "sqlalchemy"}
print(json.dumps([sorted(heavy & set(sys.modules)), threading.active_count()]))
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [[], 1]


# -- Locks that cannot be cancelled while queued: argo#10733


def side_by_side(house, first, second, settings, do, **options):
    """Execute two runs at once; call `do(second)` a little later; return results by run."""
    one, two = house.new_run(), house.new_run()
    graphs = {one.uid: Graph(None, first), two.uid: Graph(None, second, **options)}
    engine = Engine(house.state, house.context, settings=settings, grace=1.0)
    asked = later(0.1, do, two)
    began, ended, results = time.monotonic(), {}, {}
    for result in engine.execute_all([(r, lambda r=r: graphs[r.uid]) for r in (one, two)]):
        ended[result.run] = time.monotonic() - began
        results[result.run] = result
    asked.join()
    return results[one.uid], results[two.uid], ended[one.uid], ended[two.uid]


HOLD = 1.5
HELD = RunSettings(limits={"lock": 1})


def hold(call):
    time.sleep(HOLD)


@pytest.mark.parametrize("action", [ControlAction.CANCEL, ControlAction.PAUSE])
def test_run_that_queues_for_a_lock_is_cancelled_and_paused_at_once(house, action):
    one, two, _, ended = side_by_side(
        house,
        [Step("a", hold, keys=("lock",))],
        [Step("b", echo, keys=("lock",))],
        HELD,
        lambda run: ask(house, run, action),
    )
    assert one.status is RunStatus.SUCCEEDED
    assert two.status is {"cancel": RunStatus.CANCELLED, "pause": RunStatus.PAUSED}[action.value]
    assert ended < HOLD * 0.8, "it waited for the lock to be told that it need not"


def test_run_that_queues_for_a_lock_times_out_in_time(house):
    _, two, _, ended = side_by_side(
        house,
        [Step("a", hold, keys=("lock",))],
        [Step("b", echo, keys=("lock",))],
        HELD,
        lambda run: None,
        timeout=timedelta(seconds=0.3),
    )
    assert two.status is RunStatus.FAILED
    assert ended < HOLD * 0.8


def test_expansion_whose_elements_queue_for_a_lock_times_out_in_time(house):
    fan = Step(
        "fan",
        expand=lambda i: Expansion(count=2, make=lambda n: Step("e", echo, keys=("lock",))),
        timeout=timedelta(seconds=0.3),
    )
    _, two, _, ended = side_by_side(
        house, [Step("a", hold, keys=("lock",))], [fan], HELD, lambda run: None
    )
    assert two.status is RunStatus.FAILED
    assert ended < HOLD * 0.8


@pytest.mark.parametrize("action", [ControlAction.CANCEL, ControlAction.PAUSE])
def test_place_in_a_bulkhead_is_given_back_by_who_was_stopped_in_its_queue(house, action):
    inside = Recovery(Retry(1), bulkhead="gate")
    settings = RunSettings(bulkheads={"gate": BulkheadRule(1, 5)})
    runs = [house.new_run() for _ in range(3)]
    graphs = {
        runs[0].uid: Graph(None, [Step("a", lambda call: time.sleep(0.6), recovery=inside)]),
        runs[1].uid: Graph(None, [Step("b", echo, recovery=inside)]),
        runs[2].uid: Graph(None, [Step("c", echo, recovery=inside)], timeout=timedelta(seconds=5)),
    }
    asked = later(0.1, ask, house, runs[1], action)
    engine = Engine(house.state, house.context, settings=settings, grace=1.0)
    results = {
        result.run: result.status
        for result in engine.execute_all([(r, lambda r=r: graphs[r.uid]) for r in runs])
    }
    asked.join()
    assert results[runs[0].uid] is RunStatus.SUCCEEDED
    assert results[runs[1].uid] in {RunStatus.CANCELLED, RunStatus.PAUSED}
    assert results[runs[2].uid] is RunStatus.SUCCEEDED, "the place was never given back"


# -- Cache and retry that break each other: argo#10426


def test_failed_attempt_is_not_cached_and_a_retry_of_a_cached_stage_works_it_out_anew(house):
    made = []

    def work(call):
        made.append(call.attempt)
        if call.attempt < 2:
            raise ConnectionError("no")
        return len(made)

    step = Step("x", work, cache="scope", effects=False, recovery=SOON)
    first = house.execute([step])
    assert first.outputs == {"x": 2}
    second = house.execute([step])
    assert second.outputs == {"x": 2}, "a hit"
    assert made == [1, 2]
    house.state.close()
    control_run(house.root, house.context, second.run, ControlAction.RETRY, name="x")
    house.restart()
    third = house.resume(second, [step])
    assert third.status is RunStatus.SUCCEEDED
    assert third.outputs["x"] in {2, 4}
