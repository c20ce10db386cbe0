"""A folder with a history, and reports of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from chimera.builtin.reporting.gathering import Report, make_report
from chimera.builtin.reporting.periods import Asked
from chimera.context import Context, FixedClock
from chimera.runtime.reporting import Figure, ReportKind, Section, Table
from chimera.workspace import Workspace
from tests.builtin.reporting.journal import NOON, Journal

Make = Callable[..., Report]


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """Return an empty state to write a history into."""
    return Journal(tmp_path)


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Make a report of the folder, with a clock that stands at an hour after noon."""

    def made(
        kind: str = "weekly",
        asked: Asked = Asked(),  # noqa: B008 - it cannot change
        *,
        environment: str | None = None,
        now: datetime | None = None,
        clock: datetime = NOON + timedelta(hours=1),
    ) -> Report:
        context = replace(Context.system(), clock=FixedClock(clock))
        workspace = Workspace.open(tmp_path, context)
        return make_report(workspace, ReportKind(kind), asked, environment, now)

    return made


def section(report: Report, id: str) -> Section:
    """Return the section of a report that has an id."""
    (found,) = [each for each in report.sections if each.id == id]
    return found


def figure(report: Report, id: str) -> Figure:
    """Return the figure of a report that has an id."""
    (found,) = [f for each in report.sections for f in each.figures if f.id == id]
    return found


def table(report: Report, id: str) -> Table:
    """Return the table of a report that has an id."""
    (found,) = [t for each in report.sections for t in each.tables if t.id == id]
    return found
