"""What `check` and `plan` say depends on the content that they are given, and on nothing else.

The same documents are written in other orders, to folders of other depths, and read under other
hash seeds, time zones and locales. `Proof/check-is-deterministic` and `Proof/plan-is-deterministic`
run this module, and show with their controls that it notices an order that was left to chance.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

NAMES = ("amber", "birch", "cedar", "dune", "ember", "fjord", "grove", "heath")

WORLDS = (
    {"PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C.UTF-8"},
    {"PYTHONHASHSEED": "1", "TZ": "Asia/Kathmandu", "LC_ALL": "C"},
    {"PYTHONHASHSEED": "4242", "TZ": "America/St_Johns", "LC_ALL": "POSIX"},
    {"PYTHONHASHSEED": "99991", "TZ": "Pacific/Apia", "LC_ALL": "C.UTF-8"},
)


def files() -> dict[str, str]:
    """Return a contract in which every kind of judge finds something, and gates govern paths."""
    found = {
        "specs/layers.yaml": """\
            apiVersion: chimera/v1
            kind: LayerContract
            metadata: {name: ops}
            spec:
              purpose: Who may act.
              layers:
                - id: "1"
                  name: Work
                  status: active
                  purpose: Work is done here.
                  trigger: human
                  admits: {kinds: [Workflow]}
            """,
        "policies/limits.yaml": """\
            apiVersion: chimera/v1
            kind: Policy
            metadata: {name: limits}
            spec:
              match: {kinds: [Workflow]}
              rules:
                - id: few
                  expression: size(object.spec.stages) < 2
                  message: one stage is enough
                - id: named
                  expression: "object.metadata.name.startsWith('x')"
                  message: names start with x
              cases: []
            """,
    }
    for name in NAMES:
        found[f"specs/workflows/{name}.yaml"] = f"""\
            apiVersion: chimera/v1
            kind: Workflow
            metadata: {{name: {name}, labels: {{team: {name[0]}, area: {name[-1]}}}}}
            spec:
              trigger: schedule
              stages:
                - {{id: b, operation: comand, inputs: {{argv: [ls]}}, timeout: 1m}}
                - {{id: a, operation: command, inputs: {{argv: ["${{c.stdout}}"]}}, timeout: 1m}}
            """
        found[f"specs/gates/{name}.yaml"] = f"""\
            apiVersion: chimera/v1
            kind: Gate
            metadata: {{name: {name}}}
            spec:
              match: {{paths: [src/{name}/**, "docs/{name}*"], environments: [Environment/none]}}
              requires: {{records: [ChangelogEntry], proofs: [Proof/none]}}
            """
        found[f"src/{name}/main.py"] = f"{name} = 1\n"
        found[f"docs/{name}.md"] = f"# {name}\n"
    return found


def sound(repository: Any) -> None:
    """Mend what no plan can be made of, so that it is the plan that is compared."""
    for name in NAMES:
        repository.write(
            f"specs/gates/{name}.yaml",
            f"""\
            apiVersion: chimera/v1
            kind: Gate
            metadata: {{name: {name}}}
            spec:
              match: {{paths: [src/{name}/**, "docs/{name}*"]}}
              requires: {{records: [ChangelogEntry, Decision]}}
            """,
        )
        repository.write(
            f"specs/workflows/{name}.yaml",
            f"""\
            apiVersion: chimera/v1
            kind: Workflow
            metadata: {{name: {name}}}
            spec:
              trigger: human
              stages:
                - {{id: a, operation: command, inputs: {{argv: [ls, src/{name}]}}, timeout: 1m}}
            """,
        )
    (repository.root / "policies/limits.yaml").unlink()


@pytest.fixture
def told(
    repository: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., list[str]]:
    """Return what makes the same repository once a world, and collects what a command says there.

    `change` is done to it before its one commit, `edit` after it.
    """
    environments = (repository.root / "specs/environments.yaml").read_text()
    # What was remembered of one world must not be what the next one says.
    monkeypatch.setenv("CHIMERA_CACHE", "off")

    def collect(
        *command: str,
        change: Callable[[Any], None] = lambda _: None,
        edit: Callable[[Any], None] = lambda _: None,
    ) -> list[str]:
        said = []
        for number, world in enumerate(WORLDS):
            root = tmp_path.joinpath(*("deep" for _ in range(number)), f"world-{number}")
            root.mkdir(parents=True)
            made = type(repository)(root)
            written = list({**files(), "specs/environments.yaml": environments}.items())
            random.Random(number).shuffle(written)
            for path, text in written:
                made.write(path, text)
            change(made)
            made.git("init", "-q", "-b", "main")
            monkeypatch.setenv("GIT_AUTHOR_DATE", "2026-01-01T00:00:00Z")
            monkeypatch.setenv("GIT_COMMITTER_DATE", "2026-01-01T00:00:00Z")
            made.commit("first")
            edit(made)
            for name, value in world.items():
                monkeypatch.setenv(name, value)
            answer = made.chimera(*command)
            said.append(f"exit {answer.code}\n{answer.out}")
        return said

    return collect


@pytest.mark.parametrize("form", ["text", "json", "sarif", "markdown"])
def test_check_says_the_same_in_every_world(told: Callable[..., list[str]], form: str) -> None:
    first, *others = told("check", "-o", form)
    assert first.startswith("exit 1\n")
    assert all(name in first for name in NAMES)
    for other in others:
        assert other == first


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_plan_is_the_same_in_every_world(told: Callable[..., list[str]], form: str) -> None:
    first, *others = told("plan", "-o", form, change=sound)
    assert first.startswith("exit 0\n")
    assert all(f"docs/{name}*,src/{name}/**" in first for name in NAMES)
    for other in others:
        assert other == first


def test_a_comparison_is_the_same_in_every_world(told: Callable[..., list[str]]) -> None:
    def edit(made: Any) -> None:
        for name in NAMES:
            made.write(f"src/{name}/main.py", f"{name} = 2\n")
            made.write(f"docs/{name}-more.md", "more\n")

    first, *others = told(
        "plan", "--base", "HEAD", "--work-tree", "-o", "json", change=sound, edit=edit
    )
    assert first.startswith("exit 0\n")
    for other in others:
        assert other == first
