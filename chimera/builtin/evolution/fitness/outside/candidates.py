"""Candidates as their author sees them: gene names and values, made of numbers.

Light, because workers import it. Refuses rows as a search has them, where genes with `scale: log`
are logarithms: `search.problem` makes numbers of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chimera.builtin.evolution.spec.genes import Gene
    from chimera.state import Json


def layout_of(genes: Sequence[Gene]) -> list[dict[str, Any]]:
    """Return what makes candidates of numbers, as JSON: a worker needs no spec for it."""
    return [
        {
            "name": gene.name,
            "type": gene.type,
            "count": gene.count,
            **({"values": list(gene.values)} if gene.type == "categorical" else {}),
        }
        for gene in genes
    ]


def candidate_of(layout: Sequence[dict[str, Any]], numbers: Sequence[float]) -> dict[str, Json]:
    """Return a candidate: each gene's value by its name, a list where the gene is a vector."""
    found: dict[str, Json] = {}
    start = 0
    for gene in layout:
        length = 1 if gene["count"] is None else gene["count"]
        values = [_value(gene, number) for number in numbers[start : start + length]]
        found[gene["name"]] = values[0] if gene["count"] is None else values
        start += length
    return found


def _value(gene: dict[str, Any], number: float) -> Json:
    if gene["type"] == "real":
        return float(number)
    position = int(number)
    if gene["type"] == "categorical":
        value: Json = gene["values"][position]
        return value
    return position
