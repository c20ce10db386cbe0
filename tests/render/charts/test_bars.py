"""Bars: as high as what they show, each part told, and their names inside of the picture."""

from __future__ import annotations

from itertools import pairwise
from xml.etree import ElementTree

import pytest

from chimera.model.chart import BarChart
from chimera.render.charts.drawing import figure, inline
from chimera.render.charts.frame import COMPACT

CHART = BarChart("t", "runs", ("good", "bad"), [("mon", (3, 1)), ("tue", (0, 2)), ("wed", (0, 0))])


def parts(svg: str) -> dict[str, ElementTree.Element]:
    root = ElementTree.fromstring(svg)
    found = ((rect.findtext("title"), rect) for rect in root.iter("rect"))
    return {title: rect for title, rect in found if title}


def test_a_part_is_as_high_as_what_it_shows_and_stands_on_the_one_below() -> None:
    found = parts(inline(CHART, "c"))
    assert set(found) == {"mon, good: 3", "mon, bad: 1", "tue, bad: 2"}
    good, bad = found["mon, good: 3"], found["mon, bad: 1"]
    assert float(good.get("height", 0)) == pytest.approx(3 * float(bad.get("height", 0)), abs=0.2)
    below = float(bad.get("y", 0)) + float(bad.get("height", 0))
    assert below == pytest.approx(float(good.get("y", 0)), abs=0.11)


def test_names_of_many_bars_stay_apart_and_inside() -> None:
    bars = [(f"2026-11-{n:02}", (n,)) for n in range(1, 31)]
    root = ElementTree.fromstring(inline(BarChart("t", "u", ("s",), bars), "c"))
    named = [t for t in root.iter("text") if (t.text or "").startswith("2026")]
    places = [float(t.get("x", 0)) for t in named]
    assert len(places) > 2
    assert all(b - a >= 7.2 * 10 for a, b in pairwise(places))
    assert places[-1] + 36 <= COMPACT.width


@pytest.mark.parametrize(
    "chart", [BarChart("t", "u", ("s",), []), BarChart("t", "u", (), [("a", ())])]
)
def test_nothing_to_show_is_shown_as_nothing(chart: BarChart) -> None:
    assert parts(inline(chart, "c")) == {}
    ElementTree.fromstring(figure("t", [chart]))
