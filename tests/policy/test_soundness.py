"""What is wrong with a policy as it is written: each fault fires, and a sound policy has none."""

from typing import Any

import pytest

from .conftest import Bench, cases_for, rule, rules_of, thing

CASE = {"object": {"kind": "Thing"}}


def test_a_sound_policy_has_no_faults(bench: Bench) -> None:
    bench.policy(
        rule("variables.a == 1"),
        rule("true", "other", messageExpression="'x' + string(object.spec.size)"),
        variables=[{"name": "a", "expression": "1"}],
    )
    bench.write(thing("a"))
    assert rules_of(bench.judge()) == []


@pytest.mark.parametrize(
    ("part", "spec", "message"),
    [
        ("'<'", {"rules": [rule("object.spec.size <")]}, "1:19: Syntax error"),
        ("'n'", {"rules": [rule("nothing == 1")]}, "1:1: undeclared reference to 'nothing'"),
        ("'v'", {"rules": [rule("variables.v == 1")]}, "undeclared reference to 'variables.v'"),
        ("'i'", {"rules": [rule("1 + 1")]}, "gives int, not bool"),
        (
            "'m'",
            {"rules": [rule("true", messageExpression="1")]},
            "gives int, not string",
        ),
        (
            "'order'",
            {
                "rules": [rule("true")],
                "variables": [
                    {"name": "a", "expression": "variables.b"},
                    {"name": "b", "expression": "1"},
                ],
            },
            "undeclared reference to 'variables.b'",
        ),
    ],
)
def test_an_expression_that_is_not_cel_is_a_fault_at_its_place(
    bench: Bench, part: str, spec: dict[str, Any], message: str
) -> None:
    bench.policy(*spec.pop("rules"), **spec)
    (fault,) = bench.located(bench.judge())
    assert fault.rule == "policy-expression-invalid"
    assert message in fault.message
    line = (bench.root / fault.span.path).read_text().splitlines()[fault.span.line - 1]
    assert "xpression" in line


def test_every_fault_of_a_policy_is_reported_at_once(bench: Bench) -> None:
    rules = [rule("a.b"), rule("object.<", "a"), rule("true", "a")]
    bench.policy(*rules, cases=[])
    assert rules_of(bench.judge()) == [
        *["policy-case-missing"] * 6,
        *["policy-expression-invalid"] * 2,
        "policy-rule-duplicate",
    ]


def test_a_second_rule_variable_or_case_of_one_name_is_a_fault(bench: Bench) -> None:
    cases = [{"name": "c", **CASE, "expect": e} for e in ([], ["r"])]
    variables = [{"name": "v", "expression": "1"}] * 2
    bench.policy(rule("true", "r"), rule("true", "r"), cases=cases, variables=variables)
    faults = bench.located(bench.judge())
    assert sorted(f.rule for f in faults) == [
        "policy-case-duplicate",
        "policy-rule-duplicate",
        "policy-variable-duplicate",
    ]


@pytest.mark.parametrize(
    ("expectations", "missing"),
    [
        ([], ["passes", "fails"]),
        ([["r"]], ["passes"]),
        ([[]], ["fails"]),
        ([[], ["r"]], []),
    ],
)
def test_every_rule_needs_a_case_that_passes_and_one_that_fails(
    bench: Bench, expectations: list[list[str]], missing: list[str]
) -> None:
    cases = [{"name": f"c{n}", **CASE, "expect": e} for n, e in enumerate(expectations)]
    bench.policy(rule("true", "r"), cases=cases)
    bench.write(thing("a"))
    messages = [d.message for v in bench.judge() for d in v.diagnostics]
    assert messages == [f"no case shows that the rule r {which}" for which in missing]


def test_a_case_that_expects_a_rule_that_is_not_there_is_a_fault(bench: Bench) -> None:
    rules = [rule("true")]
    more = {"name": "c", **CASE, "expect": ["smal"]}
    bench.policy(*rules, cases=[*cases_for(rules), more])
    (fault,) = bench.located(bench.judge())
    assert fault.rule == "policy-case-unknown-rule"
    assert "small" in fault.help
