"""How many evaluations a search takes to a target, over many runs. Pure functions.

After Hansen, Auger, Ros, Mersmann, Tušar and Brockhoff, COCO: a platform for comparing continuous
optimizers in a black-box setting (2021). A running time is the number of evaluations until the
best cost of a run is no larger than a target, and infinite where a run ended before that.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

Trajectory = Sequence[tuple[int, float]]
"""Evaluations so far and the best cost then, at each improvement; evaluations ascend."""


def running_time(trajectory: Trajectory, target: float) -> float:
    """Return after how many evaluations a run reached a target."""
    return next((float(count) for count, cost in trajectory if cost <= target), math.inf)


def expected_running_time(times: Sequence[float], spent: Sequence[float]) -> float:
    """Return the ERT: evaluations until the target of a search that starts anew until it is met.

    All evaluations of all runs, up to the target where they reached it and `spent` where not, by
    the number of those that did; infinite where none did.
    """
    reached = sum(time < math.inf for time in times)
    total = sum(min(time, end) for time, end in zip(times, spent, strict=True))
    return total / reached if reached else math.inf


def distribution(
    trajectories: Sequence[Trajectory], targets: Sequence[float]
) -> list[tuple[int, float]]:
    """Return the ECDF of running times: what share of runs and targets is reached by when.

    Evaluations and the share from then on, at each step.
    """
    times = [running_time(trajectory, target) for trajectory in trajectories for target in targets]
    steps = sorted({int(time) for time in times if time < math.inf})
    return [(step, sum(time <= step for time in times) / len(times)) for step in steps]
