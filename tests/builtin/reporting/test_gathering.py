"""Every plugin is asked; one that is silent is missing; sections stand in their order."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chimera.builtin.reporting.gathering import make_report, merged
from chimera.builtin.reporting.periods import Asked
from chimera.model import Outcome
from chimera.plugin import hookimpl
from chimera.runtime.reporting import Figure, Missing, ReportKind, ReportTask, Section
from chimera.workspace import Workspace
from tests.builtin.reporting.conftest import Make
from tests.builtin.reporting.journal import NOON, Journal


class Loud:
    """A plugin that lacks something, or cannot say what."""

    def __init__(self, *, fails: bool = False) -> None:
        self.fails = fails

    @hookimpl
    def chimera_contribute_report(self, task: ReportTask) -> list[Section]:
        if self.fails:
            raise ValueError("boom")
        return [Section("loud", "Loud", missing=(Missing("loud-missing", "a", "b", "c"),))]


def reported(root: Path, kind: ReportKind, plugin: Any) -> Any:
    workspace = Workspace.open(root)
    workspace.plugins.register(plugin, "loud")
    return make_report(workspace, kind, Asked(), None, NOON)


def test_sections_stand_in_their_order_and_unknown_ones_last() -> None:
    found = merged(Section(id, id) for id in ("zebra", "capacity", "runs", "aardvark", "errors"))
    assert [each.id for each in found] == ["runs", "errors", "capacity", "aardvark", "zebra"]


def test_what_rooms_say_under_one_id_is_one_section() -> None:
    one = Section("latency", "Latency", "A.", (Figure("a", "A", 1),), notes=("x",))
    (found,) = merged([one, Section("latency", "Other", "B.", (Figure("b", "B", 2),))])
    assert (found.title, found.summary) == ("Latency", "A. B.")
    assert [figure.id for figure in found.figures] == ["a", "b"]


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [(ReportKind.COMPLIANCE, Outcome.FAILED), (ReportKind.WEEKLY, Outcome.PASSED)],
)
def test_only_a_compliance_report_fails_for_what_is_missing(
    journal: Journal, kind: ReportKind, outcome: Outcome
) -> None:
    report = reported(journal.root, kind, Loud())
    assert "loud-missing" in [missing.rule for missing in report.missing]
    assert report.outcome is outcome


def test_a_plugin_that_cannot_answer_is_missing_and_takes_nothing_with_it(
    journal: Journal,
) -> None:
    report = reported(journal.root, ReportKind.COMPLIANCE, Loud(fails=True))
    assert ("section-missing", "loud") in [(m.rule, m.subject) for m in report.missing]
    assert report.outcome is Outcome.FAILED
    assert "approvals" in [section.id for section in report.sections]


def test_a_time_that_is_over_is_spoken_of_as_of_its_end(journal: Journal, make: Make) -> None:
    over = make(asked=Asked("last"))
    assert over.now == over.period.end
    going = make()
    assert going.now == NOON + timedelta(hours=1)
    assert make(asked=Asked("2026-W46"), now=NOON).now == NOON
    owed = make("compliance", Asked("2026-W47"), clock=NOON + timedelta(days=300))
    assert owed.now == owed.period.end + timedelta(days=7)
    assert make("compliance", Asked("2026-W46")).now == NOON + timedelta(hours=1)


def test_documents_that_have_errors_are_told(journal: Journal, make: Make, tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs/a.yaml").write_text(
        "apiVersion: chimera/v1\nkind: Gate\nmetadata: {name: a}\n"
    )
    (unsaid,) = [section for section in make().sections if section.id == "unsaid"]
    assert "`chimera check`" in unsaid.notes[0]
