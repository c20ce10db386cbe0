"""Parameters: typed, set by environment and by cases, and told where they do not fit."""

from typing import Any

import pytest

from chimera.kinds import EnvironmentFacts
from chimera.model import Finding

from .conftest import Bench, document, findings, rule, rules_of, thing

SMALL = rule("object.spec.size < parameters.most")


def most(**more: Any) -> dict[str, Any]:
    return {"name": "most", "type": "integer", "description": "the size", "default": 5, **more}


def test_a_rule_reads_the_default(bench: Bench) -> None:
    bench.policy(SMALL, parameters=[most()])
    bench.write(thing("a", size=4), thing("b", size=5))
    assert findings(bench.judge()) == {
        ("Policy/p#small", "1 match"): "pass",
        ("Policy/p#small", "Thing/b"): "fail",
    }


def test_an_environment_has_its_own_value(bench: Bench) -> None:
    setting = {"environment": "Environment/production", "value": 3}
    bench.policy(SMALL, parameters=[most(settings=[setting])])
    bench.write(thing("a", size=4))
    there = EnvironmentFacts("production", protected=True)
    assert [d.rule for d in bench.load().diagnostics] == ["reference-dangling"]
    found = bench.judge(bench.subject(allow=("reference-dangling",), environment=there))
    assert findings(found) == {("Policy/p#small", "Thing/a"): "fail"}
    here = bench.judge(bench.subject(allow=("reference-dangling",)))
    assert findings(here) == {("Policy/p#small", "1 match"): "pass"}


@pytest.mark.parametrize(
    ("type_", "value", "expression"),
    [
        ("boolean", True, "parameters.p"),
        ("integer", -3, "parameters.p + object.spec.size == -3"),
        ("number", 2, "parameters.p == 2.0"),
        ("number", 0.5, "parameters.p * 2.0 == 1.0"),
        ("string", 'it\'s "é"\n\\', "parameters.p == 'it\\'s \"é\"\\n\\\\'"),
        ("strings", ["a", "b"], "'b' in parameters.p && size(parameters.p) == 2"),
        ("strings", [], "size(parameters.p) == 0"),
    ],
)
def test_values_of_each_type_reach_expressions(
    bench: Bench, type_: str, value: Any, expression: str
) -> None:
    parameter = {"name": "p", "type": type_, "description": "any", "default": value}
    bench.policy(rule(expression), parameters=[parameter])
    bench.write(thing("a", size=0))
    assert findings(bench.judge()) == {("Policy/p#small", "1 match"): "pass"}


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("boolean", 1),
        ("integer", True),
        ("integer", 1.5),
        ("number", "1"),
        ("string", 1),
        ("strings", "a"),
    ],
)
def test_a_value_of_a_wrong_type_is_a_fault_at_its_place(
    bench: Bench, type_: str, value: Any
) -> None:
    parameter = {"name": "p", "type": type_, "description": "any", "default": value}
    bench.policy(rule("true"), parameters=[parameter])
    (fault,) = bench.located(bench.judge())
    assert fault.rule == "policy-parameter-type"
    line = (bench.root / fault.span.path).read_text().splitlines()[fault.span.line - 1]
    assert '"default"' in line


@pytest.mark.parametrize("type_", ["integer", "number"])
def test_a_number_that_no_expression_can_hold_is_a_fault(bench: Bench, type_: str) -> None:
    parameter = {"name": "p", "type": type_, "description": "any", "default": 10**30}
    bench.write(document("Policy", "p", {"rules": [rule("true")], "parameters": [parameter]}))
    faults = {d.rule for d in bench.load().diagnostics}
    assert faults or "policy-expression-invalid" in rules_of(bench.judge())


def test_an_expression_is_checked_against_the_type(bench: Bench) -> None:
    bench.policy(rule("parameters.most + 'x' == ''"), parameters=[most()])
    assert rules_of(bench.judge()) == ["policy-expression-invalid"]


def test_a_parameter_that_is_not_there_does_not_compile(bench: Bench) -> None:
    bench.policy(rule("object.spec.size < parameters.mist"), parameters=[most()])
    assert rules_of(bench.judge()) == ["policy-expression-invalid"]


def test_a_second_parameter_of_a_name_is_a_fault(bench: Bench) -> None:
    bench.policy(SMALL, parameters=[most(), most()])
    assert rules_of(bench.judge()) == ["policy-parameter-duplicate"]


def test_a_second_value_for_an_environment_is_a_fault(bench: Bench) -> None:
    settings = [{"environment": "Environment/e", "value": n} for n in (1, 2)]
    bench.policy(SMALL, parameters=[most(settings=settings)])
    subject = bench.subject(allow=("reference-dangling",))
    assert rules_of(bench.judge(subject)) == ["policy-setting-duplicate"]


def test_parameters_of_one_policy_do_not_reach_another(bench: Bench) -> None:
    bench.policy(SMALL, name="a", parameters=[most(default=1)])
    bench.policy(SMALL, name="b", parameters=[most(default=9)])
    bench.write(thing("x", size=5))
    assert findings(bench.judge()) == {
        ("Policy/a#small", "Thing/x"): "fail",
        ("Policy/b#small", "1 match"): "pass",
    }


def test_variables_and_messages_read_parameters(bench: Bench) -> None:
    bench.policy(
        rule(
            "object.spec.size < variables.limit",
            messageExpression="'at most ' + string(parameters.most)",
        ),
        parameters=[most()],
        variables=[{"name": "limit", "expression": "parameters.most - 1"}],
    )
    bench.write(thing("a", size=4))
    assert [v.reasons for v in bench.judge()] == [("Policy/p#small: at most 5",)]


def test_a_case_sets_parameters(bench: Bench) -> None:
    cases = [
        {"name": "default", "object": {"spec": {"size": 4}}, "expect": []},
        {"name": "set", "object": {"spec": {"size": 4}}, "parameters": {"most": 2},
         "expect": ["small"]},
    ]  # fmt: skip
    bench.policy(SMALL, parameters=[most()], cases=cases)
    assert {v.finding for v in bench.cases()} == {Finding.PASS}


@pytest.mark.parametrize(
    ("given", "fault"),
    [({"mist": 1}, "policy-parameter-unknown"), ({"most": "1"}, "policy-parameter-type")],
)
def test_a_case_that_sets_nonsense_is_a_fault(
    bench: Bench, given: dict[str, Any], fault: str
) -> None:
    cases = [
        {"name": "a", "object": {"spec": {"size": 4}}, "expect": []},
        {"name": "b", "object": {"spec": {"size": 9}}, "parameters": given, "expect": ["small"]},
    ]
    bench.policy(SMALL, parameters=[most()], cases=cases)
    assert rules_of(bench.cases()) == [fault]


def test_a_parameter_that_is_set_otherwise_is_a_change(bench: Bench) -> None:
    def digest(default: int) -> str:
        bench.write(document("Policy", "p", {"rules": [rule("true")], "parameters": [
            most(default=default)]}))  # fmt: skip
        return bench.load().snapshot.digest

    assert digest(1) != digest(2)
