"""The legend: what the colours and shapes that a picture uses mean, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from chimera.render.graph.layout import MARGIN, Layout
from chimera.render.graph.measure import Box, Label, shortened
from chimera.render.graph.palette import fate

_MEANINGS = {
    "breaking": "changed: breaking",
    "compatible": "changed: compatible",
    "cosmetic": "changed: cosmetic",
    "changed": "changed",
    "affected": "reached by the change",
    "asking": "asks something of it",
}
_SIZE = 10.0
_LINE = 22.0
_MOST_CELLS = 40


@dataclass(frozen=True, slots=True)
class Entry:
    """A sample and what it means."""

    style: str
    shape: str
    line: str
    sheet: bool
    box: Box
    label: Label


def legend(layout: Layout, kinds: dict[str, str]) -> tuple[Entry, ...]:
    """Return the entries below the lanes, in as many lines as they need."""
    found = []
    x, y = MARGIN, layout.height + 14
    for style, shape, line, meaning in _samples(layout, kinds):
        width = 34.0 if line else 18.0
        text = shortened(meaning, _MOST_CELLS)
        label = Label(text, x + width + 6, y + 10, _SIZE, "detail")
        if label.box.right > layout.width - MARGIN and x > MARGIN:
            x, y = MARGIN, y + _LINE
            label = Label(text, x + width + 6, y + 10, _SIZE, "detail")
        box = Box(x, y, width, 13)
        found.append(Entry(style, shape, line, shape == "sheet", box, label))
        x = label.box.right + 18
    return tuple(found)


def _samples(layout: Layout, kinds: dict[str, str]) -> Iterator[tuple[str, str, str, str]]:
    """Yield the class of the group, of the sample, of a line if it is one, and the meaning."""
    nodes = layout.graph.nodes
    fates = [fate(node) for node in nodes if node.reach not in {None, "focus"}]
    for name, meaning in _MEANINGS.items():
        if name in fates:
            yield f"fated {name}", "box", "", meaning
    if not fates:
        for kind, style in kinds.items():
            yield f"swatch {style}", "chip", "", kind
    if any(node.record for node in nodes):
        yield "card", "sheet", "", "record"
    if any(node.missing for node in nodes):
        yield "card missing", "box", "", "missing"
    if any(band.lane.dormant for band in layout.bands):
        yield "", "lane dormant", "", "dormant layer"
    if any(not edge.asks for edge in layout.graph.edges):
        yield "", "", "edge k5", "refers to"
    if any(edge.asks for edge in layout.graph.edges):
        yield "", "", "edge asking asks", "asks something of"
