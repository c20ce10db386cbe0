"""The kinds `Policy` and `Waiver`, as their authors write them. Refuses to judge anything."""

from __future__ import annotations

import re
from datetime import MAXYEAR, datetime, timedelta
from typing import Annotated, Any, Literal

from chimera.kinds import (
    ActionName,
    AddressText,
    AfterValidator,
    Expression,
    Field,
    Items,
    LayerRef,
    Model,
    Name,
    PathSelector,
    Plays,
    Reference,
    Role,
    StringConstraints,
    Text,
    refuse,
)

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")

ExpressionText = Annotated[str, StringConstraints(min_length=1), Expression()]
VariableName = Annotated[str, StringConstraints(pattern=r"^[a-z][A-Za-z0-9_]{0,62}$")]
ActionTaken = Annotated[Literal["deny", "warn", "audit"], Plays(Role.DENIES)]


class PolicyMatch(PathSelector):
    """What a policy is about.

    Documents by kinds, layers and labels; by paths, governed paths that change and, where neither
    kinds, layers nor labels are given, foreign documents; or the snapshot as a whole.
    """

    snapshot: bool = Field(
        default=False,
        description="Judge the snapshot as a whole, once and with no object; nothing else can then "
        "be selected. For what holds of all documents together, such as uniqueness.",
    )
    changes: Items[ActionName] = Field(
        default=(),
        description="Judge only what is created, updated or deleted; where nothing is compared, "
        "such a policy is inapplicable. If left out, documents are judged changed or not.",
    )

    @property
    def means_paths(self) -> bool:
        """Whether it is about paths alone: governed ones that change, and foreign documents."""
        return bool(self.paths) and not self.names_documents


ParameterType = Literal["boolean", "integer", "number", "string", "strings"]
ParameterValue = bool | int | float | str | Items[str]


class ParameterSetting(Model):
    """The value of a parameter in one environment."""

    environment: Annotated[AddressText, Reference("Environment", cites=True)] = Field(
        description="Environment that is judged for."
    )
    value: ParameterValue = Field(description="Value there, of the parameter's type.")


class PolicyParameter(Model):
    """A value that a policy's owner sets without touching its expressions."""

    name: VariableName = Field(description="Name; expressions read it as `parameters.NAME`.")
    type: ParameterType = Field(description="Type of its values; strings is a list of texts.")
    description: Text = Field(description="What the value decides, and in which unit it is.")
    default: ParameterValue = Field(description="Value wherever no setting says another.")
    settings: Items[ParameterSetting] = Field(
        default=(), description="Values for environments in which another one holds."
    )


class PolicyVariable(Model):
    """A value that several rules share."""

    name: VariableName = Field(description="Name; rules read it as `variables.NAME`.")
    expression: ExpressionText = Field(
        description="CEL expression; it may read parameters, and the variables before it."
    )


class PolicyRule(Model):
    """One thing that must hold."""

    id: Name = Field(description="Name of the rule, unique in its policy and stable.")
    expression: ExpressionText = Field(
        description="CEL expression that is true where the rule holds. It sees object, before, "
        "change, snapshot, layer, actor, environment, now, variables and parameters. An error "
        "refuses."
    )
    message: Text = Field(description="What must hold, in words that its reader can act on.")
    message_expression: ExpressionText | None = Field(
        default=None,
        description="CEL expression for a message with values in it; `message` where it fails.",
    )
    action: ActionTaken = Field(
        default="deny",
        description="What a broken rule does: deny refuses, warn warns, audit only records.",
    )


