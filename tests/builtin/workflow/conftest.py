"""A repository with one workflow, loaded and compiled as `chimera check` does it."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chimera.builtin.workflow.compile import judge
from chimera.context import Context
from chimera.documents import locate, open_work_tree
from chimera.kinds import EnvironmentFacts, Registry, Subject, load_snapshot, read_source
from chimera.model import Actor, Diagnostic
from chimera.plugin import load_plugins

NOW = datetime(2026, 11, 21, tzinfo=UTC)

Check = Callable[[str], tuple[Diagnostic, ...]]


@pytest.fixture(scope="session")
def registry() -> Registry:
    return Registry.collect(load_plugins())


@pytest.fixture
def check(tmp_path: Path, registry: Registry) -> Check:
    """Return all that is wrong with a workflow whose `spec` is the given YAML."""

    def run(spec: str) -> tuple[Diagnostic, ...]:
        (tmp_path / "specs").mkdir(exist_ok=True)
        head = "apiVersion: chimera/v1\nkind: Workflow\nmetadata: {name: it}\nspec:\n"
        body = textwrap.indent(textwrap.dedent(spec), "  ")
        (tmp_path / "specs" / "it.yaml").write_text(head + body)
        tree = open_work_tree(tmp_path)
        loaded = load_snapshot(read_source(tree), registry)
        subject = Subject(
            loaded.snapshot,
            {},
            EnvironmentFacts("local", protected=False),
            Actor("ada", "human"),
            NOW,
            Context.system(now=NOW),
        )
        found = [fault for verdict in judge(subject) for fault in verdict.diagnostics]
        return locate((*loaded.diagnostics, *found), tree)

    return run
