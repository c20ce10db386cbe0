"""Pictures of comparisons: what was compared is drawn, and what cannot be drawn is left out."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from chimera.builtin.evolution.comparing import pictures
from chimera.builtin.evolution.comparing.comparison import Comparison, judge
from chimera.builtin.evolution.comparing.runs import Run
from chimera.context import stream


def run(seed: int, *trajectory: tuple[int, float]) -> Run:
    return Run(seed, trajectory[-1][1] if trajectory else None, 100, 10, "evaluations", trajectory)


def comparison(*groups: list[Run], targets: tuple[float, ...] = (), **changes: Any) -> Comparison:
    given: dict[str, Any] = {"objective": "minimize"} | changes
    return judge(groups, targets, stream=stream("x"), names=("left", "right"), **given)


LEFT = [run(1, (10, 8.0), (50, 2.0)), run(2, (10, 6.0), (90, 1.0))]
RIGHT = [run(1, (10, 9.0)), run(2, (10, 7.0))]


def test_both_specs_are_in_every_chart_that_both_have_something_for() -> None:
    charts = pictures.charts_of(comparison(LEFT, RIGHT, targets=(7.5,)))
    assert [[line.name for line in chart.lines] for chart in charts] == [["left", "right"]] * 3


def test_the_median_of_the_best_so_far_never_gets_worse() -> None:
    for objective in ("minimize", "maximize"):
        sign = 1 if objective == "minimize" else -1
        groups = [
            [run(r.seed, *((n, sign * f) for n, f in r.trajectory)) for r in runs]
            for runs in (LEFT, RIGHT)
        ]
        chart, times, *_ = pictures.charts_of(comparison(*groups, objective=objective))
        drawn = [y for _, y in chart.lines[0].points if y is not None]
        assert drawn == sorted(drawn, reverse=sign > 0)
        assert drawn[-1] == sign * 1.5
        expected = dict(times.lines[0].points)
        assert expected[sign * 1.0] == 100 + 90, "one run reached it after 90, one not in 100"


def test_runs_that_found_nothing_are_drawn_as_nothing() -> None:
    found = comparison([run(1), run(2)], RIGHT)
    assert [len(chart.lines) for chart in pictures.charts_of(found)] == [1, 1]
    nothing = comparison([run(1), run(2)], [run(1), run(2)])
    ElementTree.fromstring(pictures.picture(nothing))


def test_the_page_says_which_is_better_and_how_sure_that_is() -> None:
    text = pictures.picture_page(comparison(LEFT * 6, RIGHT * 6))
    assert "<td>left</td>" in text
    assert "effect size (A12)" in text
    assert "may be chance" in pictures.picture_page(comparison(LEFT, LEFT))
