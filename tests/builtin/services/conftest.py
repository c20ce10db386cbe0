"""The command line of objectives and runbooks, in the folder of a test and without a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from chimera.cli.main import run


@dataclass(frozen=True)
class Said:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str


@pytest.fixture
def chimera(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Said]:
    """Run a command in the folder."""
    monkeypatch.chdir(tmp_path)

    def answer(*arguments: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["chimera", *arguments])
        code = run(list(arguments))
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return answer
