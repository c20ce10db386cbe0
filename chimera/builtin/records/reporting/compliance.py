"""The chain of every change in a period: entry, evidence, approvals, incidents, rollback.

What is missing is said by rule and subject; a report with any of it fails. Refuses to call missing
what no gate, environment or level asks for: that is said to be owed by nobody.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chimera.builtin.records.chain import Chain
from chimera.builtin.records.rendering.wording import moment
from chimera.builtin.records.reporting.changes import chains_of
from chimera.builtin.records.reporting.reviews import OwedReview, owed_reviews
from chimera.runtime.reporting import (
    Cell,
    Column,
    Figure,
    Missing,
    ReportTask,
    Section,
    Table,
    Tone,
)

_SHORT = len("sha256:") + 12
_NONE = "none owed"


def compliance_section(task: ReportTask) -> Section:
    """Return a row for every change of the period, and what is missing."""
    found, reviews = chains_of(task), owed_reviews(task)
    missing = [*(lack for chain in found for lack in _lacks(chain, task)), *_reviews(reviews, task)]
    complete = sum(not any(_lacks(chain, task)) for chain in found)
    figures = (
        Figure("compliance-changes", "Changes let through", len(found), is_key=True),
        Figure("compliance-complete", "With all that they owe", complete),
        Figure(
            "compliance-missing",
            "Missing",
            len(missing),
            tone=Tone.BAD if missing else Tone.GOOD,
            is_key=True,
        ),
    )
    summary = "" if found else "The journal has no change in the period."
    tables = [_table(found, task), _review_table(reviews, task)]
    return Section(
        *("compliance", "Changes and their records", summary, figures),
        *(tables if reviews else tables[:1], (), missing),
    )


def _table(found: Sequence[Chain], task: ReportTask) -> Table:
    columns = (
        *(Column("at", "At"), Column("environment", "Environment", is_code=True)),
        *(Column("action", "Action"), Column("target", "Change", is_code=True)),
        *(Column("after", "Left", is_code=True), Column("by", "By")),
        *(Column("entry", "Entry", is_code=True), Column("proofs", "Proof", is_code=True)),
        *(Column("evidence", "Evidence", is_code=True), Column("approvals", "Approval")),
        *(Column("incidents", "Incidents", is_code=True), Column("rollback", "Rollback")),
        *(Column("ruling", "Ruling", is_code=True), Column("missing", "Missing")),
    )
    rows = [_row(chain, task) for chain in found]
    return Table("chain", "Every change with what belongs to it", columns, rows)


def _row(chain: Chain, task: ReportTask) -> tuple[Cell, ...]:
    change = chain.change
    entry = chain.entry.address.name if chain.entry else None
    incidents = ", ".join(one.address.name for one in chain.incidents)
    return (
        change.at,
        change.environment,
        change.action,
        change.target,
        change.after[:_SHORT],
        change.actor,
        f"{entry} (late)" if chain.is_late else entry,
        ", ".join(change.proofs) or _NONE,
        ", ".join(digest[:_SHORT] for digest in change.evidence) or None,
        ", ".join(change.approvals) or _NONE,
        incidents or None,
        _rollback(chain, task),
        (change.ruling or "")[:_SHORT] or None,
        ", ".join(lack.rule for lack in _lacks(chain, task)) or None,
    )


def _rollback(chain: Chain, task: ReportTask) -> str | None:
    told = []
    if chain.restores is not None:
        counts = "it counts" if chain.restores.spec.counts(task.now) else "not watched to its end"
        told.append(f"is {chain.restores.address.name}, {counts}")
    if chain.reverted is not None:
        told.append(f"taken back by {chain.reverted.address.name}")
    return "; ".join(told) or None


def _lacks(chain: Chain, task: ReportTask) -> Iterator[Missing]:
    """Yield what a change owes and does not have."""
    change = chain.change
    subject = f"{change.target} in {change.environment}"
    if chain.entry is None and (chain.is_production or chain.restores is not None):
        yield Missing(
            "entry-missing",
            subject,
            f"no entry of the changelog records it as it was let through at {moment(change.at)}",
            f"chimera changelog add --applied --env {change.environment}",
        )
    if not change.is_intact:
        yield Missing(
            "ruling-edited",
            subject,
            "the ruling that let it through was edited after it was recorded",
            "find out who can write the state of this machine; restore a backup of before",
        )
    restores = chain.restores
    if restores is not None and not restores.spec.counts(task.now):
        yield Missing(
            "rollback-unwatched",
            subject,
            f"{restores.address} has not been watched to a stable end",
            f"chimera rollback watch {restores.address.name}",
        )


def _reviews(reviews: Sequence[OwedReview], task: ReportTask) -> Iterator[Missing]:
    for one in reviews:
        if one.state(task.now) == "overdue":
            name = one.incident.address.name
            yield Missing(
                "incident-review-missing",
                str(one.incident.address),
                f"its review was to be scheduled by {moment(one.due)}, and none is",
                f"chimera postmortem new {name} --scheduled TIME",
            )


def _review_table(reviews: Sequence[OwedReview], task: ReportTask) -> Table:
    columns = (
        Column("incident", "Incident", is_code=True),
        *(Column("due", "Review by"), Column("state", "Review")),
    )
    rows = [(one.incident.address.name, one.due, one.state(task.now)) for one in reviews]
    return Table("incidents", "Incidents that owe a review", columns, rows)
