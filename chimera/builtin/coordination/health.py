"""Whether modules are well: what is looked at, and what was found.

Asks the store and what plugins registered; every word of an answer is something that was looked
up. Refuses to call well what could not be looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from chimera.builtin.coordination.declaring import MODULES
from chimera.builtin.coordination.shelf import TALLIES
from chimera.model import ChimeraError, digest_json

if TYPE_CHECKING:
    from chimera.runtime import Json, ModuleType
    from chimera.runtime.health import HealthCheck, HealthTask
    from chimera.state import StateReader

Status = Literal["healthy", "unhealthy", "unknown"]
_UNREGISTERED = "no plugin registers its type any longer"
CHECKS = ("state", "configuration", "collections", "dependencies")


class Reader(Protocol):
    """What is needed of the store."""

    def get(self, collection: str, id: str) -> Json | None:
        """Return one value, or `None` where there is none."""
        ...

    def count(self, collection: str, **equal: Json) -> int:
        """Return how many values have fields with these values."""
        ...


@dataclass(frozen=True, slots=True)
class Health:
    """How a module is: each check with what was found, empty where all is well."""

    status: Status
    checks: Mapping[str, str]
    objects: int


def observe(task: HealthTask) -> Iterator[HealthCheck]:
    """Yield how each module is that was applied, in order of type."""
    from chimera.runtime.health import Health as Status
    from chimera.runtime.health import HealthCheck

    reader = _Items(task.state, task.environment)
    for item in task.state.items(task.environment, MODULES):
        found = look(reader, item.id, task.snapshot.registry.modules)
        said = [f"{check}: {what}" for check, what in found.checks.items() if what]
        module: Any = item.value
        yield HealthCheck(
            str(module["module"]),
            Status.HEALTHY if found.status == "healthy" else Status.UNHEALTHY,
            "; ".join(said) or f"looked at {', '.join(found.checks)}",
            f"apply {module['module']} again" if said else None,
            {"objects": found.objects},
        )


@dataclass(frozen=True, slots=True)
class _Items:
    """The collections of an environment, as another process reads them."""

    state: StateReader
    environment: str

    def get(self, collection: str, id: str) -> Json | None:
        item = self.state.item(self.environment, collection, id)
        return None if item is None else item.value

    def count(self, collection: str, **equal: Json) -> int:
        items = self.state.items(self.environment, collection)
        return sum(
            isinstance(item.value, dict) and equal.items() <= item.value.items() for item in items
        )


def look(reader: Reader, name: str, types: Mapping[str, ModuleType]) -> Health:
    """Look at the module of a type."""
    return _look(reader, name, types, frozenset())


def _look(
    reader: Reader, name: str, types: Mapping[str, ModuleType], above: frozenset[str]
) -> Health:
    module: Any = reader.get(MODULES, name)
    if module is None:
        return Health("unknown", {"state": "no Module of this type has been applied"}, 0)
    findings: dict[str, str] = {}
    for check in module.get("checks", CHECKS):
        match check:
            case "state":
                state = module["state"]
                findings[check] = "" if state == "started" else f"it is {state}"
            case "configuration":
                findings[check] = _configuration(module, types.get(name))
            case "collections":
                findings[check] = _collections(reader, types.get(name))
            case _:
                findings[check] = _dependencies(reader, module, types, above | {name})
    tally: Any = reader.get(TALLIES, name) or {}
    status: Status = "unhealthy" if any(findings.values()) else "healthy"
    return Health(status, findings, sum(tally.values()))


def _collections(reader: Reader, type: ModuleType | None) -> str:
    """Say which collections cannot be read: every value of them is."""
    if type is None:
        return _UNREGISTERED
    bad = []
    for name in type.collections:
        try:
            reader.count(name)
        except ChimeraError as error:
            bad.append(f"{name} cannot be read: {error.message}")
    return "; ".join(bad)


def _configuration(module: Mapping[str, Any], type: ModuleType | None) -> str:
    if digest_json(module["configuration"]) != module["digest"]:
        return "it is not what was applied"
    if type is None:
        return _UNREGISTERED
    try:
        type.configuration.model_validate(module["configuration"])
    except ValueError as error:  # pydantic's ValidationError
        return f"it does not fit its type: {error}"
    return ""


def _dependencies(
    reader: Reader,
    module: Mapping[str, Any],
    types: Mapping[str, ModuleType],
    above: frozenset[str],
) -> str:
    """Say which of the modules that it depends on are not well; those above it are being asked."""
    bad = []
    for need in module.get("dependencies", ()):
        if need["type"] in above:
            continue
        found = _look(reader, need["type"], types, above)
        if found.status != "healthy":
            bad.append(f"{need['module']} is {found.status}")
    return "; ".join(bad)
