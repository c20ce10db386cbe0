"""A repository in which workflows ran, and the commands that look at it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chimera.cli.main import run
from chimera.documents import dump


@dataclass(frozen=True)
class Answer:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str


Chimera = Callable[..., Answer]


@pytest.fixture
def chimera(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Chimera:
    """Run a command in the folder."""
    monkeypatch.chdir(tmp_path)

    def answer(*arguments: str) -> Answer:
        monkeypatch.setattr(sys, "argv", ["chimera", *arguments])
        code = run(list(arguments))
        said = capsys.readouterr()
        return Answer(code, said.out, said.err)

    return answer


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., None]:
    """Write documents, as `Kind/name` and spec."""

    def make(found: dict[str, Any]) -> None:
        (tmp_path / "specs").mkdir(exist_ok=True)
        for address, spec in found.items():
            kind, _, name = address.partition("/")
            text = dump(
                {
                    "apiVersion": "chimera/v1",
                    "kind": kind,
                    "metadata": {"name": name},
                    "spec": spec,
                }
            )
            (tmp_path / "specs" / f"{kind}-{name}.yaml").write_text(text)

    return make


@pytest.fixture
def ran(chimera: Chimera, write: Callable[..., None]) -> Chimera:
    """Return what runs commands where one workflow has succeeded and one has failed."""
    good = {"id": "say", "operation": "command", "inputs": {"argv": ["true"]}}
    read = {"id": "read", "operation": "file.digest", "inputs": {"paths": ["specs/*.yaml"]}}
    bad = {"id": "fail", "operation": "command", "inputs": {"argv": ["false"]}}
    write(
        {
            "Workflow/good": {"trigger": "human", "stages": [good, read]},
            "Workflow/bad": {"trigger": "human", "stages": [good, bad]},
        }
    )
    assert chimera("apply").code == 0
    assert chimera("run", "Workflow/good").code == 0
    assert chimera("run", "Workflow/bad").code == 1
    return chimera
