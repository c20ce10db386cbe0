"""Islands: who sends migrants to whom, and who migrates.

All migrants are taken before any arrives, sources send in their order, and equal candidates are
settled by index: a migration follows from the states alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from chimera.builtin.evolution.search.algorithm import Algorithm, Floats, State
from chimera.builtin.evolution.search.ranks import lowest

Topology = Literal["ring", "torus", "star", "full", "none"]
Islanders = tuple[Floats, Floats]
"""Candidates and their costs."""


def sources_of(topology: Topology, count: int) -> tuple[tuple[int, ...], ...]:
    """Return for each island those from which it takes migrants, in order.

    A torus has as many rows as the greatest divisor of `count` up to its root; each island takes
    from the left and from above.
    """
    match topology:
        case "ring":
            found = [{(i - 1) % count} for i in range(count)]
        case "torus":
            columns = count // max(
                d for d in range(1, count + 1) if d * d <= count and not count % d
            )
            found = [
                {i - i % columns + (i - 1) % columns, (i - columns) % count} for i in range(count)
            ]
        case "star":
            found = [set(range(1, count)) if i == 0 else {0} for i in range(count)]
        case "full":
            found = [set(range(count)) for _ in range(count)]
        case "none":
            found = [set() for _ in range(count)]
    return tuple(tuple(sorted(sources - {i})) for i, sources in enumerate(found))


def migrate(
    islands: Sequence[State],
    algorithms: Sequence[Algorithm],
    sources: Sequence[Sequence[int]],
    migrants: int,
    running: Sequence[bool],
) -> None:
    """Send the best of each island to those that take from it and are still running."""
    sending = {
        source
        for own, is_running in zip(sources, running, strict=True)
        if is_running
        for source in own
    }
    sent = {i: emigrants(algorithms[i], islands[i], migrants) for i in sorted(sending)}
    for i, own in enumerate(sources):
        if running[i] and own:
            candidates = np.concatenate([sent[source][0] for source in own])
            costs = np.concatenate([sent[source][1] for source in own])
            room = len(algorithms[i].population(islands[i])[0])
            algorithms[i].immigrate(islands[i], candidates[:room], costs[:room])


def emigrants(algorithm: Algorithm, state: State, count: int) -> Islanders:
    """Return copies of the best candidates of an island, the best first."""
    candidates, costs = algorithm.population(state)
    found = leaders(algorithm, state, costs, count)
    return candidates[found].copy(), costs[found].copy()


def leaders(algorithm: Algorithm, state: State, costs: Floats, count: int) -> Sequence[int]:
    """Return the positions of an island's best candidates, the best first, equals by index."""
    order = getattr(algorithm, "order", None)  # several objectives have an order of their own
    found: Sequence[int] = (
        lowest(costs, count).tolist() if order is None else [int(p) for p in order(state)[:count]]
    )
    return found
