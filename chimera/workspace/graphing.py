"""Graphs as plain values: documents, what refers to what, the layers, and what a change reaches.

Refuses to draw: where a node stands on paper, and in what colour, is for `render.graph`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeVar

from chimera.contract import LayerContractSpec
from chimera.documents import spans_of
from chimera.kinds import Document, Model, ReferenceUse, Snapshot, suggestion
from chimera.model import Action, Address, Category, Change, Placement, Target, UsageError
from chimera.workspace.judging import placements_of
from chimera.workspace.planning import PlanReport

if TYPE_CHECKING:
    from chimera.workspace.workspace import Workspace

K = TypeVar("K")

Reach = Literal["changed", "affected", "asking", "focus"]
"""Why a node is in the picture of a change, or in that of one document (`focus`)."""


@dataclass(frozen=True, slots=True)
class Node:
    """A document, a set of governed paths, or (`missing`) an address that leads nowhere.

    `key` tells it apart: an address, or `paths:GLOB,GLOB`. `layer` is where it is drawn, the layer
    that its author named if any; `layers` are all that it stands in.
    """

    key: str
    kind: str
    name: str
    summary: str = ""
    where: str = ""
    layer: str | None = None
    layers: tuple[str, ...] = ()
    record: bool = False
    dormant: bool = False
    missing: bool = False
    reach: Reach | None = None
    action: Action | None = None
    category: Category | None = None
    notes: tuple[str, ...] = ()
    """What else is to be said of it: what a change breaks, and which paths differ."""


@dataclass(frozen=True, slots=True)
class Edge:
    """`source` leans on `target`: by the fields that refer to it, or by asking something of it.

    A gate or proof `asks` something of a change without referring to what changes.
    """

    source: str
    target: str
    fields: tuple[str, ...] = ()
    asks: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """One layer of a contract."""

    layer: str
    contract: str
    name: str
    dormant: bool


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes in order of key, edges in order of their ends, layers in their contracts' order."""

    title: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    groups: tuple[Group, ...]


def graph(
    workspace: Workspace,
    address: str | None,
    depth: int,
    *,
    environment: str,
    base: str | None,
    head: str | None,
) -> Graph:
    """Return the graph of the work tree, of what is around `address`, or of a change of `base`."""
    wanted = None if address is None else Address.parse(address)
    if base is None:
        snapshot = workspace.loaded.snapshot
        return graph_all(snapshot) if wanted is None else graph_around(snapshot, wanted, depth)
    report = workspace.compare(environment, base, head)
    changed = graph_change(report)
    if wanted is None:
        return changed
    if all(node.key != str(wanted) for node in changed.nodes):
        require(report.judgement.subject.snapshot, wanted)
    return around(changed, wanted)


def graph_all(snapshot: Snapshot) -> Graph:
    """Return every document with every reference, in every layer."""
    drawing = _Drawing(snapshot)
    wanted = {*snapshot.documents, *(use.target for use in snapshot.references)}
    return drawing.graph("all documents", wanted, drawing.groups())


def graph_around(snapshot: Snapshot, address: Address, depth: int) -> Graph:
    """Return what leans on a document and what it leans on, `depth` references far.

    Raises `UsageError` where there is no such document.
    """
    require(snapshot, address)
    drawing = _Drawing(snapshot)
    leant_on = reachable(address, drawing.targets, depth)
    leaning = reachable(address, drawing.sources, depth)
    drawn = drawing.graph(str(address), {address, *leant_on, *leaning})
    return replace(
        drawn,
        nodes=tuple(replace(n, reach="focus") if n.key == str(address) else n for n in drawn.nodes),
    )


def graph_change(report: PlanReport) -> Graph:
    """Return the blast radius of a change: what it changes, reaches, and whom it concerns."""
    subject = report.judgement.subject
    drawing = _Drawing(subject.snapshot, subject.placements)
    changes = {
        item.change.target: item.change
        for item in report.plan.items
        if item.changes or item.change.category is not None
    }
    changed = [target for target in changes if isinstance(target, Address)]
    affected = {a for address in changed for a in report.affected.get(address, ())}
    asking = [touch for touch in report.touches if touch.asks and touch.target in changes]
    askers = {touch.source for touch in asking if drawing.snapshot.get(touch.source)}
    drawn = drawing.graph(
        f"what changes against {report.plan.compared_with}", {*changed, *affected, *askers}
    )
    nodes = {node.key: node for node in drawn.nodes}
    for address in askers:
        nodes[str(address)] = replace(nodes[str(address)], reach="asking")
    for address in affected:
        nodes[str(address)] = replace(nodes[str(address)], reach="affected")
    for target, change in changes.items():
        plain = nodes.get(str(target)) or _path_node(target)
        former = subject.former_paths.get(target, "") if isinstance(target, Address) else ""
        nodes[str(target)] = _changed(plain, change, former)
    questions: dict[tuple[str, str], dict[str, None]] = {}
    for touch in asking:
        if touch.source in askers and touch.source != touch.target:
            asked = questions.setdefault((str(touch.source), str(touch.target)), {})
            asked.update(dict.fromkeys(touch.asks))
    asks = [Edge(a, b, tuple(asked), asks=True) for (a, b), asked in questions.items()]
    edges = tuple(sorted((*drawn.edges, *asks), key=_order))
    return replace(drawn, nodes=tuple(nodes[key] for key in sorted(nodes)), edges=edges)


