"""A comparison as pictures: how both converge, and what they take to come how far."""

from __future__ import annotations

import math
from collections.abc import Sequence

from chimera.builtin.evolution.comparing.comparison import Comparison, Contender
from chimera.builtin.evolution.comparing.running_time import (
    Trajectory,
    expected_running_time,
    running_time,
)
from chimera.builtin.evolution.comparing.statistics import median
from chimera.model.chart import Chart, Line
from chimera.render.charts.drawing import figure
from chimera.render.charts.page import page
from chimera.render.charts.scales import label, spans_decades

_TARGETS = 60
"""Fitnesses for which an expected running time is drawn."""


def charts_of(comparison: Comparison) -> list[Chart]:
    """Return the charts: convergence, expected running times and, with targets, their ECDF."""
    sign = 1.0 if comparison.objective == "minimize" else -1.0
    both = comparison.contenders
    charts = [
        _chart(
            "Median of the best so far", "evaluations", "fitness", [_median(c, sign) for c in both]
        ),
        _chart(
            "Expected running time (ERT)",
            "fitness to reach",
            "evaluations",
            [_times(each, comparison, sign) for each in both],
        ),
    ]
    if comparison.targets:
        lines = [Line(each.name, each.distribution, steps=True) for each in both]
        charts.append(_chart("Runs and targets reached", "evaluations", "share", lines))
    return [chart for chart in charts if any(line.points for line in chart.lines)]


def picture(comparison: Comparison) -> str:
    """Return the charts as SVG."""
    return figure(_title(comparison), charts_of(comparison))


def picture_page(comparison: Comparison) -> str:
    """Return a page of the charts, and what was found of each spec."""
    heads = ("spec", "runs", "median", "lower quartile", "upper quartile", "evaluations")
    rows = [
        (
            each.name,
            str(len(each.runs)),
            *(map(_number, (each.median, *each.quartiles, each.evaluations))),
        )
        for each in comparison.contenders
    ]
    better = comparison.final.better
    facts = [
        (
            "better in the end",
            "may be chance" if better is None else comparison.contenders[better].name,
        ),
        ("effect size (A12)", f"{comparison.final.effect:.3f}, {comparison.final.magnitude}"),
        ("p-value, adjusted", f"{comparison.final.adjusted:.3g}"),
        ("test", comparison.test),
    ]
    return page(_title(comparison), facts, picture(comparison), heads, rows)


def _title(comparison: Comparison) -> str:
    return " and ".join(each.name for each in comparison.contenders)


def _number(value: float) -> str:
    return label(value) if math.isfinite(value) else "none"


def _trajectories(contender: Contender, sign: float) -> list[Trajectory]:
    """Return the trajectories of all runs as costs."""
    return [[(n, sign * fitness) for n, fitness in run.trajectory] for run in contender.runs]


def _median(contender: Contender, sign: float) -> Line:
    """Return the median over all runs of the best so far, from when half of them have one."""
    trajectories = _trajectories(contender, sign)
    steps = sorted({count for trajectory in trajectories for count, _ in trajectory})
    every = max(1, len(steps) // 500)
    points = []
    for count in [*steps[::every], *steps[-1:]]:
        best = median([_best(trajectory, count) for trajectory in trajectories])
        points.append((float(count), sign * best if math.isfinite(best) else None))
    return Line(contender.name, points, steps=True)


def _best(trajectory: Trajectory, count: int) -> float:
    return min((cost for at, cost in trajectory if at <= count), default=math.inf)


def _times(contender: Contender, comparison: Comparison, sign: float) -> Line:
    """Return the expected running time to fitnesses between the worst and the best found."""
    trajectories = _trajectories(contender, sign)
    spent = [float(run.evaluations) for run in contender.runs]
    points = []
    for target in _targets(comparison, sign):
        times = [running_time(trajectory, target) for trajectory in trajectories]
        expected = expected_running_time(times, spent)
        points.append((sign * target, expected if math.isfinite(expected) else None))
    return Line(contender.name, points if any(y is not None for _, y in points) else ())


def _targets(comparison: Comparison, sign: float) -> list[float]:
    """Return costs from the worst to the best of both specs, evenly or by their logarithms."""
    costs = [
        cost
        for each in comparison.contenders
        for trajectory in _trajectories(each, sign)
        for _, cost in trajectory
    ]
    if not costs:
        return []
    low, high = min(costs), max(costs)
    if spans_decades(costs):
        low, high = math.log(low), math.log(high)
        return [math.exp(high + (low - high) * i / _TARGETS) for i in range(_TARGETS + 1)]
    return [high + (low - high) * i / _TARGETS for i in range(_TARGETS + 1)]


def _chart(title: str, across: str, upward: str, lines: Sequence[Line]) -> Chart:
    shown = [line for line in lines if line.points]
    xs = [x for line in shown for x, _ in line.points]
    ys = [y for line in shown for _, y in line.points if y is not None]
    return Chart(title, across, upward, shown, spans_decades(ys), spans_decades(xs))
