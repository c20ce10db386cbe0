"""The operations changelog: what an entry must say, and what several must not say together."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chimera.builtin.records.plugin import chimera_check_snapshot
from chimera.context import Context
from chimera.documents import dump, locate, open_work_tree
from chimera.kinds import EnvironmentFacts, Registry, Subject, load_snapshot, read_source
from chimera.model import Actor, Diagnostic, Finding
from chimera.plugin import load_plugins

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DIGEST = "sha256:" + "a" * 64
ENTRY = {
    "date": "2026-11-21",
    "environment": "production",
    "summary": "Refunds are idempotent",
    "scope": "code",
    "risk": "medium",
    "verification": "A refund that is sent twice is booked once.",
    "rollback": "Deploy the version before; no data has changed.",
    "answers": [{"target": "paths:src/payments/**", "after": DIGEST}],
}

Check = Callable[..., tuple[Diagnostic, ...]]


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.collect(load_plugins())


@pytest.fixture
def check(tmp_path: Path, registry: Registry) -> Check:
    """Return all that is wrong with entries, each the valid one with some fields changed."""

    def run(*changes: dict[str, Any]) -> tuple[Diagnostic, ...]:
        (tmp_path / "changelog").mkdir(exist_ok=True)
        for number, change in enumerate(changes):
            spec = {name: value for name, value in (ENTRY | change).items() if value is not None}
            document = {
                "apiVersion": "chimera/v1",
                "kind": "ChangelogEntry",
                "metadata": {"name": f"entry-{number}"},
                "spec": spec,
            }
            (tmp_path / "changelog" / f"{number}.yaml").write_text(dump(document))
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
        verdicts = list(chimera_check_snapshot(subject))
        for verdict in verdicts:
            assert (verdict.finding is Finding.FAIL) == bool(verdict.diagnostics)
        found = [fault for verdict in verdicts for fault in verdict.diagnostics]
        return locate((*loaded.diagnostics, *found), tree)

    return run


def test_a_complete_entry_is_accepted(check: Check) -> None:
    assert check({}) == ()


def test_an_entry_is_a_record(registry: Registry) -> None:
    assert registry.kinds["ChangelogEntry"].record


def test_an_entry_need_not_answer_for_a_change(check: Check) -> None:
    assert check({"answers": None}, {"answers": None}) == ()


def test_a_deletion_can_be_recorded(check: Check) -> None:
    assert check({"answers": [{"target": "Workflow/old", "after": "deleted"}]}) == ()


def test_an_author_ahead_of_utc_may_write_tomorrow(check: Check) -> None:
    assert check({"date": "2026-11-22"}) == ()


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("changelog-date-invalid", {"date": "21.11.2026"}),
        ("changelog-date-invalid", {"date": "2026-02-30"}),
        ("changelog-date-invalid", {"date": "20261121"}),
        ("changelog-date-future", {"date": "2026-11-23"}),
        ("changelog-target-invalid", {"answers": [{"target": "src/**", "after": DIGEST}]}),
        ("changelog-target-invalid", {"answers": [{"target": "paths:", "after": DIGEST}]}),
        ("changelog-target-invalid", {"answers": [{"target": "paths:b,a", "after": DIGEST}]}),
        ("field-missing", {"rollback": None}),
        ("field-missing", {"verification": None}),
        ("field-invalid", {"risk": "none"}),
        ("field-invalid", {"scope": "docs"}),
        ("field-invalid", {"answers": [{"target": "Gate/x", "after": "sha256:1"}]}),
        ("reference-dangling", {"refs": ["Decision/missing"]}),
    ],
)
def test_a_fault_has_its_rule_and_place(check: Check, rule: str, change: dict[str, Any]) -> None:
    (fault,) = check(change)
    assert fault.rule == rule
    assert fault.span.path == "changelog/0.yaml"
    assert fault.span.line > 1
    assert fault.help


def test_one_change_has_one_entry(check: Check) -> None:
    (fault,) = check({}, {"summary": "The same again"})
    assert (fault.rule, fault.span.path) == ("changelog-duplicate", "changelog/1.yaml")
    (first,) = fault.related
    assert first.where.path == "changelog/0.yaml"


def test_one_change_may_reach_several_environments(check: Check) -> None:
    assert check({}, {"environment": "staging"}) == ()
