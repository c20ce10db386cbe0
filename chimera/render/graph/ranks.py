"""Which column a node stands in and in which order: layered drawing, as Sugiyama et al. (1981).

What leans on something stands to the left of it: columns are longest paths, with the references
that close a cycle left out. Order within a column follows the barycentres of neighbours. Refuses to
know sizes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chimera.workspace.graphing import Graph

Links = Mapping[str, Sequence[str]]
_SWEEPS = 6


def links(graph: Graph) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Return what each node leans on, and who leans on each, in order and without itself."""
    forth: dict[str, dict[str, None]] = {node.key: {} for node in graph.nodes}
    back: dict[str, dict[str, None]] = {node.key: {} for node in graph.nodes}
    for edge in graph.edges:
        if edge.source != edge.target:
            forth[edge.source][edge.target] = None
            back[edge.target][edge.source] = None
    return (
        {key: list(found) for key, found in forth.items()},
        {key: list(found) for key, found in back.items()},
    )


def ranks(forth: Links, back: Links) -> dict[str, int]:
    """Return the column of every node that has a link, counted from the left."""
    heights = _heights(forth)
    most = max(heights.values(), default=0)
    rank = {key: most - height for key, height in heights.items() if forth[key] or back[key]}
    for key in rank:  # what leans on nothing comes as near as it can to what leans on it
        if not forth[key]:
            rank[key] = 1 + max(rank[source] for source in back[key])
    return rank


def _heights(forth: Links) -> dict[str, int]:
    """Return the length of the longest path from each node, past links that close a cycle."""
    height: dict[str, int] = {}
    entered: set[str] = set()
    for start in forth:
        stack = [(start, iter(forth[start]))]
        while stack:
            key, rest = stack[-1]
            entered.add(key)
            following = next((target for target in rest if target not in entered), None)
            if following is not None:
                stack.append((following, iter(forth[following])))
                continue
            stack.pop()
            if key not in height:
                height[key] = 1 + max((height.get(t, -1) for t in forth[key]), default=-1)
    return height


def ordered(
    rank: Mapping[str, int], lane: Mapping[str, int], forth: Links, back: Links
) -> dict[tuple[int, int], list[str]]:
    """Return the nodes of each (lane, column), so ordered that few links cross."""
    cells: dict[tuple[int, int], list[str]] = {}
    for key in sorted(rank):
        cells.setdefault((lane[key], rank[key]), []).append(key)
    height = position(cells)
    for sweep in range(_SWEEPS):
        forwards = sweep % 2 == 0
        for cell in sorted(cells, key=lambda c: (c[1], c[0]), reverse=not forwards):
            neighbours = back if forwards else forth
            weight = {key: _centre(neighbours[key], height, height[key]) for key in cells[cell]}
            cells[cell].sort(key=lambda key: (weight[key], key))
            height.update(position({cell: cells[cell]}))
    return cells


def position(cells: Mapping[tuple[int, int], Sequence[str]]) -> dict[str, float]:
    """Return how far down each node stands: its lane, and the part of it that is above."""
    return {
        key: lane + (index + 0.5) / len(keys)
        for (lane, _), keys in cells.items()
        for index, key in enumerate(keys)
    }


def _centre(neighbours: Sequence[str], height: Mapping[str, float], default: float) -> float:
    if not neighbours:
        return default
    return sum(height[key] for key in neighbours) / len(neighbours)