def _moment(text: str) -> datetime | None:
    """Read an ISO 8601 time with its zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def _check_moment(text: str) -> str:
    if _moment(text) is None:
        raise refuse("policy-case-time-invalid", f"{text!r} is no time; write 2027-01-31T12:00:00Z")
    return text


class CaseEnvironment(Model):
    """The environment of a case."""

    name: Name = Field(default="local", description="Name of the environment.")
    protected: bool = Field(default=False, description="Whether the environment is protected.")


class CaseActor(Model):
    """Who makes the change of a case."""

    name: Text = Field(default="someone", description="Name of the actor.")
    kind: Literal["human", "automation"] = Field(
        default="human", description="Whether a person or automation acts."
    )


class PolicyCase(Model):
    """An example that shows which rules find fault with it, and that no other does."""

    name: Name = Field(description="Name of the case, unique in its policy.")
    object: dict[str, Any] | None = Field(
        default=None,
        description="The document judged. What is left out of its envelope is filled in: the kind "
        "if the policy matches just one, and a name. A foreign document stands as it is.",
    )
    file: Text | None = Field(
        default=None, description="Path of a foreign document; one that matches if left out."
    )
    before: dict[str, Any] | None = Field(
        default=None, description="What the document was before the change."
    )
    change: ActionName | None = Field(
        default=None, description="The change made; without one, nothing is compared."
    )
    paths: Items[Text] = Field(
        default=(), description="Governed paths that the change touches, instead of a document."
    )
    layers: Items[LayerRef] = Field(
        default=(), description="Layers that the document stands in, written contract/id."
    )
    actor: CaseActor = Field(default=CaseActor(), description="Who makes the change.")
    environment: CaseEnvironment = Field(
        default=CaseEnvironment(), description="The environment that the change is for."
    )
    now: Annotated[str, AfterValidator(_check_moment)] = Field(
        default="2000-01-01T00:00:00Z", description="The time of the judging, in ISO 8601."
    )
    parameters: dict[VariableName, ParameterValue] = Field(
        default_factory=dict, description="Values that parameters have in this case."
    )
    documents: Items[dict[str, Any]] = Field(
        default=(),
        description="Further documents of the snapshot that the case stands in; all of them where "
        "the snapshot as a whole is judged.",
    )
    expect: Items[Name] = Field(
        description="Ids of exactly those rules that find fault; empty where the case is in order."
    )


class PolicySpec(Model):
    """Rules that documents and changes must keep, each shown by cases to pass and to fail."""

    match: PolicyMatch = Field(
        default=PolicyMatch(), description="What the policy is about; every document if left out."
    )
    parameters: Items[PolicyParameter] = Field(
        default=(), description="Values that are set here, apart from the expressions."
    )
    variables: Items[PolicyVariable] = Field(
        default=(), description="Values that rules share, worked out in order."
    )
    rules: Annotated[Items[PolicyRule], Field(min_length=1)] = Field(
        description="What must hold of each match."
    )
    cases: Items[PolicyCase] = Field(
        default=(),
        description="Examples: for every rule at least one that passes and one that fails.",
    )


def parse_expiry(text: str) -> datetime:
    """Read an ISO date, which counts to the end of that day in UTC, or a time with its zone."""
    moment = _moment(text)
    if moment is None and _DAY.fullmatch(text):
        moment = _moment(f"{text}T00:00:00Z")
        moment = moment + timedelta(days=1) if moment and moment.year < MAXYEAR else moment
    if moment is None:
        raise refuse(
            "waiver-expiry-invalid",
            f"{text!r} is no date; write 2027-01-31 or 2027-01-31T12:00:00Z",
        )
    return moment


def _check_expiry(text: str) -> str:
    parse_expiry(text)
    return text


class WaiverSpec(Model):
    """Silences one rule of one policy for one document, for a reason and for a time."""

    policy: Annotated[AddressText, Reference("Policy", cites=True)] = Field(
        description="Policy whose rule is waived."
    )
    rule: Name = Field(description="Id of the rule that is waived.")
    address: Annotated[AddressText, Reference(cites=True)] | None = Field(
        default=None,
        description="The one document that the rule is waived for. What is deleted cannot be: its "
        "waivers are deleted with it.",
    )
    path: Text | None = Field(
        default=None,
        description="The one foreign document that it is waived for, instead: its path, with #1 "
        "for the second in the file.",
    )
    reason: Text = Field(description="Why the rule need not hold here, for now.")
    approver: Text = Field(description="Who agreed to it.")
    expires: Annotated[str, AfterValidator(_check_expiry)] = Field(
        description="When the waiver ends: a date, its last day in UTC, or a time with its zone."
    )

    @property
    def expiry(self) -> datetime:
        """The moment from which the waiver no longer counts."""
        return parse_expiry(self.expires)

    @property
    def subject(self) -> str:
        """What verdicts call the document that the rule is waived for."""
        return self.address or self.path or "nothing"

    @property
    def is_clear(self) -> bool:
        """Whether it names one document, by its address or by its path."""
        return (self.address is None) != (self.path is None)
