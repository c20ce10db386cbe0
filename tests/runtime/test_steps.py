"""Steps and graphs as values."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera.model import ChimeraError
from chimera.runtime import Graph, Retry, Step, idempotency_key


def graph(**needs):
    return Graph(None, [Step(id, print, needs=tuple(on)) for id, on in needs.items()])


def test_cycle_is_refused_with_its_members():
    with pytest.raises(ChimeraError, match="the steps b, c wait for one another"):
        graph(a="", b="ac", c="b")


def test_step_that_needs_itself_is_refused():
    with pytest.raises(ChimeraError, match="wait for one another"):
        graph(a="a")


def test_unknown_need_is_refused():
    with pytest.raises(ChimeraError, match="the step a needs z, which is not a step"):
        graph(a="z")


def test_two_steps_of_one_id_are_refused():
    with pytest.raises(ChimeraError, match="two steps are called a"):
        Graph(None, [Step("b", print), Step("a", print), Step("a", print)])


def test_graph_of_a_diamond_and_of_nothing_are_allowed():
    graph(a="", b="a", c="a", d="bcb")
    graph()


def test_key_depends_on_run_step_and_inputs_and_on_nothing_else():
    keys = {idempotency_key(*parts) for parts in [("r", "s", 1), ("r", "s", 2), ("r", "t", 1)]}
    assert len(keys) == 3
    assert idempotency_key("r", "s", {"a": 1, "b": 2}) == idempotency_key(
        "r", "s", {"b": 2, "a": 1}
    )


@given(st.text(), st.integers(1, 2000), st.floats(0.001, 1e4), st.floats(0.001, 1e6))
def test_delay_grows_up_to_its_bound_and_is_the_same_every_time(key, attempt, base, longest):
    retry = Retry(9, timedelta(seconds=base), timedelta(seconds=longest))
    delay = retry.delay(key, attempt).total_seconds()
    full = min(base * 2.0 ** min(attempt - 1, 64), longest)
    assert full / 2 - 1e-5 <= delay <= full + 1e-5
    assert retry.delay(key, attempt) == retry.delay(key, attempt)


def test_jitter_keeps_steps_that_fail_together_apart():
    delays = {Retry().delay(key, 1) for key in "abcdefgh"}
    assert len(delays) == 8
