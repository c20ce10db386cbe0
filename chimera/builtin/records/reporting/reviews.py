"""Reviews that incidents of a period owe, and the actions that came of all reviews."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from chimera.builtin.records.checks.reviews import review_due
from chimera.builtin.records.kinds import PostmortemSpec
from chimera.builtin.records.learning import Postmortem, open_actions
from chimera.builtin.records.reporting.incidents import incidents_of
from chimera.builtin.records.standing import Incident, model_of, reviews_of
from chimera.kinds import when
from chimera.runtime.reporting import Column, Figure, ReportTask, Section, Table, Tone

_MOST = 50


class OwedReview(NamedTuple):
    """A review that an incident owes: until when it is scheduled, and the record of it, if any."""

    incident: Incident
    due: datetime
    review: Postmortem | None

    def state(self, now: datetime) -> str:
        """Return how it stands, in a word."""
        spec = self.review.spec if self.review else None
        if spec is not None and spec.held is not None:
            return "held"
        if spec is not None and spec.scheduled is not None:
            return "scheduled"
        return "overdue" if self.due < now else "owed"


def owed_reviews(task: ReportTask) -> list[OwedReview]:
    """Return the reviews that the incidents of the period owe, the earliest due first."""
    found = []
    for incident in incidents_of(task):
        model = model_of(incident, task.snapshot)
        owed = review_due(incident.spec, model) if model else None
        if owed is not None:
            reviews = reviews_of(incident, task.snapshot)
            found.append(OwedReview(incident, owed[1], reviews[0] if reviews else None))
    return sorted(found, key=lambda one: (one.due, one.incident.address))


def review_section(task: ReportTask) -> Section | None:
    """Return reviews and actions; nothing where neither incidents nor reviews are recorded."""
    if task.snapshot.kinds.keys().isdisjoint(("Incident", "Postmortem")):
        return None
    owed = owed_reviews(task)
    return Section("reviews", "Reviews and actions", "", _figures(task, owed), _tables(task, owed))


def _figures(task: ReportTask, owed: Sequence[OwedReview]) -> tuple[Figure, ...]:
    states = [one.state(task.now) for one in owed]
    done = [
        action.done
        for review in task.snapshot.of_model(PostmortemSpec)
        for action in review.spec.actions
        if action.done is not None and task.period.contains(when(action.done.at))
    ]
    actions = open_actions(task.snapshot)
    late = sum(action.is_overdue(task.now.date()) for action in actions)
    overdue = states.count("overdue")
    return (
        Figure("reviews-owed", "Reviews owed", len(owed)),
        Figure("reviews-held", "Held", states.count("held")),
        Figure("reviews-overdue", "Overdue", overdue, tone=_tone(overdue)),
        Figure("actions-done", "Actions done in the period", len(done)),
        Figure(
            "actions-helped", "Of these, reduced the risk", sum(bool(d.reduced_risk) for d in done)
        ),
        Figure("actions-open", "Actions open", len(actions)),
        Figure("actions-overdue", "Actions overdue", late, tone=_tone(late), is_key=True),
    )


def _tone(number: int) -> Tone:
    return Tone.BAD if number else Tone.GOOD


def _tables(task: ReportTask, owed: Sequence[OwedReview]) -> list[Table]:
    reviews = [
        (one.incident.address.name, one.due, one.state(task.now), _scheduled(one)) for one in owed
    ]
    columns = (
        Column("incident", "Incident", is_code=True),
        *(Column("due", "Scheduled by"), Column("state", "State"), Column("for", "Scheduled for")),
    )
    actions = [
        (
            action.item.due,
            _days_late(action.item.due, task.now),
            action.item.priority,
            action.item.owner,
            action.item.id,
            action.item.description,
            action.review.address.name,
        )
        for action in open_actions(task.snapshot)
    ]
    action_columns = (
        *(Column("due", "Due"), Column("late", "Late", "days"), Column("priority", "Priority")),
        *(Column("owner", "Owner"), Column("action", "Action", is_code=True)),
        *(Column("description", "What"), Column("review", "Review", is_code=True)),
    )
    return [
        Table("reviews", "Reviews that are owed", columns, reviews, most=_MOST),
        Table("actions", "Open actions", action_columns, actions, most=_MOST),
    ]


def _scheduled(owed: OwedReview) -> datetime | None:
    scheduled = owed.review.spec.scheduled if owed.review else None
    return when(scheduled) if scheduled else None


def _days_late(due: str | None, now: datetime) -> int | None:
    days = (now.date() - date.fromisoformat(due)).days if due else 0
    return days if days > 0 else None
