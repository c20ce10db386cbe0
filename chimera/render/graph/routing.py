"""The way of each edge: curves in the gutters between columns, straight lines between rows.

So no edge runs behind a card. Edges to one node that come from afar share one track, like a bus.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from chimera.render.graph.layout import Layout
from chimera.workspace.graphing import Edge

Point = tuple[float, float]
_BULGE = 34.0
_HEAD = 5.0
"""Room before a card for the head of the arrow."""


@dataclass(frozen=True, slots=True)
class Curve:
    """An edge on the paper: a start, then straight lines (one point) and curves (three points)."""

    edge: Edge
    start: Point
    steps: tuple[tuple[Point, ...], ...]


def routed(layout: Layout) -> Iterator[Curve]:
    """Yield the way of every edge, in the edges' order."""
    for edge in layout.graph.edges:
        source, target = layout.cards[edge.source], layout.cards[edge.target]
        start = (source.box.right, source.box.middle)
        if target.column == source.column + 1:
            end = (target.box.x - _HEAD, target.box.middle)
            yield Curve(edge, start, (_across(start, end),))
        elif target.column > source.column:
            yield Curve(edge, start, _onwards(layout, edge, start))
        else:
            yield Curve(edge, start, _backwards(layout, edge, start))


def _onwards(layout: Layout, edge: Edge, start: Point) -> tuple[tuple[Point, ...], ...]:
    source, target = layout.cards[edge.source], layout.cards[edge.target]
    track = layout.tracks[edge.target]
    on = (layout.columns[source.column + 1][0], track)
    off = (layout.columns[target.column - 1][1], track)
    end = (target.box.x - _HEAD, target.box.middle)
    return (_across(start, on), (off,), _across(off, end))


def _backwards(layout: Layout, edge: Edge, start: Point) -> tuple[tuple[Point, ...], ...]:
    """Return the way round: a node is entered from its right where a cycle leads back to it."""
    source, target = layout.cards[edge.source], layout.cards[edge.target]
    end = (target.box.right + _HEAD, target.box.middle)
    if source.column == target.column:
        return (_around(start, end),)
    track = layout.tracks[edge.target]
    on, off = (start[0], track), (layout.columns[target.column + 1][0], track)
    return (_around(start, on), (off,), _across(off, end))


def _across(start: Point, end: Point) -> tuple[Point, ...]:
    half = (start[0] + end[0]) / 2
    return ((half, start[1]), (half, end[1]), end)


def _around(start: Point, end: Point) -> tuple[Point, ...]:
    far = max(start[0], end[0]) + _BULGE
    return ((far, start[1]), (far, end[1]), end)
