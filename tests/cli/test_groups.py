"""Groups that plugins add commands to."""

from __future__ import annotations

import sys
import types
from typing import Any

import click
import pytest

from chimera.cli.commands.runs import runs
from chimera.cli.index import COMMANDS, SUBCOMMANDS
from chimera.kinds import Registry


def test_a_group_lists_its_own_commands_and_those_of_the_index(chimera: Any) -> None:
    listed = runs.list_commands(click.Context(runs))
    assert listed[: len(runs.commands)] == list(runs.commands)
    assert listed[len(runs.commands) :] == ["top", "trace"]
    for name, entry in SUBCOMMANDS.items():
        group, _, inner = name.partition(" ")
        answer = chimera(group, inner, "--help")
        assert answer.code == 0
        assert entry.help in " ".join(answer.out.split())
        assert group in COMMANDS


def test_a_plugin_adds_a_command_to_a_group(chimera: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    def bottom() -> None:
        """Say so."""
        click.echo("the bottom")

    module: Any = types.ModuleType("acting")
    module.bottom = bottom
    monkeypatch.setitem(sys.modules, "acting", module)
    monkeypatch.setattr(
        Registry, "collect", lambda plugins: Registry({}, commands={"runs bottom": "acting:bottom"})
    )
    assert chimera("runs", "bottom").out == "the bottom\n"


def test_a_command_that_is_in_no_group_is_told(chimera: Any) -> None:
    answer = chimera("runs", "nothing")
    assert answer.code == 4
    assert "No such command 'nothing'" in answer.err
