"""References keep their types, and nothing that a stage gave is ever read as one."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera.builtin.workflow.references import (
    Malformed,
    Reference,
    escape,
    look_up,
    parse,
    resolve,
    slots,
    write_out,
)
from chimera.model import ChimeraError

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
texts = st.text() | st.text(alphabet="${}ab.-")


@given(texts)
def test_escaped_text_is_itself(text: str) -> None:
    assert resolve(escape(text), {}) == text


@given(json_values)
def test_a_whole_reference_takes_the_value_and_its_type(value: object) -> None:
    resolved = resolve("${a.b}", {"a.b": value})
    assert resolved == value
    assert type(resolved) is type(value)


@given(texts, json_values, texts)
def test_inside_a_longer_string_a_value_is_written_out(
    before: str, value: object, after: str
) -> None:
    resolved = resolve(f"x{escape(before)} ${{a.b}} {escape(after)}", {"a.b": value})
    written = value if isinstance(value, str) else write_out(value)
    assert resolved == f"x{before} {written} {after}"
    if not isinstance(value, str):
        assert json.loads(written) == value


@given(st.dictionaries(st.text(), json_values, max_size=3))
def test_values_without_references_stay_as_they_are(value: dict[str, object]) -> None:
    assert resolve(_escape_all(value), {}) == value


def _escape_all(value: object) -> object:
    match value:
        case str():
            return escape(value)
        case dict():
            return {key: _escape_all(item) for key, item in value.items()}
        case list():
            return [_escape_all(item) for item in value]
    return value


@given(texts)
def test_what_a_stage_gave_is_not_read_for_references(text: str) -> None:
    hostile = text + "${secret.token}"
    known = {"a.b": hostile, "secret.token": "hunter2"}
    assert resolve(["${a.b}", "-${a.b}-", {"k": "${a.b}"}], known) == [
        hostile,
        f"-{hostile}-",
        {"k": hostile},
    ]


@given(texts)
def test_every_string_is_cut_without_loss(text: str) -> None:
    assert isinstance(parse(text), tuple)
    back = "".join(
        escape(part)
        if isinstance(part, str)
        else part.text
        if isinstance(part, Malformed)
        else f"${{{part}}}"
        for part in parse(text)
    )
    assert parse(back) == parse(text)


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("${create-context.contextId}", Reference("create-context", ("contextId",))),
        ("${input.x}", Reference("input", ("x",))),
        ("${a.json.list.0.key-with_dash}", Reference("a", ("json", "list", "0", "key-with_dash"))),
    ],
)
def test_a_reference_is_read(text: str, reference: Reference) -> None:
    assert parse(text) == (reference,)
    assert f"${{{reference}}}" == text


@pytest.mark.parametrize(
    "text",
    [
        *("${}", "${a.}", "${a b}", "${1.b}", "${a.b", "${${a.b}}"),
        *("${??a}", "${1 ?? a}", "${a ?? }", '${"x"}', "${a ?? b c}", "${a ? b}"),
    ],
)
def test_what_is_no_reference_is_told_apart(text: str) -> None:
    assert any(isinstance(part, Malformed) for part in parse(text))


def test_slots_say_where_their_strings_stand() -> None:
    found = list(slots({"a": ["${x.y}", 1], "b": {"c": "-${x.y}"}}))
    assert [(slot.route, slot.whole) for slot in found] == [
        (("a", 0), Reference("x", ("y",))),
        (("b", "c"), None),
    ]


def test_a_reference_leads_into_a_value() -> None:
    value = {"list": [{"k": 7}], "0": "zero"}
    sources = {"a": {"b": value}}
    assert look_up(Reference("a", ("b", "list", "0", "k")), sources) == 7
    assert look_up(Reference("a", ("b", "0")), sources) == "zero"


@pytest.mark.parametrize(
    "inside", [("list", "1"), ("list", "k"), ("more",), ("text", "0"), ("nil", "x")]
)
def test_a_reference_into_nothing_is_told(inside: tuple[str, ...]) -> None:
    value = {"list": [1], "text": "abc", "nil": None}
    with pytest.raises(ChimeraError, match="leads nowhere"):
        look_up(Reference("a", ("b", *inside)), {"a": {"b": value}})


DEFAULTS = {"a": {"x": None, "y": 0}, "b": {"x": "b"}}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${a.y ?? b.x}", 0),
        ("${a.x ?? b.x}", "b"),
        ("${skipped.x ?? a.x ?? b.x}", "b"),
        ("${a.z ?? 7}", 7),
        ('${a.z ?? "a ?? b"}', "a ?? b"),
        ("${a.z??null}", None),
        ("${skipped ?? []}", []),
        ("${b}", {"x": "b"}),
    ],
)
def test_what_is_missing_or_null_has_a_default(text: str, value: object) -> None:
    (reference,) = parse(text)
    assert isinstance(reference, Reference)
    assert look_up(reference, DEFAULTS) == value
    assert parse(f"${{{reference}}}") == (reference,)


def test_a_skipped_stage_is_named_where_nothing_stands_in_for_it() -> None:
    (reference,) = parse("${skipped.x ?? other.x}")
    assert isinstance(reference, Reference)
    with pytest.raises(ChimeraError, match="the stage 'skipped' gave nothing"):
        look_up(reference, DEFAULTS)
