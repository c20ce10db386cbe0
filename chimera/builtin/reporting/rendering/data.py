"""A report as JSON: raw values, moments in UTC, durations in seconds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from chimera.builtin.reporting.gathering import Report
from chimera.model.chart import BarChart, Chart
from chimera.runtime.reporting import Cell, Figure, Missing, Section, Table

FORMAT = "chimera-report/1"


def report_json(report: Report) -> dict[str, Any]:
    """Return the report as JSON."""
    period = report.period
    return {
        "format": FORMAT,
        "report": report.kind.value,
        "period": {
            "name": period.name,
            "start": _value(period.start),
            "end": _value(period.end),
            "zone": str(period.zone),
        },
        "now": _value(report.now),
        "environments": list(report.environments),
        "outcome": report.outcome.value,
        "missing": len(report.missing),
        "sections": [_section(section) for section in report.sections],
    }


def _section(section: Section) -> dict[str, Any]:
    return {
        "id": section.id,
        "title": section.title,
        "summary": section.summary,
        "figures": [_figure(figure) for figure in section.figures],
        "tables": [_table(table) for table in section.tables],
        "charts": [_chart(chart) for chart in section.charts],
        "missing": [_missing(missing) for missing in section.missing],
        "notes": list(section.notes),
    }


def _figure(figure: Figure) -> dict[str, Any]:
    return {
        "id": figure.id,
        "name": figure.name,
        "value": _value(figure.value),
        "unit": figure.unit,
        "note": figure.note,
        "tone": figure.tone.value,
        "isKey": figure.is_key,
    }


def _table(table: Table) -> dict[str, Any]:
    names = [column.id for column in table.columns]
    return {
        "id": table.id,
        "title": table.title,
        "columns": [{"id": c.id, "name": c.name, "unit": c.unit} for c in table.columns],
        "rows": [dict(zip(names, map(_value, row), strict=True)) for row in table.rows],
        "note": table.note,
    }


def _chart(chart: Chart | BarChart) -> dict[str, Any]:
    told = {"title": chart.title, "description": chart.description, "upward": chart.upward}
    if isinstance(chart, BarChart):
        bars = [{"label": label, "values": list(map(_value, row))} for label, row in chart.bars]
        return {**told, "unit": chart.unit, "series": list(chart.series), "bars": bars}
    return {
        **told,
        "unit": chart.unit,
        "across": chart.across,
        "isTime": chart.is_time,
        "lines": [
            {"name": line.name, "points": [[_value(x), _value(y)] for x, y in line.points]}
            for line in chart.lines
        ],
        "limits": [{"name": name, "value": _value(value)} for name, value in chart.limits],
    }


def _missing(missing: Missing) -> Mapping[str, str]:
    return {
        "rule": missing.rule,
        "subject": missing.subject,
        "message": missing.message,
        "help": missing.help,
    }


def _value(cell: Cell) -> Any:
    if isinstance(cell, datetime):
        return cell.astimezone(UTC).isoformat()
    if isinstance(cell, timedelta):
        return cell.total_seconds()
    if isinstance(cell, float) and not math.isfinite(cell):
        return None  # JSON has none
    return cell
