"""The operations changelog: what an entry must say, and what several must not say together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chimera.builtin.records.plugin import chimera_check_snapshot
from chimera.documents import dump
from chimera.kinds import Registry
from chimera.model import Diagnostic

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


@pytest.fixture
def check(tmp_path: Path, faults_by: Callable[..., tuple[Diagnostic, ...]]) -> Check:
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
        return faults_by(chimera_check_snapshot)

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
