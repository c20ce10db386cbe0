"""A person at a command line, in a folder with a severity model, at a moment that is given."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chimera.cli.main import run
from chimera.context import Context, FixedClock
from chimera.documents import dump, parse
from chimera.model import Actor
from chimera.workspace import Workspace

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SEVERITIES = Path(__file__).parents[4] / "specs" / "severities"


@dataclass(frozen=True)
class Answer:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Desk:
    """Runs commands in this process, as somebody, at a moment."""

    root: Path
    answer: Callable[..., Answer]
    now: datetime = NOON
    actor: Actor = field(default_factory=lambda: Actor("ada", "human"))

    def context(self, **given: Any) -> Context:
        moment = given.pop("now", None) or self.now
        made = SYSTEM(**given)
        return replace(made, clock=FixedClock(moment), actor=self.actor)

    def tell(self, *arguments: str, code: int = 0) -> Answer:
        """Run a command; fails unless it ends with `code`."""
        found = self.answer(*arguments)
        assert found.code == code, f"{found.out}{found.err}"
        return found

    def json(self, *arguments: str, code: int = 0) -> Any:
        return self.tell(*arguments, "-o", "json", code=code).json

    def later(self, **by: float) -> None:
        self.now += timedelta(**by)

    def text(self, path: str) -> str:
        return (self.root / path).read_text()

    def spec(self, path: str) -> Any:
        (document,), _ = parse(path, (self.root / path).read_bytes())
        return document.value["spec"]

    def document(self, address: str, spec: dict[str, Any], path: str | None = None) -> Path:
        kind, _, name = address.partition("/")
        file = self.root / (path or f"specs/{kind}-{name}.yaml".lower())
        file.parent.mkdir(parents=True, exist_ok=True)
        value = {"apiVersion": "chimera/v1", "kind": kind, "metadata": {"name": name}}
        file.write_text(dump({**value, "spec": spec}))
        return file

    def workspace(self) -> Workspace:
        return Workspace.open(self.root, self.context())

    def faults(self) -> list[str]:
        """Return the rules that a check reports."""
        return [fault.rule for fault in self.workspace().check().diagnostics]


SYSTEM = Context.system


@pytest.fixture
def desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Desk:
    """A folder with the levels of the operations contract."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "specs").mkdir()
    shutil.copy(SEVERITIES / "sev.yaml", tmp_path / "specs")

    def answer(*arguments: str) -> Answer:
        monkeypatch.setattr(sys, "argv", ["chimera", *arguments])
        capsys.readouterr()
        code = run(list(arguments))
        said = capsys.readouterr()
        return Answer(code, said.out, said.err)

    made = Desk(tmp_path, answer)
    monkeypatch.setattr(Context, "system", staticmethod(made.context))
    return made
