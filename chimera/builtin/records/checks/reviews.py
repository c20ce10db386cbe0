"""Whether the review that an incident owes was scheduled in time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from chimera.builtin.records.checks.faults import Filed, omission, remark
from chimera.builtin.records.checks.index import Index
from chimera.builtin.records.kinds import (
    IncidentSpec,
    PostmortemSpec,
    SeverityModelSpec,
    after,
    written,
)
from chimera.kinds import format_duration, when
from chimera.model import Diagnostic, Related


def review_due(spec: IncidentSpec, model: SeverityModelSpec) -> tuple[int, datetime] | None:
    """Return by which of its assessments a review is owed, and until when it must be scheduled.

    A level that owes one was reached once and for all: lowering it later ends nothing.
    """
    levels = {level.id: level for level in model.levels if level.review_owed}
    found = [
        (index, after(when(one.at), levels[one.level].review_within))
        for index, one in enumerate(spec.assessments)
        if one.level in levels
    ]
    return min(found, key=lambda owed: owed[1], default=None)


def judge_review(
    incident: Filed[IncidentSpec], model: SeverityModelSpec, index: Index, now: datetime
) -> Iterator[Diagnostic]:
    """Report an owed review that nobody has scheduled, or that was scheduled late."""
    owed = review_due(incident.spec, model)
    if owed is None:
        return
    position, due = owed
    found = [
        (moment, review)
        for review in index.reviews_of.get(incident.name, ())
        if (moment := _scheduled(review.spec)) is not None
    ]
    level = incident.spec.assessments[position].level
    if found:
        moment, review = min(found, key=lambda pair: pair[0])
        if moment > due:
            yield remark(
                incident,
                "incident-review-late",
                f"its review was scheduled {format_duration(moment - due)} late",
                ("assessments", position, "level"),
                "if it was scheduled sooner, say so in the postmortem: planned: {at, by}",
                Related("the postmortem is here", review.document.place),
            )
    elif now > due:
        name = incident.document.address.name
        yield omission(
            incident,
            "incident-review-missing",
            f"at {level} a review is scheduled by {written(due)}, and none is",
            ("assessments", position, "level"),
            f"schedule one: `chimera postmortem new {name}`",
        )


def _scheduled(spec: PostmortemSpec) -> datetime | None:
    """Return when a review was scheduled at the latest; `None` where it was not."""
    if spec.planned is not None and (spec.scheduled or spec.held):
        return when(spec.planned.at)
    known = [when(moment) for moment in (spec.scheduled, spec.held) if moment]
    return min(known, default=None)
