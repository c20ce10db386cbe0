"""What reaches a terminal: colours that Chimera chose, and nothing that a document smuggled in."""

from __future__ import annotations

import json

import pytest

from chimera.render.paint import harmless


@pytest.mark.parametrize(
    ("hostile", "written"),
    [
        ("\x1b[2Jgone", "\\u001b[2Jgone"),
        ("\x1b[8mhidden", "\\u001b[8mhidden"),
        ("\x1b]0;title\x07", "\\u001b]0;title\\u0007"),
        ("\x9b2J", "\\u009b2J"),
        ("passed\rfailed", "passed\\rfailed"),
        ("txt\u202eyaml", "txt\\u202eyaml"),
        ("a\u2028b", "a\\u2028b"),
        ("\udcff", "\\udcff"),
    ],
)
def test_what_a_terminal_would_obey_is_written_out(hostile: str, written: str) -> None:
    assert harmless(hostile) == written


@pytest.mark.parametrize("text", ["née 漢字 🦁\n\tnext", "1\u00a0000", "\x1b[31m\x1b[1mbad\x1b[0m"])
def test_ordinary_text_and_colours_stay(text: str) -> None:
    assert harmless(text) == text


def test_json_means_the_same_afterwards() -> None:
    value = {"a\x9b": "\u202e\x1b[2J\udcff é"}
    assert json.loads(harmless(json.dumps(value, ensure_ascii=False))) == value
