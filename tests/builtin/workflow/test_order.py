"""The order of stages, held against its definition."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chimera.builtin.workflow.kinds import WorkflowSpec
from chimera.builtin.workflow.order import Order


def order_of(edges: list[list[int]], mode: str = "parallel") -> Order:
    stages = [
        {"id": f"s{n}", "operation": "x", "dependencies": [f"s{need}" for need in needs]}
        for n, needs in enumerate(edges)
    ]
    return Order.of(
        WorkflowSpec.model_validate({"trigger": "human", "mode": mode, "stages": stages})
    )


graphs = st.integers(1, 8).flatmap(
    lambda size: st.lists(
        st.lists(st.integers(0, size - 1), max_size=3), min_size=size, max_size=size
    )
)


def reach(edges: list[list[int]], start: int) -> set[int]:
    """All that `start` waits for, by following every dependency."""
    found: set[int] = set()
    pending = [start]
    while pending:
        for need in edges[pending.pop()]:
            if need not in found:
                found.add(need)
                pending.append(need)
    return found


@given(graphs)
def test_before_means_reached_by_dependencies(edges: list[list[int]]) -> None:
    order = order_of(edges)
    circling = {n for n in range(len(edges)) if n in reach(edges, n)}
    for second in range(len(edges)):
        before = reach(edges, second)
        if not before & circling and second not in circling:
            for first in range(len(edges)):
                assert order.is_before(first, second) == (first in before)


@given(graphs)
def test_circles_are_circles_and_none_is_missed(edges: list[list[int]]) -> None:
    order = order_of(edges)
    for cycle in order.cycles:
        for stage, following in zip(cycle, (*cycle[1:], cycle[0]), strict=True):
            assert following in edges[stage]
    circling = {n for n in range(len(edges)) if n in reach(edges, n)}
    for stage in circling:
        knot = {n for n in reach(edges, stage) if stage in reach(edges, n)}
        assert sum(1 for cycle in order.cycles if set(cycle) <= knot) == 1
    stuck = {n for n in range(len(edges)) if reach(edges, n) & circling} - circling
    assert set(order.unreachable) == stuck


@given(graphs)
def test_sequential_stages_follow_one_another(edges: list[list[int]]) -> None:
    order = order_of(edges, "sequential")
    assert not order.cycles
    assert not order.unreachable
    for second in range(len(edges)):
        assert all(order.is_before(first, second) for first in range(second))
    assert set(order.backward) == {
        (stage, need) for stage, needs in enumerate(edges) for need in needs if need >= stage
    }
