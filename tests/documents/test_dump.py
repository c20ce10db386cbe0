"""What is written reads back as the same value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera.documents import dump, parse

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20),
    st.sampled_from(["no", "0o17", "010", "12:30", "1e3", "~", "a: b", "- x", "\n", "a\nb\n"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.from_regex(r"[a-z]{1,5}", fullmatch=True), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["spec", "kind", "name"]), VALUES, min_size=1))
def test_a_dumped_value_reads_back_as_itself(value: dict[str, object]) -> None:
    documents, diagnostics = parse("x.yaml", dump(value).encode())
    assert [d.rule for d in diagnostics if d.severity.value == "error"] == []
    assert documents[0].value == value


@pytest.mark.parametrize(
    "text", ["0o17", "no", "1e3", "12:30:45", "null", "0x1F", ".inf", "2026-01-01"]
)
def test_text_that_looks_like_something_else_stays_text(text: str) -> None:
    documents, _ = parse("x.yaml", dump({"a": text}).encode())
    assert documents[0].value == {"a": text}
