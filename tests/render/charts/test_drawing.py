"""Charts as SVG: whole documents, the same bytes for the same numbers, nothing from elsewhere."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

from chimera.model.chart import Chart, Line
from chimera.render.charts.drawing import figure
from chimera.render.charts.frame import WIDE
from chimera.render.charts.page import page

SVG = "{http://www.w3.org/2000/svg}"


def chart(*lines: Line, **changes: object) -> Chart:
    given: dict[str, object] = {"title": "t", "across": "x", "upward": "y"} | changes
    return Chart(lines=lines, **given)  # type: ignore[arg-type]


def line(*ys: float | None, name: str = "best", steps: bool = False) -> Line:
    return Line(name, list(enumerate(ys)), steps)


def paths(svg: str, name: str) -> list[str]:
    """Return how the line of a name is drawn."""
    root = ElementTree.fromstring(svg)
    found = (p for p in root.iter(f"{SVG}path") if p.findtext(f"{SVG}title") == name)
    return [p.get("d", "") for p in found]


def test_a_figure_is_a_document_that_says_what_it_shows() -> None:
    root = ElementTree.fromstring(figure("<all & sundry>", [chart(line(1, 2), title='"a"<b>')]))
    assert root.findtext(f"{SVG}title") == root.get("aria-label") == "<all & sundry>"
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert {'"a"<b>', "x", "y", "best"} <= set(texts)


def test_the_same_numbers_give_the_same_bytes() -> None:
    charts = [chart(line(3.0, 0.1 + 0.2, 1e-9), is_log=True), chart(line(None, 1))]
    assert figure("t", charts) == figure("t", charts)


def test_nothing_lies_elsewhere_and_nothing_runs() -> None:
    text = page("<t>", [("a", "<b>")], figure("t", [chart(line(1, 2))]), ["n"], [["<1>"]])
    assert not re.search(r"<script|<link|<img|src=|url\(|href=|@import", text)
    assert "<b>" not in text
    assert "<1>" not in text


def test_a_value_that_is_not_there_breaks_the_line() -> None:
    (drawn,) = paths(figure("t", [chart(line(1, 2, None, 3, float("inf"), 4))]), "best")
    assert drawn.count("M") == 3


def test_steps_hold_a_value_until_the_next() -> None:
    (drawn,) = paths(figure("t", [chart(line(3, 2, 1, steps=True))]), "best")
    assert re.fullmatch(r"M[\d.]+ [\d.]+(H[\d.]+V[\d.]+){2}", drawn)


def test_lines_without_a_point_are_named_and_not_drawn() -> None:
    svg = figure("t", [chart(line(None, None, name="nothing"), line(1, 2))])
    assert paths(svg, "nothing") == []
    assert ">nothing<" in svg


def test_a_million_points_take_no_more_than_can_be_seen() -> None:
    svg = figure("t", [chart(line(*range(100_000)))])
    assert len(svg) < 40_000
    (drawn,) = paths(svg, "best")
    assert drawn.endswith(f"L{WIDE.width - 20:.1f} 40.0"), "the last point is shown"


def test_the_names_of_many_lines_stay_inside_the_picture() -> None:
    lines = [line(n, n + 1, name=f"a specification of some length {n}") for n in range(9)]
    root = ElementTree.fromstring(figure("t", [chart(*lines)]))
    height = float(root.get("height", "0"))
    named = [t for t in root.iter(f"{SVG}text") if (t.text or "").startswith("a spec")]
    places = [(float(t.get("y", "0")), float(t.get("x", "0"))) for t in named]
    assert len(set(places)) == 9
    for (y, x), text in zip(places, named, strict=True):
        assert y < height
        assert x + 7.2 * len(text.text or "") <= WIDE.width + 7.2


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in {"meta"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_page_is_whole() -> None:
    parser = _Tags()
    text = page("t", [("a", "b")], figure("t", [chart(line(1, 2))]), ["n"], [["1"]])
    parser.feed(text)
    assert parser.open == []
