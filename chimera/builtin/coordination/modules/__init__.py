"""The ten modules, one file each: objects, the machines of their statuses, and operations."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chimera.runtime import ModuleType, Operation

NAMES = (
    "context",
    "plan",
    "role",
    "confirm",
    "trace",
    "extension",
    "dialog",
    "collab",
    "core",
    "network",
)


def types() -> Iterator[ModuleType]:
    """Yield the type of each module."""
    for name in NAMES:
        yield import_module(f"{__name__}.{name}").TYPE


def operations() -> Iterator[Operation[Any, Any]]:
    """Yield what the modules can do."""
    for name in NAMES:
        yield from import_module(f"{__name__}.{name}").OPERATIONS
