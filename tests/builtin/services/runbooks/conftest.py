"""A folder with a runbook, a person who answers as told, and the command line."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from chimera.builtin.services.runbooks.performing import Performed
from chimera.builtin.services.runbooks.running import Answer, Question, Word
from chimera.builtin.services.spec.runbook import StepSpec
from chimera.context import Context, Secrets
from chimera.documents import dump
from chimera.model import Actor, UsageError
from chimera.workspace import Workspace

Write = Callable[..., None]


@dataclass
class Told:
    """A person who gives the answers that were prepared, and remembers what was asked."""

    words: dict[str, list[str]] = field(default_factory=dict)
    asked: list[tuple[str, tuple[Word, ...], bool]] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)

    def answer(self, question: Question) -> Answer:
        step = question.step.id
        self.asked.append((step, question.words, question.is_plain))
        left = self.words.get(step)
        if not left:
            raise UsageError(f"nobody answers for {step}", help="answer")
        word, _, note = left.pop(0).partition(":")
        given: Any = word
        return Answer(given, note)

    def begins(self, number: int, of: int, step: StepSpec) -> None:
        self.heard.append(step.id)

    def hears(self, step: StepSpec, performed: Performed) -> None:
        self.heard.append(f"{step.id}: {performed.message}")


def procedure(*steps: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Return a procedure of steps that lack an id and a title."""
    named = [{"id": f"s{n}", "title": "a step", **one} for n, one in enumerate(steps, 1)]
    return {"id": "p", "title": "a procedure", "steps": named, **more}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a Runbook of procedures."""

    def make(*procedures: Any, name: str = "book", **more: Any) -> None:
        (tmp_path / "specs").mkdir(exist_ok=True)
        spec = {"summary": "what to do", "procedures": list(procedures), **more}
        value = {"apiVersion": "chimera/v1", "kind": "Runbook", "metadata": {"name": name}}
        (tmp_path / "specs" / f"{name}.yaml").write_text(dump({**value, "spec": spec}))

    return make


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., Workspace]:
    """Open the folder as somebody, with secrets."""

    def make(actor: str = "ada", kind: Any = "human", secret: str = "") -> Workspace:
        context = dataclasses.replace(
            Context.system(),
            actor=Actor(actor, kind),
            secrets=Secrets([secret] if secret else []),
        )
        return Workspace(tmp_path, context)

    return make
