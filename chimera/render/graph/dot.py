"""A graph as DOT, for Graphviz and everything else that reads it."""

from __future__ import annotations

from collections.abc import Iterator

from chimera.render.graph.lanes import lanes_of
from chimera.render.graph.layout import card_lines
from chimera.render.graph.palette import FATES, HUES, fate, kind_classes
from chimera.render.graph.svg import tooltip
from chimera.render.paint import harmless
from chimera.workspace.graphing import Graph, Node


def graph_dot(graph: Graph) -> str:
    """Return `graph` as a directed graph with a cluster for each layer."""
    return "\n".join(
        (
            f"digraph {_quoted(graph.title)} {{",
            "  rankdir=LR",
            '  node [shape=box, style=rounded, fontname="monospace"]',
            '  edge [color="#7b8794"]',
            *_clusters(graph),
            *_edges(graph),
            "}",
        )
    )


def _clusters(graph: Graph) -> Iterator[str]:
    nodes = {node.key: node for node in graph.nodes}
    kinds = kind_classes(graph)
    for number, lane in enumerate(lanes_of(graph)):
        if lane.keys:
            title = f"{lane.title}: {lane.detail}" if lane.detail else lane.title
            yield f"  subgraph cluster_{number} {{"
            yield f"    label={_quoted(title)}"
            yield f"    style={'dashed' if lane.dormant else 'rounded'}"
            yield from (f"    {_node(nodes[key], kinds)}" for key in lane.keys)
            yield "  }"


def _node(node: Node, kinds: dict[str, str]) -> str:
    lines = "\n".join(text for text, _ in card_lines(node))
    hues = HUES[int(kinds[node.kind][1:])] if node.reach in {None, "focus"} else FATES[fate(node)]
    attributes = {"label": lines, "tooltip": tooltip(node), "color": hues[0]}
    if node.record:
        attributes["shape"] = "note"
    if node.kind == "paths":
        attributes["shape"] = "folder"
    if node.missing or node.dormant or node.reach == "affected":
        attributes["style"] = "dashed"
    if node.reach in {"changed", "focus"}:
        attributes["penwidth"] = "2.5"
    said = ", ".join(f"{name}={_quoted(value)}" for name, value in attributes.items())
    return f"{_quoted(node.key)} [{said}]"


def _edges(graph: Graph) -> Iterator[str]:
    for edge in graph.edges:
        style = ", style=dashed" if edge.asks else ""
        said = f"tooltip={_quoted(', '.join(edge.fields))}{style}"
        yield f"  {_quoted(edge.source)} -> {_quoted(edge.target)} [{said}]"


def _quoted(text: str) -> str:
    """Return a quoted string; a backslash is doubled, because labels know escapes of their own."""
    text = harmless(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{text}"'
