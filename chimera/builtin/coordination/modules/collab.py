"""Collaborations: who works together in a context, how, and whose turn it is.

Owns the machine of their statuses and what each mode means for a message: to all others
(broadcast, swarm), to the next in turn (round_robin), to or from the first participant, who leads
(orchestrated), to the other one (pair). Refuses messages of those who take no part.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from chimera.builtin.coordination.declaring import configured, stored
from chimera.builtin.coordination.machine import Machine
from chimera.builtin.coordination.modules.context import open_context
from chimera.builtin.coordination.protocol import Governed, Id, Maybe, Moment, Part
from chimera.builtin.coordination.shelf import Call, Shelf
from chimera.kinds import Field, Items, Model, Text
from chimera.runtime import ModuleType, OperationCall, PermanentError

Status = Literal["draft", "active", "suspended", "completed", "cancelled"]
Mode = Literal["broadcast", "round_robin", "orchestrated", "swarm", "pair"]
ParticipantKind = Literal["agent", "human", "system", "external"]

STATUSES = Machine(
    "collaboration",
    begins=("draft", "active"),
    follows={
        "draft": ("active", "cancelled"),
        "active": ("suspended", "completed", "cancelled"),
        "suspended": ("active", "completed", "cancelled"),
        "completed": (),
        "cancelled": (),
    },
)


class Participant(Part):
    """Somebody who takes part."""

    participant_id: Text = Field(description="Who: an agent, a person or a system.")
    role_id: Maybe[str] = Field(default=None, description="Role in which they take part.")
    kind: ParticipantKind = Field(description="What they are.")
    display_name: Maybe[str] = Field(default=None, description="What people call them.")


class Collab(Governed):
    """Work that several do together."""

    collab_id: Id = Field(description="Id of the collaboration.")
    context_id: Id = Field(description="Context in which they work.")
    title: Text = Field(description="What it is called.")
    purpose: Text = Field(description="What it is for.")
    mode: Mode = Field(description="Who speaks to whom.")
    status: Status = Field(description="Where it stands.")
    participants: Annotated[Items[Participant], Field(min_length=1)] = Field(
        description="Who takes part, in the order of their turns."
    )
    created_at: Moment = Field(description="When it was made.")
    updated_at: Maybe[Moment] = Field(default=None, description="When it last changed.")


class Configuration(Model):
    """Limits of the module `collab`."""

    max_participants: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=100, description="Participants that one collaboration can have."
    )


SHELF = Shelf("collab", Collab, "collab", STATUSES, stamps=True)


class Named(Model):
    """Which collaboration is meant."""

    collab_id: Text = Field(description="Id or alias of the collaboration, such as collab-001.")


class Joining(Model):
    """Somebody who takes part."""

    id: Text = Field(description="Who: an agent, a person or a system.")
    kind: ParticipantKind = Field(default="agent", description="What they are.")
    role: str | None = Field(default=None, description="Role in which they take part.")
    name: str | None = Field(default=None, description="What people call them.")


class Started(Model):
    """The collaboration that is asked for."""

    context_id: Text = Field(description="Id or alias of the context in which they work.")
    title: Text = Field(description="What it is called.")
    purpose: Text | None = Field(default=None, description="What it is for; its title if left out.")
    mode: Mode = Field(default="broadcast", description="Who speaks to whom.")
    status: Literal["draft", "active"] = Field(default="active", description="How it begins.")
    participants: Annotated[Items[Joining], Field(min_length=1)] = Field(
        description="Who takes part, in the order of their turns; the first one leads."
    )


class Joined(Named):
    """Who joins."""

    participant: Joining = Field(description="Who joins; their turn comes last.")


class Left(Named):
    """Who leaves."""

    participant: Text = Field(description="Who leaves.")


class Said(Named):
    """What is said to the others."""

    sender: Text = Field(description="Participant who says it.")
    payload: dict[str, Any] = Field(default_factory=dict, description="What is said.")


class Query(Model):
    """Which collaborations are asked for."""

    context_id: Id | None = Field(default=None, description="Id of their context.")
    participant: Text | None = Field(default=None, description="Who must take part.")
    status: Items[Status] = Field(
        default=(), description="Statuses that are asked for; any if none."
    )
    limit: Annotated[int, Field(ge=1, le=1000)] = Field(default=100, description="Most to give.")


class Given(Model):
    """A collaboration."""

    collab_id: Id = Field(description="Id of the collaboration.")
    alias: str = Field(description="Its alias, such as collab-001.")
    status: Status = Field(description="Where it stands.")
    turn: str | None = Field(default=None, description="Whose turn it is (mode round_robin).")
    recipients: Items[str] = Field(default=(), description="To whom the message went.")
    collab: Collab = Field(description="The collaboration, as the protocol states it.")


class Found(Model):
    """The collaborations that were found."""

    collabs: Items[Collab] = Field(description="The collaborations, the oldest first.")
    count: int = Field(description="How many they are.")


def _start(call: OperationCall[Started]) -> Mapping[str, Any]:
    asked = call.inputs
    context = open_context(call, asked.context_id)
    names = [one.id for one in asked.participants]
    if len(set(names)) != len(names):
        raise PermanentError("somebody takes part twice", help="name each participant once")
    _check_size(call, asked.mode, len(names))
    fields = {
        "context_id": context.context_id,
        "title": asked.title,
        "purpose": asked.purpose or asked.title,
        "mode": asked.mode,
        "status": asked.status,
        "participants": [_participant(one) for one in asked.participants],
    }
    return _given(call, SHELF.add(call, "started", fields, spoken=0))


def _check_size(call: Call, mode: Mode, size: int) -> None:
    limit = 2 if mode == "pair" else configured(call, "collab", Configuration).max_participants
    if size > limit:
        raise PermanentError(
            f"{size} participants are more than this collaboration admits, {limit}",
            help="a pair has two; else maxParticipants of the Module document holds",
        )


def _participant(one: Joining) -> dict[str, Any]:
    wanted = {
        "participant_id": one.id,
        "role_id": one.role,
        "kind": one.kind,
        "display_name": one.name,
    }
    return {name: value for name, value in wanted.items() if value is not None}


def _get(call: OperationCall[Named]) -> Mapping[str, Any]:
    return _given(call, SHELF.get(call, call.inputs.collab_id))


def _join(call: OperationCall[Joined]) -> Mapping[str, Any]:
    collab = _going_on(call, call.inputs.collab_id)
    joining = call.inputs.participant
    if joining.id in _names(collab):
        raise PermanentError(f"{joining.id} takes part already", help="collab.get shows who does")
    _check_size(call, collab.mode, len(collab.participants) + 1)
    participants = [*SHELF.plain(collab)["participants"], _participant(joining)]
    told = {"participant": joining.id}
    return _given(call, SHELF.change(call, collab, "joined", {"participants": participants}, told))


def _leave(call: OperationCall[Left]) -> Mapping[str, Any]:
    collab = _going_on(call, call.inputs.collab_id)
    leaving = call.inputs.participant
    _check_takes_part(collab, leaving)
    if len(collab.participants) == 1:
        raise PermanentError(
            f"{leaving} is the last who takes part", help="close the collaboration instead"
        )
    spoken = SHELF.facts(call, collab).get("spoken", 0)
    place, size = _names(collab).index(leaving), len(collab.participants)
    turn = spoken % size  # it stays whose it is, or goes to the next one
    SHELF.note(call, collab, spoken=(turn - (place < turn)) % (size - 1))
    left = [one for one in SHELF.plain(collab)["participants"] if one["participant_id"] != leaving]
    told = {"participant": leaving}
    return _given(call, SHELF.change(call, collab, "left", {"participants": left}, told))


def _broadcast(call: OperationCall[Said]) -> Mapping[str, Any]:
    asked = call.inputs
    collab = SHELF.get(call, asked.collab_id)
    if collab.status != "active":
        raise PermanentError(
            f"the collaboration {SHELF.alias(call, collab)} is {collab.status}",
            help="resume it with collab.resume before somebody speaks",
        )
    recipients = _recipients(call, collab, asked.sender)
    spoken = SHELF.facts(call, collab).get("spoken", 0) + 1
    SHELF.note(call, collab, spoken=spoken)
    for recipient in recipients:
        message = {"from": asked.sender, "to": recipient, "payload": asked.payload}
        call.publish("collab.message", {"collab": collab.collab_id, **message})
    told = {"from": asked.sender, "to": list(recipients)}
    return {
        **_given(call, SHELF.change(call, collab, "spoken", {}, told)),
        "recipients": recipients,
    }


def _recipients(call: Call, collab: Collab, sender: str) -> tuple[str, ...]:
    """Return to whom a message of `sender` goes; raises `PermanentError` where it may not speak."""
    _check_takes_part(collab, sender)
    names = _names(collab)
    others = tuple(name for name in names if name != sender)
    if collab.mode == "round_robin":
        turn = _turn(call, collab)
        if sender != turn:
            raise PermanentError(f"it is the turn of {turn}", help="wait for your turn")
        return (names[(names.index(sender) + 1) % len(names)],) if others else ()
    if collab.mode == "orchestrated" and sender != names[0]:
        return names[:1]
    return others


def _suspend(call: OperationCall[Named]) -> Mapping[str, Any]:
    collab = SHELF.get(call, call.inputs.collab_id)
    return _given(call, SHELF.move(call, collab, "suspended", "suspended"))


def _resume(call: OperationCall[Named]) -> Mapping[str, Any]:
    collab = SHELF.get(call, call.inputs.collab_id)
    return _given(call, SHELF.move(call, collab, "active", "resumed"))


def _close(call: OperationCall[Named]) -> Mapping[str, Any]:
    collab = SHELF.get(call, call.inputs.collab_id)
    return _given(call, SHELF.move(call, collab, "completed", "completed"))


def _cancel(call: OperationCall[Named]) -> Mapping[str, Any]:
    collab = SHELF.get(call, call.inputs.collab_id)
    return _given(call, SHELF.move(call, collab, "cancelled", "cancelled"))


def _query(call: OperationCall[Query]) -> Mapping[str, Any]:
    asked = call.inputs
    equal = {} if asked.context_id is None else {"context_id": asked.context_id}
    found = [
        collab
        for collab in SHELF.find(call, **equal)
        if (not asked.status or collab.status in asked.status)
        and (asked.participant is None or asked.participant in _names(collab))
    ]
    found.sort(key=lambda collab: (collab.created_at, collab.collab_id))
    return {"collabs": tuple(found[: asked.limit]), "count": len(found[: asked.limit])}


def _going_on(call: Call, name: str) -> Collab:
    collab = SHELF.get(call, name)
    if STATUSES.is_final(collab.status):
        raise PermanentError(
            f"the collaboration {SHELF.alias(call, collab)} is {collab.status}",
            help="start another one",
        )
    return collab


def _check_takes_part(collab: Collab, who: str) -> None:
    names = _names(collab)
    if who not in names:
        raise PermanentError(f"{who} takes no part", help=f"these do: {', '.join(names)}")


def _names(collab: Collab) -> tuple[str, ...]:
    return tuple(one.participant_id for one in collab.participants)


def _turn(call: Call, collab: Collab) -> str:
    spoken = int(SHELF.facts(call, collab).get("spoken", 0))
    return _names(collab)[spoken % len(collab.participants)]


def _given(call: Call, collab: Collab) -> Mapping[str, Any]:
    return {
        "collabId": collab.collab_id,
        "alias": SHELF.alias(call, collab),
        "status": collab.status,
        "turn": _turn(call, collab) if collab.mode == "round_robin" else None,
        "collab": collab,
    }


OPERATIONS = (
    stored("collab.start", "Begin to work together.", Started, Given, _start),
    stored("collab.get", "Give a collaboration.", Named, Given, _get),
    stored("collab.join", "Take part.", Joined, Given, _join),
    stored("collab.leave", "Take part no longer.", Left, Given, _leave),
    stored("collab.broadcast", "Say something to the others.", Said, Given, _broadcast),
    stored("collab.suspend", "Hold a collaboration.", Named, Given, _suspend),
    stored("collab.resume", "Begin or go on with a collaboration.", Named, Given, _resume),
    stored("collab.close", "End a collaboration.", Named, Given, _close),
    stored("collab.cancel", "Give a collaboration up.", Named, Given, _cancel),
    stored("collab.query", "Find collaborations.", Query, Found, _query),
)

TYPE = ModuleType(
    name="collab",
    summary="Who works together in a context, how, and whose turn it is.",
    configuration=Configuration,
    collections=("collab", "collab.facts"),
)
