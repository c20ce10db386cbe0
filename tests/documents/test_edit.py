"""An edit changes what was asked for and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chimera.documents import edit, parse, splice
from chimera.model import ChimeraError, Place, UsageError

TEXT = """\
# top
a:   'one'   # first
list:
- x: "two"
  y: plain words # here
  z: &anchor 5
block: |
  text
  more


empty:
last: [1, {k: no}] \x20
"""


def values(text: str) -> list[dict[str, Any]]:
    return [document.value for document in parse("f", text.encode())[0]]


@pytest.mark.parametrize(
    ("route", "value", "old", "new"),
    [
        (("a",), "it's", "'one'", "'it''s'"),
        (("a",), "new\nline", "'one'", '"new\\nline"'),
        (("a",), 7, "'one'", "7"),
        (("list", 0, "x"), "3", '"two"', '"3"'),
        (("list", 0, "y"), "other", "plain words", "other"),
        (("list", 0, "y"), "a: b #c", "plain words", '"a: b #c"'),
        (("list", 0, "y"), "yes", "plain words", '"yes"'),
        (("list", 0, "y"), "\u2028\x85", "plain words", '"\\u2028\\u0085"'),
        (("list", 0, "z"), None, "&anchor 5", "&anchor null"),
        (("block",), "s", "|\n  text\n  more\n", "s\n"),
        (("empty",), True, "empty:", "empty: true"),
        (("list", 0, "y"), "sha256:ab", "plain words", "sha256:ab"),
        (("list", 0, "y"), "12:30", "plain words", '"12:30"'),
        (("last", 0), -1.5, "[1,", "[-1.5,"),
        (("last", 0), 1e-07, "[1,", "[1.0e-07,"),
        (("last", 0), 2e22, "[1,", "[2.0e+22,"),
        (("last", 1, "k"), "", "no}", '""}'),
    ],
)
def test_one_scalar_is_replaced_and_every_other_byte_stays(
    route: tuple[str | int, ...], value: Any, old: str, new: str
) -> None:
    result = splice(TEXT, Place("f", 0, route), value)
    assert result == TEXT.replace(old, new, 1)


def test_line_ends_and_other_documents_stay() -> None:
    text = "a: 1\r\n---\r\nb: |\r\n  x\r\nc: 2 # é\r\n"
    assert splice(text, Place("f", 1, ("c",)), 3) == text.replace("c: 2", "c: 3")
    assert splice(text, Place("f", 1, ("b",)), "y") == text.replace("|\r\n  x", "y")


@pytest.mark.parametrize("route", [("list",), ("none",), (), ("list", 0), ("list", 5), ("a", "b")])
def test_a_place_without_a_scalar_is_refused(route: tuple[str | int, ...]) -> None:
    with pytest.raises(UsageError):
        splice(TEXT, Place("f", 0, route), 1)


def test_a_document_that_is_not_there_is_refused() -> None:
    with pytest.raises(UsageError):
        splice(TEXT, Place("f", 3, ("a",)), 1)
    with pytest.raises(UsageError):
        edit(TEXT, lambda document: None, index=3)


def test_a_shared_scalar_is_refused() -> None:
    with pytest.raises(ChimeraError, match="by itself"):
        splice("a: &x 1\nb: *x\n", Place("f", 0, ("a",)), 2)


@pytest.mark.parametrize("text", ["a: [1\n", "a: !x 1\n", "a: 1\na: 2\n"])
def test_what_does_not_parse_is_not_edited(text: str) -> None:
    with pytest.raises(ChimeraError, match="does not parse"):
        splice(text, Place("f", 0, ("a",)), 1)
    with pytest.raises(ChimeraError, match="does not parse"):
        edit(text, lambda document: None)


@settings(deadline=None)
@given(st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20))
def test_any_scalar_reads_back_as_it_was_meant(value: Any) -> None:
    for route in (("a",), ("list", 0, "y"), ("block",), ("empty",), ("last", 1, "k")):
        result = splice(TEXT, Place("f", 0, route), value)
        expected: Any = values(result)[0]
        for segment in route:
            expected = expected[segment]
        assert repr(expected) == repr(value)


def test_a_structural_edit_keeps_comments_quotes_and_layout() -> None:
    text = "# top\na:\n  - 'x'  # one\n  - \"y\"\nb: 1\n"
    result = edit(text, lambda document: document["a"].append("z"))
    assert result == "# top\na:\n  - 'x'  # one\n  - \"y\"\n  - z\nb: 1\n"


def test_a_structural_edit_follows_the_files_own_indentation_and_line_ends() -> None:
    text = "---\r\na:\r\n- x\r\nb:\r\n    c: 1\r\n"
    result = edit(text, lambda document: document["b"].update(d=2))
    assert result == "---\r\na:\r\n- x\r\nb:\r\n    c: 1\r\n    d: 2\r\n"


def test_a_structural_edit_touches_the_document_that_was_named() -> None:
    result = edit("a: 1\n---\nb: 1\n", lambda document: document.update(c=1), index=1)
    assert values(result) == [{"a": 1}, {"b": 1, "c": 1}]
