"""The kinds by which a team says who must agree to what, and where: Gate, Environment, Role,
Identity; and the records of who did: Approval, Decision.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal

from chimera.context import parse_instant
from chimera.kinds import (
    AddressText,
    AfterText,
    AfterValidator,
    Answer,
    DigestText,
    Duration,
    Field,
    Items,
    KindName,
    KindReference,
    LayerRef,
    Model,
    Name,
    PathSelector,
    Plays,
    Reference,
    Role,
    Text,
    refuse,
)
from chimera.model import UsageError

DEFAULT_EXPIRY = timedelta(days=7)
"""How long an approval counts where the gate that asks for it says nothing else."""


def _check_instant(text: str) -> str:
    try:
        parse_instant(text)
    except UsageError:
        raise refuse(
            "time-invalid", f"{text!r} is no time; write 2027-01-31 or 2027-01-31T12:00:00Z"
        ) from None
    return text


Instant = Annotated[str, AfterValidator(_check_instant)]
"""A date, which means its first moment in UTC, or a time with its zone."""


def _check_key(text: str) -> str:
    from chimera.signatures import PublicKey, SignatureError

    try:
        PublicKey.parse(text)
    except SignatureError as error:
        raise refuse("key-unparsable", error.message) from None
    return text


KeyText = Annotated[str, AfterValidator(_check_key)]
"""A public key as `ssh-keygen` writes it to a `.pub` file."""


class EnvironmentSpec(Model):
    """Where changes are applied to."""

    protected: bool = Field(
        default=True,
        description="Whether apply only verifies evidence and approvals, and takes a commit only.",
    )
    production: bool = Field(
        default=False,
        description="Whether users are served from it: each of its changes owes a ChangelogEntry.",
    )


class Revocation(Model):
    """That a key no longer counts, whenever it signed."""

    at: Instant = Field(description="When it was revoked: a date, or a time with its zone.")
    reason: Text = Field(description="Why, such as: the laptop was stolen.")


class IdentityKey(Model):
    """A public key by which an identity signs."""

    key: KeyText = Field(
        description="The public key as `ssh-keygen` writes it to a .pub file, such as "
        "ssh-ed25519 AAAA...; what follows it is a comment."
    )
    valid_after: Instant | None = Field(
        default=None, description="When the key begins to count: a date, or a time with its zone."
    )
    valid_before: Instant | None = Field(
        default=None, description="When it ceases to: a date, or a time with its zone."
    )
    revoked: Revocation | None = Field(
        default=None,
        description="That it counts for nothing any more, also not for what it signed before.",
    )

    @property
    def not_before(self) -> datetime | None:
        """The moment from which the key counts."""
        return parse_instant(self.valid_after) if self.valid_after else None

    @property
    def not_after(self) -> datetime | None:
        """The moment from which it no longer does."""
        return parse_instant(self.valid_before) if self.valid_before else None


class IdentitySpec(Model):
    """A person or a machine, and the keys by which it signs."""

    kind: Literal["human", "automation"] = Field(
        description="Whether a person signs by the keys, or a machine; only a person approves."
    )
    emails: Items[Text] = Field(
        default=(),
        description="The e-mail addresses by which Git knows it as the author of commits.",
    )
    keys: Items[IdentityKey] = Field(
        default=(),
        description="Its keys. They count once they stand in the trust ref, and not before.",
    )


class RoleSpec(Model):
    """Who can approve for a part of the system, or vouch for what is proven of it."""

    members: Items[Annotated[AddressText, Reference("Identity"), Plays(Role.PARTICIPANT)]] = Field(
        description="The identities that hold the role."
    )
    capabilities: Annotated[Items[Literal["approve", "prove"]], Field(min_length=1)] = Field(
        default=("approve",),
        description="What holding it allows: to approve, which only people can, or to sign "
        "evidence, as the service does that proves.",
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
        default=1, description="How many different people must approve."
    )
    human: Literal[True] = Field(
        default=True, description="An approval is a person's; automation can never give one."
    )
    expires: Duration = Field(
        default=DEFAULT_EXPIRY,
        description="How long an approval counts after it was given, such as 7d or 12h.",
    )
    exclude_author: bool = Field(
        default=True,
        description="Whether whoever wrote a change cannot approve it, by the commits that touch "
        "it since it was last applied.",
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


class ApprovedItem(Model):
    """One item of a plan: what is approved or rejected is exactly this."""

    target: Text = Field(description="Address (Kind/name) or path set (paths:GLOB,GLOB).")
    action: Literal["create", "update", "delete", "run"] = Field(
        description="What the plan does about it."
    )
    after: AfterText = Field(description="Digest of the target after the change; or deleted.")
    digest: DigestText = Field(
        description="Digest of environment, target, action, after, of what the item owes and of "
        "the waivers by which it passes: with any of them another, it is another item."
    )


class ApprovalSpec(Model):
    """What a person signed about items of a plan; `chimera approve` writes it."""

    decision: Literal["approve", "reject"] = Field(
        description="Whether the items may be applied, or must not be."
    )
    identity: AddressText = Field(
        description="The Identity that signs; what counts is whose the key is in the trust ref."
    )
    environment: Name = Field(description="The environment for which it is.")
    plan: DigestText = Field(description="Digest of the plan that was looked at, for reference.")
    items: Annotated[Items[ApprovedItem], Field(min_length=1)] = Field(
        description="What is approved or rejected."
    )
    at: Instant = Field(description="When it was signed.")
    expires: Instant | None = Field(
        default=None, description="When an approval ceases to count, where its signer says so."
    )
    reason: Text | None = Field(default=None, description="Why.")
    signature: Text = Field(
        description="SSH signature, in the namespace chimera-approval, of the canonical JSON of "
        "everything else in this spec."
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
