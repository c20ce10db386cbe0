"""Registers `chimera backup` and `chimera restore`."""

from __future__ import annotations

from collections.abc import Mapping

from chimera.plugin import hookimpl

_COMMANDS = "chimera.builtin.backups.commands"


@hookimpl
def chimera_register_commands() -> Mapping[str, str]:
    """Register the group `backup`, and `restore`."""
    return {"backup": f"{_COMMANDS}:backup", "restore": f"{_COMMANDS}:restore"}
