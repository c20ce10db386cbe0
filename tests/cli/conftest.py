"""Commands run in this process: quick, and with what they printed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from chimera.cli.main import run


@dataclass(frozen=True)
class Answer:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str


@pytest.fixture
def chimera(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Answer]:
    """Run a command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))

    def answer(*arguments: str) -> Answer:
        monkeypatch.setattr(sys, "argv", ["chimera", *arguments])
        code = run(list(arguments))
        said = capsys.readouterr()
        return Answer(code, said.out, said.err)

    assert {name for name in os.environ if "CHIMERA" in name} <= {"CHIMERA_CACHE"}
    return answer


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A document with one fault."""
    (tmp_path / "specs").mkdir()
    file = tmp_path / "specs" / "e.yaml"
    file.write_text(
        "apiVersion: chimera/v1\nkind: Environment\nmetadata: {name: e}\nspec: {protectd: true}\n"
    )
    return file
