"""The fields of a Postmortem.

Most may be left out until the review was held: what is missing then is said by `checks`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal

from chimera.builtin.records.spec.moments import Day, Stamp
from chimera.kinds import (
    AddressText,
    Duration,
    Field,
    Items,
    Model,
    Moment,
    Name,
    Plays,
    Reference,
    Role,
    Text,
)


class Happening(Model):
    """One line of a review's timeline."""

    at: Moment = Field(description="When, as a time with its zone.")
    text: Text = Field(description="What was seen or done.")


class Impact(Model):
    """What the incident did."""

    who: Text | None = Field(default=None, description="Who was affected.")
    what: Text | None = Field(default=None, description="How they were affected.")
    duration: Duration | None = Field(default=None, description="For how long, such as 1h30m.")


class FollowUp(Stamp):
    """That an action item was done, and what came of it."""

    reduced_risk: bool | None = Field(
        default=None, description="Whether a recurrence is less likely by it; once that is known."
    )
    note: Text | None = Field(default=None, description="What came of it.")


class ActionItem(Model):
    """What is to be done so that it does not happen again."""

    id: Name = Field(description="Its id, unique within the postmortem.")
    description: Text = Field(description="What is to be done.")
    owner: Annotated[Text, Plays(Role.OWNER)] | None = Field(
        default=None, description="Who sees to it: a name, Identity/name or Role/name."
    )
    priority: Literal["high", "medium", "low"] | None = Field(
        default=None, description="How important it is."
    )
    due: Annotated[Day, Plays(Role.CADENCE)] | None = Field(
        default=None, description="By which day, as YYYY-MM-DD."
    )
    done: FollowUp | None = Field(default=None, description="That it was done.")


class PostmortemSpec(Model):
    """The blameless review of an incident."""

    incident: Annotated[AddressText, Reference("Incident")] = Field(
        description="The incident that is reviewed: its id, times, severity and commanders."
    )
    summary: Text = Field(description="What happened, in short.")
    scheduled: Moment | None = Field(
        default=None, description="For when the review is scheduled, as a time with its zone."
    )
    planned: Stamp | None = Field(
        default=None,
        description="Who scheduled it, and when; where left out, the time in scheduled must be "
        "early enough by itself.",
    )
    held: Moment | None = Field(
        default=None, description="When the review was held; everything must be said by then."
    )
    timeline: Items[Happening] = Field(
        default=(), description="What was seen and done, in order of time."
    )
    impact: Impact | None = Field(
        default=None, description="Who was affected, how, and for how long."
    )
    root_cause: Text | None = Field(
        default=None,
        description="The condition of the system that made it possible; never a person.",
    )
    detection: Text | None = Field(
        default=None, description="How it was noticed, and what would have noticed it sooner."
    )
    response: Text | None = Field(
        default=None, description="What helped, what did not, and what got in the way."
    )
    missing_guardrails: Items[Text] = Field(
        default=(),
        description="Which policies, proofs or guards would have stopped it; [] if none.",
    )
    actions: Items[ActionItem] = Field(default=(), description="What is to be done; [] if nothing.")


PARTS: Mapping[str, str] = MappingProxyType(
    {
        "timeline": "what was seen and done, with its times",
        "impact": "who was affected, how, and for how long",
        "root_cause": "which condition of the system made it possible",
        "detection": "how it was noticed",
        "response": "what helped and what did not",
        "missing_guardrails": "what would have stopped it; [] if nothing would have",
        "actions": "what is to be done; [] if nothing is",
    }
)
"""What a review says once it was held: what each field is to say, in order."""


def written_name(part: str) -> str:
    """Return a field of a review as documents write it."""
    return PostmortemSpec.model_fields[part].alias or part
