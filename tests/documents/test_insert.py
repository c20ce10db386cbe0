"""What is added to a document stands where it was asked for, and no other byte changes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chimera.documents import add_field, dump, format_text, insert_item, parse
from chimera.model import ChimeraError, Place, Route, UsageError

TEXT = """\
# head
kind: X
metadata: {name: a}   # about it
spec:
    list:
    - a: 1   # one
      t: |
        hello

      # belongs to it
    # about what follows
    flow: [1, 2]  # few
    empty: []   # none yet
    nested:
      k: v
      # in nested

    # about last
    last: >-
      folded
      text


# tail
---
kind: Y
"""
AT = Place("x")


def _values(text: str) -> list[Any]:
    return [document.value for document in parse("x", text.encode())[0]]


def _added(before: str, after: str) -> str:
    """Return the one stretch of text that was added; fails where anything else changed."""
    start = next(i for i in range(len(before) + 1) if before[:i] != after[:i] or i == len(before))
    start -= before[:start] != after[:start]
    length = len(after) - len(before)
    assert before[:start] + before[start:] == after[:start] + after[start + length :]
    return after[start : start + length]


@pytest.mark.parametrize(
    ("route", "index", "line"),
    [
        (("spec", "list"), None, "    # about what follows"),
        (("spec", "list"), 0, "    - a: 1   # one"),
        (("spec", "flow"), None, None),
        (("spec", "flow"), 0, None),
        (("spec", "flow"), 1, None),
    ],
)
def test_an_item_is_all_that_is_added(route: Route, index: int | None, line: str | None) -> None:
    value = {"at": "2026-11-21T06:30:00Z", "text": "no, it is\nnot", "n": [1, {"q": "no"}]}
    after = insert_item(TEXT, AT.at(*route), value, index)
    assert _added(TEXT, after)
    target = _values(after)[0]["spec"][route[-1]]
    assert target.pop(-1 if index is None else index) == value
    assert target == _values(TEXT)[0]["spec"][route[-1]]
    if line is not None:  # what stands below is what was meant to
        old, new = TEXT.splitlines(), after.splitlines()
        first = next(i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b)
        assert new[first + len(new) - len(old)] == line


@pytest.mark.parametrize("route", [(), ("metadata",), ("spec",), ("spec", "nested")])
def test_a_field_is_all_that_is_added(route: Route) -> None:
    after = add_field(TEXT, AT.at(*route), "new", {"by": "ada", "list": ["x"]})
    assert "new" in _added(TEXT, after)
    found = _values(after)[0]
    for segment in route:
        found = found[segment]
    assert list(found)[-1] == "new"


def test_an_empty_list_becomes_one_in_block_and_keeps_its_comment() -> None:
    after = insert_item(TEXT, AT.at("spec", "empty"), {"a": 1})
    assert "    empty:   # none yet\n      - a: 1\n    nested:" in after


def test_an_empty_list_inside_of_flow_stays_there() -> None:
    assert insert_item("a: {b: []}\n", AT.at("a", "b"), "c") == "a: {b: [c]}\n"
    assert add_field("a: {b: {}}\n", AT.at("a", "b"), "c", 1) == "a: {b: {c: 1}}\n"


def test_a_comment_above_an_item_stays_above_it() -> None:
    text = "a:\n  - x: 1\n    # in one\n  # above two\n  - x: 2\nb: c\n"
    after = insert_item(text, AT.at("a"), {"x": 3}, 1)
    assert after == "a:\n  - x: 1\n    # in one\n  - x: 3\n  # above two\n  - x: 2\nb: c\n"


def test_the_line_ends_that_a_text_keeps_stay_its_own() -> None:
    text = "a:\n  - |+\n    x\n\n\nb: 1\n"
    after = insert_item(text, AT.at("a"), "y\n\n")
    assert _values(after) == [{"a": ["x\n\n\n", "y\n\n"], "b": 1}]


def test_line_ends_stay_as_they_are() -> None:
    assert insert_item("a:\r\n- b\r\n", AT.at("a"), "c") == "a:\r\n- b\r\n- c\r\n"
    assert insert_item("a:\n- b", AT.at("a"), "c") == "a:\n- b\n- c\n"


def test_what_is_shared_through_an_anchor_is_refused() -> None:
    with pytest.raises(ChimeraError, match="by itself"):
        insert_item("a: &x\n  - 1\nb: *x\n", AT.at("b"), 2)


@pytest.mark.parametrize("route", [("kind",), ("spec", "nested"), ("spec", "nothing")])
def test_only_a_list_takes_an_item(route: Route) -> None:
    with pytest.raises(UsageError):
        insert_item(TEXT, AT.at(*route), 1)


def test_a_field_that_is_there_is_not_added_again() -> None:
    with pytest.raises(UsageError, match="already"):
        add_field(TEXT, AT.at("spec"), "flow", 1)


_SCALARS = st.none() | st.booleans() | st.integers(-99, 99) | st.text("ab: #-\n'\"é", max_size=9)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=100, deadline=None)
@given(st.lists(_VALUES, max_size=3), _VALUES, st.data())
def test_any_value_reads_back_wherever_it_is_inserted(
    items: list[Any], value: Any, data: st.DataObject
) -> None:
    text = format_text(dump({"kind": "X", "list": items, "last": 1}))
    index = data.draw(st.integers(0, len(items)))
    (found,) = _values(insert_item(text, AT.at("list"), value, index))
    assert repr(found["list"]) == repr([*items[:index], value, *items[index:]])
