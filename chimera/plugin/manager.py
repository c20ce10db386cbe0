"""Which plugins exist, which cannot be disabled, and how they are loaded."""

from __future__ import annotations

import importlib
from collections.abc import Collection, Iterable

import pluggy

from chimera.model import ChimeraError, UsageError
from chimera.plugin import hookspecs

ESSENTIAL = (
    "chimera.kinds.plugin",
    "chimera.contract.plugin",
    "chimera.policy.plugin",
    "chimera.proof.plugin",
    "chimera.gate.plugin",
    "chimera.runtime.plugin",
    "chimera.builtin.records.plugin",
    "chimera.builtin.guards.plugin",
)
"""What no document can disable. Strings keep imports lazy and acyclic."""

DEFAULT = (
    "chimera.builtin.backups.plugin",
    "chimera.builtin.workflow.plugin",
    "chimera.builtin.coordination.plugin",
    "chimera.builtin.distributed.plugin",
    "chimera.builtin.evolution.plugin",
    "chimera.builtin.monitoring.plugin",
    "chimera.builtin.reporting.plugin",
    "chimera.builtin.resources.plugin",
    "chimera.builtin.scaffold.plugin",
    "chimera.builtin.services.plugin",
)
"""What is there unless a Repository document disables it."""

PluginManager = pluggy.PluginManager
ENTRY_POINTS = "chimera"


def load_plugins(
    *, disable: Collection[str] = (), require: Iterable[str] = ()
) -> pluggy.PluginManager:
    """Return a manager with the essential plugins, the default ones but `disable`, and `require`.

    `require` names entry points of the group `chimera` from installed packages; their scan costs
    tens of milliseconds and happens only when one is required. Raises `UsageError` for a name that
    cannot be disabled or is not installed.
    """
    manager = pluggy.PluginManager("chimera")
    manager.add_hookspecs(hookspecs)
    for name in disable:
        _refuse_disabling(name)
    for name in (*ESSENTIAL, *DEFAULT):
        if name not in disable and short_name(name) not in disable:
            manager.register(importlib.import_module(name), name)
    _load_entry_points(manager, tuple(require))
    return manager


def can_disable(name: str) -> bool:
    """Tell whether a document can leave the plugin `name` out: a default one, by room or module."""
    return name in {*DEFAULT, *map(short_name, DEFAULT)}


def _refuse_disabling(name: str) -> None:
    if can_disable(name):
        return
    if name in {*ESSENTIAL, *map(short_name, ESSENTIAL)}:
        raise UsageError(
            f"the plugin {name} is essential and cannot be disabled",
            help="remove it from spec.plugins.disable of the Repository document",
        )
    raise UsageError(
        f"there is no built-in plugin {name!r} to disable",
        help=f"these can be left out: {', '.join(map(short_name, DEFAULT))}",
    )


def short_name(module: str) -> str:
    """Return the room of a plugin module: `chimera.builtin.workflow.plugin` is `workflow`."""
    return module.removesuffix(".plugin").rpartition(".")[2]


def _load_entry_points(manager: pluggy.PluginManager, names: tuple[str, ...]) -> None:
    if not names:
        return
    from importlib.metadata import entry_points

    found = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
    for name in names:
        if name not in found:
            raise UsageError(
                f"the plugin {name} is not installed",
                help=f"install the package that provides the entry point {ENTRY_POINTS}:{name}",
            )
        try:
            manager.register(found[name].load(), name)
            manager.check_pending()
        except Exception as error:
            raise ChimeraError(
                f"the plugin {name} cannot be loaded: {error}",
                help="install a version of it that fits this version of Chimera",
            ) from error
