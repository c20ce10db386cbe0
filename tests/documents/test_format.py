"""Formatting changes layout and nothing that anyone wrote."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chimera.documents import format_text, parse
from chimera.documents.format import comments
from chimera.model import ChimeraError, has_errors
from tests.documents.test_parse import FIRES, SILENT, YAMLISH

UGLY = """


# top
kind:   y   # c \t
spec:
    items:
    # before the dash
    -   a: 1
        b: |   # header
              text
                more

              end
        # inside
        c:
        - x
        -   - p
            - q
    - "multi
      line"
    flow: {a: 1,
           b: [1,
       2]}
    plain: some words
      go on
    val:
          here
    keep: |2-
          explicit



  # dangling
# end
other:
- 1
-     2 \x20
---
z: 1

"""
TIDY = """\
# top
kind:   y   # c
spec:
  items:
    # before the dash
    - a: 1
      b: |   # header
        text
          more

        end
      # inside
      c:
        - x
        - - p
          - q
    - "multi
      line"
  flow: {a: 1,
         b: [1,
     2]}
  plain: some words
    go on
  val:
    here
  keep: |2-
        explicit

  # dangling
# end
other:
  - 1
  - 2
---
z: 1
"""


def test_layout_becomes_canonical() -> None:
    assert format_text(TIDY) == TIDY
    assert comments(UGLY) == comments(TIDY)
    formatted = format_text(UGLY)
    assert formatted.replace("explicit\n\n\n\n", "explicit\n\n") == TIDY


def test_line_ends_become_plain() -> None:
    assert format_text("a: 1\r\nb: |\r\n  x\r\n\r\n\r\nc: 'd\r\n\r\n  e'") == (
        "a: 1\nb: |\n  x\n\n\nc: 'd\n\n  e'\n"
    )


def test_trailing_lines_that_are_content_stay() -> None:
    assert format_text("a: |+\n  x\n\n\n") == "a: |+\n  x\n\n\n"


@pytest.mark.parametrize("text", ["a: [1\n", "- a\n", "a: !x 1\n", "\ufeffa: 1\n", "a: 1\na: 1\n"])
def test_what_does_not_parse_is_refused(text: str) -> None:
    with pytest.raises(ChimeraError):
        format_text(text)


@pytest.mark.parametrize("text", SILENT)
def test_ordinary_yaml_keeps_its_values(text: str) -> None:
    _check(text)


def _check(text: str) -> None:
    documents, diagnostics = parse("f", text.encode())
    if has_errors(diagnostics):
        return
    try:
        formatted = format_text(text)
    except ChimeraError:
        return  # only a parser of YAML 1.2 reads it
    again, _ = parse("f", formatted.encode())
    assert [repr(d.value) for d in again] == [repr(d.value) for d in documents]
    assert comments(formatted) == comments(text)
    assert format_text(formatted) == formatted


@settings(max_examples=500, deadline=None)
@given(YAMLISH)
def test_formatting_keeps_values_and_comments_and_is_stable(text: str) -> None:
    _check(text)


_LINES = st.lists(
    st.tuples(
        st.integers(0, 6),
        st.sampled_from(
            [
                "a:",
                "b:",
                "- c",
                "- d: 1",
                "-   e:",
                "# note",
                "",
                "f: 1  # g",
                "h: |",
                "text",
                "- - i",
                'j: "k',
                'l"',
                "m: [1,",
                "2]",
                "n: &x",
                "o: *x",
                "p: >-",
                "? q",
                ": r",
                "---",
                "- # s",
            ]
        ),
    ),
    max_size=12,
).map(lambda lines: "".join(" " * indent + line + "\n" for indent, line in lines))


@settings(max_examples=600, deadline=None)
@given(_LINES)
def test_any_indentation_is_formatted_safely(text: str) -> None:
    _check(text)


def test_documents_with_faults_are_never_formatted_into_something_else() -> None:
    for texts in FIRES.values():
        for text in texts:
            if isinstance(text, str) and len(text) < 1000:
                _check(text)
