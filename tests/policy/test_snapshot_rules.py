"""Rules about the snapshot as a whole: judged once, in time that grows with the documents."""

from typing import Any

import pytest

from chimera.model import Finding
from chimera.policy import index
from chimera.policy.worker import Worker

from .conftest import Bench, document, findings, rule, rules_of, thing

UNIQUE = rule(
    "snapshot.unique('Thing', 'spec.size')",
    "unique",
    messageExpression="snapshot.duplicates('Thing', 'spec.size').join(', ')",
)
CASES = [
    {"name": "a", "documents": [thing("a", size=1), thing("b", size=2)], "expect": []},
    {"name": "b", "documents": [thing("a", size=1), thing("b", size=1)], "expect": ["unique"]},
]


def whole(bench: Bench, *rules: Any, **more: Any) -> None:
    bench.policy(*rules, **{"match": {"snapshot": True}, "cases": CASES, **more})


def test_a_rule_about_the_snapshot_is_judged_once(bench: Bench) -> None:
    whole(bench, UNIQUE)
    bench.write(thing("a", size=1), thing("b", size=1), thing("c", size=2))
    (verdict,) = bench.judge()
    assert (verdict.judge, verdict.subject) == ("Policy/p#unique", "snapshot")
    assert verdict.reasons == ("Policy/p#unique: Thing/a, Thing/b",)
    (fault,) = bench.located([verdict])
    assert fault.span.path == "specs/Policy-p.yaml"
    assert "Waiver" not in fault.help


def test_a_rule_about_the_snapshot_holds_of_an_empty_one(bench: Bench) -> None:
    whole(bench, UNIQUE)
    assert findings(bench.judge()) == {("Policy/p#unique", "1 match"): "pass"}


def test_there_is_no_object_in_a_rule_about_the_snapshot(bench: Bench) -> None:
    whole(bench, rule("object.spec.size == 1", "unique"))
    bench.write(thing("a", size=1))
    (verdict,) = bench.judge()
    assert verdict.finding is Finding.NOT_EXERCISED
    assert "'object'" in verdict.reasons[0]


def test_a_rule_about_the_snapshot_and_the_time_is_judged_once(bench: Bench) -> None:
    late = rule("now < timestamp('2020-01-01T00:00:00Z') || snapshot.count('*') > 9", "unique")
    whole(bench, late)
    bench.write(thing("a"), thing("b"))
    assert findings(bench.judge()) == {("Policy/p#unique", "snapshot"): "fail"}


def test_cases_of_such_a_policy_list_documents(bench: Bench) -> None:
    whole(bench, UNIQUE)
    assert {verdict.finding for verdict in bench.cases()} == {Finding.PASS}


def test_a_case_of_such_a_policy_has_no_object(bench: Bench) -> None:
    whole(bench, UNIQUE, cases=[*CASES, {"name": "c", "object": thing("a"), "expect": []}])
    assert "policy-case-invalid" in rules_of(bench.cases())


@pytest.mark.parametrize(
    "more",
    [{"kinds": ["Thing"]}, {"labels": {"a": "b"}}, {"paths": ["a"]}, {"changes": ["create"]}],
)
def test_nothing_else_selects_the_snapshot(bench: Bench, more: dict[str, Any]) -> None:
    whole(bench, UNIQUE, match={"snapshot": True, **more})
    (fault,) = bench.located(bench.judge())
    assert fault.rule == "policy-match-mixed"


def test_a_rule_about_the_snapshot_cannot_be_waived(bench: Bench) -> None:
    whole(bench, UNIQUE)
    bench.write(thing("a", size=1), thing("b", size=1))
    waiver = {"policy": "Policy/p", "rule": "unique", "reason": "x", "approver": "ann",
              "expires": "2026-12-31"}  # fmt: skip
    bench.write(document("Waiver", "w", {**waiver, "address": "Thing/a"}))
    bench.write(document("Waiver", "v", {**waiver, "path": "snapshot"}))
    found = bench.judge()
    assert findings(found)["Policy/p#unique", "snapshot"] == "fail"
    assert "waiver-unknown-path" in rules_of(found)


@pytest.fixture
def evaluations(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many evaluations each request asked for."""
    found: list[int] = []
    judge = Worker.judge

    def counted(self: Worker, common: Any, seen: Any, tasks: Any) -> Any:
        found.append(sum(len(task.subjects) for task in tasks))
        return judge(self, common, seen, tasks)

    monkeypatch.setattr(Worker, "judge", counted)
    return found


def test_evaluations_grow_with_the_documents(bench: Bench, evaluations: list[int]) -> None:
    whole(bench, UNIQUE)
    one = rule("snapshot.count('Thing', 'spec.size', object.spec.size) == 1", "one")
    bench.policy(one, name="q")
    needed = {}
    for number in (30, 300):
        bench.write(*(thing(f"t{n:03}", size=n) for n in range(number)))
        evaluations.clear()
        bench.judge()
        needed[number] = sum(evaluations)
    assert needed == {30: 31, 300: 301}


def test_what_snapshot_answers_from_looks_at_each_document_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked = []
    at = index._at
    monkeypatch.setattr(index, "_at", lambda *a: looked.append(1) or at(*a))
    for number in (30, 300):
        every = index.Index()
        every.add([thing(f"t{n}", size=n % 7) for n in range(number)])
        every.refer([(f"Thing/t{n}", "Thing/t0") for n in range(number)])
        looked.clear()
        for n in range(number):
            assert every.where("Thing", "spec.size", n % 7)
            assert every.has(f"Thing/t{n}")
            assert not every.unique("Thing", "spec.size")
            assert every.refers_to(f"Thing/t{n}") == ["Thing/t0"]
        assert len(looked) == number
