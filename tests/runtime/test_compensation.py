"""Sagas: what was done is undone in reverse order of completion, once, whatever is killed."""

from chimera.runtime import Expansion, Recovery, Retry, RunStatus, Step
from chimera.runtime.recovery import PermanentError, Rollback

from .conftest import SOON, echo


def fail(call):
    raise RuntimeError("broken")


def saga(undone, *, broken=()):
    def undo(name):
        def work(call):
            if name in broken and call.attempt < 3:
                raise RuntimeError(f"{name} is broken")
            undone.append((name, call.inputs, call.key))

        return work

    def step(name, *needs, **options):
        options.setdefault("compensate", undo(name))
        return Step(
            *(name, lambda call: f"did {name}", needs),
            inputs=lambda outputs: {"name": name},
            **options,
        )

    return [
        step("b"),
        step("a", "b"),
        Step("plain", echo, needs=("a",)),
        Step(
            "fan",
            needs=("plain",),
            expand=lambda i: Expansion(
                count=2, make=lambda n: step(str(n), compensate=undo(f"fan{n}")), concurrency=1
            ),
        ),
        Step("bad", fail, needs=("fan",), compensate=undo("bad")),
    ]


def test_run_that_fails_undoes_what_it_did_in_reverse_order(house):
    undone = []
    result = house.execute(saga(undone), on_failure="compensate")
    assert result.status is RunStatus.COMPENSATED
    assert result.failed == {"bad": "broken"}
    assert [name for name, _, _ in undone] == ["fan1", "fan0", "a", "b"]
    assert undone[2][1] == {"inputs": {"name": "a"}, "outputs": "did a"}
    assert house.kinds(result, "a!undo") == ["COMP_START", "COMP_DONE"]
    assert house.state.run(result.run).status is RunStatus.COMPENSATED


def test_run_that_fails_undoes_nothing_unless_it_is_to(house):
    undone = []
    assert house.execute(saga(undone)).status is RunStatus.FAILED
    assert undone == []


def test_rollback_of_a_recovery_undoes_too(house):
    undone = []
    steps = saga(undone)
    steps[-1] = Step("bad", fail, needs=("fan",), recovery=Recovery(rollback=Rollback()))
    assert house.execute(steps).status is RunStatus.COMPENSATED
    assert len(undone) == 4


def test_step_of_a_rollback_takes_the_place_of_the_others(house):
    undone, put_back = [], []
    steps = saga(undone)
    back = Step("restore", lambda call: put_back.append(1))
    steps[-1] = Step("bad", fail, needs=("fan",), recovery=Recovery(rollback=Rollback(back)))
    assert house.execute(steps).status is RunStatus.COMPENSATED
    assert (undone, put_back) == ([], [1])


def test_rollback_of_a_run_that_is_taken_up_again_is_the_declared_one_still(house):
    undone, put_back = [], []
    broken = [True]

    def restore(call):
        if broken:
            raise PermanentError("not now")
        put_back.append(call.inputs)

    steps = saga(undone)
    recovery = Recovery(Retry(1), rollback=Rollback(Step("restore", restore)))
    steps[-1] = Step("bad", fail, needs=("fan",), inputs=lambda outputs: "it", recovery=recovery)
    first = house.execute(steps)
    assert first.status is RunStatus.FAILED
    assert first.failed["rollback!undo"] == "not now"
    broken.clear()
    house.restart()
    assert house.resume(first, steps).status is RunStatus.COMPENSATED
    assert (undone, put_back) == ([], ["it"])


def test_compensation_that_fails_leaves_the_run_failed_and_is_tried_again(house):
    undone = []
    first = house.execute(saga(undone, broken=("a",)), on_failure="compensate")
    assert first.status is RunStatus.FAILED
    assert first.failed["a!undo"] == "a is broken"
    assert [name for name, _, _ in undone] == ["fan1", "fan0", "b"]
    house.restart()
    result = house.resume(first, saga(undone), on_failure="compensate")
    assert result.status is RunStatus.COMPENSATED
    assert [name for name, _, _ in undone] == ["fan1", "fan0", "b", "a"]


def test_compensation_is_retried_as_its_step_is(house):
    undone = []
    steps = saga(undone)
    tries = []

    def undo(call):
        tries.append(call.key)
        if call.attempt < 3:
            raise RuntimeError("not yet")

    steps[0] = Step("b", echo, compensate=undo, recovery=SOON)
    assert house.execute(steps, on_failure="compensate").status is RunStatus.COMPENSATED
    assert len(tries) == 3
    assert len(set(tries)) == 1


def test_every_prefix_of_a_compensation_ends_the_same(house):
    undone = []
    whole = house.execute(saga(undone), on_failure="compensate")
    events = house.state.events(whole.run)
    first = next(n for n, e in enumerate(events) if e.kind.value == "COMP_START")
    for length in range(first + 1, len(events) + 1):
        run = house.new_run()
        house.state.record(run.uid, events[:length])
        again = []
        result = house.execute(saga(again), run=run, on_failure="compensate")
        assert result.status is RunStatus.COMPENSATED
        before = [e.step for e in events[:length] if e.kind.value == "COMP_DONE"]
        assert len(before) + len(again) == 4, length


def test_retry_given_to_the_run_is_for_its_steps(house):
    recovery = Recovery(Retry(2, SOON.retry.base_delay, SOON.retry.base_delay))
    result = house.execute([Step("bad", fail, recovery=recovery)], on_failure="compensate")
    assert result.status is RunStatus.COMPENSATED
    assert house.kinds(result, "bad") == ["START", "RETRY", "START", "FAIL"]
