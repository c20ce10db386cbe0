"""What reports say of evolutions: every run of the time, and how the newest converged."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from chimera.builtin.reporting.gathering import make_report
from chimera.builtin.reporting.periods import Asked
from chimera.model.chart import Chart
from chimera.runtime.reporting import ReportKind, Section
from chimera.workspace import Workspace
from tests.builtin.evolution.watching.test_histories import EVOLUTION
from tests.builtin.reporting.journal import NOON, Journal


def evolution_of(root: Path, asked: Asked = Asked()) -> list[Section]:  # noqa: B008 - a constant
    report = make_report(Workspace.open(root), ReportKind.DAILY, asked, None, None)
    return [section for section in report.sections if section.id == "evolution"]


def test_a_run_is_told_with_what_it_found(tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    text = EVOLUTION.replace("NAME", "a").replace("SEED", "1")
    (tmp_path / "specs/a.yaml").write_text(text)
    Workspace.open(tmp_path).apply()
    (section,) = evolution_of(tmp_path)
    (table,) = section.tables
    (row,) = (dict(zip((c.id for c in table.columns), row, strict=True)) for row in table.rows)
    assert (row["evolution"], row["status"]) == ("Evolution/a", "succeeded")
    assert (row["stopped"], row["generations"]) == ("generations", 30)
    assert {figure.id: figure.value for figure in section.figures}["evolution-champions"] == 1
    (chart,) = section.charts
    assert isinstance(chart, Chart)
    best = [y for _, y in chart.lines[0].points if y is not None]
    assert best == sorted(best, reverse=True)
    assert best[-1] == row["best"]


def test_a_run_that_failed_is_told_and_another_time_is_not(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.run(NOON, status="failed", target="Evolution/a")
    journal.run(NOON + timedelta(days=1), target="Evolution/a")
    journal.run(NOON, target="Workflow/a")
    (section,) = evolution_of(tmp_path, Asked("2026-11-18"))
    assert len(section.tables[0].rows) == 1
    assert section.charts == ()
    assert evolution_of(tmp_path, Asked("2026-11-17")) == []
