"""A folder of documents, judged by one room as `chimera check` does it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chimera.context import Context
from chimera.documents import locate, open_work_tree
from chimera.kinds import EnvironmentFacts, Registry, Subject, load_snapshot, read_source
from chimera.model import Actor, Diagnostic, Finding, Severity, Verdict
from chimera.plugin import load_plugins

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)

Judge = Callable[[Subject], Iterable[Verdict]]
Faults = Callable[[Judge], tuple[Diagnostic, ...]]


@pytest.fixture(scope="session")
def registry() -> Registry:
    return Registry.collect(load_plugins())


@pytest.fixture
def faults_by(tmp_path: Path, registry: Registry) -> Faults:
    """Return all that is wrong with the documents in the folder, by what a room judges."""

    def run(judge: Judge) -> tuple[Diagnostic, ...]:
        tree = open_work_tree(tmp_path)
        loaded = load_snapshot(read_source(tree), registry)
        subject = Subject(
            loaded.snapshot,
            {},
            EnvironmentFacts("local", protected=False),
            Actor("ada", "human"),
            NOW,
            context=Context.system(now=NOW),
        )
        verdicts = list(judge(subject))
        for verdict in verdicts:
            errors = [d for d in verdict.diagnostics if d.severity is Severity.ERROR]
            assert (verdict.finding is Finding.FAIL) == bool(errors)
        found = [fault for verdict in verdicts for fault in verdict.diagnostics]
        return locate((*loaded.diagnostics, *found), tree)

    return run
