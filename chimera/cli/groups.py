"""A group of commands that plugins can add to: `runs top` is the command `top` of `runs`.

Refuses to import a command that is not used.
"""

from __future__ import annotations

import importlib

import click

from chimera.cli.index import SUBCOMMANDS
from chimera.cli.session import Session


class Group(click.Group):
    """A group with its own commands, those of the index, and those of the repository's plugins."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return its own commands in order, then the shipped ones."""
        return [*self.commands, *(n.partition(" ")[2] for n in SUBCOMMANDS if self._has(n))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command of its own, or import one."""
        found = super().get_command(ctx, cmd_name)
        if found is not None:
            return found
        name = f"{self.name} {cmd_name}"
        entry = SUBCOMMANDS.get(name)
        target = entry.target if entry else self._plugin_command(ctx, name)
        if target is None:
            return None
        module, _, attribute = target.partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def _has(self, name: str) -> bool:
        return name.partition(" ")[0] == self.name

    @staticmethod
    def _plugin_command(ctx: click.Context, name: str) -> str | None:
        session = ctx.find_object(Session)
        return None if session is None else session.workspace().registry.commands.get(name)
