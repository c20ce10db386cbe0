"""Names with a dot in them mean in the engine what they mean in CEL."""

import pytest

from chimera.policy.qualified import with_optionals, with_tests, without_tests

NAMES = ("object", "variables.x", "variables.xy")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("has(variables.x)", "([variables.x] != [])"),
        ("!has( variables . x ) || a", "!([variables . x] != []) || a"),
        ("has(variables.xy) && has(variables.z)", "([variables.xy] != []) && has(variables.z)"),
        ("has(variables.x.y)", "has(variables.x.y)"),
        ("has(object)", "has(object)"),
        ("a.has(variables.x)", "a.has(variables.x)"),
        ("'has(variables.x)' == r'\\' + \"has(variables.x)\"", None),
        ("'''a ' has(variables.x)''' == b'\\'has(variables.x)'", None),
        ("true // has(variables.x)", None),
    ],
)
def test_tests_of_names_hold_for_any_value(expression: str, expected: str | None) -> None:
    assert with_tests(expression, NAMES) == (expected or expression)


def test_a_test_is_checked_without_moving_anything() -> None:
    expression = "a && has(variables.x) && b"
    checked = without_tests(expression, NAMES)
    assert checked == "a && true             && b"
    assert len(checked) == len(expression)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("variables.x.orValue(1)", "variables.x[?0].orValue(1)"),
        ("variables.xyz + object.variables.x", "variables.xyz + object.variables.x"),
        (
            "has(variables.x) && 'variables.x' in l",
            "([variables.x[?0]] != []) && 'variables.x' in l",
        ),
    ],
)
def test_optional_values_are_taken_out_of_their_lists(expression: str, expected: str) -> None:
    assert with_optionals(expression, ["variables.x"]) == expected


@pytest.mark.parametrize("opened", ["'''", '"""', "'", '"', "r'", "has("])
def test_text_that_does_not_end_stays_as_it_is(opened: str) -> None:
    expression = opened + "\\a" * 5_000 + "has(variables." * 2_000
    assert with_tests(expression, NAMES) == expression
