"""Reviews of incidents: a first draft from the incident's record, when they are, and what is open.

Refuses to fill in what nobody has said: it stands in the file as a comment, for whoever reviews.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from chimera.builtin.records.finding import incident_named, named
from chimera.builtin.records.kinds import IncidentSpec, PostmortemSpec, written
from chimera.builtin.records.occasions import Occasion
from chimera.builtin.records.spec.postmortem import PARTS, ActionItem, written_name
from chimera.builtin.records.standing import REVIEW, Due, Incident, dues, model_of, reviews_of
from chimera.builtin.records.writing import Draft
from chimera.kinds import Document, Snapshot, format_duration, when
from chimera.model import Address, UsageError

if TYPE_CHECKING:
    from chimera.workspace import Workspace

Postmortem = Document[PostmortemSpec]


class Owed(NamedTuple):
    """A review that is owed of an incident, and until when it is to be scheduled."""

    incident: Incident
    due: Due


@dataclass(frozen=True, slots=True)
class Action:
    """An action item that is not done, with the review that it is of."""

    review: Postmortem
    item: ActionItem

    def is_overdue(self, today: date) -> bool:
        """Tell whether its day has passed."""
        return self.item.due is not None and date.fromisoformat(self.item.due) < today


def new_review(
    workspace: Workspace, name: str | None, occasion: Occasion, scheduled: datetime | None
) -> tuple[Address, Draft]:
    """Propose the review of an incident, as far as the incident's record tells it.

    Raises `UsageError` where there is one.
    """
    snapshot = workspace.loaded.snapshot
    incident = incident_named(snapshot, name, occasion.at, or_latest=True)
    there = reviews_of(incident, snapshot)
    if there:
        raise UsageError(
            f"{incident.address} has a review already: {there[0].address}",
            help=f"go on with {there[0].place.path}",
        )
    address = Address("Postmortem", incident.address.name)
    draft = Draft(workspace)
    draft.create(address, _spec(incident, snapshot, occasion, scheduled), remarks=_remarks())
    draft.put(incident.address, ("postmortem",), str(address))
    return address, draft


def schedule_review(
    workspace: Workspace, name: str, occasion: Occasion, scheduled: datetime
) -> tuple[Address, Draft]:
    """Propose the time of a review that was not held; raises `UsageError`."""
    review = review_named(workspace.loaded.snapshot, name)
    if review.spec.held is not None:
        raise UsageError(f"{review.address} was held at {review.spec.held}", help="it is over")
    draft = Draft(workspace)
    draft.put(review.address, ("scheduled",), written(scheduled))
    if review.spec.planned is None:
        draft.put(review.address, ("planned",), occasion.stamp())
    return review.address, draft


def review_named(snapshot: Snapshot, name: str) -> Postmortem:
    """Return the review of a name, or of the beginning of one; raises `UsageError`."""
    every = snapshot.of_model(PostmortemSpec)
    return named(every, "Postmortem", name, "chimera get Postmortem")


def open_actions(snapshot: Snapshot, name: str | None = None) -> list[Action]:
    """Return all action items that are not done, the earliest due first."""
    reviews = snapshot.of_model(PostmortemSpec) if name is None else [review_named(snapshot, name)]
    found = [Action(r, item) for r in reviews for item in r.spec.actions if item.done is None]
    return sorted(found, key=lambda a: (a.item.due or "9", a.review.address, a.item.id))


def unscheduled(snapshot: Snapshot, now: datetime, name: str | None = None) -> list[Owed]:
    """Return the reviews that are owed and that nobody has scheduled, the earliest due first."""
    wanted = None if name is None else review_named(snapshot, name).spec.incident
    found = [
        Owed(incident, due)
        for incident in snapshot.of_model(IncidentSpec)
        if wanted in (None, str(incident.address))
        for due in dues(incident, snapshot, now)
        if due.what == REVIEW and due.until is not None
    ]
    return sorted(found, key=lambda one: (one.due.until or now, one.incident.address))


def unheld(snapshot: Snapshot, name: str | None = None) -> list[Postmortem]:
    """Return the reviews that are scheduled and were not held, the earliest first."""
    reviews = snapshot.of_model(PostmortemSpec) if name is None else [review_named(snapshot, name)]
    found = [one for one in reviews if one.spec.scheduled and one.spec.held is None]
    return sorted(found, key=lambda one: (when(one.spec.scheduled or ""), one.address))


def _spec(
    incident: Incident, snapshot: Snapshot, occasion: Occasion, scheduled: datetime | None
) -> dict[str, Any]:
    spec = incident.spec
    end = spec.mitigated or spec.resolved
    lasted = when(end.at) - when(spec.opened.at) if end else None
    planned = {"scheduled": written(scheduled), "planned": occasion.stamp()} if scheduled else {}
    return {
        "incident": str(incident.address),
        "summary": " ".join(_summary(incident, snapshot)),
        **planned,
        "timeline": [{"at": event.at, "text": event.text} for event in spec.timeline],
        **({"impact": {"duration": format_duration(lasted)}} if lasted else {}),
    }


def _summary(incident: Incident, snapshot: Snapshot) -> Iterator[str]:
    """Yield what happened as the record has it: id, times, severity, commanders."""
    spec, model = incident.spec, model_of(incident, snapshot)
    highest = spec.highest(model) if model else None
    level = highest.id if highest else spec.current
    yield f"{spec.title.rstrip('.')}: {incident.address.name}, {level} in {spec.environment}."
    yield f"Opened {spec.opened.at} by {spec.opened.by}."
    for word, stamp in (
        ("Acknowledged", spec.acknowledged),
        ("Mitigated", spec.mitigated),
        ("Resolved", spec.resolved),
    ):
        if stamp is not None:
            yield f"{word} {stamp.at} by {stamp.by}."
    commanders = dict.fromkeys(command.by for command in spec.commands)
    yield f"Commanded by {', '.join(commanders) or 'nobody'}."


def _remarks() -> list[str]:
    """Return what is owed before a review was held, as comments for whoever writes it."""
    fields = PostmortemSpec.model_fields
    return [
        "Owed before it was held, and left out because nobody has said it yet (blameless):",
        *(
            f"  {'impact.who and impact.what' if part == 'impact' else written_name(part)}:"
            f" {fields[part].description}"
            for part in PARTS
            if part != "timeline"
        ),
        "Then write held: TIME.",
    ]
