"""Extensions: what was added to a context's abilities, and whether it is in use.

Owns the machine of their statuses. Refuses two extensions of one name and version in a context.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from chimera.builtin.coordination.declaring import configured, stored
from chimera.builtin.coordination.machine import Machine
from chimera.builtin.coordination.modules.context import open_context
from chimera.builtin.coordination.protocol import Governed, Id, Maybe
from chimera.builtin.coordination.shelf import Call, Shelf
from chimera.builtin.coordination.versions import Version
from chimera.kinds import Field, Items, Model, Text
from chimera.runtime import ModuleType, OperationCall, PermanentError

Status = Literal["registered", "active", "inactive", "deprecated"]
ExtensionType = Literal[
    "capability", "policy", "integration", "transformation", "validation", "other"
]

STATUSES = Machine(
    "extension",
    begins=("registered",),
    follows={
        "registered": ("active", "deprecated"),
        "active": ("inactive", "deprecated"),
        "inactive": ("active", "deprecated"),
        "deprecated": (),
    },
)


class Extension(Governed):
    """What was added to a context's abilities."""

    extension_id: Id = Field(description="Id of the extension.")
    context_id: Id = Field(description="Context that it extends.")
    name: Text = Field(description="What it is called.")
    extension_type: ExtensionType = Field(description="What kind of ability it adds.")
    version: Version = Field(description="Its version, as semantic versioning has it.")
    status: Status = Field(description="Where it stands.")
    config: Maybe[dict[str, Any]] = Field(default=None, description="How it is set up.")


class Configuration(Model):
    """Limits of the module `extension`."""

    max_active: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=100, description="Extensions that can be in use in one context."
    )


SHELF = Shelf("extension", Extension, "ext", STATUSES)


class Named(Model):
    """Which extension is meant."""

    extension_id: Text = Field(description="Id or alias of the extension, such as ext-001.")


class Registered(Model):
    """The extension that is added."""

    context_id: Text = Field(description="Id or alias of the context that it extends.")
    name: Text = Field(description="What it is called.")
    type: ExtensionType = Field(default="other", description="What kind of ability it adds.")
    version: Version = Field(description="Its version, such as 1.0.0.")
    config: dict[str, Any] | None = Field(default=None, description="How it is set up.")


class Configured(Named):
    """How an extension is set up from now on."""

    config: dict[str, Any] = Field(description="How it is set up, instead of how it was.")


class Query(Model):
    """Which extensions are asked for."""

    context_id: Id | None = Field(default=None, description="Id of the context that they extend.")
    status: Items[Status] = Field(
        default=(), description="Statuses that are asked for; any if none."
    )
    limit: Annotated[int, Field(ge=1, le=1000)] = Field(default=100, description="Most to give.")


class Given(Model):
    """An extension."""

    extension_id: Id = Field(description="Id of the extension.")
    alias: str = Field(description="Its alias, such as ext-001.")
    status: Status = Field(description="Where it stands.")
    extension: Extension = Field(description="The extension, as the protocol states it.")


class Found(Model):
    """The extensions that were found."""

    extensions: Items[Extension] = Field(description="The extensions, in order of name.")
    count: int = Field(description="How many they are.")


class Deleted(Model):
    """What is gone."""

    extension_id: Id = Field(description="Id of the extension that was removed.")


def _register(call: OperationCall[Registered]) -> Mapping[str, Any]:
    asked = call.inputs
    context = open_context(call, asked.context_id)
    equal = {"context_id": context.context_id, "name": asked.name, "version": asked.version}
    if call.store.count("extension", **equal):
        raise PermanentError(
            f"{asked.name} {asked.version} extends this context already",
            help="register another version, or configure the one that is there",
        )
    fields = {
        **equal,
        "extension_type": asked.type,
        "status": "registered",
        "config": asked.config,
    }
    return _given(call, SHELF.add(call, "registered", fields))


def _get(call: OperationCall[Named]) -> Mapping[str, Any]:
    return _given(call, SHELF.get(call, call.inputs.extension_id))


def _activate(call: OperationCall[Named]) -> Mapping[str, Any]:
    extension = SHELF.get(call, call.inputs.extension_id)
    limit = configured(call, "extension", Configuration).max_active
    active = {"context_id": extension.context_id, "status": "active"}
    there = call.store.count("extension", **active)
    if there >= limit:
        raise PermanentError(
            f"extensions in use in this context: {there}, and the module admits {limit}",
            help="deactivate one, or raise maxActive in the Module document",
        )
    return _given(call, SHELF.move(call, extension, "active", "activated"))


def _deactivate(call: OperationCall[Named]) -> Mapping[str, Any]:
    extension = SHELF.get(call, call.inputs.extension_id)
    return _given(call, SHELF.move(call, extension, "inactive", "deactivated"))


def _deprecate(call: OperationCall[Named]) -> Mapping[str, Any]:
    extension = SHELF.get(call, call.inputs.extension_id)
    return _given(call, SHELF.move(call, extension, "deprecated", "deprecated"))


def _configure(call: OperationCall[Configured]) -> Mapping[str, Any]:
    extension = SHELF.get(call, call.inputs.extension_id)
    fields = {"config": call.inputs.config}
    return _given(call, SHELF.change(call, extension, "configured", fields))


def _unregister(call: OperationCall[Named]) -> Mapping[str, Any]:
    extension = SHELF.get(call, call.inputs.extension_id)
    if extension.status == "active":
        raise PermanentError(
            f"the extension {SHELF.alias(call, extension)} is in use", help="deactivate it first"
        )
    SHELF.remove(call, extension)
    return {"extensionId": extension.extension_id}


def _query(call: OperationCall[Query]) -> Mapping[str, Any]:
    asked = call.inputs
    equal = {} if asked.context_id is None else {"context_id": asked.context_id}
    found = [
        extension
        for extension in SHELF.find(call, **equal)
        if not asked.status or extension.status in asked.status
    ]
    found.sort(key=lambda one: (one.name, one.version, one.extension_id))
    return {"extensions": tuple(found[: asked.limit]), "count": len(found[: asked.limit])}


def _given(call: Call, extension: Extension) -> Mapping[str, Any]:
    return {
        "extensionId": extension.extension_id,
        "alias": SHELF.alias(call, extension),
        "status": extension.status,
        "extension": extension,
    }


OPERATIONS = (
    stored("extension.register", "Add an ability to a context.", Registered, Given, _register),
    stored("extension.get", "Give an extension.", Named, Given, _get),
    stored("extension.activate", "Bring an extension into use.", Named, Given, _activate),
    stored("extension.deactivate", "Take an extension out of use.", Named, Given, _deactivate),
    stored("extension.deprecate", "End an extension's use for good.", Named, Given, _deprecate),
    stored("extension.configure", "Set an extension up.", Configured, Given, _configure),
    stored("extension.unregister", "Remove an extension.", Named, Deleted, _unregister),
    stored("extension.query", "Find extensions.", Query, Found, _query),
)

TYPE = ModuleType(
    name="extension",
    summary="What was added to a context's abilities, and whether it is in use.",
    configuration=Configuration,
    collections=("extension", "extension.facts"),
)
