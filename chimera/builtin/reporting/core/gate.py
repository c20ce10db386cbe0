"""What gates decided in a period: what was let through, what was refused and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from chimera.model import Digest
from chimera.runtime.reporting import Cell, Column, Figure, ReportTask, Section, Table
from chimera.state import RulingRecord
from chimera.state.decisions import (
    Objection,
    Spent,
    approval_names,
    objections,
    refused_in,
    ruling_outcomes,
    spent_in,
)

_MOST = 20
_SHORT = 19
"""Characters of a digest that tell it apart: `sha256:` and twelve more."""


def sections(task: ReportTask) -> Iterator[Section]:
    """Yield the gate's decisions; that there were none is worth saying."""
    span = task.span
    outcomes = ruling_outcomes(task.state, span)
    spent = spent_in(task.state, span)
    against = objections(task.state, span)
    if not outcomes and not spent:
        yield Section("approvals", "Decisions of the gate", "No plan came to a gate.")
    else:
        yield _decisions(task, outcomes, spent, against)


def _decisions(
    task: ReportTask,
    outcomes: dict[str, int],
    spent: Sequence[Spent],
    against: Sequence[Objection],
) -> Section:
    total, passed = sum(outcomes.values()), outcomes.get("passed", 0)
    figures = (
        Figure("rulings", "Plans that came to a gate", total),
        Figure("rulings-passed", "Let through", passed),
        Figure("rulings-refused", "Plans refused", total - passed, is_key=True),
        Figure("approvals-spent", "Approvals spent", len(spent)),
    )
    tables = [_objections(against)] if against else []
    if total > passed:
        refused = refused_in(task.state, task.span, _MOST)
        tables.append(_refused(refused, total - passed))
    if spent:
        tables.append(_spent(spent, approval_names(task.state, task.span)))
    return Section("approvals", "Decisions of the gate", "", figures, tables)


def _objections(against: Sequence[Objection]) -> Table:
    columns = (
        Column("stage", "Gate stage"),
        Column("judge", "Spoken by", is_code=True),
        Column("subject", "Against", is_code=True),
        Column("times", "Times"),
    )
    rows = [(each.stage, each.judge, each.subject, each.times) for each in against]
    return Table("objections", "What spoke against plans", columns, rows, most=_MOST)


def _refused(refused: Sequence[RulingRecord], total: int) -> Table:
    columns = (
        *(Column("at", "At"), Column("environment", "Environment", is_code=True)),
        *(Column("actor", "For"), Column("changes", "Changes"), Column("stage", "Stopped at")),
        *(Column("reason", "Because"), Column("ruling", "Ruling", is_code=True)),
    )
    rows = [_refusal(record) for record in refused]
    more = f"The newest {len(refused)} of {total}." if total > len(refused) else ""
    note = " ".join(filter(None, (more, "`chimera show RULING` says all of one.")))
    return Table("refusals", "What was refused", columns, rows, note=note)


def _refusal(record: RulingRecord) -> tuple[Cell, ...]:
    """Return a row for a ruling; one that nobody can read is told, too."""
    short = (record.digest or "")[:_SHORT] or None
    try:
        changes: int | None = len(record.ruling["items"])
        stage, reason = _first_objection(record.ruling)
    except (KeyError, TypeError, AttributeError):  # edited by hand, or gone with its file
        changes, stage, reason = None, None, "damaged"
    return (record.at, record.environment, record.actor, changes, stage, reason, short)


def _first_objection(ruling: Any) -> tuple[str | None, str | None]:
    for stage in ruling["stages"]:
        for verdict in stage["verdicts"]:
            if verdict["finding"] != "pass":
                told = [*verdict["reasons"]]
                told += [each["message"] for each in verdict.get("diagnostics", ())]
                reason = told[0] if told else "it was not exercised"
                return str(stage["stage"]), f"{verdict['judge']}: {reason}"
    return None, None


def _spent(spent: Sequence[Spent], names: Mapping[Digest, str]) -> Table:
    columns = (
        *(Column("at", "At"), Column("environment", "Environment", is_code=True)),
        *(Column("target", "Target", is_code=True), Column("approval", "Approval", is_code=True)),
        Column("digest", "Its digest", is_code=True),
    )
    rows = [
        (s.at, s.environment, s.target, names.get(s.approval), s.approval[:_SHORT])
        for s in reversed(spent)
    ]
    return Table("spent", "Approvals that were spent", columns, rows, most=_MOST)
