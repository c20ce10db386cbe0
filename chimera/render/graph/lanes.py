"""Lanes: each layer that has documents, and for each contract those that are dormant or empty.

Contracts come in order of name, their layers in their own order, what stands in none of them last.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from chimera.workspace.graphing import Graph, Group


@dataclass(frozen=True, slots=True)
class Lane:
    """A horizontal strip with the nodes of one layer, or of none."""

    contract: str
    title: str
    detail: str
    dormant: bool
    keys: tuple[str, ...]


def lanes_of(graph: Graph) -> tuple[Lane, ...]:
    """Return the lanes of `graph`; every node is in exactly one."""
    members: dict[str | None, list[str]] = {}
    known = {group.layer for group in graph.groups}
    for node in sorted(graph.nodes, key=lambda node: (node.kind, node.key)):
        members.setdefault(node.layer if node.layer in known else None, []).append(node.key)
    lanes = list(_of_contracts(graph.groups, members))
    if None in members or not lanes:
        lanes.append(Lane("", "no layer", "", False, tuple(members.get(None, ()))))
    return tuple(lanes)


def _of_contracts(
    groups: tuple[Group, ...], members: dict[str | None, list[str]]
) -> Iterator[Lane]:
    for contract in dict.fromkeys(group.contract for group in groups):
        empty: dict[bool, list[str]] = {True: [], False: []}
        for group in (group for group in groups if group.contract == contract):
            keys = tuple(members.get(group.layer, ()))
            if keys:
                detail = f"{group.name}, dormant" if group.dormant else group.name
                yield Lane(contract, group.layer, detail, group.dormant, keys)
            else:
                empty[group.dormant].append(group.layer.partition("/")[2])
        for dormant, title in ((True, "dormant"), (False, "empty")):
            if empty[dormant]:
                names = ", ".join(empty[dormant])
                yield Lane(contract, f"{contract}: {title}", names, dormant, ())
