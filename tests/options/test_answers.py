"""What cannot be written is refused before anything is done for it, by every command."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from chimera.cli.main import root
from chimera.model import UsageError
from chimera.options.outputs import destinations


def commands(group: click.Group, context: click.Context) -> Iterator[tuple[str, click.Command]]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        inner = click.Context(command, info_name=name, parent=context)
        yield inner.command_path, command
        if isinstance(command, click.Group):
            yield from commands(command, inner)


def test_no_command_does_anything_for_an_answer_that_it_cannot_write() -> None:
    late = [
        path
        for path, command in commands(root, click.Context(root, info_name="chimera"))
        for option in command.params
        if option.name == "outputs" and option.callback is None
    ]
    assert late == []


@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        (("jsn",), "unknown output format 'jsn'"),
        (("sarif",), "this command has no output format 'sarif'"),
        (("json=",), "'json=' names no file"),
        (("json", "text"), "two formats cannot both go to standard output"),
    ],
)
def test_what_cannot_be_written_is_refused(outputs: tuple[str, ...], said: str) -> None:
    with pytest.raises(UsageError) as refused:
        destinations(outputs, ("text", "json"))
    assert refused.value.message == said
