"""Cases are matched two ways, and a case that shows nothing is told."""

from typing import Any

import pytest

from chimera.model import Finding

from .conftest import Bench, document, rule, thing

RULE = rule("object.spec.size < 10")
PASSES = {"name": "passes", "object": {"spec": {"size": 1}}, "expect": []}
FAILS = {"name": "fails", "object": {"spec": {"size": 11}}, "expect": ["small"]}


def outcomes(bench: Bench) -> dict[str, str]:
    return {v.subject: v.finding.value for v in bench.cases()}


def run(bench: Bench, *cases: dict[str, Any], rules: Any = (RULE,), **spec: Any) -> list[str]:
    """The messages of all faults that the cases show."""
    bench.policy(*rules, cases=[PASSES, FAILS, *cases], **spec)
    return [fault.message for verdict in bench.cases() for fault in verdict.diagnostics]


def test_cases_that_come_out_as_expected_pass(bench: Bench) -> None:
    bench.policy(RULE, cases=[PASSES, FAILS])
    assert outcomes(bench) == {"case passes": "pass", "case fails": "pass"}


def test_an_expected_finding_that_did_not_come_fails(bench: Bench) -> None:
    case = {"name": "c", "object": {"spec": {"size": 1}}, "expect": ["small"]}
    assert run(bench, case) == ["case c: the rule small was expected to find fault, and it holds"]
    (fault,) = bench.located(bench.cases())
    assert fault.rule == "policy-case-failed"


def test_a_finding_that_nobody_expected_fails(bench: Bench) -> None:
    case = {"name": "c", "object": {"spec": {"size": 11}}, "expect": []}
    assert run(bench, case) == ["case c: nobody expected the rule small to say: small must hold"]


def test_a_rule_that_errs_is_never_what_was_expected(bench: Bench) -> None:
    case = {"name": "c", "object": {}, "expect": ["small"]}
    (message,) = run(bench, case)
    assert "case c: the rule small erred" in message


def test_a_rule_that_is_inapplicable_does_not_meet_an_expectation(bench: Bench) -> None:
    rules = (RULE, rule("before.spec.size == 0", "before"))
    bench.policy(*rules, cases=[PASSES, {**FAILS, "expect": ["small", "before"]}])
    messages = [fault.message for verdict in bench.cases() for fault in verdict.diagnostics]
    assert "it is inapplicable: it asks for 'before'" in messages[0]
    assert "no case shows that the rule before passes" in messages[1]


def test_a_case_that_the_policy_does_not_match_shows_no_rule_to_pass(bench: Bench) -> None:
    bench.policy(
        RULE,
        match={"kinds": ["Thing"], "labels": {"team": "x"}},
        cases=[
            PASSES,
            {**FAILS, "object": {"metadata": {"labels": {"team": "x"}}, **FAILS["object"]}},
        ],
    )
    (fault,) = bench.located(bench.cases())
    assert fault.rule == "policy-case-missing"


def test_a_case_about_a_change_has_before_actor_and_environment(bench: Bench) -> None:
    rules = (
        rule("object.spec.size <= before.spec.size || actor.kind == 'human'", "grows"),
        rule("change.action != 'delete' || !environment.protected", "gone"),
    )
    cases = [
        {"name": "a", "change": "update", "object": {"spec": {"size": 2}},
         "before": {"spec": {"size": 1}}, "actor": {"kind": "automation"}, "expect": ["grows"]},
        {"name": "b", "change": "update", "object": {"spec": {"size": 2}},
         "before": {"spec": {"size": 1}}, "expect": []},
        {"name": "c", "change": "delete", "before": {},
         "environment": {"name": "production", "protected": True}, "expect": ["gone"]},
        {"name": "d", "change": "delete", "before": {}, "expect": []},
    ]  # fmt: skip
    bench.policy(*rules, cases=cases)
    assert set(outcomes(bench).values()) == {"pass"}


def test_a_case_about_paths_gives_the_paths(bench: Bench) -> None:
    rules = (rule("change.paths.all(p, !p.endsWith('.sql'))"),)
    cases = [
        {"name": "a", "change": "update", "paths": ["src/a.py"], "expect": []},
        {"name": "b", "change": "update", "paths": ["src/a.sql"], "expect": ["small"]},
    ]
    bench.policy(*rules, cases=cases, match={"paths": ["src/**"]})
    assert set(outcomes(bench).values()) == {"pass"}


def test_a_case_has_layers_time_and_a_snapshot_of_its_own(bench: Bench) -> None:
    rules = (
        rule(
            "snapshot.count('Thing') == 2 && snapshot.refersTo('Thing/example', 'Thing/b')", "two"
        ),
        rule("'ops/1' in layer", "layered"),
        rule("now < timestamp('2026-01-01T00:00:00Z')", "early"),
    )
    bench.write(thing("x"), thing("y"), thing("z"))
    cases = [
        {"name": "a", "object": {"spec": {"uses": "Thing/b"}}, "documents": [thing("b")],
         "layers": ["ops/1"], "expect": []},
        {"name": "b", "object": {}, "now": "2026-06-01T00:00:00Z",
         "expect": ["two", "layered", "early"]},
    ]  # fmt: skip
    bench.policy(*rules, cases=cases)
    assert set(outcomes(bench).values()) == {"pass"}


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ({"object": {"spec": {"sizes": 1}}}, "unknown field 'sizes'"),
        ({"object": {"spec": {"size": "big"}}}, "size: "),
        ({"object": {"kind": "Thign"}}, "unknown kind 'Thign'"),
        ({"object": {"metadata": {"name": "No Name"}}}, "name: "),
        ({"object": {"metadata": "x"}}, "metadata: "),
        ({"documents": [{"kind": "Thing", "spec": {"q": 1}}], "object": {}}, "unknown field 'q'"),
        ({}, "the case has nothing to judge"),
        ({"object": {}, "change": "delete"}, "what is deleted has no object"),
        ({"object": {}, "before": {}}, "the case says what changes and not how"),
        ({"object": {}, "change": "update", "paths": ["a"]}, "a case is about paths or a document"),
    ],
)
def test_a_case_that_no_repository_could_hold_is_a_fault(
    bench: Bench, case: dict[str, Any], message: str
) -> None:
    messages = run(bench, {"name": "c", "expect": [], **case})
    assert any(message in found for found in messages), messages
    assert "policy-case-invalid" in {f.rule for f in bench.located(bench.cases())}


def test_a_case_of_a_policy_about_several_kinds_says_its_kind(bench: Bench) -> None:
    messages = run(bench, match={"kinds": ["Thing", "Policy"]})
    assert any("the document says no kind" in found for found in messages)


def test_a_policy_with_faults_fails_instead_of_its_cases(bench: Bench) -> None:
    bench.policy(rule("object.<"), cases=[PASSES, FAILS])
    (verdict,) = bench.cases()
    assert (verdict.subject, verdict.finding) == ("Policy/p", Finding.FAIL)


def test_cases_do_not_see_the_repository(bench: Bench) -> None:
    bench.write(document("Thing", "real", {"size": 99}))
    rules = (rule("snapshot.count('Thing') == 1 && object.spec.size < 10"),)
    assert run(bench, rules=rules) == []
