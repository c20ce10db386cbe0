"""Contexts: what several agents share while they work on one thing.

Enforces the module's limits: how many contexts are open, and how long each one lives. Refuses to
find a context whose time is over, and to delete one in which a plan is being executed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from chimera.builtin.coordination.declaring import configured, stored
from chimera.builtin.coordination.machine import Machine
from chimera.builtin.coordination.protocol import Governed, Id, Maybe, Moment, Part
from chimera.builtin.coordination.querying import (
    ANSWERS,
    Answer,
    forget_answers,
    remembered,
)
from chimera.builtin.coordination.shelf import Call, Shelf
from chimera.kinds import Duration, Field, Items, Model, Text
from chimera.model import digest_json
from chimera.runtime import ModuleType, OperationCall, PermanentError

Status = Literal["draft", "active", "suspended", "archived", "closed"]

STATUSES = Machine(
    "context",
    begins=("draft", "active"),
    follows={
        "draft": ("active", "closed"),
        "active": ("suspended", "closed"),
        "suspended": ("active", "closed"),
        "closed": ("archived",),
        "archived": (),
    },
)
OPEN: tuple[Status, ...] = ("draft", "active", "suspended")
"""The statuses of contexts that count against the limit, and whose time runs out."""


class Root(Part, extra="allow"):
    """Where a context is at home."""

    domain: str = Field(description="What it is about.")
    environment: str = Field(description="Environment that it is for.")
    entry_point: Maybe[str] = Field(default=None, description="Where work in it begins.")


class Context(Governed):
    """What several agents share while they work on one thing."""

    context_id: Id = Field(description="Id of the context.")
    root: Root = Field(description="Where it is at home.")
    title: Text = Field(description="What it is called.")
    summary: Maybe[str] = Field(default=None, description="What it is for.")
    status: Status = Field(description="Where it stands.")
    tags: Maybe[Items[Text]] = Field(default=None, description="Words to find it by.")
    language: Maybe[str] = Field(default=None, description="Language that is spoken in it.")
    owner_role: Maybe[str] = Field(default=None, description="Role that answers for it.")
    constraints: Maybe[dict[str, Any]] = Field(default=None, description="What binds work in it.")
    created_at: Maybe[Moment] = Field(default=None, description="When it was made.")
    updated_at: Maybe[Moment] = Field(default=None, description="When it last changed.")


class Configuration(Model):
    """Limits of the module `context`."""

    max_contexts: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        default=1000, description="Contexts that can be open at a time; the next one is refused."
    )
    default_ttl: Duration = Field(
        default=timedelta(hours=1),
        description="How long a context lives where its creator does not say.",
    )
    enable_caching: bool = Field(
        default=True, description="Whether answers to queries are kept until a context changes."
    )


SHELF = Shelf("context", Context, "ctx", STATUSES, stamps=True)


class Named(Model):
    """Which context is meant."""

    context_id: Text = Field(description="Id or alias of the context, such as ctx-001.")


class Created(Model):
    """The context that is asked for."""

    name: Text = Field(description="What it is called; the context's title.")
    type: Text = Field(default="general", description="What it is about; its root's domain.")
    environment: Text = Field(default="local", description="Environment that it is for.")
    entry_point: Text | None = Field(default=None, description="Where work in it begins.")
    summary: str | None = Field(default=None, description="What it is for.")
    status: Literal["draft", "active"] = Field(default="active", description="How it begins.")
    tags: Items[Text] = Field(default=(), description="Words to find it by.")
    language: str | None = Field(default=None, description="Language that is spoken in it.")
    owner_role: str | None = Field(default=None, description="Role that answers for it.")
    constraints: dict[str, Any] | None = Field(default=None, description="What binds work in it.")
    ttl: Duration | None = Field(
        default=None, description="How long it lives; the module's defaultTtl if left out."
    )


class Updated(Named):
    """What of a context becomes something else; what is left out stays."""

    name: Text | None = Field(default=None, description="What it is called from now on.")
    summary: str | None = Field(default=None, description="What it is for.")
    tags: Items[Text] | None = Field(default=None, description="Words to find it by.")
    language: str | None = Field(default=None, description="Language that is spoken in it.")
    owner_role: str | None = Field(default=None, description="Role that answers for it.")
    constraints: dict[str, Any] | None = Field(default=None, description="What binds work in it.")
    ttl: Duration | None = Field(default=None, description="How long it lives from now on.")


class Query(Model):
    """Which contexts are asked for; all that are open if nothing is said."""

    status: Items[Status] = Field(default=OPEN, description="Statuses that are asked for.")
    domain: Text | None = Field(default=None, description="What they are about.")
    tags: Items[Text] = Field(default=(), description="Tags that all of them bear.")
    limit: Annotated[int, Field(ge=1, le=1000)] = Field(default=100, description="Most to give.")


class Given(Model):
    """A context."""

    context_id: Id = Field(description="Id of the context.")
    alias: str = Field(description="Its alias, such as ctx-001.")
    status: Status = Field(description="Where it stands.")
    expires_at: str = Field(description="When its time is over.")
    context: Context = Field(description="The context, as the protocol states it.")


class Found(Model):
    """The contexts that were found."""

    contexts: Items[Context] = Field(description="The contexts, the oldest first.")
    count: int = Field(description="How many they are.")
    cached: bool = Field(description="Whether the answer was kept from an earlier query.")


class Deleted(Model):
    """What is gone."""

    context_id: Id = Field(description="Id of the context that was deleted.")


def open_context(call: Call, name: str) -> Context:
    """Return a context in which work can be done; raises `PermanentError` where there is none."""
    context = find_context(call, name)
    if context.status not in OPEN:
        raise PermanentError(
            f"the context {SHELF.alias(call, context)} is {context.status}",
            help="work in a context that is open; context.query shows which there are",
        )
    return context


def find_context(call: Call, name: str) -> Context:
    """Return a context whose time is not over; raises `PermanentError` where there is none."""
    context = SHELF.get(call, name)
    if _is_over(call, context):
        raise PermanentError(
            f"the context {SHELF.alias(call, context)} expired at "
            f"{_expiry(call, context).isoformat()}",
            help="create another one, with a longer ttl where it is needed for longer",
        )
    return context


def _create(call: OperationCall[Created]) -> Mapping[str, Any]:
    asked = call.inputs
    limits = configured(call, "context", Configuration)
    _make_room(call, limits.max_contexts)
    root = {"domain": asked.type, "environment": asked.environment}
    if asked.entry_point is not None:
        root["entry_point"] = asked.entry_point
    expires = call.now + (limits.default_ttl if asked.ttl is None else asked.ttl)
    fields = {
        "root": root,
        "title": asked.name,
        "summary": asked.summary,
        "status": asked.status,
        "tags": list(asked.tags) or None,
        "language": asked.language,
        "owner_role": asked.owner_role,
        "constraints": asked.constraints,
    }
    context = SHELF.add(call, "created", fields, expires=expires.isoformat())
    return _changed(call, context)


def _make_room(call: Call, limit: int) -> None:
    """Close what has expired where the limit is met; raises `PermanentError` if that is no help."""
    if SHELF.count(call, *OPEN) < limit:
        return
    _close_expired(call)
    there = SHELF.count(call, *OPEN)
    if there >= limit:
        raise PermanentError(
            f"open contexts: {there}, and the module admits {limit}",
            help="close one with context.close, or raise maxContexts in the Module document",
        )


def _open_ones(call: Call) -> tuple[Context, ...]:
    return tuple(context for status in OPEN for context in SHELF.find(call, status=status))


def _close_expired(call: Call) -> None:
    """Close each open context whose time is over."""
    over = [context for context in _open_ones(call) if _is_over(call, context)]
    for context in over:
        SHELF.move(call, context, "closed", "expired")
    if over:
        forget_answers(call, "context")


def _is_over(call: Call, context: Context) -> bool:
    return context.status in OPEN and _expiry(call, context) <= call.now


def _expiry(call: Call, context: Context) -> datetime:
    return datetime.fromisoformat(SHELF.facts(call, context)["expires"])


def _get(call: OperationCall[Named]) -> Mapping[str, Any]:
    return _given(call, find_context(call, call.inputs.context_id))


def _update(call: OperationCall[Updated]) -> Mapping[str, Any]:
    asked = call.inputs
    context = open_context(call, asked.context_id)
    wanted = {
        "title": asked.name,
        "summary": asked.summary,
        "tags": None if asked.tags is None else list(asked.tags),
        "language": asked.language,
        "owner_role": asked.owner_role,
        "constraints": asked.constraints,
    }
    fields = {name: value for name, value in wanted.items() if value is not None}
    if asked.ttl is not None:
        SHELF.note(call, context, expires=(call.now + asked.ttl).isoformat())
    return _changed(call, SHELF.change(call, context, "updated", fields))


def _activate(call: OperationCall[Named]) -> Mapping[str, Any]:
    context = find_context(call, call.inputs.context_id)
    return _changed(call, SHELF.move(call, context, "active", "activated"))


def _suspend(call: OperationCall[Named]) -> Mapping[str, Any]:
    context = find_context(call, call.inputs.context_id)
    return _changed(call, SHELF.move(call, context, "suspended", "suspended"))


def _close(call: OperationCall[Named]) -> Mapping[str, Any]:
    context = SHELF.get(call, call.inputs.context_id)
    return _changed(call, SHELF.move(call, context, "closed", "closed"))


def _archive(call: OperationCall[Named]) -> Mapping[str, Any]:
    context = SHELF.get(call, call.inputs.context_id)
    return _changed(call, SHELF.move(call, context, "archived", "archived"))


def _delete(call: OperationCall[Named]) -> Mapping[str, Any]:
    context = SHELF.get(call, call.inputs.context_id)
    if call.store.count("plan", context_id=context.context_id, status="in_progress"):
        raise PermanentError(
            f"a plan is being executed in the context {SHELF.alias(call, context)}",
            help="wait for its end or cancel it with plan.cancel",
        )
    SHELF.remove(call, context)
    forget_answers(call, "context")
    return {"contextId": context.context_id}


def _query(call: OperationCall[Query]) -> Mapping[str, Any]:
    asked = digest_json(call.inputs.model_dump(mode="json"))
    enabled = configured(call, "context", Configuration).enable_caching
    ids, cached = remembered(call, "context", asked, lambda: _matching(call), enabled=enabled)
    contexts = tuple(SHELF.get(call, id) for id in ids)
    return {"contexts": contexts, "count": len(contexts), "cached": cached}


def _matching(call: OperationCall[Query]) -> Answer:
    """Return the ids of the contexts that are asked for, the oldest first."""
    _close_expired(call)
    asked = call.inputs
    found = [
        context
        for status in dict.fromkeys(asked.status)
        for context in SHELF.find(call, status=status)
        if asked.domain in {None, context.root.domain}
        and set(asked.tags) <= set(context.tags or ())
    ]
    found.sort(key=lambda context: (context.created_at or "", context.context_id))
    ids = [context.context_id for context in found[: asked.limit]]
    return Answer(ids, min((_expiry(call, one) for one in _open_ones(call)), default=None))


def _changed(call: Call, context: Context) -> Mapping[str, Any]:
    forget_answers(call, "context")
    return _given(call, context)


def _given(call: Call, context: Context) -> Mapping[str, Any]:
    facts = SHELF.facts(call, context)
    return {
        "contextId": context.context_id,
        "alias": facts["alias"],
        "status": context.status,
        "expiresAt": facts["expires"],
        "context": context,
    }


OPERATIONS = (
    stored("context.create", "Open a context.", Created, Given, _create, "createContext"),
    stored("context.get", "Give a context.", Named, Given, _get),
    stored("context.update", "Change a context.", Updated, Given, _update),
    stored("context.activate", "Let work in a context begin, or go on.", Named, Given, _activate),
    stored("context.suspend", "Hold work in a context.", Named, Given, _suspend),
    stored("context.close", "End work in a context.", Named, Given, _close),
    stored("context.archive", "Put a closed context away.", Named, Given, _archive),
    stored("context.delete", "Forget a context.", Named, Deleted, _delete),
    stored("context.query", "Find contexts.", Query, Found, _query),
)

TYPE = ModuleType(
    name="context",
    summary="What several agents share while they work on one thing.",
    configuration=Configuration,
    collections=("context", "context.facts", ANSWERS),
)
