"""What reports say of the machine: what looks at health kept, and nothing where nobody looked."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from chimera.builtin.reporting.gathering import make_report
from chimera.builtin.reporting.periods import Asked
from chimera.runtime.reporting import Figure, ReportKind
from chimera.workspace import Workspace
from tests.builtin.reporting.journal import NOON, Journal


def figures(root: Path, kind: ReportKind = ReportKind.DAILY) -> dict[str, Figure]:
    report = make_report(Workspace.open(root), kind, Asked("2026-11-18"), None, None)
    return {figure.id: figure for section in report.sections for figure in section.figures}


def test_the_most_that_was_in_use_is_told(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for hours, disk in ((-24, 0.9), (0, 0.5), (1, 0.7), (2, 0.6)):
        journal.look(NOON + timedelta(hours=hours), disk=disk)
    assert figures(tmp_path)["disk-usage"].value == 0.7
    assert figures(tmp_path)["memory-usage"].value == 0.5


def test_where_nobody_looked_nothing_is_measured(tmp_path: Path) -> None:
    Journal(tmp_path)
    assert figures(tmp_path)["disk-usage"].value is None
    assert figures(tmp_path, ReportKind.CAPACITY)["disk-exhausted"].value is None


def test_how_the_state_grows_is_told_with_its_uncertainty(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for hour in range(8):
        journal.look(NOON + timedelta(hours=hour), disk=0.5, state=10**6 + 1000 * hour)
    found = figures(tmp_path, ReportKind.CAPACITY)
    assert found["state-growth"].value == pytest.approx(24_000)
    assert "± 0" in found["state-growth"].note
    assert found["disk-exhausted"].value == "not foreseen"
