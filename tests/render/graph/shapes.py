"""Graphs of every shape, made of values: hostile names, cycles, layers, fates."""

from __future__ import annotations

import random

from hypothesis import strategies as st

from chimera.model import Action, Category
from chimera.workspace.graphing import Edge, Graph, Group, Node

HOSTILE = (
    '"]; n1 --> n2; %% "',
    "</title><script>alert(1)</script>",
    'a\\N\\"b" -> "c',
    "click n0 call alert(1)",
    "`md` **bold** <img src=x onerror=alert(1)>",
    "1. list",
    "- item",
    "\u202eright to left",
    "\x1b[31mred\x00",
    "漢字" * 30,
    "end",
    "]]>&amp;",
    "x" * 300,
)


def many(documents: int, seed: int = 7) -> Graph:
    """Return a graph of many documents with layers, a chain of kinds and some cycles."""
    chance = random.Random(seed)
    kinds = ("Waiver", "Gate", "Proof", "Policy", "Workflow", "Role")
    groups = tuple(
        Group(f"shop/{n}", "shop", f"Layer with a long name of its own {n}", n == 5)
        for n in range(1, 7)
    )
    nodes = []
    for number in range(documents):
        kind = chance.choice(kinds)
        name = f"{chance.choice(('payments', 'refund', 'ledger'))}-{'x' * (number % 40)}{number}"
        layer = chance.choice((*(g.layer for g in groups[:4]), None))
        nodes.append(Node(f"{kind}/{name}", kind, name, where=f"specs/{name}.yaml:1", layer=layer))
    edges = set()
    for _ in range(documents):
        a, b = chance.choice(nodes), chance.choice(nodes)
        if kinds.index(a.kind) < kinds.index(b.kind) or chance.random() < 0.02:
            edges.add(Edge(a.key, b.key, ("spec.field",)))
    return graph_of(nodes, edges, groups)


def graph_of(
    nodes: list[Node], edges: set[Edge] | list[Edge], groups: tuple[Group, ...] = ()
) -> Graph:
    return Graph(
        "all documents",
        tuple(sorted(nodes, key=lambda node: node.key)),
        tuple(sorted(edges, key=lambda e: (e.source, e.target, e.asks))),
        groups,
    )


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Any graph, in and out of layers, with names that nobody should have given."""
    text = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=40))
    names = draw(st.lists(text, max_size=12, unique=True))
    layers = draw(st.lists(text, max_size=3, unique=True))
    contracts = draw(st.lists(text, min_size=1, max_size=2, unique=True))
    groups = tuple(
        Group(
            f"{draw(st.sampled_from(contracts))}/{layer}", contracts[0], layer, draw(st.booleans())
        )
        for layer in layers
    )
    places = st.sampled_from([None, "elsewhere", *(group.layer for group in groups)])
    nodes = [
        Node(
            f"{kind}/{name}",
            kind,
            name,
            draw(text),
            draw(text),
            draw(places),
            (),
            draw(st.booleans()),
            draw(st.booleans()),
            draw(st.booleans()),
            draw(st.sampled_from([None, "changed", "affected", "asking", "focus"])),
            draw(st.sampled_from([None, *Action])),
            draw(st.sampled_from([None, *Category])),
            tuple(draw(st.lists(text, max_size=2))),
        )
        for name in names
        for kind in [draw(st.sampled_from(["Gate", "Proof", "paths"]))]
    ]
    keys = [node.key for node in nodes]
    pairs = draw(st.lists(st.tuples(st.sampled_from(keys), st.sampled_from(keys)))) if keys else []
    edges = {Edge(a, b, (draw(text),), draw(st.booleans())) for a, b in dict.fromkeys(pairs)}
    return graph_of(nodes, edges, groups)
