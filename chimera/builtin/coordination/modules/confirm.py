"""Approvals: who is asked, what they decide, and what comes of it.

A request says who can decide and how many must approve; one who rejects it rejects it for all.
Refuses a second decision of one approver, a decision by somebody who was not asked, and any
decision after the request has come to its end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from chimera.builtin.coordination.declaring import configured, stored
from chimera.builtin.coordination.machine import Machine
from chimera.builtin.coordination.notices import Noted, Notice
from chimera.builtin.coordination.protocol import Governed, Id, Maybe, Moment, Part
from chimera.builtin.coordination.shelf import Call, Shelf, written
from chimera.kinds import Field, Items, Model, Text
from chimera.runtime import ModuleType, OperationCall, PermanentError

Status = Literal["pending", "approved", "rejected", "cancelled"]
Outcome = Literal["approved", "rejected", "cancelled"]
TargetType = Literal["context", "plan", "trace", "extension", "other"]

STATUSES = Machine(
    "request",
    begins=("pending",),
    follows={
        "pending": ("approved", "rejected", "cancelled"),
        "approved": (),
        "rejected": (),
        "cancelled": (),
    },
)


class Decision(Part):
    """What one approver decided."""

    decision_id: Id = Field(description="Id of the decision.")
    status: Outcome = Field(description="What was decided.")
    decided_by_role: str = Field(description="Who decided.")
    decided_at: Moment = Field(description="When.")
    reason: Maybe[str] = Field(default=None, description="Why.")


class Confirm(Governed):
    """A request for approval, and what was decided."""

    confirm_id: Id = Field(description="Id of the request.")
    target_type: TargetType = Field(description="What kind of thing is to be approved.")
    target_id: Id = Field(description="Id of the thing.")
    status: Status = Field(description="Where it stands.")
    requested_by_role: str = Field(description="Who asks.")
    requested_at: Moment = Field(description="When it was asked.")
    reason: Maybe[str] = Field(default=None, description="Why it is asked.")
    decisions: Maybe[Items[Decision]] = Field(default=None, description="What was decided.")


class Configuration(Model):
    """Limits of the module `confirm`."""

    default_quorum: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=1,
        description="How many must approve where the request names neither approvers nor a quorum.",
    )
    self_approval: bool = Field(default=False, description="Whether who asks may also approve.")


SHELF = Shelf("confirm", Confirm, "confirm", STATUSES)


class Named(Model):
    """Which request is meant."""

    request_id: Text = Field(description="Id or alias of the request, such as confirm-001.")


class Requested(Model):
    """What is to be approved, and by whom."""

    target_type: TargetType = Field(description="What kind of thing is to be approved.")
    target_id: Text = Field(description="Id of the thing, or its alias.")
    requested_by_role: Text = Field(description="Who asks.")
    reason: str | None = Field(default=None, description="Why it is asked.")
    approvers: Items[Text] = Field(default=(), description="Who can decide; anybody if none.")
    quorum: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="How many must approve; all approvers if they are named, else the module's "
        "defaultQuorum.",
    )


class Decided(Named):
    """What somebody decided."""

    approver: Text = Field(description="Who decides.")
    decision: Outcome = Field(description="What they decide.")
    reason: str | None = Field(default=None, description="Why.")


class GivenDecision(Model):
    """A decision that comes with the processing."""

    approver: Text = Field(description="Who decided.")
    decision: Outcome = Field(description="What they decided.")
    reason: str | None = Field(default=None, description="Why.")


class Processed(Named):
    """Whose decisions count."""

    approvers: Items[Text] = Field(description="Who may decide; decisions of others do not count.")
    decisions: Items[GivenDecision] = Field(
        default=(), description="Decisions to write down first."
    )


class Cancelled(Named):
    """Why a request is given up."""

    reason: str | None = Field(default=None, description="Why.")


class Query(Model):
    """Which requests are asked for."""

    status: Items[Status] = Field(default=("pending",), description="Statuses that are asked for.")
    target_id: Id | None = Field(default=None, description="Id of what is to be approved.")
    approver: Text | None = Field(default=None, description="Who can still decide.")
    limit: Annotated[int, Field(ge=1, le=1000)] = Field(default=100, description="Most to give.")


class Given(Model):
    """A request."""

    request_id: Id = Field(description="Id of the request.")
    alias: str = Field(description="Its alias, such as confirm-001.")
    status: Status = Field(description="Where it stands.")
    approved: bool = Field(description="Whether it has been approved.")
    approvals: int = Field(description="How many approvals count.")
    quorum: int = Field(description="How many it takes.")
    missing: Items[str] = Field(description="Who was asked and has not decided, in order.")
    confirm: Confirm = Field(description="The request, as the protocol states it.")


class Validated(Model):
    """A request that can be decided."""

    request_id: Id = Field(description="Id of the request.")
    valid: bool = Field(description="Whether it can be decided; a request that cannot is an error.")
    target_type: TargetType = Field(description="What kind of thing is to be approved.")
    target_id: Id = Field(description="Id of the thing.")
    approvers: Items[str] = Field(description="Who can decide; anybody if none.")


class Found(Model):
    """The requests that were found."""

    requests: Items[Confirm] = Field(description="The requests, the oldest first.")
    count: int = Field(description="How many they are.")


def _request(call: OperationCall[Requested]) -> Mapping[str, Any]:
    asked = call.inputs
    target = _target(call, asked.target_type, asked.target_id)
    approvers = list(dict.fromkeys(asked.approvers))
    settings = configured(call, "confirm", Configuration)
    if not settings.self_approval and asked.requested_by_role in approvers:
        raise PermanentError(
            f"{asked.requested_by_role} asks for this approval and cannot give it",
            help="name other approvers, or set selfApproval in the Module document",
        )
    quorum = asked.quorum or len(approvers) or settings.default_quorum
    if approvers and quorum > len(approvers):
        raise PermanentError(
            f"{quorum} approvals are asked of {len(approvers)} approvers",
            help="lower the quorum or name more approvers",
        )
    fields = {
        "target_type": asked.target_type,
        "target_id": target,
        "status": "pending",
        "requested_by_role": asked.requested_by_role,
        "requested_at": written(call.now),
        "reason": asked.reason,
    }
    confirm = SHELF.add(call, "requested", fields, approvers=approvers, quorum=quorum)
    return _given(call, confirm)


def _target(call: Call, kind: TargetType, name: str) -> str:
    """Return the id of what is to be approved; raises `PermanentError` where it is not there."""
    if kind == "other":
        return name
    known = call.store.get("alias", f"{kind}/{name}")
    id: str = known["id"] if known else name
    if call.store.get(kind, id) is None:
        raise PermanentError(
            f"there is no {kind} {name} to approve", help=f"{kind}.query shows which there are"
        )
    return id


def _get(call: OperationCall[Named]) -> Mapping[str, Any]:
    return _given(call, SHELF.get(call, call.inputs.request_id))


def _validate(call: OperationCall[Named]) -> Mapping[str, Any]:
    confirm = SHELF.get(call, call.inputs.request_id)
    if confirm.status != "pending":
        raise PermanentError(
            f"the request {SHELF.alias(call, confirm)} is {confirm.status}: nothing is to decide",
            help="make another request with confirm.request",
        )
    target = _target(call, confirm.target_type, confirm.target_id)
    return {
        "requestId": confirm.confirm_id,
        "valid": True,
        "targetType": confirm.target_type,
        "targetId": target,
        "approvers": tuple(SHELF.facts(call, confirm).get("approvers", ())),
    }


def _decide(call: OperationCall[Decided]) -> Mapping[str, Any]:
    asked = call.inputs
    confirm = SHELF.get(call, asked.request_id)
    confirm = _write_down(call, confirm, asked.approver, asked.decision, asked.reason)
    return _given(call, _concluded(call, confirm, None))


def _write_down(
    call: Call, confirm: Confirm, who: str, decision: Outcome, reason: str | None
) -> Confirm:
    """Add a decision to a request that awaits it."""
    name, facts = SHELF.alias(call, confirm), SHELF.facts(call, confirm)
    if confirm.status != "pending":
        raise PermanentError(
            f"the request {name} is {confirm.status} already", help="make another request"
        )
    asked = facts.get("approvers", ())
    if asked and who not in asked:
        raise PermanentError(
            f"{who} was not asked to decide the request {name}",
            help=f"these were: {', '.join(asked)}",
        )
    settings = configured(call, "confirm", Configuration)
    if who == confirm.requested_by_role and not settings.self_approval:
        raise PermanentError(
            f"{who} made the request {name} and cannot decide it",
            help="let somebody else decide, or set selfApproval in the Module document",
        )
    if any(one.decided_by_role == who for one in confirm.decisions or ()):
        raise PermanentError(
            f"{who} has decided the request {name} already", help="make another request"
        )
    made = {
        "decision_id": call.new_id(),
        "status": decision,
        "decided_by_role": who,
        "decided_at": written(call.now),
    } | ({} if reason is None else {"reason": reason})
    decisions = [*SHELF.plain(confirm).get("decisions", ()), made]
    told = {"by": who, "decision": decision}
    return SHELF.change(call, confirm, "decided", {"decisions": decisions}, told)


def _concluded(call: Call, confirm: Confirm, counted: Iterable[str] | None) -> Confirm:
    """Return the request with what comes of the decisions, if anything does yet.

    With `counted`, only decisions of these count.
    """
    if confirm.status != "pending":
        return confirm
    said = [one.status for one in _counting(confirm, counted)]
    if "rejected" in said:
        return SHELF.move(call, confirm, "rejected", "rejected")
    if said.count("approved") >= SHELF.facts(call, confirm).get("quorum", 1):
        return SHELF.move(call, confirm, "approved", "approved")
    if said and set(said) == {"cancelled"}:
        return SHELF.move(call, confirm, "cancelled", "cancelled")
    return confirm


def _counting(confirm: Confirm, counted: Iterable[str] | None) -> list[Decision]:
    allowed = None if counted is None else set(counted)
    return [
        one for one in confirm.decisions or () if allowed is None or one.decided_by_role in allowed
    ]


def _process(call: OperationCall[Processed]) -> Mapping[str, Any]:
    asked = call.inputs
    confirm = SHELF.get(call, asked.request_id)
    for one in asked.decisions:
        confirm = _write_down(call, confirm, one.approver, one.decision, one.reason)
    if not asked.approvers:
        raise PermanentError(
            f"nobody may decide the request {SHELF.alias(call, confirm)}",
            help="role.checkPermissions says who may not, and why",
        )
    return _given(call, _concluded(call, confirm, asked.approvers), asked.approvers)


def _cancel(call: OperationCall[Cancelled]) -> Mapping[str, Any]:
    confirm = SHELF.get(call, call.inputs.request_id)
    return _given(call, SHELF.move(call, confirm, "cancelled", "cancelled"))


def _hear(call: OperationCall[Notice]) -> Mapping[str, Any]:
    """Give up the requests about what is gone, or was given up itself."""
    said = call.inputs
    idle = list(SHELF.find(call, target_id=said.object, status="pending")) if said.object else []
    for confirm in idle:
        told = {"status": "cancelled", "reason": f"{said.topic} {said.object}"}
        SHELF.change(call, confirm, "cancelled", {"status": "cancelled"}, told)
    return {"changed": tuple(confirm.confirm_id for confirm in idle)}


def _query(call: OperationCall[Query]) -> Mapping[str, Any]:
    asked = call.inputs
    equal = {} if asked.target_id is None else {"target_id": asked.target_id}
    found = [
        confirm
        for status in dict.fromkeys(asked.status)
        for confirm in SHELF.find(call, status=status, **equal)
        if asked.approver is None or _awaits(call, confirm, asked.approver)
    ]
    found.sort(key=lambda confirm: (confirm.requested_at, confirm.confirm_id))
    return {"requests": tuple(found[: asked.limit]), "count": len(found[: asked.limit])}


def _awaits(call: Call, confirm: Confirm, who: str) -> bool:
    asked = SHELF.facts(call, confirm).get("approvers", ())
    decided = {one.decided_by_role for one in confirm.decisions or ()}
    return confirm.status == "pending" and who not in decided and (not asked or who in asked)


def _given(call: Call, confirm: Confirm, counted: Iterable[str] | None = None) -> Mapping[str, Any]:
    facts = SHELF.facts(call, confirm)
    decided = {one.decided_by_role for one in confirm.decisions or ()}
    counting = _counting(confirm, counted)
    return {
        "requestId": confirm.confirm_id,
        "alias": SHELF.alias(call, confirm),
        "status": confirm.status,
        "approved": confirm.status == "approved",
        "approvals": sum(one.status == "approved" for one in counting),
        "quorum": facts.get("quorum", 1),
        "missing": tuple(who for who in facts.get("approvers", ()) if who not in decided),
        "confirm": confirm,
    }


OPERATIONS = (
    stored("confirm.request", "Ask for an approval.", Requested, Given, _request),
    stored("confirm.get", "Give a request.", Named, Given, _get),
    stored(
        "confirm.validateRequest",
        "Make sure that a request can be decided.",
        Named,
        Validated,
        _validate,
    ),
    stored("confirm.decide", "Approve, reject or abstain.", Decided, Given, _decide),
    stored(
        "confirm.processApproval",
        "Conclude a request from the decisions of those who may decide.",
        Processed,
        Given,
        _process,
    ),
    stored("confirm.cancel", "Give a request up.", Cancelled, Given, _cancel),
    stored("confirm.hear", "Take note of what became of a target.", Notice, Noted, _hear),
    stored("confirm.query", "Find requests.", Query, Found, _query),
)

TYPE = ModuleType(
    name="confirm",
    summary="Who is asked to approve, what they decide, and what comes of it.",
    configuration=Configuration,
    collections=("confirm", "confirm.facts"),
    subscriptions={"*.deleted": "confirm.hear", "plan.cancelled": "confirm.hear"},
)
