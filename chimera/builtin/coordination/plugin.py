"""Registers modules with their types and operations, judges them and starts them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from chimera.kinds import Kind
from chimera.plugin import hookimpl

if TYPE_CHECKING:
    from chimera.builtin.coordination.kinds import ModuleSpec
    from chimera.kinds import Subject
    from chimera.model import Verdict
    from chimera.runtime import ModuleType, Operation, ReconcileTask


@hookimpl
def chimera_register_kinds() -> list[Kind]:
    """Register `Module`."""
    return [
        Kind(
            "Module",
            "chimera.builtin.coordination.kinds:ModuleSpec",
            "A module of the coordination layer: what it can do, what it needs, how it is set up.",
            breaks=_breaks,
        ),
    ]


def _breaks(before: ModuleSpec, after: ModuleSpec) -> Iterable[str]:
    from chimera.builtin.coordination.compatibility import breaks

    return breaks(before, after)


@hookimpl
def chimera_register_modules() -> Iterable[ModuleType]:
    """Register the ten types of modules."""
    from chimera.builtin.coordination.modules import types

    return types()


@hookimpl
def chimera_register_operations() -> Iterable[Operation[Any, Any]]:
    """Register the operations of the ten modules."""
    from chimera.builtin.coordination.modules import operations

    return operations()


@hookimpl
def chimera_check_snapshot(subject: Subject) -> Iterable[Verdict]:
    """Judge what modules promise, need and are set up to be."""
    if "Module" not in subject.snapshot.kinds:
        return ()
    from chimera.builtin.coordination.checks import judge

    return tuple(judge(subject.snapshot))


@hookimpl
def chimera_reconcile(task: ReconcileTask) -> Mapping[str, Any] | None:
    """Start a module, set it up anew, or shut it down."""
    from chimera.builtin.coordination.lifecycle import reconcile

    return reconcile(task)
