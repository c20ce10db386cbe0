"""Steps that are made of other steps: elements of a list, and workflows inside a step."""

import asyncio
from datetime import timedelta

import pytest

from chimera.runtime import (
    ControlAction,
    Expansion,
    Recovery,
    RunStatus,
    Step,
    Wait,
    control_run,
)
from chimera.runtime.recovery import Fallback

from .conftest import SOON, chain, echo


def for_each(items, make, **options):
    """Return what expands into one step for each of `items`."""
    return lambda inputs: Expansion(
        count=len(items), make=lambda n: make(items[n]), collect=in_order, **options
    )


def in_order(outputs):
    return [outputs.get(str(n)) for n in range(max(map(int, outputs), default=-1) + 1)]


def double(item):
    return Step("x", lambda call: call.inputs * 2, inputs=lambda outputs: item)


def test_elements_are_steps_of_their_own_and_are_collected(house):
    result = house.execute(
        [
            Step("fan", expand=for_each([1, 2, 3], double)),
            Step("after", echo, needs=("fan",), inputs=lambda outputs: outputs["fan"]),
        ]
    )
    assert result.outputs == {"fan": [2, 4, 6], "after": [2, 4, 6]}
    assert house.kinds(result, "fan[1]") == ["START", "DONE"]
    assert house.kinds(result, "fan") == ["START", "DONE"]
    run = house.state.run(result.run)
    assert (run.total, run.done, run.failed) == (5, 5, 0)


def test_expansion_into_nothing_is_finished_at_once(house):
    assert house.execute([Step("fan", expand=for_each([], double))]).outputs == {"fan": []}


def test_steps_inside_a_step_see_one_another_and_nothing_else(house):
    inner = chain(lambda call: 5, echo)
    result = house.execute(
        [
            Step("s1", lambda call: "outer"),
            Step("deploy", expand=lambda i: Expansion(steps=inner, collect=lambda o: o["s1"])),
        ]
    )
    assert result.outputs == {"s1": "outer", "deploy": 5}
    assert house.kinds(result, "deploy/s1") == ["START", "DONE"]


def test_expansions_nest(house):
    def workflow(item):
        return Step("x", expand=lambda i: Expansion(steps=chain(lambda call: item, echo)))

    result = house.execute([Step("fan", expand=for_each("ab", workflow))])
    assert result.outputs == {"fan": [{"s0": "a", "s1": "a"}, {"s0": "b", "s1": "b"}]}
    assert house.kinds(result, "fan[1]/s1") == ["START", "DONE"]


