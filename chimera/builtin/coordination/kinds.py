"""The kind Module: what a module of the coordination layer is set up to be.

Owns the shape of the document (seed 003's ModuleRegistration). Refuses to know what a type's
configuration holds: that is the type's own model's.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal

from chimera.builtin.coordination.versions import Version
from chimera.kinds import (
    AddressText,
    Duration,
    Field,
    Items,
    Model,
    Reference,
    StringConstraints,
    Text,
)

ModuleTypeName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$", max_length=64)]


class Dependency(Model):
    """A module that must have started first, in a version that fits."""

    module: Annotated[AddressText, Reference("Module")] = Field(
        description="The module, written Module/name."
    )
    version: Text = Field(
        description="Range that its version must be in, as npm reads it: ^1.0.0, >=1.2 <3, 1.x. A "
        "prerelease is in a range only where one of its bounds is a prerelease of the same "
        "version: ^1.0.0-alpha."
    )


class HealthCheck(Model):
    """What is asked to see whether the module is well; the Orchestrator says how often."""

    checks: Items[Literal["state", "configuration", "collections", "dependencies"]] = Field(
        default=("state", "configuration", "collections", "dependencies"),
        description="What is looked at: that it has started, that its configuration is the applied "
        "one and fits its type, that its collections can be read, that what it depends on is well.",
    )


class ModuleSpec(Model):
    """A module: what it can do, what it needs, and how it is set up."""

    other_words: ClassVar = MappingProxyType(
        {"id": "metadata.name", "name": "metadata.name", "moduleType": "type"}
    )

    type: ModuleTypeName = Field(
        examples=["context"],
        description="Type of the module: context, plan, role, confirm, trace, extension, dialog, "
        "collab, core, network, or one that a plugin registers. A tree has one module a type.",
    )
    version: Version = Field(description="Its version, such as 1.0.0, as semver.org has it.")
    capabilities: Items[Text] = Field(
        default=(),
        description="Operations that it promises, such as context.create; each must be registered.",
    )
    dependencies: Items[Dependency] = Field(
        default=(), description="Modules that must have started before it."
    )
    configuration: dict[str, Any] = Field(
        default_factory=dict,
        description="How it is set up, as its type says: `chimera explain Module.TYPE`. What is "
        "left out has a default.",
    )
    health_check: HealthCheck = Field(
        default=HealthCheck(), description="What is asked to see whether it is well."
    )
    startup_timeout: Duration | None = Field(
        default=None,
        description="Longest time that one attempt of each step of its start may take; the "
        "Orchestrator's moduleStartupTimeout if left out.",
    )
