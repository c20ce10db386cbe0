"""The page on threats names tests that are there: each row says what refuses an attack."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "proofs" / "README.md").read_text("utf-8")
ROWS = [
    line
    for line in PAGE.partition("## What is refused")[2].partition("\n## ")[0].splitlines()
    if line.startswith("| ") and not line.startswith("| attack")
]
NAMED = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE)


def test_every_attack_names_a_test() -> None:
    assert len(ROWS) >= 30
    for row in ROWS:
        assert re.search(r"`tests/[\w/]+\.py(::\w+)?` ?", row), row


@pytest.mark.parametrize(("path", "test"), NAMED, ids=["::".join(filter(None, n)) for n in NAMED])
def test_what_the_page_names_is_there(path: str, test: str) -> None:
    text = (ROOT / path).read_text("utf-8")
    assert f"\ndef {test}(" in text if test else "\ndef test_" in text
