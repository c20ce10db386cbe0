"""The operations changelog: what an entry must say, and what several must not say together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chimera.builtin.records.plugin import chimera_check_snapshot
from chimera.documents import dump
from chimera.kinds import Registry
from chimera.model import Diagnostic, Severity

DIGEST = "sha256:" + "a" * 64
ENTRY: dict[str, Any] = {
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
        ("day-invalid", {"date": "21.11.2026"}),
        ("day-invalid", {"date": "2026-02-30"}),
        ("day-invalid", {"date": "20261121"}),
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


def of(day: str, **more: str) -> dict[str, Any]:
    return {"date": day, "answers": None, **more}


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("changelog-entry-late", of("2026-11-19", effective="2026-11-19T09:00:00Z")),
        ("changelog-entry-late", of("2026-11-18")),
        (None, of("2026-11-20", effective="2026-11-20T10:00:00Z")),
        (None, of("2026-11-19")),
        (None, of("2026-11-21", effective="2026-11-25T10:00:00Z")),
    ],
)
def test_an_entry_is_written_within_a_day(
    check: Check, rule: str | None, change: dict[str, Any]
) -> None:
    """Where only the day is known, the day's end counts, wherever it ends last."""
    found = check({**change, "recorded": "2026-11-21T10:00:00Z"})
    assert [fault.rule for fault in found] == ([rule] if rule else [])
    assert all(fault.severity is Severity.WARNING for fault in found)


def test_an_entry_cannot_be_written_tomorrow(check: Check) -> None:
    (fault,) = check({"recorded": "2026-11-21T12:06:00Z"})
    assert fault.rule == "changelog-time-future"


def test_old_entries_lie_in_the_archive(check: Check, tmp_path: Path) -> None:
    found = check(of("2026-08-22"), of("2026-08-23"))
    assert [(f.rule, f.span.path) for f in found] == [("changelog-unarchived", "changelog/0.yaml")]
    (tmp_path / "changelog" / "archive").mkdir()
    for file in (tmp_path / "changelog").glob("*.yaml"):
        file.rename(tmp_path / "changelog" / "archive" / file.name)
    assert check() == ()


@pytest.mark.parametrize(
    ("field", "rule"),
    [
        ("rollback", "changelog-rollback-unusable"),
        ("verification", "changelog-verification-unusable"),
    ],
)
@pytest.mark.parametrize(
    ("text", "is_refused"),
    [
        ("none", True),
        ("N/A.", True),
        ("n.a.", True),
        ("- tbd -", True),
        ("See docs", True),
        ("see the runbook", True),
        ("See: wiki!", True),
        ("revert", True),
        ("Just roll back.", True),
        ("revert the change", True),
        ("...", True),
        ("as usual", True),
        ("revert 1a2b3c4 and apply", False),
        ("see Runbook/refunds, step 3", False),
        ("chimera apply at v1.4", False),
        ("None of the flags is needed: set refunds=off", False),
        ("set FEATURE_X=0", False),
        ("uninstall", False),
        ("-" * 61, True),
        ("n/a " * 40, False),
    ],
)
def test_a_hint_says_something_that_can_be_done(
    check: Check, field: str, rule: str, text: str, is_refused: bool
) -> None:
    assert [fault.rule for fault in check({field: text})] == ([rule] if is_refused else [])


def test_an_entry_records_one_change(check: Check) -> None:
    target = ENTRY["answers"][0]["target"]
    again = {"target": target, "after": "sha256:" + "b" * 64}
    (fault,) = check({"answers": [*ENTRY["answers"], again]})
    assert (fault.rule, fault.stops) == ("changelog-several-changes", False)
    (fault,) = check({"summary": "Refunds\nand fees"})
    assert fault.rule == "changelog-summary-long"


def test_one_change_may_have_several_targets(check: Check) -> None:
    other = {"target": "Workflow/pay", "after": DIGEST}
    assert check({"answers": [*ENTRY["answers"], other], "summary": "Refunds\n"}) == ()


PRODUCTION = """\
apiVersion: chimera/v1
kind: Environment
metadata: {name: production}
spec: {protected: true, production: true}
"""


def test_entries_of_production_say_when_they_were_written(check: Check, tmp_path: Path) -> None:
    assert check({}) == ()
    (tmp_path / "changelog").mkdir(exist_ok=True)
    (tmp_path / "changelog" / "production.yaml").write_text(PRODUCTION)
    (fault,) = check({})
    assert (fault.rule, fault.stops) == ("changelog-recorded-missing", False)
    assert check({"recorded": "2026-11-21T10:00:00Z"}) == ()


def test_entries_of_production_are_reviewed_weekly(check: Check, tmp_path: Path) -> None:
    (tmp_path / "changelog").mkdir(exist_ok=True)
    (tmp_path / "changelog" / "production.yaml").write_text(PRODUCTION)
    old = of("2026-11-12", recorded="2026-11-12T10:00:00Z")
    older = of("2026-11-10", recorded="2026-11-10T10:00:00Z")
    (fault,) = check(old, older)
    assert (fault.rule, fault.span.path) == ("changelog-unreviewed", "changelog/1.yaml")
    assert "1 more of production" in fault.message
    seen = {"reviewed": {"at": "2026-11-14T09:00:00Z", "by": "Ann"}}
    assert check(old | seen, older | seen) == ()
    assert check(of("2026-11-14", recorded="2026-11-14T10:00:00Z"), older | seen) == ()
    assert check(old | {"environment": "staging"}, older | seen) == ()
