"""Where everything stands: a lane for each layer, columns by reference, one card for each node.

All cards stand on one grid, so that the gutters between columns and the gaps between rows are free
for edges, and no label can meet another. Refuses colours and formats.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from chimera.render.graph.lanes import Lane, lanes_of
from chimera.render.graph.measure import ADVANCE, LEADING, Box, Label, cells, shortened, wrapped
from chimera.render.graph.ranks import Links, links, ordered, ranks
from chimera.workspace.graphing import Graph, Node

MARGIN = 24.0
HEAD = 64.0
"""Room for the title above the lanes."""
LANE_LABEL = 196.0
PADDING = 12.0
CARD_HEIGHT = 38.0
NAME, SMALL = 11.5, 9.0
_GAP = 12.0
_TRACK = 5.0
_BETWEEN_LANES, _BETWEEN_CONTRACTS = 6.0, 14.0
_GUTTER, _WIDEST_GUTTER = 52.0, 132.0
_MOST_CELLS, _FEWEST_CELLS = 32, 14
_INSET = 12.0
"""From the left edge of a card to its text."""
_ASPECT = 1.5
_STACKS = (8, 10, 13, 17, 22, 29, 38, 50, 66, 87, 115)


@dataclass(frozen=True, slots=True)
class Card:
    """A node on the paper, with its two lines of text."""

    node: Node
    box: Box
    row: int
    column: int
    labels: tuple[Label, ...]


@dataclass(frozen=True, slots=True)
class Band:
    """A lane on the paper."""

    lane: Lane
    box: Box
    labels: tuple[Label, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """Cards and bands, and where edges may run.

    `columns` holds the left and right edge of each column; `tracks` the height at which edges that
    pass other columns on their way to a node run, by its key.
    """

    graph: Graph
    width: float
    height: float
    bands: tuple[Band, ...]
    cards: Mapping[str, Card]
    columns: tuple[tuple[float, float], ...]
    tracks: Mapping[str, float]


Cell = tuple[int, int, int]
"""Lane, row in the lane, column."""


def lay_out(graph: Graph) -> Layout:
    """Return where everything in `graph` stands; the same graph is always laid out the same."""
    lanes = lanes_of(graph)
    grid = _grid(graph, lanes)
    by_key = {node.key: node for node in graph.nodes}
    columns = _columns(graph, grid, by_key)
    passed = _passed(graph, grid)
    returns = any(grid[edge.target][2] <= grid[edge.source][2] for edge in graph.edges)
    width = columns[-1][1] + PADDING + MARGIN + (_GUTTER if returns else 0)
    bands: list[Band] = []
    cards: dict[str, Card] = {}
    tracks: dict[str, float] = {}
    y = HEAD
    contract = lanes[0].contract
    for number, lane in enumerate(lanes):
        if lane.contract != contract:
            contract = lane.contract
            y += _BETWEEN_CONTRACTS
        rows = _rows(grid, number)
        top, y = y, y + PADDING
        for row, keys in enumerate(rows):
            aimed = [key for key in keys if key in passed]
            y += _TRACK * max(0, len(aimed) - 1) + (_GAP if row else 0)
            for index, key in enumerate(aimed):
                tracks[key] = y - 6 - _TRACK * index
            for key in keys:
                column = grid[key][2]
                left, right = columns[column]
                box = Box(left, y, right - left, CARD_HEIGHT)
                cards[key] = Card(by_key[key], box, row, column, _card_labels(by_key[key], box))
            y += CARD_HEIGHT
        labels = tuple(_lane_labels(lane, top))
        y = max(y + PADDING if rows else y, max(label.box.bottom for label in labels) + 6)
        bands.append(Band(lane, Box(MARGIN, top, width - 2 * MARGIN, y - top), labels))
        y += _BETWEEN_LANES
    return Layout(graph, width, y, tuple(bands), cards, columns, tracks)


def _grid(graph: Graph, lanes: Sequence[Lane]) -> dict[str, Cell]:
    """Return the lane, row and column of each node, in the shape that suits a screen best."""
    forth, back = links(graph)
    lane = {key: number for number, found in enumerate(lanes) for key in found.keys}
    linked = ordered(ranks(forth, back), lane, forth, back)
    alone = [[key for key in found.keys if not forth[key] and not back[key]] for found in lanes]
    shapes = (_stacked(linked, alone, most) for most in _STACKS)
    return min(shapes, key=lambda grid: _strain(grid, len(lanes), forth))


def _strain(grid: Mapping[str, Cell], lanes: int, forth: Links) -> float:
    """Return how far a shape is from that of a screen, and its links from being short."""
    deepest: dict[int, int] = {}
    for lane, row, _ in grid.values():
        deepest[lane] = max(deepest.get(lane, 0), row + 1)
    across = 1 + max((column for _, _, column in grid.values()), default=0)
    height = sum(deepest.values()) * (CARD_HEIGHT + _GAP) + lanes * 2 * PADDING
    width = LANE_LABEL + across * 250
    spans = [abs(grid[b][2] - grid[a][2] - 1) for a, found in forth.items() for b in found]
    long = sum(spans) / len(spans) if spans else 0.0
    return abs(math.log(width / max(height, 1) / _ASPECT)) + math.log1p(long)


def _stacked(
    linked: Mapping[tuple[int, int], Sequence[str]], alone: Sequence[Sequence[str]], most: int
) -> dict[str, Cell]:
    """Return the grid in which no column of a lane holds more than about `most` linked nodes.

    What has no link fills the cells that are left.
    """
    parts: dict[int, int] = {}
    for (_, rank), keys in linked.items():
        parts[rank] = max(parts.get(rank, 1), math.ceil(len(keys) / most))
    first, across = {}, 0
    for rank in sorted(parts):
        first[rank] = across
        across += parts[rank]
    across = max(across, 1, *(math.ceil(len(keys) / most) for keys in alone))
    grid: dict[str, Cell] = {}
    for (lane, rank), keys in linked.items():
        rows = math.ceil(len(keys) / parts[rank])
        for index, key in enumerate(keys):
            grid[key] = (lane, index % rows, first[rank] + index // rows)
    taken = set(grid.values())
    for lane, keys in enumerate(alone):
        places = ((lane, row, column) for row in count() for column in range(across))
        free = (cell for cell in places if cell not in taken)
        grid.update(zip(keys, free, strict=False))
    return grid


def _rows(grid: Mapping[str, Cell], lane: int) -> list[list[str]]:
    """Return the nodes of a lane row by row, each from left to right."""
    rows: dict[int, list[str]] = {}
    for key, (_, row, _) in sorted(
        ((k, cell) for k, cell in grid.items() if cell[0] == lane), key=lambda item: item[1]
    ):
        rows.setdefault(row, []).append(key)
    return [rows.get(row, []) for row in range(max(rows, default=-1) + 1)]


def _columns(
    graph: Graph, grid: Mapping[str, Cell], by_key: Mapping[str, Node]
) -> tuple[tuple[float, float], ...]:
    """Return the left and right edge of each column: wide cards, and gutters for their edges."""
    across = 1 + max((column for _, _, column in grid.values()), default=0)
    wide = [0.0] * across
    busy = [0] * across
    for key, (_, _, column) in grid.items():
        wide[column] = max(wide[column], *map(_line_width, card_lines(by_key[key])))
    for edge in graph.edges:
        for key in (edge.source, edge.target):
            busy[max(0, grid[key][2] - (key == edge.target))] += 1
    found, x = [], MARGIN + LANE_LABEL
    for width, edges in zip(wide, busy, strict=True):
        found.append((x, x + width))
        x += width + min(_WIDEST_GUTTER, _GUTTER + 3 * edges)
    return tuple(found)


def _passed(graph: Graph, grid: Mapping[str, Cell]) -> frozenset[str]:
    """Return the nodes that an edge comes to from further than the column before."""
    return frozenset(e.target for e in graph.edges if grid[e.target][2] != grid[e.source][2] + 1)


def card_lines(node: Node) -> tuple[tuple[str, float], ...]:
    """Return the two lines of a card with their sizes: the name, and what is to be said of it."""
    said = [node.kind]
    if node.missing:
        said.append("missing")
    if node.dormant:
        said.append("dormant")
    if node.action is not None:
        said.append(node.action.value)
    if node.category is not None:
        said.append(node.category.value)
    if node.reach == "affected":
        said.append("reached")
    if node.reach == "asking":
        said.append("concerned")
    return (shortened(node.name, _MOST_CELLS), NAME), (" · ".join(said), SMALL)


def _line_width(line: tuple[str, float]) -> float:
    text, size = line
    return max(cells(text), _FEWEST_CELLS) * size * ADVANCE + 2 * _INSET


def _card_labels(node: Node, box: Box) -> tuple[Label, ...]:
    (name, size), (said, small) = card_lines(node)
    return (
        Label(name, box.x + _INSET, box.y + 16, size, "name"),
        Label(said, box.x + _INSET, box.y + 30, small, "said"),
    )


def _lane_labels(lane: Lane, top: float) -> Iterable[Label]:
    most = int((LANE_LABEL - 2 * PADDING) / (10 * ADVANCE))
    x, y = MARGIN + PADDING, top + 18
    yield Label(shortened(lane.title, most), x, y, 10, "lanename")
    for line in _lane_details(lane):
        y += 10 * LEADING
        yield Label(line, x, y, SMALL, "detail")


def _lane_details(lane: Lane) -> Iterator[str]:
    most = int((LANE_LABEL - 2 * PADDING) / (SMALL * ADVANCE))
    yield from wrapped(lane.detail, most, 3 if lane.keys else 6) if lane.detail else ()
