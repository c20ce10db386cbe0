"""The kinds by which a team says who must agree to what, and where: Gate, Environment, Role,
Decision.
"""

from __future__ import annotations

from typing import Annotated, Literal

from chimera.kinds import (
    AddressText,
    Answer,
    Field,
    Items,
    KindName,
    KindReference,
    LayerRef,
    Model,
    PathSelector,
    Plays,
    Reference,
    Role,
    Text,
)


class EnvironmentSpec(Model):
    """Where changes are applied to."""

    protected: bool = Field(
        default=True,
        description="Whether apply only verifies evidence and approvals, and takes a commit only.",
    )


class RoleSpec(Model):
    """Who can approve for a part of the system."""

    principals: Items[Annotated[Text, Plays(Role.PARTICIPANT)]] = Field(
        description="Names of the people and machines that hold the role."
    )


class GateMatch(PathSelector):
    """Which changes a gate is about."""

    environments: Items[Annotated[AddressText, Reference("Environment")]] = Field(
        default=(), description="Environments in which the gate holds; every one if left out."
    )


class ApprovalRequirement(Model):
    """An approval that a change owes in a protected environment."""

    role: Annotated[AddressText, Reference("Role"), Plays(Role.PARTICIPANT)] = Field(
        description="Role whose approval is owed."
    )
    count: Annotated[int, Field(ge=1)] = Field(
        default=1, description="How many different principals must approve."
    )
    human: Literal[True] = Field(
        default=True, description="An approval is a person's; automation can never give one."
    )


class Requirements(Model):
    """What a gate asks for."""

    proofs: Items[Annotated[AddressText, Reference("Proof"), Plays(Role.OWES)]] = Field(
        default=(), description="Proofs whose evidence must fit what is applied."
    )
    approvals: Items[ApprovalRequirement] = Field(
        default=(), description="Approvals owed in protected environments."
    )
    records: Items[Annotated[KindName, KindReference()]] = Field(
        default=(),
        description="Kinds of records that must name the change, such as ChangelogEntry.",
    )


class GateSpec(Model):
    """Which changes owe what before they may be applied."""

    match: GateMatch = Field(description="The changes that the gate is about.")
    requires: Annotated[Requirements, Plays(Role.DENIES)] = Field(
        description="What each of them owes."
    )


class DecisionSpec(Model):
    """A formal choice that was made."""

    date: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")] = Field(
        description="Day on which it was decided, as YYYY-MM-DD."
    )
    decision: Text = Field(description="What was decided.")
    reason: Text = Field(description="Why.")
    by: Items[Text] = Field(description="Who decided.")
    activates: LayerRef | None = Field(
        default=None, description="The dormant layer that the decision activates, if it does."
    )
    answers: Items[Answer] = Field(
        default=(), description="The changes that the decision is about, with their digests."
    )
