"""What messages, helps and documents tell people to type is there, with its options."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click

from chimera.cli.main import root

ROOT = Path(__file__).parents[2]
TOLD = re.compile(r"`(chimera [^`]+)`|\A(chimera [a-z].*)\Z", re.DOTALL)
VALUE = "VALUE"


def written(module: ast.Module) -> Iterator[str]:
    """Yield the texts of a module; a word stands for what is filled in."""
    parts = set()
    for node in ast.walk(module):
        if isinstance(node, ast.JoinedStr):
            parts |= {id(part) for part in node.values}
            texts = (p.value if isinstance(p, ast.Constant) else VALUE for p in node.values)
            yield "".join(map(str, texts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            # What is around is walked before what is inside.
            yield node.value.replace("{}", VALUE) if id(node) not in parts else ""


def told() -> dict[str, str]:
    """Return the commands that people are told to type, each with a file that does."""
    found: dict[str, str] = {}
    for path in sorted((*ROOT.glob("chimera/**/*"), *ROOT.glob("specs/**/*"))):
        if path.suffix not in {".py", ".yaml", ".md"}:
            continue
        text = path.read_text("utf-8")
        for one in written(ast.parse(text)) if path.suffix == ".py" else (text,):
            for match in TOLD.finditer(one):
                command = " ".join((match[1] or match[2]).split())
                found.setdefault(command, path.relative_to(ROOT).as_posix())
    return found


def fault(line: str) -> str | None:
    """Say what of a command line is not there; `None` for nothing."""
    bare = re.sub(r"[\[\]]|\.\.\.|…", "", line)
    try:
        words = shlex.split(bare)[1:]
    except ValueError:  # an apostrophe
        words = bare.split()[1:]
    command: click.Command = root
    context = click.Context(root, info_name="chimera")
    while isinstance(command, click.Group) and words and words[0][:1].islower():
        inner = command.get_command(context, words[0])
        if inner is None:
            return f"there is no command {words[0]}"
        command, context = inner, click.Context(inner, info_name=words.pop(0), parent=context)
    known = {"--help", *(flag for option in command.params for flag in option.opts)}
    known.update(flag for option in command.params for flag in option.secondary_opts)
    flags = [word.partition("=")[0] for word in words if word.startswith("--")]
    return next((f"there is no option {flag}" for flag in flags if flag not in known), None)


def test_every_command_that_people_are_told_to_type_is_there() -> None:
    commands = told()
    assert len(commands) > 100
    faults = {line: (where, why) for line, where in commands.items() if (why := fault(line))}
    assert not faults


def test_a_command_that_is_not_there_is_found() -> None:
    assert fault("chimera incident ack NAME") is None
    assert fault("chimera incident burn NAME") == "there is no command burn"
    assert fault("chimera incident assign WHO --to NAME") == "there is no option --to"
