"""Runs that are retried from a stage, moved to another definition, and forgotten."""

import time
from datetime import timedelta

import pytest

from chimera.model import ChimeraError, UsageError
from chimera.runtime import (
    ControlAction,
    Engine,
    Expansion,
    Graph,
    Runs,
    RunSettings,
    RunStatus,
    Step,
    control_run,
    due_runs,
    migrate_run,
)
from chimera.runtime.control import leave_request
from chimera.state import Applied, EventKind, read_state

from .conftest import chain, echo


def counting(made):
    def work(call):
        made.append((call.inputs, call.key))
        return call.inputs

    def step(id, *needs, **options):
        return Step(id, work, needs, lambda outputs: id, **options)

    fan = Step(
        "fan", needs=("b",), expand=lambda i: Expansion(count=2, make=lambda n: step(f"fan{n}"))
    )
    return [step("a"), step("b", "a"), fan, step("c", "fan"), step("other")]


def test_stage_and_all_that_depends_on_it_run_anew_with_other_keys(house):
    made = []
    first = house.execute(counting(made))
    assert first.status is RunStatus.SUCCEEDED
    before = dict(made)
    made.clear()
    house.state.close()
    run = control_run(house.root, house.context, first.run, ControlAction.RETRY, name="b")
    assert run.status is RunStatus.INTERRUPTED
    house.restart()
    assert [r.uid for r in due_runs(house.state, "local", house.context.clock.now())] == [run.uid]
    result = house.resume(first, counting(made))
    assert result.status is RunStatus.SUCCEEDED
    assert sorted(id for id, _ in made) == ["b", "c", "fan0", "fan1"]
    assert all(before[id] != key for id, key in made)
    assert house.kinds(result, "a") == ["START", "DONE"]
    assert house.kinds(result, "b") == ["START", "DONE"] * 2
    made.clear()
    house.restart()
    assert house.resume(result, counting(made)).outputs == result.outputs
    assert made == []
    assert house.state.run(result.run).done == 7


def test_run_that_is_executed_is_retried_once_nothing_is_in_flight(house):
    made = []
    created = house.new_run()

    def ask(call):
        if not made:
            control = ControlAction.RETRY
            leave_request(*(house.state.layout, house.context, created.uid, control, ""), name="a")
        made.append(call.key)
        time.sleep(0.3)
        return len(made)

    result = house.execute([Step("a", ask), Step("b", echo)], run=created)
    assert result.status is RunStatus.SUCCEEDED
    assert result.outputs["a"] == 2
    assert len(set(made)) == 2


def test_unknown_stage_is_a_usage_error_that_suggests_one(house):
    first = house.execute(counting([]))
    with pytest.raises(UsageError, match="'fun'") as caught:
        control_run(house.root, house.context, first.run, ControlAction.RETRY, name="fun")
    assert "did you mean fan" in caught.value.help


def test_request_is_taken_once_whatever_is_killed_when(house):
    """The journal has the request, and its file was not removed before the process died."""
    run = house.new_run()
    leave_request(house.state.layout, house.context, run.uid, ControlAction.SIGNAL, "", name="go")
    (path,) = house.state.layout.control.iterdir()
    kept = path.read_bytes()
    steps = chain(echo, echo)
    house.execute(steps, run=run)
    path.write_bytes(kept)
    house.restart()
    house.execute(steps, run=house.state.run(run.uid))
    events = house.state.events(run.uid)
    assert [e.kind for e in events].count(EventKind.SIGNAL) == 1
    assert not path.exists()


def stages(given, **identities):
    """Return what builds these stages from a definition, and others from the first one."""

    def build(definition, _):
        first = definition == {"v": 1}
        wanted = {"a": "1", "b": "1"} if first else identities
        return [
            Step(id, echo, inputs=lambda outputs: 1 if first else given, identity=identity)
            for id, identity in wanted.items()
        ]

    return build


def test_run_moves_where_what_it_did_is_the_same(house):
    run = begin(house, v=1)
    moved = migrate_run(
        house.state, house.context, run.uid, {"v": 2}, stages(1, a="1", b="2"), "a mistake in b"
    )
    assert moved.definition == {"v": 2}
    graph = Graph({"v": 2}, stages(1, a="1", b="2")(None, None))
    result = Engine(house.state, house.context).execute(moved, graph)
    assert result.outputs == {"a": 1, "b": 1}
    assert house.kinds(result, "a") == ["START", "DONE"]
    (event,) = [e for e in house.state.events(run.uid) if e.kind is EventKind.MIGRATE]
    assert event.data["reason"] == "a mistake in b"


def begin(house, **definition):
    """Return a run that has done a and failed at b."""
    run = house.new_run(definition)
    steps = [*stages(1, a="1")(None, None), Step("b", lambda call: 1 // 0)]
    Engine(house.state, house.context).execute(run, Graph(definition, steps))
    return run


@pytest.mark.parametrize(
    ("after", "reason"),
    [
        (stages(1, b="1"), "a has finished and is not there any more"),
        (stages(1, a="2", b="1"), "a has finished and does something else now"),
        (stages(2, a="1", b="1"), "a has finished with other inputs"),
    ],
)
def test_run_does_not_move_where_what_it_did_is_another(house, after, reason):
    run = begin(house, v=1)
    before = house.state.events(run.uid)
    with pytest.raises(ChimeraError, match=reason):
        migrate_run(house.state, house.context, run.uid, {"v": 2}, after)
    assert house.state.run(run.uid).definition == {"v": 1}
    assert house.state.events(run.uid) == before


def test_forgotten_runs_take_their_files_with_them(house):
    large = "ä" * 50_000
    runs = Runs(house.state, house.context, "local")
    for n in range(5):
        build = lambda d, i, n=n: [Step("x", lambda call: [n, large])]  # noqa: E731
        result = runs.carry_out(f"Workflow/{n}", {"n": n}, build, None, 4)
        applied = Applied(f"Workflow/{n}", "d", house.context.clock.now(), run=result.run)
        house.state.put_applied("local", applied)
    unfinished = house.new_run()
    house.state.remove_applied("local", "Workflow/0")
    house.state.remove_applied("local", "Workflow/1")
    now = house.context.clock.now()
    assert house.state.prune(before=now - timedelta(days=1)).runs == 0
    pruned = house.state.prune(before=now + timedelta(days=1))
    assert (pruned.runs, pruned.events, pruned.files) == (2, 4, 2)
    house.restart()
    assert len(house.state.runs()) == 4
    assert house.state.run(unfinished.uid)
    with read_state(house.root) as reader:
        for run in reader.runs():
            reader.events(run.uid)  # no file of what stays is gone


def test_engine_forgets_what_is_older_than_is_to_be_kept(house):
    first = house.execute([Step("x", echo)])
    house.execute([Step("x", echo)], settings=RunSettings(retention=timedelta()))
    assert [r.uid for r in house.state.runs()] != [first.run]
