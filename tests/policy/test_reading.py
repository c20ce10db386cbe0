"""What a rule reads is told from its text: rather too much than too little."""

from typing import Any

import pytest

from chimera.policy.kinds import PolicySpec
from chimera.policy.reading import (
    Reach,
    fields_read,
    parameters_of,
    reach_of,
    reads,
    trimmed,
    variables_of,
)

from .conftest import rule


def spec(expression: str, message: str | None = None, **more: Any) -> PolicySpec:
    said = {"messageExpression": message} if message else {}
    return PolicySpec.model_validate({"rules": [rule(expression, **said)], **more})


def reach(expression: str, message: str | None = None, **more: Any) -> Reach:
    made = spec(expression, message, **more)
    return reach_of(made, made.rules[0])


@pytest.mark.parametrize(
    "text",
    [
        "now", "a < now", "f(now)", "now - a", "{'a': now}", "a<.now", "x in.now", "x in [1, now]",
        "a\n.now", "a // b.\n now", "'b'.now", "-now",
    ],
)  # fmt: skip
def test_a_name_is_read(text: str) -> None:
    assert reads(text, "now")


@pytest.mark.parametrize(
    "text", ["object.now", "object.spec['a'].now", "f(a).now", "nowhere", "known", "now_", "_now"]
)
def test_a_field_or_a_longer_name_is_not(text: str) -> None:
    assert not reads(text, "now")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("object.spec.size < 3 && 'a/b' in layer", Reach(False, False, False)),
        ("environment.protected", Reach(False, False, False)),
        ("snapshot.count('Thing') > 1", Reach(True, False, False)),
        ("before.spec.size < 1", Reach(False, True, False)),
        ("actor.kind == 'human'", Reach(False, True, False)),
        ("now > before.spec.at", Reach(False, True, True)),
        ("object.spec.change == object.now", Reach(False, False, False)),
    ],
)
def test_what_a_rule_depends_on(expression: str, expected: Reach) -> None:
    assert reach(expression) == expected


def test_messages_variables_and_the_match_count_too() -> None:
    assert reach("true", "string(now)").timely
    variables = [
        {"name": "first", "expression": "snapshot.count('Thing')"},
        {"name": "second", "expression": "variables.first + 1"},
        {"name": "third", "expression": "now"},
    ]
    assert reach("variables.second > 1", variables=variables) == Reach(True, False, False)
    assert reach("true", match={"snapshot": True}).whole
    assert reach("true", match={"changes": ["create"]}).changing


def test_a_rule_needs_only_what_it_names_also_through_variables() -> None:
    made = spec(
        "variables.b > 1",
        variables=[
            {"name": "a", "expression": "parameters.p"},
            {"name": "b", "expression": "variables.a"},
            {"name": "c", "expression": "parameters.q"},
        ],
        parameters=[
            {"name": name, "type": "integer", "description": "n", "default": 1} for name in "pq"
        ],
    )
    assert variables_of(made, made.rules[0]) == ("a", "b")
    assert parameters_of(made, made.rules[0]) == ("p",)


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("object.spec", {("spec",)}),
        ("has(object.metadata.labels.team)", {("metadata", "labels")}),
        ("object.spec.size() > 1 && object.kind == 'A'", {("spec",), ("kind",)}),
        ("object.spec['a'].b", {("spec",)}),
        ("object.spec.?a", {("spec",)}),
        ("object.spec\n.a", {("spec",)}),
        ("object.spec.a // here\n.b", {("spec",)}),
        ("x.object && .object.spec.a", {("spec", "a")}),
        ("environment.name", set()),
    ],
)
def test_the_fields_are_told_that_a_rule_can_read(text: str, fields: set[Any]) -> None:
    assert fields_read([text]) == fields


@pytest.mark.parametrize(
    "text",
    [
        "object", "object['spec']", "object.?spec", "f(object)", "object.size()", "object .spec",
        "object.size ()", "object.size // so\n()", "object.`a-b`", "x.all(object, object.a)",
    ],
)  # fmt: skip
def test_all_of_it_may_be_read(text: str) -> None:
    assert fields_read(["object.a", text]) is None


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("object.spec.l.all(s, s.id)", {"id"}),
        ("object.spec.l.exists_one ( s , s.id > s.a.b)", {"id", "a"}),
        ("object.spec.l.all(s, has(s.id)) || object.spec.l.exists(s, s.a)", {"id", "a"}),
        ("object.spec.l.all(s, object.spec.l.exists(o, o.id == s.a))", {"id", "a"}),
    ],
)
def test_the_fields_are_told_that_a_rule_reads_of_each_item(text: str, fields: set[str]) -> None:
    assert fields_read([text]) == {("spec", "l", field) for field in fields}


@pytest.mark.parametrize(
    "use",
    [
        "all(s, true)", "all(s, s == 1)", "all(s, 'a' in s)", "all(s, s['a'])", "all(s, s.a())",
        "all(s, s.?a)", "filter(s, s.a)", "map(s, s.a)", "all(i, s, s.a)", "all(s, s.a || f(s))",
        "all(s, s.a == ' s ')", "all(s, s // so\n.a)", "all /* */ (s, s.a)", "size()",
        "all(s, f(s, 1))",
    ],
)  # fmt: skip
def test_all_of_each_item_may_be_read(use: str) -> None:
    assert fields_read([f"object.spec.l.{use}"]) == {("spec", "l")}


def test_no_more_of_each_item_is_sent_than_is_read() -> None:
    items = [{"x": 1, "y": 2}, {"y": 3}, 4, {}]
    value = {"a": {"l": items, "m": {"x": 1, "y": 2}}, "b": [items]}
    each = frozenset({("a", "l", "x"), ("a", "m", "x")})
    assert trimmed(value, each) == {"a": {"l": [{"x": 1}, {}, 4, {}], "m": {"x": 1, "y": 2}}}
    assert trimmed(value, each | {("a", "l")})["a"]["l"] is items
    assert trimmed(value, each | {("a",)}) == {"a": value["a"]}
    assert trimmed(value, frozenset({("b", "l", "x")})) == {"b": [items]}


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ({("a",), ("a", "b")}, {"a": {"b": 1, "c": None}}),
        ({("a", "b"), ("a", "d")}, {"a": {"b": 1}}),
        ({("a", "c"), ("n",), ("n", "x")}, {"a": {"c": None}, "n": None}),
        ({("l", "x"), ("m",)}, {"l": [1]}),
        (set(), {}),
    ],
)
def test_no_more_is_sent_than_is_read(fields: set[Any], kept: Any) -> None:
    value = {"a": {"b": 1, "c": None}, "n": None, "l": [1]}

    assert trimmed(value, frozenset(fields)) == kept
    assert trimmed(value, None) is value
    assert trimmed([1], frozenset(fields)) == [1]
