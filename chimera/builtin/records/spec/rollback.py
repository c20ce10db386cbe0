"""The fields of a Rollback, and whether its observation has ended."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal

from chimera.builtin.records.spec.moments import Stamp
from chimera.kinds import (
    AddressText,
    Answer,
    DigestText,
    Duration,
    Field,
    Items,
    Model,
    Moment,
    Name,
    Reference,
    StringConstraints,
    Text,
    when,
)

RollbackType = Literal["code", "config", "database", "third-party"]

Commit = Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})$")]
"""The full id of a commit."""

WATCHED_FOR = timedelta(minutes=15)
"""How long a rollback is watched where it says nothing else."""


class Step(Stamp):
    """That a step of the checklist was done."""

    note: Text | None = Field(default=None, description="What came of it, such as a version.")


class Item(Model):
    """One step of the checklist that its type owes."""

    step: Name = Field(
        description="The step's id; of one that its type does not have, a check names those it has."
    )
    done: Step | None = Field(default=None, description="Who did it, and when.")


class Preserved(Model):
    """Evidence that was kept before anything was rolled back, or why it could not be."""

    what: Literal["timeline", "metrics", "logs", "state", "impact"] = Field(
        description="What it shows: the timeline, metrics, the last hour of logs, state (versions, "
        "values, flags), or user impact."
    )
    where: Text | None = Field(
        default=None, description="Where it is kept: a path, an address, or the run that has it."
    )
    digest: DigestText | None = Field(default=None, description="Its digest, where it has one.")
    unavailable: Text | None = Field(
        default=None, description="Why there is none, instead of where it is."
    )


class Backup(Model):
    """The backup that was made first."""

    reference: Text = Field(description="Where it is: an id, a path or an address.")
    digest: DigestText | None = Field(default=None, description="Its digest, where it has one.")
    at: Moment = Field(description="When it was made, as a time with its zone.")


class Migration(Model):
    """The reverse migration of a database."""

    path: Text = Field(description="The file that holds it.")
    tested: Text | None = Field(default=None, description="How, where and when it was tested.")


class Observation(Model):
    """The time for which the result is watched before the rollback counts."""

    lasts: Duration = Field(
        default=WATCHED_FOR, alias="for", description="How long it is watched; 15m if left out."
    )
    since: Moment | None = Field(default=None, alias="from", description="From when it is watched.")
    until: Moment | None = Field(default=None, description="Until when it was watched.")
    result: Literal["stable", "unstable"] | None = Field(
        default=None, description="What was seen, once the time has passed."
    )
    by: Text | None = Field(default=None, description="Who watched, or what did.")
    note: Text | None = Field(default=None, description="What was seen, in a line.")


class Escalation(Model):
    """That somebody else was asked to decide."""

    to: Text = Field(description="Who was asked: the owner.")
    at: Moment = Field(description="When, as a time with its zone.")
    why: Text = Field(description="Why, such as: there is no reverse migration.")


class Redeployment(Stamp):
    """That the change which was taken back may be applied again."""

    why: Text = Field(description="What is different now.")


class RollbackSpec(Model):
    """One change that a person takes back, from the decision to the end of its observation."""

    type: RollbackType = Field(description="What is taken back, which decides the checklist.")
    opened: Stamp = Field(description="Who decided to roll back, and when: a person.")
    incident: Annotated[AddressText, Reference("Incident")] | None = Field(
        default=None, description="The incident that it is to end."
    )
    environment: Name = Field(description="Name of the environment in which it happens.")
    to: Commit | None = Field(
        default=None, description="The commit whose content is restored; its full id."
    )
    reason: Text = Field(description="Why, such as which errors match which change.")
    reverts: Items[Answer] = Field(
        default=(),
        description="What is taken back: targets with the digests that they had.",
    )
    answers: Items[Answer] = Field(
        default=(),
        description="What it restores: targets with the digests that they get, for the gate.",
    )
    checklist: Items[Item] = Field(
        default=(), description="The steps that its type owes, in their order."
    )
    preserved: Items[Preserved] = Field(
        default=(), description="Evidence that was kept first: all five things."
    )
    backup: Backup | None = Field(
        default=None, description="The backup made first; owed by a database rollback."
    )
    migration: Migration | None = Field(
        default=None, description="The tested reverse migration of a database rollback."
    )
    fallback: Text | None = Field(
        default=None, description="The fallback mode, where an outside service has one."
    )
    observation: Observation = Field(
        default=Observation(), description="For how long it is watched, and what was seen."
    )
    escalated: Escalation | None = Field(
        default=None, description="That it was handed to the owner, as without a migration."
    )
    redeploy: Redeployment | None = Field(
        default=None, description="That what was taken back may be applied again."
    )

    def done(self, step: str) -> Step | None:
        """Return when a step of the checklist was done, and by whom, if it was."""
        return next((item.done for item in self.checklist if item.step == step), None)

    @property
    def watched(self) -> timedelta | None:
        """For how long it was watched; `None` while that has not ended."""
        seen = self.observation
        if seen.since is None or seen.until is None:
            return None
        return when(seen.until) - when(seen.since)

    def counts(self, now: datetime) -> bool:
        """Tell whether it was watched for long enough by `now`, and found stable."""
        seen = self.observation
        if seen.until is None or when(seen.until) > now or seen.result != "stable":
            return False
        return (self.watched or timedelta()) >= seen.lasts
