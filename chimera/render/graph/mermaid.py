"""A graph as Mermaid, which GitHub draws inside Markdown.

Nothing that a document says is markup here: every character but the plainest is written as its
number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from chimera.render.graph.lanes import lanes_of
from chimera.render.graph.layout import card_lines
from chimera.render.graph.palette import FATES, HUES, fate, kind_classes
from chimera.render.paint import harmless
from chimera.workspace.graphing import Edge, Graph, Node

_PLAIN = re.compile(r"[^A-Za-z0-9 /_-]|^-")
_MOST_LABELLED = 40
"""With more edges than this, fields beside each would hide the picture."""


def graph_mermaid(graph: Graph) -> str:
    """Return `graph` as a Mermaid flowchart."""
    ids = {node.key: f"n{number}" for number, node in enumerate(graph.nodes)}
    return "\n".join(
        (
            "flowchart LR",
            *_lanes(graph, ids),
            *_edges(graph, ids),
            *_classes(graph, ids),
        )
    )


def _lanes(graph: Graph, ids: dict[str, str]) -> Iterator[str]:
    nodes = {node.key: node for node in graph.nodes}
    for number, lane in enumerate(lanes_of(graph)):
        title = f"{lane.title}: {lane.detail}" if lane.detail else lane.title
        if lane.keys:
            yield f'  subgraph g{number}["{_text(title)}"]'
            yield from (f"    {ids[key]}{_shape(nodes[key])}" for key in lane.keys)
            yield "  end"
        if lane.keys and lane.dormant:
            yield f"  class g{number} dashed"


def _shape(node: Node) -> str:
    (name, _), (said, _) = card_lines(node)
    text = f"{_text(name)}<br/>{_text(said)}"
    if node.kind == "paths":
        return f'[/"{text}"/]'
    return f'>"{text}"]' if node.record else f'["{text}"]'


def _edges(graph: Graph, ids: dict[str, str]) -> Iterator[str]:
    labelled = len(graph.edges) <= _MOST_LABELLED
    for edge in graph.edges:
        arrow = "-.->" if edge.asks else "-->"
        label = _label(edge) if labelled else ""
        yield f"  {ids[edge.source]} {arrow}{label} {ids[edge.target]}"


def _label(edge: Edge) -> str:
    return f'|"{_text(", ".join(edge.fields))}"|' if edge.fields else ""


def _classes(graph: Graph, ids: dict[str, str]) -> Iterator[str]:
    kinds = kind_classes(graph)
    members: dict[str, list[str]] = {}
    for node in graph.nodes:
        name = fate(node) if node.reach not in {None, "focus"} else kinds[node.kind]
        members.setdefault(name, []).append(ids[node.key])
        if node.reach == "focus":
            members.setdefault("focus", []).append(ids[node.key])
        if node.missing or node.dormant:
            members.setdefault("dashed", []).append(ids[node.key])
    colours = {f"k{number}": pair[0] for number, pair in enumerate(HUES)}
    colours |= {name: pair[0] for name, pair in FATES.items()}
    for name in sorted(members):
        look = f"stroke:{colours[name]},stroke-width:2px" if name in colours else ""
        if name == "affected":
            look += ",stroke-dasharray:2 2"
        yield f"  classDef {name} {look or 'stroke-dasharray:6 4'}"
        yield f"  class {','.join(members[name])} {name}"


def _text(text: str) -> str:
    return _PLAIN.sub(lambda found: f"#{ord(found[0])};", harmless(text).replace("\n", " "))
