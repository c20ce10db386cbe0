"""A graph as a person on a terminal reads it: trees of what leans on what. And as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from chimera.model import Action
from chimera.render.graph.lanes import Lane, lanes_of
from chimera.render.paint import Paint, Style, count, plain
from chimera.render.plan import some_of
from chimera.workspace.graphing import Edge, Graph, Node

_DEEPEST = 40
_MOST = 8
"""Lines that are shown of what a change breaks and which paths differ."""
_SIGNS: dict[Action | None, tuple[str, Style]] = {
    Action.CREATE: ("+", "good"),
    Action.UPDATE: ("~", "warn"),
    Action.DELETE: ("-", "bad"),
}
Ends = Mapping[str, list[tuple[str, Edge]]]


def graph_text(graph: Graph, paint: Paint = plain) -> str:
    """Return what is most asked of `graph`: of a change its reach, of a document its neighbours."""
    if not graph.nodes:
        return f"{graph.title}: nothing"
    forth, back = _ends(graph)
    focus = [node for node in graph.nodes if node.reach == "focus"]
    changed = [node for node in graph.nodes if node.reach == "changed"]
    if focus:
        lines = _neighbours(focus[0], forth, back, paint)
    elif changed or graph.nodes[0].reach:
        lines = _reach(graph, changed, back, paint)
    else:
        lines = _overview(graph, forth, paint)
    return "\n".join(lines)


def _ends(graph: Graph) -> tuple[Ends, Ends]:
    forth: dict[str, list[tuple[str, Edge]]] = {node.key: [] for node in graph.nodes}
    back: dict[str, list[tuple[str, Edge]]] = {node.key: [] for node in graph.nodes}
    for edge in graph.edges:
        forth[edge.source].append((edge.target, edge))
        back[edge.target].append((edge.source, edge))
    return forth, back


def _overview(graph: Graph, forth: Ends, paint: Paint) -> Iterator[str]:
    nodes = {node.key: node for node in graph.nodes}
    for lane in lanes_of(graph):
        yield paint(_heading(lane), "bold")
        for key in lane.keys:
            yield f"  {key}{_standing(nodes[key])}"
            yield from (f"    -> {target}{_why(edge)}" for target, edge in forth[key])
    documents = sum(not node.missing for node in graph.nodes)
    yield f"{count(documents, 'document')}, {count(len(graph.edges), 'reference')}"


def _heading(lane: Lane) -> str:
    return f"{lane.title}: {lane.detail}" if lane.detail else lane.title


def _neighbours(focus: Node, forth: Ends, back: Ends, paint: Paint) -> Iterator[str]:
    layers = f" [{', '.join(focus.layers)}]" if focus.layers else ""
    yield f"{paint(focus.key, 'bold')}{layers}  {focus.where}"
    for heading, ends in (("leans on", forth), ("is leaned on by", back)):
        yield f"{heading}:" if ends[focus.key] else f"{heading} nothing"
        yield from _tree(focus.key, ends)


def _reach(graph: Graph, changed: list[Node], back: Ends, paint: Paint) -> Iterator[str]:
    yield graph.title
    for node in changed:
        sign, style = _SIGNS.get(node.action, (" ", "dim"))
        category = f" ({node.category.value})" if node.category else ""
        action = node.action.value if node.action else ""
        where = f"  {node.where}" if node.where else ""
        yield f"{paint(sign, style)} {paint(action, style)} {node.key}{category}{where}"
        yield from (f"      {note}" for note in node.notes[:_MOST])
        if len(node.notes) > _MOST:
            yield f"      and {len(node.notes) - _MOST} more"
        yield from _tree(node.key, back)
    reached = sum(node.reach == "affected" for node in graph.nodes)
    yield f"{len(changed)} changed, {reached} reached downstream"


def _tree(start: str, ends: Ends) -> Iterator[str]:
    """Yield what `ends` leads to, a line each; what stands above is not unfolded again."""
    seen = {start}
    stack = [(key, edge, "  ", last) for key, edge, last in _unfolded(start, ends)]
    while stack:
        key, edge, indent, last = stack.pop()
        folded = key in seen and bool(ends[key])
        yield f"{indent}{'`-' if last else '|-'} {key}{_why(edge)}{' ...' if folded else ''}"
        if key not in seen and len(indent) < 3 * _DEEPEST:
            seen.add(key)
            below = indent + ("   " if last else "|  ")
            stack += ((k, e, below, is_last) for k, e, is_last in _unfolded(key, ends))


def _unfolded(key: str, ends: Ends) -> Iterator[tuple[str, Edge, bool]]:
    """Yield what stands below `key`, the last first, as a stack wants it."""
    found = ends[key]
    return ((k, edge, index == 0) for index, (k, edge) in enumerate(reversed(found)))


def _why(edge: Edge) -> str:
    said = some_of(edge.fields)
    return (f" (asks {said})" if edge.asks else f" ({said})") if said else ""


def _standing(node: Node) -> str:
    words = [w for w, holds in (("missing", node.missing), ("dormant", node.dormant)) if holds]
    return f" ({', '.join(words)})" if words else ""


def graph_json(graph: Graph) -> dict[str, Any]:
    """Return `graph` as JSON."""
    return {
        "format": "chimera-graph/1",
        "title": graph.title,
        "nodes": [
            {
                "key": n.key,
                "kind": n.kind,
                "name": n.name,
                "where": n.where,
                "layers": list(n.layers),
                "record": n.record,
                "dormant": n.dormant,
                "missing": n.missing,
                "reach": n.reach,
                "action": n.action.value if n.action else None,
                "category": n.category.value if n.category else None,
                "notes": list(n.notes),
            }
            for n in graph.nodes
        ],
        "edges": [
            {"source": e.source, "target": e.target, "fields": list(e.fields), "asks": e.asks}
            for e in graph.edges
        ],
        "layers": [{"layer": g.layer, "name": g.name, "dormant": g.dormant} for g in graph.groups],
    }
