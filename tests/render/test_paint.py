"""What reaches a terminal: colours that Chimera chose, and nothing that a document smuggled in."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera.render.paint import Brush, Style, count, harmless, muted, plain, table


@pytest.mark.parametrize(
    ("hostile", "written"),
    [
        ("\x1b[2Jgone", "\\u001b[2Jgone"),
        ("\x1b[8mhidden", "\\u001b[8mhidden"),
        ("\x1b[32mpassed\x1b[0m", "\\u001b[32mpassed\\u001b[0m"),
        ("\x1b]0;title\x07", "\\u001b]0;title\\u0007"),
        ("\x9b2J", "\\u009b2J"),
        ("passed\rfailed", "passed\\rfailed"),
        ("txt\u202eyaml", "txt\\u202eyaml"),
        ("a\u2028b", "a\\u2028b"),
        ("\udcff", "\\udcff"),
        ("\0000\0", "\\u00000\\u0000"),
    ],
)
def test_what_a_terminal_would_obey_is_written_out(hostile: str, written: str) -> None:
    assert harmless(hostile) == written
    assert Brush(plain).finish(hostile) == written


@pytest.mark.parametrize("text", ["née 漢字 🦁\n\tnext", "1\u00a0000"])
def test_ordinary_text_stays(text: str) -> None:
    assert harmless(text) == text


def test_json_means_the_same_afterwards() -> None:
    value = {"a\x9b": "\u202e\x1b[2J\udcff é"}
    assert json.loads(harmless(json.dumps(value, ensure_ascii=False))) == value


@pytest.mark.parametrize(
    ("hostile", "written"),
    [
        ("::error::x", "\\u003a:error::x"),
        ("a\n  ::stop-commands::x", "a\n  \\u003a:stop-commands::x"),
        ("a\n\u00a0::debug::x", "a\n\u00a0\\u003a:debug::x"),
        ("x ##[add-mask]y", "x ##\\u005badd-mask]y"),
    ],
)
def test_what_a_runner_would_obey_is_written_out(hostile: str, written: str) -> None:
    assert muted(hostile) == written
    assert muted(written) == written


def test_ordinary_text_means_nothing_to_a_runner() -> None:
    text = "a::b, c :: d\n# [x]\n:e"
    assert muted(text) == text


def red(text: str, style: Style) -> str:
    return f"\x1b[31m{text}\x1b[0m"


def test_what_was_painted_has_colour_and_what_came_coloured_has_none() -> None:
    brush = Brush(red)
    text = brush("bad", "bad") + " \x1b[31mforged\x1b[0m " + brush("x\x1b[2J", "bad")
    assert brush.finish(text) == (
        "\x1b[31mbad\x1b[0m \\u001b[31mforged\\u001b[0m \x1b[31mx\\u001b[2J\x1b[0m"
    )


@given(st.lists(st.tuples(st.text(), st.booleans())))
def test_nothing_but_paint_commands_the_terminal(pieces: list[tuple[str, bool]]) -> None:
    brush = Brush(red)
    text = "".join(brush(piece, "bad") if painted else piece for piece, painted in pieces)
    shown = brush.finish(text).replace("\x1b[31m", "").replace("\x1b[0m", "")
    assert all(c.isprintable() or c in "\n\t" or c.isspace() for c in shown)
    assert "\x1b" not in shown
    assert "\r" not in shown


@pytest.mark.parametrize(
    ("number", "noun", "text"),
    [
        (0, "error", "0 errors"),
        (1, "error", "1 error"),
        (2, "repository", "2 repositories"),
        (2, "day", "2 days"),
        (1, "repository", "1 repository"),
    ],
)
def test_things_are_counted_in_english(number: int, noun: str, text: str) -> None:
    assert count(number, noun) == text


def test_a_table_is_aligned_by_what_is_seen_and_cuts_nothing() -> None:
    long = "x" * 300
    brush = Brush(red)
    shown = brush.finish(table([("a", "1"), (long, "2")], ("NAME", "N"), brush))
    lines = shown.splitlines()
    assert lines[0].startswith("\x1b[31mNAME\x1b[0m" + " " * 298)
    assert lines[2] == f"{long}  2"
    assert all(line == line.rstrip() for line in lines)
