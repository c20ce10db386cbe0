"""How cells, figures and times are worded, the same in every format.

Refuses to escape: each format does, for what it is.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo

from chimera.builtin.reporting.gathering import Report
from chimera.render.paint import count, harmless
from chimera.render.units import shown
from chimera.runtime.reporting import Cell, Figure, Missing, Table

LACKS = "missing"
"""The column that says what a row lacks."""
MANY = 10
"""Columns from which on each row is a list of its own where there is a screen to fit."""
NOTHING = "\N{EN DASH}"
_TITLES = {
    "daily": "Daily report",
    "weekly": "Weekly report",
    "monthly": "Monthly report",
    "compliance": "Compliance report",
    "capacity": "Capacity report",
}


def title_of(report: Report) -> str:
    """Return what the report is called, without its time."""
    return _TITLES[report.kind.value]


def span_of(report: Report) -> str:
    """Return what days the report is about, in its zone, unless its name says it."""
    period = report.period
    if " to " in period.name:
        return f"in {zone_name(report)}"  # its name says the rest
    start, end = (edge.astimezone(period.zone) for edge in (period.start, period.end))
    last = end - timedelta(days=1)
    if start.date() == last.date():
        return f"{start:%A, %Y-%m-%d}, {zone_name(report)}"
    return f"{start:%Y-%m-%d} to {last:%Y-%m-%d}, {zone_name(report)}"


def zone_name(report: Report) -> str:
    """Return the name of the zone that days and times are of."""
    return str(report.period.zone)


def as_of(report: Report) -> str:
    """Return as of when the report speaks, and whether its time is over."""
    text = worded(report.now, zone=report.period.zone)
    return f"as of {text}" if report.now >= report.period.end else f"so far, as of {text}"


def worded(cell: Cell, unit: str = "", zone: tzinfo = UTC) -> str:
    """Return a cell as people read it; its characters are harmless, and not escaped."""
    if cell is None:
        return NOTHING
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, datetime):
        return f"{cell.astimezone(zone):%Y-%m-%d %H:%M}"
    if isinstance(cell, timedelta):
        return shown(cell.total_seconds(), "seconds")
    if isinstance(cell, str):
        return harmless(cell)
    return shown(cell, unit)


def figure_text(figure: Figure, zone: tzinfo) -> str:
    """Return the value of a figure; one that nobody measured says so."""
    return "not measured" if figure.value is None else worded(figure.value, figure.unit, zone)


def is_number(cell: Cell) -> bool:
    """Tell whether a cell is set to the right."""
    return isinstance(cell, int | float | timedelta) and not isinstance(cell, bool)


def missing_title(missing: tuple[Missing, ...]) -> str:
    """Return how much is missing, as a heading."""
    return f"{count(len(missing), 'thing')} missing" if missing else "Nothing is missing"


def as_shown(table: Table, report: Report) -> Table:
    """Return a table as people see it: no more rows than it says, and told how many there are.

    Its environments are left out where the report is of one alone.
    """
    if table.most is not None and len(table.rows) > table.most:
        told = f"The first {table.most} of {len(table.rows):,}; -o json has all."
        note = f"{told} {table.note}".rstrip()
        table = replace(table, rows=table.rows[: table.most], note=note)
    kept = [i for i, column in enumerate(table.columns) if column.id != "environment"]
    if len(report.environments) > 1 or len(kept) == len(table.columns):
        return table
    rows = [[row[i] for i in kept] for row in table.rows]
    return replace(table, columns=[table.columns[i] for i in kept], rows=rows)
