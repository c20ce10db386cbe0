"""What the README says is what happens: its tour is run, command by command, and compared."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]
README = (TOP / "README.md").read_text(encoding="utf-8")


def blocks() -> list[list[tuple[str, str]]]:
    """Return the tour: for each console block its commands, with the output that follows each."""
    found = []
    for block in re.findall(r"^```console\n(.*?)^```", README, re.S | re.M):
        steps: list[tuple[str, str]] = []
        heredoc = False
        for line in block.splitlines():
            if heredoc:
                steps[-1] = (steps[-1][0] + line + "\n", "")
                heredoc = line != "END"
            elif line.startswith("$ "):
                steps.append((line[2:] + "\n", ""))
                heredoc = line.endswith("<<END")
            else:
                steps[-1] = (steps[-1][0], steps[-1][1] + line + "\n")
        found.append(steps)
    return found


def pattern(expected: str) -> re.Pattern[str]:
    """Return what matches `expected`, in which `...` stands for anything."""
    lines = [re.escape(line).replace(r"\.\.\.", ".*") for line in expected.splitlines()]
    text = "\n".join("(?:.*\n)*?.*" if line == ".*" else line for line in lines)
    return re.compile(text + r"\n?", re.M)


@pytest.fixture
def shell(tmp_path: Path) -> Path:
    """A folder with a `chimera` command that is this checkout."""
    bin = tmp_path / "bin"
    bin.mkdir()
    command = bin / "chimera"
    command.write_text(f'#!/bin/sh\nPYTHONPATH="{TOP}" exec "{sys.executable}" -m chimera "$@"\n')
    command.chmod(0o755)
    (tmp_path / "home").mkdir()
    return tmp_path


def test_the_tour_does_what_it_says(shell: Path) -> None:
    environment = {
        "PATH": f"{shell / 'bin'}:{os.environ['PATH']}",
        "HOME": str(shell / "home"),
        "LANG": "C.UTF-8",
    }
    folder = shell
    for step, expected in (step for block in blocks() for step in block):
        done = subprocess.run(
            ["bash", "-c", f"{step}\nstatus=$?; pwd >{shell}/pwd; exit $status"],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
        )
        folder = Path((shell / "pwd").read_text().strip())
        said = done.stdout + done.stderr
        assert pattern(expected).fullmatch(said), f"$ {step}{said}\n--- expected\n{expected}"


def test_the_two_commands_are_there_once() -> None:
    for name in ("apply", "tests"):
        (block,) = re.findall(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", README, re.S)
        (command,) = [line[4:] for line in block.splitlines() if line.startswith("    ")]
        assert command.startswith("python3 -m venv .venv && .venv/bin/pip install -q ")


def test_every_path_that_the_readmes_name_exists() -> None:
    for readme in (TOP / "README.md", TOP / "chimera" / "README.md"):
        for path in re.findall(r"\]\((?!http)([^)#]+)\)", readme.read_text(encoding="utf-8")):
            assert (readme.parent / path).exists(), f"{readme}: {path}"
