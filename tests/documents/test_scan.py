"""The quick looks that spare most files an exact one, and let nothing through that it finds."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from yaml import YAMLError

from chimera.documents import scan
from chimera.documents.parse import _load

TELLING = st.text(alphabet="-+._ \t\n\r:?[]{},#!&<=yYeEsSnNoOfFxXbBi0179a'é", max_size=30)


@given(TELLING)
@example("- - -0x1")
@example("a: [1, -.5]")
@example("? no\n: YES")
@example("a:\t1_000")
@example("on")
@settings(max_examples=2000)
def test_the_coarse_look_suspects_whatever_the_exact_expression_suspects(text: str) -> None:
    decoded = scan.decode("f", text.encode())
    assert isinstance(decoded, scan.Decoded)
    assert decoded.is_suspect() is (scan._SUSPECT.search("\n" + decoded.text) is not None)


@given(st.text(alphabet="-+._ \t\n:[]{},#!&<=ynexab019'\"", max_size=16))
@example("{'a':1_0}")
@example("[a, 'b':01]")
@example("{[a]:.5n}")
@example("a: {b: c}\n? d\n:  0x1")
@settings(max_examples=1000)
def test_whatever_the_exact_look_finds_is_suspected(text: str) -> None:
    """What it finds in no file but a suspected one is a key that is not text."""
    decoded = scan.decode("f", text.encode())
    assert isinstance(decoded, scan.Decoded)
    try:
        values, found = _load(decoded.text), scan.examine("f", decoded.text)
    except (ValueError, YAMLError, scan.TooDeepError):
        return
    told = any(fault.rule != "yaml-key-not-text" for fault in found.diagnostics)
    differs = repr(_load(found.text, keep_first=True)) != repr(values)
    assert decoded.is_suspect() or not (told or found.merging or differs)


@pytest.mark.parametrize("value", ["'2026-11-21T11:40:00Z'", "2026-11-21T11:40:00Z", "sha256:9e0"])
def test_times_and_digests_are_not_suspected(value: str) -> None:
    for text in (f"at: {value}\n", f"a: {{at: {value}, by: Ann}}\n", f"- {value}\n"):
        decoded = scan.decode("f", text.encode())
        assert isinstance(decoded, scan.Decoded)
        assert not decoded.is_suspect()


@given(st.lists(st.integers(0, 3 * scan.MAX_INDENT), max_size=6), st.sampled_from(["\n", "\r\n"]))
@example([scan.MAX_INDENT], "\n")
@example([1, scan.MAX_INDENT + 1, 1], "\n")
def test_no_long_line_is_missed(lengths: list[int], end: str) -> None:
    text = end.join("x" * length for length in lengths) + "\n"
    if any(length > scan.MAX_INDENT for length in lengths):
        assert scan._has_long_line(text)


def test_short_lines_are_not_looked_through() -> None:
    assert not scan._has_long_line(("x" * (scan.MAX_INDENT - 1) + "\n") * 50)
