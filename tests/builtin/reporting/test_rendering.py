"""What a report looks like in each format: whole, the same bytes, and no text becomes markup."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from chimera.builtin.reporting.gathering import Report
from chimera.builtin.reporting.periods import Asked
from chimera.builtin.reporting.rendering.data import report_json
from chimera.builtin.reporting.rendering.html import report_html
from chimera.builtin.reporting.rendering.markdown import report_markdown
from chimera.builtin.reporting.rendering.text import report_text
from chimera.render.paint import plain
from chimera.runtime.reporting import ReportKind
from tests.builtin.reporting.conftest import Make
from tests.builtin.reporting.hostile import HOSTILE, hostile_report
from tests.builtin.reporting.journal import NOON, Journal

ROOT = Path(__file__).parents[3]


class Page(HTMLParser):
    """The tags of a page, their attributes, and what is said in it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str | None]] = []
        self.said: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += attrs
        if tag not in {"meta", "link", "wbr"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.said.append(data)

    def values(self, name: str) -> list[str]:
        """Return the values of all attributes of a name."""
        return [value or "" for key, value in self.attributes if key == name]


def test_hostile_text_stays_text_in_the_page() -> None:
    html = report_html(hostile_report())
    page, tame = Page(html), Page(report_html(hostile_report(text="tame")))
    assert page.open == []
    # A line may be broken after a slash in a name, labels of bars need room, backticks are typed.
    differing = {tag for tag in page.tags | tame.tags if page.tags[tag] != tame.tags[tag]}
    assert differing <= {"wbr", "text", "code"}
    assert {key for key, _ in page.attributes} == {key for key, _ in tame.attributes}
    assert not {key for key, _ in page.attributes if key.startswith("on")}
    assert "\x1b" not in html
    assert "\u202e" not in html
    assert "alert(1)" in "".join(page.said)


def test_the_page_lets_in_its_own_style_and_nothing_else() -> None:
    html = report_html(hostile_report())
    (style,) = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', html)
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["style-src"] == f"'sha256-{digest}'"
    assert "script-src" not in rules
    page = Page(html)
    assert page.tags["script"] == page.tags["img"] == page.tags["iframe"] == 0
    assert all(href.startswith(("#", "data:,")) for href in page.values("href"))
    assert page.values("src") == page.values("style") == []


def test_every_plot_has_a_title_and_a_description_and_every_id_is_one() -> None:
    html = report_html(hostile_report())
    plots = re.findall(r"<svg.*?</svg>", html, re.DOTALL)
    assert len(plots) == 2
    for plot in plots:
        root = ElementTree.fromstring(plot)
        assert root.get("role") == "img"
        named = {root.get("aria-labelledby"), root.get("aria-describedby")}
        assert named == {child.get("id") for child in root if child.tag in {"title", "desc"}}
        assert all(child.text for child in root if child.tag in {"title", "desc"})
    ids = Counter(Page(html).values("id"))
    assert set(ids.values()) == {1}
    targets = {href[1:] for href in Page(html).values("href") if href.startswith("#")}
    assert targets <= set(ids)


def test_hostile_text_stays_text_in_markdown() -> None:
    text = report_markdown(hostile_report())
    outside = re.sub(r"(`+) ?.*?(?<!`)\1(?!`)", "", text)  # what a code span holds means nothing
    assert not re.search(r"<\w|\]\(|(?<!&)#\d|@octocat|://", outside)
    tame = report_markdown(hostile_report(text="tame"))
    assert len(headings(text)) == len(headings(tame))
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in rows} == {4, 13}


def headings(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("#")]


def test_json_has_every_figure_as_it_is() -> None:
    found = json.loads(json.dumps(report_json(hostile_report())))
    (section,) = found["sections"]
    assert section["title"] == HOSTILE
    assert section["tables"][0]["rows"][1] == {
        "code": None,
        "prose": "2026-11-18T12:00:00+00:00",
        "n": 2,
    }
    assert found["missing"] == 1
    assert found["outcome"] == "failed"
    assert found["period"]["zone"] == "UTC"


