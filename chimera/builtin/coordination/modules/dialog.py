"""Dialogs: what was said in a context, turn by turn.

Owns the machine of their statuses. Refuses a turn in a dialog that is paused or over.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from chimera.builtin.coordination.declaring import configured, stored
from chimera.builtin.coordination.machine import Machine
from chimera.builtin.coordination.modules.context import open_context
from chimera.builtin.coordination.protocol import Event, Governed, Id, Maybe, Moment, Part
from chimera.builtin.coordination.shelf import Call, Shelf, written
from chimera.kinds import Field, Items, Model, Text
from chimera.runtime import ModuleType, OperationCall, PermanentError

Status = Literal["active", "paused", "completed", "cancelled"]
Speaker = Literal["user", "assistant", "system", "agent"]

STATUSES = Machine(
    "dialog",
    begins=("active",),
    follows={
        "active": ("paused", "completed", "cancelled"),
        "paused": ("active", "completed", "cancelled"),
        "completed": (),
        "cancelled": (),
    },
)


class Message(Part):
    """One turn."""

    role: Speaker = Field(description="Who spoke.")
    content: str = Field(description="What was said.")
    timestamp: Moment = Field(description="When.")
    event: Maybe[Event] = Field(default=None, description="What it brought about.")


class Dialog(Governed):
    """What was said in a context."""

    dialog_id: Id = Field(description="Id of the dialog.")
    context_id: Id = Field(description="Context in which it is held.")
    thread_id: Maybe[Id] = Field(default=None, description="Thread that it belongs to.")
    status: Status = Field(description="Where it stands.")
    messages: Items[Message] = Field(description="The turns, in order.")
    started_at: Maybe[Moment] = Field(default=None, description="When it began.")
    ended_at: Maybe[Moment] = Field(default=None, description="When it ended.")


class Configuration(Model):
    """Limits of the module `dialog`."""

    max_turns: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=1000, description="Turns that one dialog can have."
    )
    max_length: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        default=16_000, description="Characters that one turn can have."
    )


SHELF = Shelf("dialog", Dialog, "dialog", STATUSES)


class Named(Model):
    """Which dialog is meant."""

    dialog_id: Text = Field(description="Id or alias of the dialog, such as dialog-001.")


class Started(Model):
    """The dialog that is asked for."""

    context_id: Text = Field(description="Id or alias of the context in which it is held.")
    thread_id: Id | None = Field(default=None, description="Thread that it belongs to.")


class Turn(Named):
    """What is said."""

    role: Speaker = Field(default="agent", description="Who speaks.")
    content: str = Field(description="What is said.")


class Closed(Named):
    """How a dialog ends."""

    status: Literal["completed", "cancelled"] = Field(
        default="completed", description="How it ends."
    )


class Query(Model):
    """Which dialogs are asked for."""

    context_id: Id | None = Field(default=None, description="Id of their context.")
    status: Items[Status] = Field(
        default=(), description="Statuses that are asked for; any if none."
    )
    limit: Annotated[int, Field(ge=1, le=1000)] = Field(default=100, description="Most to give.")


class Given(Model):
    """A dialog."""

    dialog_id: Id = Field(description="Id of the dialog.")
    alias: str = Field(description="Its alias, such as dialog-001.")
    status: Status = Field(description="Where it stands.")
    turns: int = Field(description="How many turns it has.")
    dialog: Dialog = Field(description="The dialog, as the protocol states it.")


class Found(Model):
    """The dialogs that were found."""

    dialogs: Items[Dialog] = Field(description="The dialogs, the oldest first.")
    count: int = Field(description="How many they are.")


def _start(call: OperationCall[Started]) -> Mapping[str, Any]:
    context = open_context(call, call.inputs.context_id)
    fields: dict[str, Any] = {
        "context_id": context.context_id,
        "thread_id": call.inputs.thread_id,
        "status": "active",
        "messages": [],
        "started_at": written(call.now),
    }
    return _given(call, SHELF.add(call, "started", fields))


def _get(call: OperationCall[Named]) -> Mapping[str, Any]:
    return _given(call, SHELF.get(call, call.inputs.dialog_id))


def _turn(call: OperationCall[Turn]) -> Mapping[str, Any]:
    asked, limits = call.inputs, configured(call, "dialog", Configuration)
    dialog = SHELF.get(call, asked.dialog_id)
    name = SHELF.alias(call, dialog)
    if dialog.status != "active":
        raise PermanentError(
            f"the dialog {name} is {dialog.status}: nobody speaks in it",
            help="resume it with dialog.resume, or start another one",
        )
    if len(dialog.messages) >= limits.max_turns:
        raise PermanentError(
            f"turns of the dialog {name}: {len(dialog.messages)}, "
            f"and the module admits {limits.max_turns}",
            help="start another one, or raise maxTurns in the Module document",
        )
    if len(asked.content) > limits.max_length:
        raise PermanentError(
            f"a turn of {len(asked.content)} characters is longer than the module admits, "
            f"{limits.max_length}",
            help="divide it, or raise maxLength in the Module document",
        )
    said = {"role": asked.role, "content": asked.content, "timestamp": written(call.now)}
    messages = [*SHELF.plain(dialog)["messages"], said]
    told = {"role": asked.role, "turn": len(messages)}
    return _given(call, SHELF.change(call, dialog, "turn", {"messages": messages}, told))


def _pause(call: OperationCall[Named]) -> Mapping[str, Any]:
    dialog = SHELF.get(call, call.inputs.dialog_id)
    return _given(call, SHELF.move(call, dialog, "paused", "paused"))


def _resume(call: OperationCall[Named]) -> Mapping[str, Any]:
    dialog = SHELF.get(call, call.inputs.dialog_id)
    return _given(call, SHELF.move(call, dialog, "active", "resumed"))


def _close(call: OperationCall[Closed]) -> Mapping[str, Any]:
    dialog, status = SHELF.get(call, call.inputs.dialog_id), call.inputs.status
    return _given(call, SHELF.move(call, dialog, status, status, ended_at=written(call.now)))


def _query(call: OperationCall[Query]) -> Mapping[str, Any]:
    asked = call.inputs
    equal = {} if asked.context_id is None else {"context_id": asked.context_id}
    found = [
        dialog
        for dialog in SHELF.find(call, **equal)
        if not asked.status or dialog.status in asked.status
    ]
    found.sort(key=lambda dialog: (dialog.started_at or "", dialog.dialog_id))
    return {"dialogs": tuple(found[: asked.limit]), "count": len(found[: asked.limit])}


def _given(call: Call, dialog: Dialog) -> Mapping[str, Any]:
    return {
        "dialogId": dialog.dialog_id,
        "alias": SHELF.alias(call, dialog),
        "status": dialog.status,
        "turns": len(dialog.messages),
        "dialog": dialog,
    }


OPERATIONS = (
    stored("dialog.start", "Begin a dialog.", Started, Given, _start),
    stored("dialog.get", "Give a dialog.", Named, Given, _get),
    stored("dialog.turn", "Say something in a dialog.", Turn, Given, _turn),
    stored("dialog.pause", "Hold a dialog.", Named, Given, _pause),
    stored("dialog.resume", "Go on with a dialog.", Named, Given, _resume),
    stored("dialog.close", "End a dialog.", Closed, Given, _close),
    stored("dialog.query", "Find dialogs.", Query, Found, _query),
)

TYPE = ModuleType(
    name="dialog",
    summary="What was said in a context, turn by turn.",
    configuration=Configuration,
    collections=("dialog", "dialog.facts"),
)
