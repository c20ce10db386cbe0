"""The fields of an Incident, and what they say at a moment: how grave, who commands, if open."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from chimera.builtin.records.spec.moments import Stamp, person
from chimera.builtin.records.spec.severity import Level, LevelId, SeverityModelSpec
from chimera.kinds import (
    AddressText,
    Field,
    Glob,
    Items,
    LayerName,
    Model,
    Moment,
    Name,
    Reference,
    Text,
    when,
)

EventKind = Literal[
    "update",
    "assessment",
    "command",
    "acknowledgement",
    "mitigation",
    "resolution",
    "action",
]


class Assessment(Stamp):
    """How grave somebody found the incident to be, from a moment on."""

    level: LevelId = Field(description="A level of the incident's severity model.")
    reason: Text = Field(description="What it was judged by.")


class Command(Model):
    """That somebody commands the incident for a time."""

    by: Text = Field(description="Who decides: a name, or Identity/name.")
    since: Moment = Field(alias="from", description="From when, as a time with its zone.")
    until: Moment | None = Field(
        default=None, description="Until when; until the incident is resolved, if left out."
    )


class Delegation(Model):
    """Work that the commander handed to somebody; the decision stays with the commander."""

    to: Text = Field(description="Who does it.")
    what: Text = Field(description="What they do.")
    at: Moment = Field(description="When it was handed over.")


class Event(Stamp):
    """One line of the timeline: what was seen or done."""

    text: Text = Field(description="What was seen or done, short and factual.")
    kind: EventKind = Field(default="update", description="What the line is about.")


class Mitigation(Stamp):
    """That the effects ended, for now."""

    how: Text = Field(description="What ended them.")


class Resolution(Stamp):
    """That the incident is over, which takes three things."""

    impact: Text = Field(description="That users are no longer affected, and how that is known.")
    risk: Text = Field(description="How the risk is mitigated.")
    monitoring: Text = Field(description="What confirms that it stays so.")


class IncidentSpec(Model):
    """Something that is wrong, from when it was noticed until it was resolved."""

    title: Annotated[Text, Field(max_length=200)] = Field(
        description="What is wrong, factual, in one line."
    )
    summary: Text | None = Field(default=None, description="What is known of it, in short.")
    environment: Name = Field(description="Name of the environment in which it is.")
    model: Annotated[AddressText, Reference("SeverityModel")] = Field(
        description="The severity model that its levels are of."
    )
    assessments: Annotated[Items[Assessment], Field(min_length=1)] = Field(
        description="How grave it was found to be, in order of time; the last one is current."
    )
    opened: Stamp = Field(description="Who noticed it, and when.")
    services: Items[Text] = Field(default=(), description="Services that are affected.")
    paths: Items[Glob] = Field(
        default=(), description="Paths that errors point to, as Git :(glob) patterns."
    )
    layers: Items[LayerName] = Field(
        default=(), description="Layers that are affected, written contract/id."
    )
    acknowledged: Stamp | None = Field(default=None, description="Who answered it first, and when.")
    commands: Items[Command] = Field(
        default=(), description="Who commanded it, and when: exactly one at any moment."
    )
    delegated: Items[Delegation] = Field(
        default=(), description="Work that commanders handed to others."
    )
    timeline: Items[Event] = Field(
        default=(), description="What was seen and done, in order of time."
    )
    mitigated: Mitigation | None = Field(
        default=None, description="That its effects ended, for now."
    )
    resolved: Resolution | None = Field(
        default=None, description="That it is over: no impact, risk mitigated, and confirmed."
    )
    freeze: Annotated[AddressText, Reference("Freeze")] | None = Field(
        default=None, description="The freeze that stands while it lasts."
    )
    rollback: Annotated[AddressText, Reference("Rollback")] | None = Field(
        default=None, description="The rollback that ends it; a freeze lets that one through."
    )
    postmortem: Annotated[AddressText, Reference("Postmortem")] | None = Field(
        default=None, description="Its review."
    )

    @property
    def current(self) -> str:
        """The level of the last assessment."""
        return self.assessments[-1].level

    def level_at(self, now: datetime) -> str | None:
        """Return the level that it had at `now`; `None` before anybody assessed it."""
        levels = [one.level for one in self.assessments if when(one.at) <= now]
        return levels[-1] if levels else None

    def levels_from(self, now: datetime) -> tuple[str, ...]:
        """Return the level that it had at `now`, and those that it was given after that."""
        before = [one.level for one in self.assessments if when(one.at) <= now]
        return (*before[-1:], *(one.level for one in self.assessments if when(one.at) > now))

    def highest(self, model: SeverityModelSpec) -> Level | None:
        """Return the gravest level that it ever had; `None` where the model has none of them."""
        found = [model.level(one.level) for one in self.assessments]
        return max(filter(None, found), key=lambda level: level.rank, default=None)

    def commanders(self, now: datetime) -> tuple[str, ...]:
        """Return whoever commands it at `now`: one where the record is right."""
        return tuple(
            one.by
            for one in self.commands
            if when(one.since) <= now and (one.until is None or now < when(one.until))
        )

    def commander(self, now: datetime) -> str | None:
        """Return the one who commands it at `now`; `None` where nobody does, or several do."""
        found = self.commanders(now)
        return found[0] if len(found) == 1 else None

    def is_commander(self, who: str, now: datetime) -> bool:
        """Tell whether this person commands it at `now`, however the name is written."""
        return person(who) in map(person, self.commanders(now))

    def is_open(self, now: datetime) -> bool:
        """Tell whether it had begun at `now` and was not resolved."""
        return when(self.opened.at) <= now and not self.is_over(now)

    def is_over(self, now: datetime) -> bool:
        """Tell whether it was resolved at `now`."""
        return self.resolved is not None and when(self.resolved.at) <= now
