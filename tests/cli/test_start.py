"""What starting costs, and that help and commands are one."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from chimera.cli.index import COMMANDS, SUBCOMMANDS
from chimera.cli.main import root
from chimera.kinds import Registry
from chimera.plugin import load_plugins

ROOT = Path(__file__).parents[2]
HEAVY = (
    "numba",
    "numpy",
    "scipy",
    "pytest",
    "jsonschema",
    "git",
    "yaml",
    "yaml_rs",
    "ruamel",
    "pydantic",
    "pluggy",
    "rich",
    "sqlite3",
    "asyncio",
    "cel_expr_python",
)


def loaded_after(code: str) -> set[str]:
    """The top packages, and every module of Chimera, that running `code` loads."""
    program = f"import sys\n{code}\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    names = done.stderr.split()
    return {n.partition(".")[0] for n in names} | {n for n in names if n.startswith("chimera.")}


def test_importing_the_command_line_loads_nothing_heavy() -> None:
    assert loaded_after("import chimera.cli.main") & {*HEAVY} == set()


def test_help_imports_no_command_and_nothing_heavy() -> None:
    loaded = loaded_after("from chimera.cli.main import run\nassert run(['--help']) == 0")
    assert loaded & {*HEAVY} == set()
    assert {n for n in loaded if n.startswith(("chimera.cli.commands", "chimera.builtin"))} == set()


def test_the_help_of_commands_loads_no_kernels_and_no_test_runner() -> None:
    runs = "".join(f"assert run(['{name}', '-h']) == 0\n" for name in COMMANDS)
    loaded = loaded_after(f"from chimera.cli.main import run\n{runs}")
    assert loaded & {"numba", "numpy", "scipy", "pytest", "jsonschema", "git", "ruamel"} == set()


def command(name: str) -> click.Command:
    module, _, attribute = COMMANDS[name].target.partition(":")
    found = getattr(importlib.import_module(module), attribute)
    assert isinstance(found, click.Command)
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_the_index_says_what_the_command_says_of_itself(name: str) -> None:
    assert (command(name).help or "").splitlines()[0] == COMMANDS[name].help


@pytest.mark.parametrize("name", COMMANDS)
def test_the_index_names_commands_as_they_name_themselves(name: str) -> None:
    assert command(name).name == name


def test_commands_of_built_in_plugins_are_those_of_the_index() -> None:
    registered = Registry.collect(load_plugins()).commands
    both = {**COMMANDS, **SUBCOMMANDS}
    shipped = {n: e.target for n, e in both.items() if ".builtin." in e.target}
    assert dict(registered) == shipped


def every_command() -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = [()]
    for name in COMMANDS:
        found.append((name,))
        made = command(name)
        if isinstance(made, click.Group):
            found += ((name, inner) for inner in made.commands)
    return found


@pytest.mark.parametrize("path", every_command(), ids=" ".join)
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_every_command_helps(path: tuple[str, ...], flag: str, chimera: Any) -> None:
    answer = chimera(*path, flag)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith(" ".join(("Usage: chimera", *path)))


def test_every_option_and_every_command_has_help() -> None:
    for path in every_command():
        made: Any = root
        for name in path:
            made = made.commands[name] if path.index(name) else command(name)
        assert made.help, path
        for parameter in made.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, (path, parameter.name)


def test_help_lists_the_sections_with_every_command(chimera: Any) -> None:
    lines = chimera("--help").out.splitlines()
    sections = list(dict.fromkeys(entry.section for entry in COMMANDS.values()))
    assert [line.rstrip(":") for line in lines if line.rstrip(":") in sections] == sections
    for name, entry in COMMANDS.items():
        assert any(line.split()[:1] == [name] for line in lines), name
        assert entry.help.split()[0] in " ".join(lines)


def test_the_version_is_printed(chimera: Any) -> None:
    answer = chimera("--version")
    assert answer.code == 0
    assert answer.out.count(".") == 2 or "checkout that was not installed" in answer.out