@pytest.mark.parametrize("keep_going", [True, False])
def test_element_that_fails_stops_the_others_unless_told_to_keep_going(house, keep_going):
    def make(item):
        return Step("x", lambda call: 1 // item)

    expand = for_each([1, 0, 1, 1], make, keep_going=keep_going, concurrency=1)
    result = house.execute([Step("fan", expand=expand), Step("after", echo, needs=("fan",))])
    if keep_going:
        assert result.status is RunStatus.SUCCEEDED
        assert result.outputs["fan"] == [1, None, 1, 1]
    else:
        assert result.status is RunStatus.FAILED
        assert "fan[1] failed: integer division" in result.failed["fan"]
        assert result.blocked == ("after",)
        assert house.kinds(result, "fan[2]") == []


def test_concurrency_of_elements_is_bounded(house):
    now, most = [0], [0]

    async def work(call):
        now[0] += 1
        most[0] = max(most[0], now[0])
        await asyncio.sleep(0.002)
        now[0] -= 1

    expand = for_each(range(20), lambda item: Step("x", work), concurrency=3)
    assert house.execute([Step("fan", expand=expand)]).status is RunStatus.SUCCEEDED
    assert most[0] == 3


def test_failed_element_alone_is_tried_again(house):
    made, broken = [], [True]

    def make(item):
        def work(call):
            made.append(item)
            if item == 1 and broken[0]:
                raise RuntimeError("broken")
            return item

        return Step("x", work)

    steps = [Step("fan", expand=for_each(range(3), make, keep_going=False))]
    first = house.execute(steps)
    assert first.status is RunStatus.FAILED
    broken[0] = False
    house.restart()
    result = house.resume(first, steps)
    assert result.outputs == {"fan": [0, 1, 2]}
    assert sorted(made) == [0, 1, 1, 2]
    assert house.state.run(result.run).done == 4


@pytest.mark.parametrize("is_nested", [False, True])
def test_counts_of_a_run_are_the_same_when_it_goes_on(house, is_nested):
    def fail(call):
        raise RuntimeError("broken")

    def make(item):
        work = fail if item in {3, 7} else echo
        if not is_nested:
            return Step("x", work)
        return Step("x", expand=lambda inputs: Expansion(steps=chain(echo, work, echo)))

    steps = [
        Step("fan", expand=for_each(range(15), make, keep_going=True)),
        Step("ask", wait=Wait(signal="go"), needs=("fan",)),
    ]
    parked = house.execute(steps)
    assert parked.status is RunStatus.WAITING
    seen = house.state.run(parked.run)
    assert (seen.failed, seen.total - seen.done) == (4 if is_nested else 2, 5 if is_nested else 3)
    house.restart()
    assert house.resume(parked, steps).status is RunStatus.WAITING
    again = house.state.run(parked.run)
    assert (again.total, again.done, again.failed) == (seen.total, seen.done, seen.failed)
    control_run(house.root, house.context, parked.run, ControlAction.SIGNAL, name="go")
    house.restart()
    ended = house.resume(parked, steps)
    assert ended.status is RunStatus.SUCCEEDED
    final = house.state.run(parked.run)
    assert (final.total, final.done, final.failed) == (seen.total, seen.done + 1, seen.failed)


@pytest.mark.parametrize("wrong", ["expand", "make", "collect", "cycle"])
def test_mistake_in_an_expansion_fails_its_step(house, wrong):
    def fail(*args):
        raise ZeroDivisionError("mistaken")

    expand = {
        "expand": fail,
        "make": lambda inputs: Expansion(count=3, make=fail),
        "collect": lambda inputs: Expansion(count=3, make=lambda n: Step("x", echo), collect=fail),
        "cycle": lambda inputs: Expansion(steps=[Step("a", echo, needs=("a",))]),
    }[wrong]
    result = house.execute([Step("fan", expand=expand), Step("other", echo)])
    assert result.status is RunStatus.FAILED
    assert ("wait for one another" if wrong == "cycle" else "mistaken") in result.failed["fan"]
    assert "other" in result.outputs


def test_expansion_that_takes_too_long_fails_with_what_is_inside_it(house):
    async def forever(call):
        await asyncio.sleep(60)

    step = Step(
        "fan",
        expand=for_each(range(3), lambda item: Step("x", forever)),
        timeout=timedelta(milliseconds=30),
    )
    result = house.execute([step])
    assert result.failed == {"fan": "it took longer than 0.03 s"}


def test_retry_of_an_element_uses_up_its_own_attempts(house):
    def make(item):
        def work(call):
            if call.attempt <= item:
                raise RuntimeError("not yet")
            return call.attempt

        return Step("x", work, recovery=SOON)

    result = house.execute([Step("fan", expand=for_each([0, 1, 2], make))])
    assert result.outputs == {"fan": [1, 2, 3]}


def test_elements_are_made_when_their_turn_comes(house):
    alive, most = [0], [0]

    class Made(Step):
        __slots__ = ()

        def __del__(self):
            alive[0] -= 1

    async def work(call):
        return None

    def make(n):
        alive[0] += 1
        most[0] = max(most[0], alive[0])
        return Made(str(n), work, effects=False)

    expand = lambda inputs: Expansion(count=10_000, make=make, collect=len)  # noqa: E731
    result = house.execute([Step("fan", expand=expand)])
    assert result.outputs == {"fan": 10_000}
    assert most[0] < 1_500  # what the collector of garbage has not come to is among them


def test_a_step_with_a_cache_is_not_expanded_again_for_equal_inputs(house):
    made = []

    def expand(inputs):
        made.append(inputs)
        return Expansion(steps=chain(lambda call: inputs), collect=lambda outputs: outputs["s0"])

    def fan(item):
        return Step("fan", inputs=lambda outputs: item, expand=expand, cache="scope")

    assert [house.execute([fan(item)]).outputs["fan"] for item in (1, 2, 1)] == [1, 2, 1]
    assert made == [1, 2]


@pytest.mark.parametrize("is_expanded", [False, True])
def test_what_stands_in_for_a_step_is_told_why_that_one_failed(house, is_expanded):
    def fail(call):
        raise ValueError("no good")

    told = Step("told", lambda call: call.failure, effects=False, executor="inline")
    recovery = Recovery(fallbacks=(Fallback("alternative", step=told),))
    inside = {"expand": lambda inputs: Expansion(steps=(Step("in", fail),))}
    step = Step("s", **(inside if is_expanded else {"work": fail}), recovery=recovery)
    result = house.execute([step])
    assert result.outputs == {"s": "s/in failed: no good" if is_expanded else "no good"}
