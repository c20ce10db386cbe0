"""The core: which modules a system is made of, and the execution of plans.

A core object lists the modules that were applied. Executing a plan is made of durable steps, which
`executing` lays out. Refuses a core that lists a module twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from chimera.builtin.coordination.declaring import MODULES, stored
from chimera.builtin.coordination.executing import (
    Configuration,
    Executed,
    Execution,
    expand,
)
from chimera.builtin.coordination.machine import Machine
from chimera.builtin.coordination.protocol import (
    PROTOCOL_VERSION,
    Governed,
    Id,
    Maybe,
    ModuleName,
    Part,
)
from chimera.builtin.coordination.shelf import Call, Shelf
from chimera.kinds import Field, Items, Model, Text
from chimera.runtime import ModuleType, Operation, OperationCall, PermanentError

Status = Literal["draft", "active", "deprecated", "archived"]
ModuleStatus = Literal["enabled", "disabled", "experimental", "deprecated"]

STATUSES = Machine(
    "core",
    begins=("draft",),
    follows={
        "draft": ("active", "archived"),
        "active": ("deprecated",),
        "deprecated": ("active", "archived"),
        "archived": (),
    },
)


class Described(Part):
    """A module of the system."""

    module_id: ModuleName = Field(description="Type of the module.")
    version: Text = Field(description="Its version.")
    status: ModuleStatus = Field(description="Whether it is in use.")
    required: Maybe[bool] = Field(default=None, description="Whether the system needs it.")
    description: Maybe[str] = Field(default=None, description="What it is for.")


class Core(Governed):
    """Which modules a system is made of."""

    core_id: Id = Field(description="Id of the core.")
    protocol_version: Text = Field(description="Version of the protocol that it speaks.")
    status: Status = Field(description="Where it stands.")
    modules: Annotated[Items[Described], Field(min_length=1)] = Field(description="Its modules.")


SHELF = Shelf("core", Core, "core", STATUSES)


class Named(Model):
    """Which core is meant."""

    core_id: Text = Field(description="Id or alias of the core, such as core-001.")


class Wanted(Model):
    """A module of the system."""

    module: ModuleName = Field(description="Type of the module.")
    version: Text = Field(default="1.0.0", description="Its version.")
    status: ModuleStatus = Field(default="enabled", description="Whether it is in use.")
    required: bool | None = Field(default=None, description="Whether the system needs it.")


class Initialized(Model):
    """The core that is asked for."""

    modules: Items[Wanted] = Field(
        default=(), description="Its modules; those that were applied if left out."
    )


class Query(Model):
    """Which cores are asked for."""

    status: Items[Status] = Field(
        default=(), description="Statuses that are asked for; any if none."
    )
    limit: Annotated[int, Field(ge=1, le=1000)] = Field(default=100, description="Most to give.")


class Given(Model):
    """A core."""

    core_id: Id = Field(description="Id of the core.")
    alias: str = Field(description="Its alias, such as core-001.")
    status: Status = Field(description="Where it stands.")
    core: Core = Field(description="The core, as the protocol states it.")


class Found(Model):
    """The cores that were found."""

    cores: Items[Core] = Field(description="The cores, the oldest first.")
    count: int = Field(description="How many they are.")


def _initialize(call: OperationCall[Initialized]) -> Mapping[str, Any]:
    modules = [_described(one) for one in call.inputs.modules] or _applied(call)
    names = [one["module_id"] for one in modules]
    if not names:
        raise PermanentError(
            "no module has been applied", help="apply Module documents, or name the modules"
        )
    if len(set(names)) != len(names):
        raise PermanentError("a module is named twice", help="name each module once")
    fields = {"protocol_version": PROTOCOL_VERSION, "status": "draft", "modules": modules}
    return _given(call, SHELF.add(call, "initialized", fields))


def _described(one: Wanted) -> dict[str, Any]:
    described: dict[str, Any] = {
        "module_id": one.module,
        "version": one.version,
        "status": one.status,
    }
    return described | ({} if one.required is None else {"required": one.required})


def _applied(call: Call) -> list[dict[str, Any]]:
    """Return the modules that were applied, of the types that the protocol has."""
    known = set(ModuleName.__args__)  # type: ignore[attr-defined]
    return [
        {"module_id": type, "version": value["version"], "status": "enabled"}
        for type, value in call.store.find(MODULES, state="started")
        if type in known
    ]


def _get(call: OperationCall[Named]) -> Mapping[str, Any]:
    return _given(call, SHELF.get(call, call.inputs.core_id))


def _activate(call: OperationCall[Named]) -> Mapping[str, Any]:
    core = SHELF.get(call, call.inputs.core_id)
    return _given(call, SHELF.move(call, core, "active", "activated"))


def _deprecate(call: OperationCall[Named]) -> Mapping[str, Any]:
    core = SHELF.get(call, call.inputs.core_id)
    return _given(call, SHELF.move(call, core, "deprecated", "deprecated"))


def _archive(call: OperationCall[Named]) -> Mapping[str, Any]:
    core = SHELF.get(call, call.inputs.core_id)
    return _given(call, SHELF.move(call, core, "archived", "archived"))


def _query(call: OperationCall[Query]) -> Mapping[str, Any]:
    asked = call.inputs
    found = [core for core in SHELF.find(call) if not asked.status or core.status in asked.status]
    found.sort(key=lambda core: (core.meta.created_at or "", core.core_id))
    return {"cores": tuple(found[: asked.limit]), "count": len(found[: asked.limit])}


def _given(call: Call, core: Core) -> Mapping[str, Any]:
    return {
        "coreId": core.core_id,
        "alias": SHELF.alias(call, core),
        "status": core.status,
        "core": core,
    }


OPERATIONS: tuple[Operation[Any, Any], ...] = (
    stored("core.initialize", "List the modules of a system.", Initialized, Given, _initialize),
    stored("core.get", "Give a core.", Named, Given, _get),
    stored("core.activate", "Bring a core into use.", Named, Given, _activate),
    stored("core.deprecate", "Take a core out of use.", Named, Given, _deprecate),
    stored("core.archive", "Put a core away.", Named, Given, _archive),
    stored("core.query", "Find cores.", Query, Found, _query),
    Operation(
        name="core.executePlan",
        summary="Execute the steps of a plan, each as a durable step, and trace them.",
        inputs=Execution,
        outputs=Executed,
        effects=False,  # but for those that its steps have
        expand=expand,
    ),
)

TYPE = ModuleType(
    name="core",
    summary="Which modules a system is made of, and the execution of plans.",
    configuration=Configuration,
    collections=("core", "core.facts"),
)
