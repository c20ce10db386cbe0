"""A validation that asks something of every element fails at the element."""

from typing import Any

import pytest

from chimera.policy.admission.elements import searches

from .conftest import fault, judge, pod, policy, route

GOOD, BAD = {"name": "a", "image": "a:1"}, {"name": "b", "image": "b"}
EVERY = "object.spec.containers + object.spec.?initContainers.orValue([])"
TAGGED = "c.image.contains(':')"


LIST, NETWORK = ("spec", "containers"), ("spec", "hostNetwork")
SELECTOR = {"nodeSelector": {"a": "1", "b": "2"}}


@pytest.mark.parametrize(
    ("expression", "spec", "expected"),
    [
        (f"object.spec.containers.all(c, {TAGGED})", {}, (*LIST, 1)),
        (f"object.spec == 1 || object.spec.containers.all(c, {TAGGED} // ) '\n)", {}, (*LIST, 1)),
        (f"variables.every.all(c, {TAGGED})", {}, (*LIST, 1)),
        (
            f"variables.every.all(c, {TAGGED})",
            {"containers": [GOOD], "initContainers": [GOOD, BAD]},
            ("spec", "initContainers", 1),
        ),
        (f"variables.every.all(c, {TAGGED} || c.image == ')||.all(')", {}, (*LIST, 1)),
        ("object.spec.containers.all(c, c.name == 'a' || c.none == 1)", {}, LIST),
        (f"object.spec.containers.all(c, {TAGGED}) && true", {}, LIST),
        ("object.spec.nodeSelector.all(k, k != 'b')", SELECTOR, ("spec", "nodeSelector", "b")),
        ("false ? dyn(1) : dyn(object.spec.containers.all(c, false))", {}, LIST),
        ("true ? object.spec.hostNetwork : dyn([1]).all(c, c)", {"hostNetwork": False}, NETWORK),
        (
            "{'x': 1}.all(k, k == 'y') || object.spec.hostNetwork",
            {"hostNetwork": False},
            NETWORK,
        ),
    ],
)
def test_the_place_is_the_first_element_that_is_at_fault(
    expression: str, spec: dict[str, Any], expected: tuple[str | int, ...]
) -> None:
    chosen = {"containers": [GOOD, BAD, BAD], **spec}
    every = [{"name": "every", "expression": EVERY}]
    evaluation = judge([policy(expression, variables=every)], [pod(**chosen)])
    assert route(fault(evaluation)) == expected


def test_messages_are_those_of_the_validation_all_the_same() -> None:
    validation = {
        "expression": f"object.spec.containers.all(c, {TAGGED})",
        "messageExpression": "'of ' + object.metadata.name",
    }
    diagnostic = fault(judge([policy(validation)], [pod(containers=[GOOD, BAD])]))
    assert diagnostic.message.endswith(": of x")
    assert route(diagnostic) == ("spec", "containers", 1)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a.all(x, b)", ["a.filter(x, !( b\n))"]),
        ("c || (a + d).all(x, b || x) || e", ["(a + d).filter(x, !( b || x\n))"]),
        ("a.all(x, b).all(y, c)", []),
        ("(c || a.all(x, b))", []),
        ("a.exists(x, b) || '.all(x, b)'", []),
        ("a.all(", []),
        ("a.all(x, (((", []),
        ("", []),
    ],
)
def test_only_what_is_asked_of_all_is_searched_for(expression: str, expected: list[str]) -> None:
    assert list(searches(expression)) == expected
