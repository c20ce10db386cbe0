"""Text in charts: what came with somebody's document is written out where it is not only text."""

from __future__ import annotations

from html import escape

from chimera.render.paint import harmless


def word(text: str) -> str:
    """Return text as SVG and HTML take it, without characters that hide, turn or end it."""
    return escape(harmless(text))
