"""Nothing is drawn over anything else, whatever the graph."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given

from chimera.render.graph.layout import MARGIN, lay_out
from chimera.render.graph.measure import Box, Label, cells, shortened, wrapped
from chimera.render.graph.ranks import links, ranks
from chimera.render.graph.routing import routed
from chimera.render.graph.svg import labels
from chimera.workspace.graphing import Edge, Graph, Node
from tests.render.graph.shapes import graph_of, graphs, many


def overlapping(boxes: list[tuple[str, Box]]) -> list[tuple[str, str]]:
    """Return the pairs that overlap, by a sweep from the top."""
    found = []
    open_: list[tuple[str, Box]] = []
    for name, box in sorted(boxes, key=lambda item: item[1].y):
        open_ = [other for other in open_ if other[1].bottom > box.y + 1e-6]
        found += [
            (name, other) for other, b in open_ if b.x < box.right - 1e-6 and box.x < b.right - 1e-6
        ]
        open_.append((name, box))
    return found


def assert_apart(graph: Graph) -> None:
    layout = lay_out(graph)
    every = list(labels(graph))
    assert overlapping([(label.text, label.box) for label in every if label.text]) == []
    assert overlapping([(key, card.box) for key, card in layout.cards.items()]) == []
    for label in every:
        assert label.box.x >= MARGIN
        assert label.box.right <= layout.width
    for card in layout.cards.values():
        for label in card.labels:
            assert label.box.right <= card.box.right
            assert card.box.y <= label.box.y
            assert label.box.bottom <= card.box.bottom
        inside = [band for band in layout.bands if card.node.key in band.lane.keys]
        assert len(inside) == 1
        assert inside[0].box.y <= card.box.y
        assert card.box.bottom <= inside[0].box.bottom
        assert card.box.right <= inside[0].box.right
    for above, below in pairwise(layout.bands):
        assert above.box.bottom <= below.box.y


@given(graphs())
def test_no_two_labels_meet(graph: Graph) -> None:
    assert_apart(graph)


@pytest.mark.parametrize("documents", [500, 5000])
def test_no_two_labels_of_many_documents_meet(documents: int) -> None:
    assert_apart(many(documents))


@given(graphs())
def test_every_document_is_drawn_once_and_every_reference(graph: Graph) -> None:
    layout = lay_out(graph)
    assert sorted(layout.cards) == [node.key for node in graph.nodes]
    assert [curve.edge for curve in routed(layout)] == list(graph.edges)


def points(graph: Graph) -> list[tuple[Edge, tuple[float, float]]]:
    """Return points all along every edge."""
    found = []
    for curve in routed(lay_out(graph)):
        here = curve.start
        for step in curve.steps:
            bends = (here, *step) if len(step) == 3 else (here, here, step[0], step[0])
            for part in range(1, 20):
                t = part / 20
                weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3)
                pairs = list(zip(weights, bends, strict=True))
                found.append(
                    (curve.edge, (sum(w * p[0] for w, p in pairs), sum(w * p[1] for w, p in pairs)))
                )
            here = step[-1]
    return found


@pytest.mark.parametrize("seed", range(3))
def test_no_edge_runs_behind_a_card(seed: int) -> None:
    graph = many(120, seed)
    boxes = [card.box for card in lay_out(graph).cards.values()]
    for edge, (x, y) in points(graph):
        behind = [b for b in boxes if b.x < x < b.right and b.y < y < b.bottom]
        assert behind == [], edge


@given(graphs())
def test_who_leans_on_something_stands_left_of_it_unless_they_lean_on_each_other(
    graph: Graph,
) -> None:
    forth, back = links(graph)
    rank = ranks(forth, back)
    backwards = {(a, b) for a in forth for b in forth[a] if rank[a] >= rank[b]}
    left = {a: [b for b in forth[a] if (a, b) not in backwards] for a in forth}
    for a, b in backwards:
        assert a in reached(b, forth), "only a cycle leads back"
        assert b not in left[a]


def reached(start: str, forth: dict[str, list[str]]) -> set[str]:
    found, queue = {start}, [start]
    for key in queue:
        fresh = [k for k in forth[key] if k not in found]
        found.update(fresh)
        queue += fresh
    return found


def test_a_chain_longer_than_the_stack_is_laid_out() -> None:
    nodes = [Node(f"Gate/g{n:05}", "Gate", f"g{n:05}") for n in range(3000)]
    edges = [Edge(a.key, b.key) for a, b in pairwise(nodes)]
    layout = lay_out(graph_of(nodes, edges))
    columns = [layout.cards[node.key].column for node in nodes]
    assert columns == sorted(columns)


def test_an_empty_graph_is_an_empty_picture() -> None:
    assert lay_out(graph_of([], [])).cards == {}


@pytest.mark.parametrize(
    ("text", "most", "expected"),
    [
        ("short", 10, "short"),
        ("changelog-can-be-undone", 12, "chang…undone"),
        ("漢字漢字漢字", 7, "漢…字"),
        ("", 3, ""),
    ],
)
def test_a_long_text_keeps_both_its_ends(text: str, most: int, expected: str) -> None:
    assert shortened(text, most) == expected
    assert cells(shortened(text, most)) <= most


def test_a_text_is_wrapped_at_its_blanks() -> None:
    assert wrapped("one two three four five", 9, 2) == ["one two", "three …"]


def test_a_label_is_bounded_by_the_widest_of_fixed_width_faces() -> None:
    assert Label("abc", 10, 20, 10, "name").box == Box(10, 10, pytest.approx(18.3), 13)
