"""Networks: which nodes a context's agents and services are, and the ways between them.

A topology says which links a new node gets: to all (mesh), to the first node (hub_spoke), to the
one named as its parent (hierarchical), or to those that its creator names. A way leads only through
nodes that are reachable, and over as few degraded ones as can be. Refuses nodes that the topology
has no place for.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from chimera.builtin.coordination.declaring import configured, stored
from chimera.builtin.coordination.machine import Machine
from chimera.builtin.coordination.modules.context import open_context
from chimera.builtin.coordination.protocol import Governed, Id, Maybe, Part
from chimera.builtin.coordination.shelf import Call, Shelf
from chimera.kinds import Field, Items, Model, Text
from chimera.runtime import ModuleType, OperationCall, PermanentError

Status = Literal["draft", "provisioning", "active", "degraded", "maintenance", "retired"]
NodeStatus = Literal["active", "inactive", "degraded", "unreachable", "retired"]
NodeKind = Literal["agent", "service", "database", "queue", "external", "other"]
Topology = Literal["single_node", "hub_spoke", "mesh", "hierarchical", "hybrid", "other"]

STATUSES = Machine(
    "network",
    begins=("draft",),
    follows={
        "draft": ("provisioning", "active", "retired"),
        "provisioning": ("active", "degraded", "retired"),
        "active": ("degraded", "maintenance", "retired"),
        "degraded": ("active", "maintenance", "retired"),
        "maintenance": ("active", "degraded", "retired"),
        "retired": (),
    },
)
_WORKING = ("active", "inactive", "degraded", "unreachable")
NODE_STATUSES = Machine(
    "node",
    begins=_WORKING,
    follows={
        **{one: (*(two for two in _WORKING if two != one), "retired") for one in _WORKING},
        "retired": (),
    },
)
PASSABLE = {"active": 1, "degraded": 1000}
"""What it costs to go by a node: a way over active nodes is always preferred."""


class Node(Part):
    """An agent or a service."""

    node_id: Id = Field(description="Id of the node.")
    name: Maybe[str] = Field(default=None, description="What it is called.")
    kind: NodeKind = Field(description="What it is.")
    role_id: Maybe[str] = Field(default=None, description="Role that it has.")
    status: NodeStatus = Field(description="Where it stands.")


class Network(Governed):
    """Nodes, and the ways between them."""

    network_id: Id = Field(description="Id of the network.")
    context_id: Id = Field(description="Context that it is for.")
    name: Text = Field(description="What it is called.")
    description: Maybe[str] = Field(default=None, description="What it is for.")
    topology_type: Topology = Field(description="How its nodes are linked.")
    status: Status = Field(description="Where it stands.")
    nodes: Maybe[Items[Node]] = Field(default=None, description="Its nodes, in order of arrival.")


class Configuration(Model):
    """Limits of the module `network`."""

    max_nodes: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=1000, description="Nodes that one network can have."
    )


SHELF = Shelf("network", Network, "net", STATUSES)


class Named(Model):
    """Which network is meant."""

    network_id: Text = Field(description="Id or alias of the network, such as net-001.")


class Created(Model):
    """The network that is asked for."""

    context_id: Text = Field(description="Id or alias of the context that it is for.")
    name: Text = Field(description="What it is called.")
    description: str | None = Field(default=None, description="What it is for.")
    topology: Topology = Field(default="mesh", description="How its nodes are linked.")


class Moved(Named):
    """Where a network stands from now on."""

    status: Status = Field(description="Where it stands from now on.")


class Added(Named):
    """The node that is added."""

    name: Text | None = Field(
        default=None, description="What it is called; no other has this name."
    )
    kind: NodeKind = Field(default="agent", description="What it is.")
    role_id: str | None = Field(default=None, description="Role that it has.")
    status: NodeStatus = Field(default="active", description="Where it stands.")
    linked_to: Items[Text] = Field(
        default=(),
        description="Ids or names of nodes that it is linked to, where the topology leaves that "
        "open; in a hierarchy, its parent.",
    )


class NodeNamed(Named):
    """Which node of a network is meant."""

    node: Text = Field(description="Id or name of the node.")


class NodeMoved(NodeNamed):
    """Where a node stands from now on."""

    status: NodeStatus = Field(description="Where it stands from now on.")


class Routed(Named):
    """Between which nodes a way is looked for."""

    source: Text = Field(description="Id or name of the node where it begins.")
    target: Text = Field(description="Id or name of the node where it ends.")


class Query(Model):
    """Which networks are asked for."""

    context_id: Id | None = Field(default=None, description="Id of their context.")
    status: Items[Status] = Field(
        default=(), description="Statuses that are asked for; any if none."
    )
    limit: Annotated[int, Field(ge=1, le=1000)] = Field(default=100, description="Most to give.")


class Given(Model):
    """A network."""

    network_id: Id = Field(description="Id of the network.")
    alias: str = Field(description="Its alias, such as net-001.")
    status: Status = Field(description="Where it stands.")
    node_id: Id | None = Field(default=None, description="Id of the node that was added.")
    links: Items[Items[str]] = Field(description="Pairs of the ids of linked nodes, in order.")
    network: Network = Field(description="The network, as the protocol states it.")


class Way(Model):
    """The way between two nodes, if there is one."""

    reachable: bool = Field(description="Whether there is a way.")
    path: Items[str] = Field(description="Ids of the nodes on it, both ends included.")
    hops: int = Field(description="How many links it has.")
    degraded: bool = Field(description="Whether it leads by a degraded node.")


class Found(Model):
    """The networks that were found."""

    networks: Items[Network] = Field(description="The networks, in order of name.")
    count: int = Field(description="How many they are.")


def _create(call: OperationCall[Created]) -> Mapping[str, Any]:
    asked = call.inputs
    fields: dict[str, Any] = {
        "context_id": open_context(call, asked.context_id).context_id,
        "name": asked.name,
        "description": asked.description,
        "topology_type": asked.topology,
        "status": "draft",
        "nodes": [],
    }
    return _given(call, SHELF.add(call, "created", fields, links=[]))


def _get(call: OperationCall[Named]) -> Mapping[str, Any]:
    return _given(call, SHELF.get(call, call.inputs.network_id))


def _move(call: OperationCall[Moved]) -> Mapping[str, Any]:
    network = SHELF.get(call, call.inputs.network_id)
    return _given(call, SHELF.move(call, network, call.inputs.status, call.inputs.status))


def _add(call: OperationCall[Added]) -> Mapping[str, Any]:
    asked = call.inputs
    network = _standing(call, asked.network_id)
    nodes = SHELF.plain(network).get("nodes", [])
    limit = configured(call, "network", Configuration).max_nodes
    if network.topology_type == "single_node":
        limit = 1
    if len(nodes) >= limit:
        raise PermanentError(
            f"the network {SHELF.alias(call, network)} has as many nodes as it admits, {limit}",
            help="remove one, choose another topology, or raise maxNodes in the Module document",
        )
    if asked.name is not None and any(asked.name == node.get("name") for node in nodes):
        raise PermanentError(
            f"a node of this network is called {asked.name}", help="choose another name"
        )
    NODE_STATUSES.begin(asked.status)
    id = call.new_id()
    wanted = {
        "node_id": id,
        "name": asked.name,
        "kind": asked.kind,
        "role_id": asked.role_id,
        "status": asked.status,
    }
    links = [sorted((id, other)) for other in _neighbours(network, asked.linked_to)]
    known = SHELF.facts(call, network).get("links", [])
    SHELF.note(call, network, links=sorted([*known, *links]))
    node = {name: value for name, value in wanted.items() if value is not None}
    told = {"node": id}
    network = SHELF.change(call, network, "node.added", {"nodes": [*nodes, node]}, told)
    return {**_given(call, network), "nodeId": id}


def _neighbours(network: Network, named: Iterable[str]) -> list[str]:
    """Return the ids of the nodes that a new node is linked to."""
    nodes = [node.node_id for node in network.nodes or () if node.status != "retired"]
    wanted = list(dict.fromkeys(_node(network, name).node_id for name in named))
    match network.topology_type:
        case "mesh":
            return nodes
        case "hub_spoke":
            return nodes[:1]
        case "hierarchical" if nodes and len(wanted) != 1:
            raise PermanentError(
                "a node of a hierarchy is linked to one other, its parent",
                help="name the parent under linkedTo",
            )
        case _:
            return wanted


def _remove(call: OperationCall[NodeNamed]) -> Mapping[str, Any]:
    network = _standing(call, call.inputs.network_id)
    id = _node(network, call.inputs.node).node_id
    links = [link for link in SHELF.facts(call, network).get("links", []) if id not in link]
    SHELF.note(call, network, links=links)
    nodes = [node for node in SHELF.plain(network)["nodes"] if node["node_id"] != id]
    network = SHELF.change(call, network, "node.removed", {"nodes": nodes}, {"node": id})
    return _given(call, network)


def _move_node(call: OperationCall[NodeMoved]) -> Mapping[str, Any]:
    asked = call.inputs
    network = _standing(call, asked.network_id)
    node = _node(network, asked.node)
    NODE_STATUSES.move(node.status, asked.status, node.name or node.node_id)
    nodes = [
        one | ({"status": asked.status} if one["node_id"] == node.node_id else {})
        for one in SHELF.plain(network)["nodes"]
    ]
    told = {"node": node.node_id, "status": asked.status}
    network = SHELF.change(call, network, "node.moved", {"nodes": nodes}, told)
    return _given(call, network)


def _route(call: OperationCall[Routed]) -> Mapping[str, Any]:
    asked = call.inputs
    network = _standing(call, asked.network_id)
    ends = [_node(network, name).node_id for name in (asked.source, asked.target)]
    links = SHELF.facts(call, network).get("links", [])
    costs = {node.node_id: PASSABLE.get(node.status) for node in network.nodes or ()}
    path = shortest(ends[0], ends[1], links, costs)
    degraded = any(costs[id] != PASSABLE["active"] for id in path)
    return {
        "reachable": bool(path),
        "path": tuple(path),
        "hops": max(len(path) - 1, 0),
        "degraded": degraded,
    }


def shortest(
    source: str, target: str, links: Iterable[Iterable[str]], costs: Mapping[str, int | None]
) -> list[str]:
    """Return the cheapest way by Dijkstra's algorithm, or nothing where there is none.

    A node without a cost cannot be passed. Of ways that cost the same, the first by ids is taken.
    """
    beside: dict[str, list[str]] = {}
    for one, two in links:
        beside.setdefault(one, []).append(two)
        beside.setdefault(two, []).append(one)
    first = costs.get(source)
    heap = [] if first is None else [(first, [source])]
    passed: set[str] = set()
    while heap:
        cost, path = heapq.heappop(heap)
        if path[-1] == target:
            return path
        if path[-1] in passed:
            continue
        passed.add(path[-1])
        for other in beside.get(path[-1], ()):
            more = costs.get(other)
            if more is not None and other not in passed:
                heapq.heappush(heap, (cost + more, [*path, other]))
    return []


def _query(call: OperationCall[Query]) -> Mapping[str, Any]:
    asked = call.inputs
    equal = {} if asked.context_id is None else {"context_id": asked.context_id}
    found = [
        network
        for network in SHELF.find(call, **equal)
        if not asked.status or network.status in asked.status
    ]
    found.sort(key=lambda network: (network.name, network.network_id))
    return {"networks": tuple(found[: asked.limit]), "count": len(found[: asked.limit])}


def _standing(call: Call, name: str) -> Network:
    network = SHELF.get(call, name)
    if STATUSES.is_final(network.status):
        raise PermanentError(
            f"the network {SHELF.alias(call, network)} is {network.status}",
            help="create another one",
        )
    return network


def _node(network: Network, name: str) -> Node:
    for node in network.nodes or ():
        if name in {node.node_id, node.name}:
            return node
    raise PermanentError(
        f"the network {network.name} has no node {name}", help="network.get shows its nodes"
    )


def _given(call: Call, network: Network) -> Mapping[str, Any]:
    facts = SHELF.facts(call, network)
    return {
        "networkId": network.network_id,
        "alias": SHELF.alias(call, network),
        "status": network.status,
        "links": tuple(tuple(link) for link in facts.get("links", ())),
        "network": network,
    }


OPERATIONS = (
    stored("network.create", "Lay out a network.", Created, Given, _create),
    stored("network.get", "Give a network.", Named, Given, _get),
    stored("network.setStatus", "Say where a network stands.", Moved, Given, _move),
    stored("network.addNode", "Add a node with its links.", Added, Given, _add),
    stored("network.removeNode", "Remove a node with its links.", NodeNamed, Given, _remove),
    stored("network.setNodeStatus", "Say where a node stands.", NodeMoved, Given, _move_node),
    stored("network.route", "Find the way between two nodes.", Routed, Way, _route),
    stored("network.query", "Find networks.", Query, Found, _query),
)

TYPE = ModuleType(
    name="network",
    summary="Which nodes a context's agents and services are, and the ways between them.",
    configuration=Configuration,
    collections=("network", "network.facts"),
)
