"""Registers the commands that write first documents."""

from __future__ import annotations

from chimera.plugin import hookimpl


@hookimpl
def chimera_register_commands() -> dict[str, str]:
    """Register `init` and `new`."""
    return {
        "init": "chimera.builtin.scaffold.commands:init",
        "new": "chimera.builtin.scaffold.commands:new",
    }
