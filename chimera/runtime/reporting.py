"""Reports: what a plugin says of a period, as values.

Read from the state and the documents, without writing any of it, and without another clock than
the task's. Refuses a figure that nobody measured: what could not be said is a note.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from chimera.model.chart import BarChart, Chart

if TYPE_CHECKING:
    from chimera.context import Context
    from chimera.kinds import Snapshot
    from chimera.state import StateReader
    from chimera.state.periods import Span

Cell = str | int | float | bool | datetime | timedelta | None
"""What stands in a table; `None` is what is not there, and shown as a dash."""


class ReportKind(Enum):
    """What a report is for."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    COMPLIANCE = "compliance"
    CAPACITY = "capacity"

    @property
    def is_periodic(self) -> bool:
        """Tell whether it says how a day, a week or a month was."""
        return self in {ReportKind.DAILY, ReportKind.WEEKLY, ReportKind.MONTHLY}


@dataclass(frozen=True, slots=True)
class Period:
    """The time from `start` until just before `end`, both in UTC; days are those of `zone`."""

    start: datetime
    end: datetime
    zone: tzinfo
    name: str

    def contains(self, at: datetime) -> bool:
        """Tell whether a moment lies in the period: its start does, its end does not."""
        return self.start <= at < self.end

    def overlaps(self, start: datetime, end: datetime | None) -> bool:
        """Tell whether something that lasted from `start` until `end`, or lasts, was in it."""
        return start < self.end and (end is None or end > self.start)

    def parts(self) -> tuple[Period, ...]:
        """Return what is counted together in a chart: hours, days or weeks of the period.

        Hours where it is two days long at most, days up to ten weeks, and weeks beyond that.
        """
        found, start = [], self.start
        while start < self.end:
            local = start.astimezone(self.zone)
            end = min(self._next(local).astimezone(UTC), self.end)
            name = f"{local:{self._naming}}"
            found.append(Period(start, end, self.zone, name))
            start = end
        return tuple(found)

    @property
    def _is_hourly(self) -> bool:
        return self.end - self.start <= timedelta(days=2)

    @property
    def _naming(self) -> str:
        """How parts are told apart, in as few characters as do it."""
        if self._is_hourly:
            return "%H:%M"
        return "%m-%d" if self.end - self.start <= timedelta(weeks=10) else "%Y-%m-%d"

    def _next(self, local: datetime) -> datetime:
        if self._is_hourly:
            return _next_hour(local)
        is_daily = self.end - self.start <= timedelta(weeks=10)
        return _next_day(local) if is_daily else _next_week(local)


def _next_hour(local: datetime) -> datetime:
    # In UTC: where the clocks are set back, an hour of the zone is there twice.
    later = local.astimezone(UTC) + timedelta(hours=1)
    return later - timedelta(
        minutes=local.minute, seconds=local.second, microseconds=local.microsecond
    )


def _next_day(local: datetime) -> datetime:
    return (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)


def _next_week(local: datetime) -> datetime:
    monday = local + timedelta(days=7 - local.weekday())
    return monday.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)


@dataclass(frozen=True, slots=True)
class ReportTask:
    """What a report is made of: the documents of the tree, and what the state holds.

    `environments` are the names of those that it is about, sorted: one where one was asked for, all
    that documents or the state know otherwise. `now` is the moment it speaks as of, and the only
    clock there is for a section: the end of a period that is over, of compliance a week after it,
    unless somebody gave another.
    """

    kind: ReportKind
    period: Period
    now: datetime
    environments: tuple[str, ...]
    snapshot: Snapshot
    state: StateReader
    context: Context
    root: Path

    @property
    def until(self) -> datetime:
        """The end of what can be known of the period: its end, or `now` where that is earlier."""
        return min(self.period.end, self.now)

    @property
    def span(self) -> Span:
        """What is known of the period in the environments, as the state is asked for it."""
        from chimera.state.periods import Span

        return Span(self.environments, self.period.start, self.until)

    @property
    def parts(self) -> tuple[Period, ...]:
        """The parts of the period that have begun."""
        return tuple(part for part in self.period.parts() if part.start < self.until)


class Tone(Enum):
    """Whether a figure is as it should be, where anybody has said how it should be."""

    PLAIN = "plain"
    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Figure:
    """One number, or one word, and what it is of.

    `id` is lower-case with dashes. `unit` says how `value` is shown: `ratio` as a percentage,
    `seconds`, `bytes`, empty for a plain number or text, and anything else is written behind it. A
    `value` that is `None` was not measured, and `note` says why. Those with `is_key` stand in the
    report's overview: two of a section at most.
    """

    id: str
    name: str
    value: Cell
    unit: str = ""
    note: str = ""
    tone: Tone = Tone.PLAIN
    is_key: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """What the cells of a column are: `id` names them in JSON, `unit` is as a figure's.

    Numbers are set to the right; a text of a column that `is_code` is a name, path or digest.
    """

    id: str
    name: str
    unit: str = ""
    is_code: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells, in the order in which they are shown; sorted by whoever made them.

    `empty` is what is said where there are no rows; `note` stands below the table. Where `most` is
    given, people are shown so many rows, and told how many more JSON has.
    """

    id: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    empty: str = "none"
    note: str = ""
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that is owed and is not there: a compliance report with one of them fails.

    `rule` is a stable id such as `entry-missing`; `subject` is what lacks it, `message` says what
    is missing, lower-case, and `help` what to do.
    """

    rule: str
    subject: str
    message: str
    help: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """What one room contributes to a report.

    `id` is lower-case with dashes and decides where the section stands (`builtin.reporting` has the
    order); several rooms can contribute to one section by giving it one id.
    `summary` is a sentence or two of text; `notes` say what could not be measured, and why.
    """

    id: str
    title: str
    summary: str = ""
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()
    charts: Sequence[Chart | BarChart] = ()
    missing: Sequence[Missing] = ()
    notes: Sequence[str] = field(default=())
