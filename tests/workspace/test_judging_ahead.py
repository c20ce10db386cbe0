"""The evaluator of policies starts while documents are read, where it will be needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chimera import Workspace
from chimera.context import Command, Context, Processes, Running

ROLE = (
    "apiVersion: chimera/v1\nkind: Role\nmetadata: {name: owner}\nspec: {members: [Identity/ann]}\n"
)
POLICY = """\
apiVersion: chimera/v1
kind: Policy
metadata: {name: named}
spec:
  match: {kinds: [Role]}
  rules:
    - {id: long, expression: "size(object.metadata.name) > 2", message: too short, action: deny}
  cases:
    - {name: long, object: {metadata: {name: abc}}, expect: []}
    - {name: short, object: {metadata: {name: a}}, expect: [long]}
"""


class Counting(Processes):
    """Counts what is started."""

    def __init__(self) -> None:
        super().__init__()
        self.started: list[Running] = []

    def start(self, command: Command, **given: Any) -> Running:
        running = super().start(command, **given)
        self.started.append(running)
        return running


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Running]]:
    """Check a tree of some files with a cache of its own; return the processes it was given."""
    monkeypatch.setenv("CHIMERA_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "tree"

    def check(**files: str) -> list[Running]:
        for folder, text in files.items():
            (root / folder).mkdir(parents=True, exist_ok=True)
            (root / folder / "one.yaml").write_text(text)
        context = replace(Context.system(), processes=Counting())
        result = Workspace(root, context).check()
        assert {found.rule for found in result.diagnostics} <= {"reference-dangling"}
        return context.processes.started  # type: ignore[attr-defined, no-any-return]

    return check


def test_a_first_check_is_judged_by_what_was_started_ahead(check: Any) -> None:
    ahead, given = check(specs=ROLE, policies=POLICY)
    assert given is ahead, "once it starts, once it is asked for"
    assert ahead.has_ended


def test_without_policies_nothing_is_started(check: Any) -> None:
    assert check(specs=ROLE) == []


def test_what_is_remembered_starts_nothing(check: Any) -> None:
    check(specs=ROLE, policies=POLICY)
    assert check() == []


def test_what_was_started_for_nothing_is_ended(check: Any) -> None:
    (ahead,) = check(specs=ROLE, policies=ROLE.replace("owner", "other"))
    assert ahead.has_ended
