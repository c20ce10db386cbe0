"""The page in a real Chromium: it says nothing, asks for nothing, and fits small and large screens.

A page that does all of that is opened first, so that silence means something.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest

from chimera.builtin.reporting.rendering.html import report_html
from chimera.runtime.reporting import Column, Section, Table
from tests.builtin.reporting.browser import visit
from tests.builtin.reporting.conftest import Make
from tests.builtin.reporting.hostile import hostile_report
from tests.builtin.reporting.journal import Journal
from tests.builtin.reporting.test_rendering import history

LOUD = """<!doctype html><title>x</title><img src="http://127.0.0.1:9/picture.png">
<script>console.error("loud")</script>"""

MEASURE = """<!doctype html><title>measure</title>
<iframe src="page.html" width="400" height="800"></iframe>
<iframe src="page.html" width="1600" height="800"></iframe>
<pre id="out"></pre><script>
addEventListener("load", () => {
  const found = [...document.querySelectorAll("iframe")].map(frame => {
    const page = frame.contentDocument, root = page.documentElement
    const width = text => text.getBoundingClientRect().height
    return {
      width: root.clientWidth, needed: root.scrollWidth,
      heading: page.querySelector("h1").textContent,
      text: Math.min(...[...page.querySelectorAll("svg text")].map(width)),
      charts: [...page.querySelectorAll("svg")].map(svg => svg.getBoundingClientRect().width),
    }
  })
  document.getElementById("out").textContent = JSON.stringify(found)
})</script>"""


@pytest.fixture
def page(journal: Journal, make: Make, tmp_path: Path) -> Path:
    """Return the page of a week in which much happened."""
    history(journal)
    file = tmp_path / "page.html"
    file.write_text(report_html(make()), encoding="utf-8")
    return file


def test_the_page_is_silent_and_asks_for_nothing(page: Path, tmp_path: Path) -> None:
    loud = tmp_path / "loud.html"
    loud.write_text(LOUD)
    heard = visit(loud, tmp_path)
    assert any("loud" in line for line in heard.console)
    assert "http://127.0.0.1:9/picture.png" in heard.asked

    found = visit(page, tmp_path)
    assert (found.console, found.asked) == ((), ())
    assert "Weekly report" in found.dom
    assert found.dom.count("<svg") == report_svgs(page)


def report_svgs(page: Path) -> int:
    return page.read_text("utf-8").count("<svg")


def test_hostile_text_runs_nothing_and_asks_for_nothing(tmp_path: Path) -> None:
    file = tmp_path / "hostile.html"
    file.write_text(report_html(hostile_report()), encoding="utf-8")
    found = visit(file, tmp_path)
    assert (found.console, found.asked) == ((), ())


@pytest.fixture
def wide(make: Make, tmp_path: Path) -> Path:
    """Return a page with a table of many columns and of words that nobody breaks by himself."""
    columns = tuple(Column(f"c{n}", f"Column {n}") for n in range(14))
    row = ["Approval/" + "7e45f940" * 4] * len(columns)
    table = Table("chain", "Every change", columns, (row,))
    report = replace(make(), sections=(Section("compliance", "Changes", tables=(table,)),))
    file = tmp_path / "page.html"
    file.write_text(report_html(report), encoding="utf-8")
    return file


def test_long_names_push_nothing_to_the_side(wide: Path, tmp_path: Path) -> None:
    outer = tmp_path / "outer.html"
    outer.write_text(MEASURE.replace("Math.min(", "Math.min(99, "))
    found = visit(outer, tmp_path, "--allow-file-access-from-files", "--window-size=1700,1000")
    (text,) = re.findall(r'<pre id="out">(.*?)</pre>', found.dom)
    for measured in json.loads(unescape(text)):
        assert measured["needed"] <= measured["width"]


def test_the_page_fits_a_telephone_and_a_wide_screen(page: Path, tmp_path: Path) -> None:
    outer = tmp_path / "outer.html"
    outer.write_text(MEASURE)
    found = visit(outer, tmp_path, "--allow-file-access-from-files", "--window-size=1700,1000")
    (text,) = re.findall(r'<pre id="out">(.*?)</pre>', found.dom)
    for measured in json.loads(unescape(text)):
        assert measured["heading"] == "2026-W47"
        assert measured["needed"] <= measured["width"], "nothing has to be scrolled to the side"
        assert measured["text"] >= 10, "what stands in plots can be read"
        assert all(200 <= width <= measured["width"] for width in measured["charts"])
