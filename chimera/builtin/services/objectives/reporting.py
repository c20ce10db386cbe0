"""What reports say of objectives: which were met at the end of the period, and what budget is left.

Each is judged over its own window, as of the end of the period. Refuses to count as met what was
not measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from chimera.builtin.services.objectives.evaluating import Standing, standing
from chimera.builtin.services.objectives.indicators import budget_of
from chimera.builtin.services.objectives.measurements import UnreadableError
from chimera.builtin.services.objectives.rendering import measure_of, shown, target_of, word_of
from chimera.builtin.services.objectives.sources import Gathered, Origin, gather
from chimera.builtin.services.spec.objective import FileSource, ObjectiveSpec
from chimera.model import Finding
from chimera.model.chart import Chart, Line
from chimera.runtime.reporting import Column, Figure, ReportTask, Section, Table, Tone

if TYPE_CHECKING:
    from chimera.kinds import Document

_LINES = 5
_COLUMNS = (
    Column("environment", "Environment", is_code=True),
    Column("objective", "Objective", is_code=True),
    Column("status", "Status"),
    Column("measure", "Measure"),
    Column("target", "Target"),
    Column("value", "Value"),
    Column("count", "Measurements"),
    Column("budget", "Budget left", "ratio"),
)


@dataclass(frozen=True)
class _Seen:
    """An objective in one environment: how it stood, and what that was computed from."""

    environment: str
    standing: Standing
    gathered: Gathered

    @property
    def name(self) -> str:
        """How a line is called."""
        return self.standing.name


def sections(task: ReportTask) -> Iterator[Section]:
    """Yield the section of the objectives, where there are any."""
    if not task.kind.is_periodic or "Objective" not in task.snapshot.kinds:
        return
    documents = sorted(task.snapshot.of_model(ObjectiveSpec), key=lambda one: str(one.address))
    seen = [one for document in documents for one in _seen(task, document)]
    if seen:
        yield _section(task, seen)


def _seen(task: ReportTask, document: Document[ObjectiveSpec]) -> list[_Seen]:
    """Return an objective in each environment where it was measured, or in none once."""
    is_of_tree = isinstance(document.spec.indicator.source, FileSource)
    environments = task.environments[:1] if is_of_tree else task.environments
    found = [_look(task, document, environment) for environment in environments]
    measured = [one for one in found if one.standing.finding is not Finding.NOT_EXERCISED]
    return measured or found[:1]


def _look(task: ReportTask, document: Document[ObjectiveSpec], environment: str) -> _Seen:
    spec, until = document.spec, task.until
    origin = Origin(environment, task.state, task.snapshot.tree)
    try:
        # From before the period, so that the budget is known at each moment of it.
        since = min(task.period.start, until) - spec.window
        gathered = gather(spec.indicator, origin, since, until)
        own = _within(gathered, spec, until)
    except UnreadableError as error:
        gathered = own = Gathered((), None, error.message)
    return _Seen(environment, standing(document.address.name, spec, own, until), gathered)


def _within(gathered: Gathered, spec: ObjectiveSpec, until: datetime) -> Gathered:
    since = until - spec.window
    inside = tuple(one for one in gathered.measurements if since < one.at <= until)
    return Gathered(inside, gathered.reach, gathered.why)


def _section(task: ReportTask, seen: Sequence[_Seen]) -> Section:
    counts = {finding: sum(one.standing.finding is finding for one in seen) for finding in Finding}
    missed, unmeasured = counts[Finding.FAIL], counts[Finding.NOT_EXERCISED]
    figures = (
        Figure(
            *("objectives-missed", "Objectives missed", missed),
            note=f"{counts[Finding.PASS]} met, {unmeasured} not measured",
            tone=Tone.BAD if missed else Tone.WARNING if unmeasured else Tone.GOOD,
            is_key=True,
        ),
    )
    notes = [
        f"{one.name} was not measured: {one.standing.why}"
        for one in seen
        if one.standing.finding is Finding.NOT_EXERCISED
    ]
    table = Table("objectives", "Objectives", _COLUMNS, [_row(one) for one in seen])
    chart = _budgets(task, seen)
    return Section(
        "objectives",
        "Objectives and error budgets",
        "Each over its own window, as of the end of the period.",
        figures,
        (table,),
        (chart,) if chart else (),
        notes=tuple(notes),
    )


def _row(one: _Seen) -> tuple[str | float | int | None, ...]:
    found, spec = one.standing, one.standing.spec
    is_known = found.finding is not Finding.NOT_EXERCISED
    return (
        one.environment if is_known else None,
        found.name,
        word_of(found),
        measure_of(spec),
        target_of(spec),
        None if found.value is None else shown(spec, found.value),
        found.count,
        None if found.budget is None else found.budget.left,
    )


def _budgets(task: ReportTask, seen: Sequence[_Seen]) -> Chart | None:
    """Return a chart of the error budgets that are left, those of which least is left."""
    having = [one for one in seen if one.standing.budget is not None]
    worst = sorted(having, key=lambda one: (_left(one), one.name))[:_LINES]
    if not worst:
        return None
    lines = [Line(_named(task, one), _points(task, one), steps=True) for one in worst]
    told = "; ".join(f"{_named(task, one)}: {_left(one):.1%} left" for one in worst)
    return Chart(
        *("Error budget left", "time", "share of the budget", lines),
        description=told,
        is_time=True,
        unit="ratio",
        limits=(("used up", 0.0),),
        span=(task.period.start.timestamp(), task.period.end.timestamp()),
    )


def _left(one: _Seen) -> float:
    budget = one.standing.budget
    return 1.0 if budget is None else budget.left


def _named(task: ReportTask, one: _Seen) -> str:
    return one.name if len(task.environments) == 1 else f"{one.environment}/{one.name}"


def _points(task: ReportTask, one: _Seen) -> list[tuple[float, float | None]]:
    spec, found = one.standing.spec, []
    for part in task.parts:
        end = min(part.end, task.until)
        measured = _within(one.gathered, spec, end).measurements
        is_enough = sum(each.count for each in measured) >= spec.least
        budget = budget_of(spec, measured) if is_enough else None
        found.append((part.start.timestamp(), None if budget is None else budget.left))
    return found
