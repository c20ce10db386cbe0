"""Many runs of one process: bounded, isolated, limited by keys, and ordered by priority."""

import asyncio
import os
import signal

import pytest

from chimera.model import ChimeraError, StateError
from chimera.runtime import Engine, Graph, RunSettings, RunStatus, Step
from chimera.state import Layout, open_state

from .conftest import chain, echo


def execute_all(house, graphs, **settings):
    """Execute one run of each graph; return the results by the number of the graph."""
    runs = [
        house.state.create_run("local", f"Workflow/{n}", None, None) for n in range(len(graphs))
    ]
    engine = Engine(house.state, house.context, settings=RunSettings(**settings), grace=2)
    pairs = [(run, lambda graph=graph: graph) for run, graph in zip(runs, graphs, strict=True)]
    number = {run.uid: n for n, run in enumerate(runs)}
    return {number[result.run]: result for result in engine.execute_all(pairs)}


def test_each_run_has_its_own_steps_and_result(house):
    graphs = [Graph(None, chain(lambda call, n=n: n, echo, effects=bool(n % 2))) for n in range(20)]
    results = execute_all(house, graphs, max_runs=7)
    assert {n: result.outputs["s1"] for n, result in results.items()} == dict(enumerate(range(20)))
    assert all(run.status is RunStatus.SUCCEEDED for run in house.state.runs())


def test_runs_are_drawn_when_there_is_room(house):
    drawn, ended, most = [0], [0], [0]

    def runs():
        for n in range(30):
            drawn[0] += 1
            most[0] = max(most[0], drawn[0] - ended[0])
            run = house.state.create_run("local", f"Workflow/{n}", None, None)
            yield run, lambda: Graph(None, chain(echo, echo))

    engine = Engine(house.state, house.context, settings=RunSettings(max_runs=4))
    for result in engine.execute_all(runs()):
        assert house.state.run(result.run).status is RunStatus.SUCCEEDED
        ended[0] += 1
    assert ended[0] == 30
    assert most[0] <= 8  # those that ended and were not looked at yet are among them


def test_run_that_fails_or_has_no_graph_leaves_the_others_alone(house):
    def refuse():
        raise ChimeraError("the operation is missing")

    good, bad, none = (house.new_run() for _ in range(3))
    pairs = [
        (bad, lambda: Graph(None, [Step("x", lambda call: 1 // 0)])),
        (none, refuse),
        (good, lambda: Graph(None, [Step("x", echo)])),
    ]
    results = {r.run: r for r in Engine(house.state, house.context).execute_all(pairs)}
    assert results[good.uid].status is RunStatus.SUCCEEDED
    assert results[bad.uid].status is RunStatus.FAILED
    assert results[none.uid].message == "the operation is missing"
    assert house.state.run(none.uid).status is RunStatus.FAILED


def counting():
    now, most = {}, {}

    def work(key):
        async def count(call):
            now[key] = now.get(key, 0) + 1
            most[key] = max(most.get(key, 0), now[key])
            await asyncio.sleep(0.002)
            now[key] -= 1

        return count

    return work, most


def test_keys_limit_what_is_in_flight_in_all_runs(house):
    work, most = counting()
    graphs = [
        Graph(None, [Step(str(n), work("gpu"), keys=("gpu", "unknown")) for n in range(6)])
        for _ in range(3)
    ]
    execute_all(house, graphs, limits={"gpu": 2})
    assert most == {"gpu": 2}


def test_keys_limit_what_is_in_flight_in_one_run(house):
    work, most = counting()
    steps = [Step(f"{key}{n}", work(key), keys=(key,)) for n in range(6) for key in "ab"]
    house.execute(steps, limits={"a": 1, "b": 3})
    assert most == {"a": 1, "b": 3}


def test_step_held_back_by_one_limit_leaves_the_other_to_others(house):
    work, most = counting()
    steps = [Step(f"both{n}", work("both"), keys=("a", "b")) for n in range(5)]
    steps += [Step(f"b{n}", work("b"), keys=("b",)) for n in range(5)]
    result = house.execute(steps, limits={"a": 1, "b": 2})
    assert result.status is RunStatus.SUCCEEDED
    assert most["both"] == 1


def test_higher_priority_is_first_among_steps_then_among_runs(house):
    order = []

    def note(name):
        async def work(call):
            order.append(name)

        return work

    def steps(run):
        return [Step(f"s{p}", note((p, run)), priority=p) for p in (0, 5, 1)]

    graphs = [Graph(None, steps(p), concurrency=1, priority=p) for p in (1, 9)]
    execute_all(house, graphs, limits={})
    assert order.index((5, 9)) < order.index((5, 1)) < order.index((1, 1))
    assert order.index((1, 9)) < order.index((0, 9))


def test_interruption_ends_all_runs_and_draws_no_more(house):
    drawn = []

    async def interrupt(call):
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(60)

    def runs():
        for n in range(10):
            drawn.append(n)
            yield house.new_run(), lambda: Graph(None, [Step("x", interrupt)])

    engine = Engine(house.state, house.context, settings=RunSettings(max_runs=3))
    results = list(engine.execute_all(runs()))
    assert [result.status for result in results] == [RunStatus.INTERRUPTED] * 3
    assert drawn == [0, 1, 2]


def test_caller_that_wants_no_more_results_interrupts_the_others(house):
    async def forever(call):
        await asyncio.sleep(60)

    pairs = [
        (house.new_run(), lambda: Graph(None, [Step("x", echo)])),
        (house.new_run(), lambda: Graph(None, [Step("x", forever)])),
    ]
    results = Engine(house.state, house.context).execute_all(pairs)
    assert next(results).status is RunStatus.SUCCEEDED
    results.close()
    assert house.state.run(pairs[1][0].uid).status is RunStatus.INTERRUPTED


def test_state_that_cannot_be_written_ends_all_runs(house):
    def lose_the_state(call):
        Layout(house.root).lock.unlink()
        open_state(house.root, house.context, command="thief").close()

    graphs = [Graph(None, chain(lose_the_state, echo)), Graph(None, chain(echo, echo, echo))]
    with pytest.raises(StateError, match="taken over"):
        execute_all(house, graphs)
    house.restart()


def test_cancelled_before_its_turn_is_not_executed(house):
    run = house.new_run()
    house.state.record(run.uid, status=RunStatus.CANCELLED)
    made = []
    (result,) = Engine(house.state, house.context).execute_all(
        [(run, lambda: Graph(None, [Step("x", made.append)]))]
    )
    assert result.status is RunStatus.CANCELLED
    assert made == []