def test_text_has_a_line_for_each_thing() -> None:
    lines = report_text(hostile_report(text="a\nb"), plain).splitlines()
    assert lines[0] == "Compliance report 2026-11"
    assert "1 thing missing" in lines
    assert ["  a\\nb: a\\nb [a", "b]"][0] in "\n".join(lines)


def test_a_row_of_many_columns_is_a_list_where_there_is_a_screen_to_fit() -> None:
    report = hostile_report(text="tame")
    lines = [line.split() for line in report_text(report, plain).splitlines()]
    assert lines.count(["-", "tame", "tame"]) == 1
    assert lines.count(["tame", "tame"]) >= 11
    assert Page(report_html(report)).tags["ol"] == 2, "the contents, and one table"


def all_formats(report: Report) -> list[str]:
    return [
        report_html(report),
        report_markdown(report),
        json.dumps(report_json(report)),
        report_text(report, plain),
    ]


def history(journal: Journal) -> None:
    """Write something of everything."""
    for hour in range(30):
        at = NOON - timedelta(hours=hour)
        target = f"Workflow/w{hour % 3}"
        run = journal.run(at, status=["succeeded", "failed"][hour % 2], target=target)
        journal.event(run, at=at)
        journal.ruling(at, against=[("approval", "Gate/g", target, "nobody")])
        journal.spent(at, number=hour)
        journal.look(at, disk=0.5 + hour / 100)


def test_the_same_journal_gives_the_same_bytes(journal: Journal, make: Make) -> None:
    history(journal)
    asked = Asked("2026-W47")
    early = all_formats(make(asked=asked, clock=NOON + timedelta(days=30)))
    late = all_formats(make(asked=asked, clock=NOON + timedelta(days=900)))
    assert early == late


def test_another_hash_seed_and_time_zone_of_the_machine_change_nothing(journal: Journal) -> None:
    history(journal)

    def written(seed: str, zone: str) -> list[bytes]:
        files = [journal.root / f"out.{name}" for name in ("html", "markdown", "json")]
        outputs = [f"-o{file.suffix[1:]}={file}" for file in files]
        command = ["report", "weekly", "--for=2026-W47", "--now=2027-01-01", *outputs]
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "PYTHONPATH": str(ROOT)}
        arguments = [sys.executable, "-m", "chimera", *command]
        subprocess.run(arguments, cwd=journal.root, env=environment, check=True)
        return [file.read_bytes() for file in files]

    assert written("1", "UTC") == written("2", "Pacific/Kiritimati")


def test_times_are_shown_in_the_zone_that_is_asked_for(journal: Journal, make: Make) -> None:
    history(journal)
    report = make("daily", Asked("2026-11-18", zone="Asia/Tokyo"))
    assert "2026-11-18 21:00" in report_html(report)
    assert "Asia/Tokyo" in report_markdown(report)
    tables = [table for section in report_json(report)["sections"] for table in section["tables"]]
    (refusals,) = [table for table in tables if table["id"] == "refusals"]
    assert refusals["rows"][0]["at"] == "2026-11-18T12:00:00+00:00"


def test_an_environment_alone_is_not_repeated_in_every_row(journal: Journal, make: Make) -> None:
    history(journal)
    assert "Environment  " not in report_text(make(), plain)
    journal.run(environment="production")
    assert "Environment  " in report_text(make(), plain)


def test_nothing_missing_is_said_of_compliance_alone() -> None:
    from dataclasses import replace

    for kind, said in ((ReportKind.COMPLIANCE, True), (ReportKind.DAILY, False)):
        report = hostile_report(kind, "tame")
        report = replace(report, sections=tuple(replace(s, missing=()) for s in report.sections))
        for text in all_formats(report)[:2]:
            assert ("Nothing is missing" in text) is said


@pytest.mark.parametrize("kind", list(ReportKind))
def test_every_kind_of_report_is_written_of_nothing(make: Make, kind: ReportKind) -> None:
    assert all(all_formats(make(kind.value)))