def around(graph: Graph, address: Address) -> Graph:
    """Return the part of `graph` that hangs together with `address`: nothing if it is not in it."""
    near: dict[str, set[str]] = {}
    for edge in graph.edges:
        near.setdefault(edge.source, set()).add(edge.target)
        near.setdefault(edge.target, set()).add(edge.source)
    kept = {str(address), *reachable(str(address), lambda key: near.get(key, set()))}
    nodes = tuple(node for node in graph.nodes if node.key in kept)
    homes = {node.layer for node in nodes}
    return Graph(
        f"{address}: {graph.title}",
        nodes,
        tuple(e for e in graph.edges if e.source in kept),
        tuple(g for g in graph.groups if g.layer in homes),
    )


def require(snapshot: Snapshot, address: Address) -> None:
    """Raise `UsageError`, with the nearest address, where there is no document at `address`."""
    if snapshot.get(address) is None:
        known = map(str, snapshot.documents)
        raise UsageError(
            f"there is no {address}",
            help=suggestion(str(address), known, "`chimera get` lists the documents"),
        )


def reachable(start: K, step: Callable[[K], Iterable[K]], depth: int | None = None) -> list[K]:
    """Return what `step` leads to from `start`, near ones first, at most `depth` steps far."""
    distance = {start: 0}
    queue = deque([start])
    while queue:
        key = queue.popleft()
        if depth is None or distance[key] < depth:
            for following in step(key):
                if following not in distance:
                    distance[following] = distance[key] + 1
                    queue.append(following)
    return [key for key in distance if key != start]


class _Drawing:
    """A snapshot as nodes and edges, looked at once."""

    def __init__(
        self,
        snapshot: Snapshot,
        placements: Mapping[Address, tuple[Placement, ...]] | None = None,
    ) -> None:
        self.snapshot = snapshot
        self._placements = placements_of(snapshot) if placements is None else placements
        self._uses: dict[Address, list[ReferenceUse]] = {}
        for use in snapshot.references:
            self._uses.setdefault(use.source, []).append(use)

    def targets(self, address: Address) -> Iterator[Address]:
        """Yield what a document leans on."""
        return (use.target for use in self._uses.get(address, ()))

    def sources(self, address: Address) -> Iterator[Address]:
        """Yield who leans on a document."""
        return (use.source for use in self.snapshot.referred_by(address))

    def groups(self) -> tuple[Group, ...]:
        """Return every layer of every contract."""
        return tuple(
            Group(
                f"{contract.address.name}/{layer.id}",
                contract.address.name,
                layer.name,
                layer.status == "dormant",
            )
            for contract in self.snapshot.of_model(LayerContractSpec)
            for layer in contract.spec.layers
        )

    def graph(
        self, title: str, wanted: set[Address], groups: tuple[Group, ...] | None = None
    ) -> Graph:
        """Return the graph of `wanted`, in `groups` or else the layers that they stand in."""
        known = [d for a in sorted(wanted) if (d := self.snapshot.get(a)) is not None]
        spans = spans_of(self.snapshot.tree, (d.at("kind", on_key=True) for d in known))
        nodes = [
            self._node(d, f"{d.place.path}:{spans[d.at('kind', on_key=True)].line}") for d in known
        ]
        nodes += [
            Node(str(a), a.kind, a.name, "there is no such document", missing=True)
            for a in wanted
            if self.snapshot.get(a) is None
        ]
        homes = {node.layer for node in nodes}
        return Graph(
            title,
            tuple(sorted(nodes, key=lambda node: node.key)),
            tuple(sorted(self._edges(wanted), key=_order)),
            groups or tuple(group for group in self.groups() if group.layer in homes),
        )

    def _edges(self, wanted: set[Address]) -> Iterator[Edge]:
        for source in wanted:
            fields: dict[Address, dict[str, None]] = {}
            for use in self._uses.get(source, ()):
                if use.target in wanted:
                    fields.setdefault(use.target, {})[_field(use)] = None
            yield from (Edge(str(source), str(t), tuple(named)) for t, named in fields.items())

    def _node(self, document: Document[Model], where: str) -> Node:
        placed = self._placements.get(document.address, ())
        layers = tuple(p.layer for p in placed)
        asserted = [layer for layer in document.metadata.layers if layer in layers]
        return Node(
            str(document.address),
            document.kind.name,
            document.address.name,
            document.metadata.description or document.kind.summary,
            where,
            (*asserted, *layers, None)[0],
            layers,
            document.kind.record,
            any(p.dormant for p in placed),
        )


def _field(use: ReferenceUse) -> str:
    """Return the field of a reference, as its author names it, without positions in lists."""
    names = [segment for segment in use.place.route if isinstance(segment, str)]
    return ".".join(names[1:] if names[:1] == ["spec"] else names)


def _path_node(target: Target) -> Node:
    """Return the node of what no document of the snapshot is: governed paths, or one deleted."""
    if isinstance(target, Address):
        return Node(str(target), target.kind, target.name)
    return Node(str(target), "paths", ", ".join(target.globs), "governed paths")


def _changed(node: Node, change: Change, former_path: str) -> Node:
    notes = (*(f"breaks: {b}" for b in change.breaks), *change.paths)
    gone = change.action is Action.DELETE
    return replace(
        node,
        reach="changed",
        action=change.action,
        category=change.category,
        summary="deleted" if gone else node.summary,
        where=node.where or former_path,
        missing=False,
        notes=notes,
    )


def _order(edge: Edge) -> tuple[str, str, bool]:
    return edge.source, edge.target, edge.asks
