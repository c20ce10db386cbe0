"""A graph as one HTML page: the SVG, with panning, zooming, searching and following.

Works from a file without a network. The page's policy lets its own script and styles run, told by
their digests, and nothing else: no text of a document can become code.
"""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files

from chimera.render.graph.palette import STYLE
from chimera.render.graph.svg import graph_svg
from chimera.render.paint import harmless
from chimera.workspace.graphing import Graph


def graph_html(graph: Graph) -> str:
    """Return `graph` as a page that needs nothing else."""
    from html import escape

    script, style = _part("viewer.js"), _part("viewer.css")
    policy = (
        f"default-src 'none'; script-src {_digest(script)};"
        f" style-src {_digest(style)} {_digest(STYLE)}"
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(harmless(graph.title))}</title>
<style>{style}</style>
</head>
<body>
<form id="find"><input type="search" placeholder="Find a document" aria-label="Find a document"
autocomplete="off"><output></output></form>
<nav><button id="in" title="Zoom in">+</button><button id="out" title="Zoom out">&minus;</button>
<button id="fit" title="Show everything">fit</button></nav>
{graph_svg(graph)}
<script>{script}</script>
</body>
</html>"""


def _part(name: str) -> str:
    return files("chimera.render.graph").joinpath(name).read_text("utf-8")


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
