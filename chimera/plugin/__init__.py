"""Hook specifications and the plugin manager. Refuses to know any kind, room or command."""

from chimera.plugin.asking import ask, ask_each
from chimera.plugin.hookspecs import hookimpl
from chimera.plugin.manager import (
    DEFAULT,
    ESSENTIAL,
    PluginManager,
    can_disable,
    load_plugins,
    short_name,
)
from chimera.plugin.version import engine_version, judging_version

__all__ = [
    "DEFAULT",
    "ESSENTIAL",
    "PluginManager",
    "ask",
    "ask_each",
    "can_disable",
    "engine_version",
    "hookimpl",
    "judging_version",
    "load_plugins",
    "short_name",
]
