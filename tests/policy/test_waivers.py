"""A waiver silences one rule for one document until it expires, and nothing else."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chimera.model import Action, Address, Change, Finding, Severity

from .conftest import NOW, Bench, document, findings, rule, rules_of, thing


def waive(bench: Bench, name: str = "w", **changes: Any) -> None:
    spec = {
        "policy": "Policy/p",
        "rule": "small",
        "address": "Thing/a",
        "reason": "the new one ships next week",
        "approver": "ann",
        "expires": "2026-12-31",
        **changes,
    }
    given = {name: value for name, value in spec.items() if value is not None}
    bench.write(document("Waiver", name, given))


@pytest.fixture
def broken(bench: Bench) -> Bench:
    """A repository in which the things a and b break the rules small and noted."""
    bench.policy(rule("object.spec.size < 10"), rule("has(object.spec.note)", "noted"))
    bench.write(thing("a", size=11), thing("b", size=11))
    return bench


def test_a_waiver_silences_one_rule_for_one_document(broken: Bench) -> None:
    waive(broken)
    verdicts = broken.judge()
    assert findings(verdicts) == {
        ("Policy/p#small", "Thing/a"): "pass",
        ("Policy/p#small", "Thing/b"): "fail",
        ("Policy/p#noted", "Thing/a"): "fail",
        ("Policy/p#noted", "Thing/b"): "fail",
    }
    (waived,) = [v for v in verdicts if v.finding is Finding.PASS]
    assert (waived.label, waived.waiver, waived.action) == ("waived", "Waiver/w", "deny")
    assert waived.diagnostics == ()
    assert "Waiver/w until 2026-12-31: the new one ships next week" in waived.reasons[0]


@pytest.mark.parametrize(("expires", "counts"), [("2026-11-21", True), ("2026-11-20", False)])
def test_a_waiver_counts_to_the_end_of_its_last_day(
    broken: Bench, expires: str, counts: bool
) -> None:
    waive(broken, expires=expires)
    broken.now = NOW + timedelta(hours=23)
    found = findings(broken.judge())
    assert found["Policy/p#small", "Thing/a"] == ("pass" if counts else "fail")


def test_an_expired_waiver_is_reported_and_silences_nothing(broken: Bench) -> None:
    waive(broken, expires="2026-11-20T23:59:59Z")
    verdicts = broken.judge()
    assert rules_of(verdicts) == [*["policy-denied"] * 4, "waiver-expired"]
    (expired,) = [d for v in verdicts for d in v.diagnostics if d.rule == "waiver-expired"]
    assert expired.severity is Severity.WARNING


def test_a_waiver_in_force_counts_beside_an_expired_one(broken: Bench) -> None:
    waive(broken, "old", expires="2026-01-01")
    waive(broken, "new")
    assert findings(broken.judge())["Policy/p#small", "Thing/a"] == "pass"


def test_a_waiver_of_what_is_kept_anyway_is_unused(bench: Bench) -> None:
    bench.policy(rule("object.spec.size < 10"))
    bench.write(thing("a", size=1))
    waive(bench)
    verdicts = bench.judge()
    assert rules_of(verdicts) == ["waiver-unused"]
    assert not any(v.finding is Finding.FAIL for v in verdicts)


def test_a_waiver_that_silences_is_not_unused(broken: Bench) -> None:
    waive(broken)
    assert "waiver-unused" not in rules_of(broken.judge())


def test_a_waiver_of_a_rule_that_was_not_judged_is_not_called_unused(bench: Bench) -> None:
    bench.policy(rule("before.spec.size < 10"))
    bench.write(thing("a"))
    waive(bench)
    assert rules_of(bench.judge()) == []


def test_a_waiver_of_a_rule_that_does_not_exist_fails(broken: Bench) -> None:
    waive(broken, rule="smal")
    verdicts = broken.judge()
    assert findings(verdicts)["Waiver/w", "Thing/a"] == "fail"
    (fault,) = [d for v in verdicts for d in v.diagnostics if d.rule == "waiver-unknown-rule"]
    assert "small" in fault.help


def test_an_error_cannot_be_waived(bench: Bench) -> None:
    bench.policy(rule("object.spec.absent == 1"))
    bench.write(thing("a"))
    waive(bench)
    assert findings(bench.judge())["Policy/p#small", "Thing/a"] == "fail"


def test_a_waiver_serves_a_change_as_it_serves_a_check(broken: Bench) -> None:
    waive(broken)
    subject = broken.changed((thing("a", size=1), thing("a", size=11)))
    assert findings(broken.judge(subject))["Policy/p#small", "Thing/a"] == "pass"


@pytest.mark.parametrize("more", [{"address": None}, {"path": "deploy/a.yaml"}])
def test_a_waiver_is_for_one_document(broken: Bench, more: dict[str, Any]) -> None:
    waive(broken, **more)
    verdicts = broken.judge()
    assert "waiver-subject-invalid" in rules_of(verdicts)
    assert findings(verdicts)["Policy/p#small", "Thing/a"] == "fail"


def test_a_waiver_allows_neither_itself_nor_another(bench: Bench) -> None:
    bench.policy(rule("object.spec.expires < '2027'"), match={"kinds": ["Waiver"]})
    for name, other in (("w", "w"), ("x", "y"), ("y", "x")):
        waive(bench, name, address=f"Waiver/{other}", expires="9999-12-31")
    verdicts = bench.judge()
    assert rules_of(verdicts).count("waiver-of-waiver") == 3
    assert findings(verdicts)["Policy/p#small", "Waiver/w"] == "fail"


def test_a_waiver_of_a_path_where_nothing_stands_fails(broken: Bench) -> None:
    waive(broken, address=None, path="Thing/a")
    verdicts = broken.judge()
    assert findings(verdicts)["Waiver/w", "Thing/a"] == "fail"
    assert findings(verdicts)["Policy/p#small", "Thing/a"] == "fail"
    assert "waiver-unknown-path" in rules_of(verdicts)


def test_what_is_deleted_cannot_be_waived(bench: Bench) -> None:
    bench.policy(rule("change.action != 'delete'"))
    waive(bench, address="Thing/gone")
    subject = bench.subject(allow=("reference-dangling",))
    assert [d.rule for d in bench.load().diagnostics] == ["reference-dangling"]
    gone = Change(Address("Thing", "gone"), Action.DELETE, "sha256:a", None, "it is gone")
    found = findings(
        bench.judge(replace(subject, changes=(gone,), before={gone.target: thing("gone")}))
    )
    assert found["Policy/p#small", "Thing/gone"] == "fail"


def test_a_broken_rule_says_what_its_action_is(bench: Bench) -> None:
    bench.policy(
        rule("false", "denies"),
        rule("false", "warns", action="warn"),
        rule("false", "audits", action="audit"),
    )
    bench.write(thing("a"))
    verdicts = bench.judge()
    assert {(v.judge, v.label, v.action) for v in verdicts} == {
        ("Policy/p#denies", "fail", "deny"),
        ("Policy/p#warns", "warn", "warn"),
        ("Policy/p#audits", "audit", "audit"),
    }
    assert rules_of(verdicts) == ["policy-audited", "policy-denied", "policy-warned"]
