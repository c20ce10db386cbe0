"""What a plan compares the tree with: the applied state, another tree, or the base of a merge.

Refuses to say what changed: that is planned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from chimera.documents import Merge, Tree, differences
from chimera.kinds import (
    Document,
    Loaded,
    Model,
    Registry,
    Snapshot,
    Source,
    former_snapshot,
    load_snapshot,
    read_source,
)
from chimera.model import Address, Target, parse_target
from chimera.plan import Baseline
from chimera.state import StateReader

V = TypeVar("V")


@dataclass(frozen=True)
class Comparison:
    """What a snapshot is compared with: the baseline's digests, values and places by address.

    `base` is the snapshot of the tree compared with, where there is one, and `differing` the paths
    in which that tree differs, where they are known already.
    """

    baseline: Baseline
    values: Mapping[Address, Mapping[str, Any]]
    paths: Mapping[Address, str]
    base: Snapshot | None = None
    differing: frozenset[str] | None = None


def against_state(state: StateReader, environment: str) -> Comparison:
    """Compare with what was applied to an environment."""
    applied = state.applied(environment)
    name = "the applied state" if applied else "an empty state: nothing was applied yet"
    digests: dict[Target, str] = {parse_target(t): a.digest for t, a in applied.items()}
    values: dict[Address, Mapping[str, Any]] = {}
    paths: dict[Address, str] = {}
    for target, entry in applied.items():
        if entry.value is not None:
            values[Address.parse(target)] = entry.value
            paths[Address.parse(target)] = entry.path or "the applied state"
    return Comparison(Baseline(name, digests), values, paths)


def against_tree(tree: Tree, registry: Registry, name: str) -> Comparison:
    """Compare with the documents and governed paths of another tree, which is read whole."""
    return _against(load_snapshot(read_source(tree), registry).snapshot, name)


def against_merge_base(merge: Merge, source: Source, loaded: Loaded) -> Comparison:
    """Compare what a merge leaves with its base, of which only what differs is read."""
    differing = differing_paths(merge.base, merge.tree)
    base = former_snapshot(merge.base, source, loaded, differing)
    return replace(_against(base, merge.name), differing=differing)


def differing_paths(before: Tree, after: Tree) -> frozenset[str]:
    """Return the paths whose content or mode is not the same in both trees."""
    return frozenset(difference.path for difference in differences(before, after))


def _against(base: Snapshot, name: str) -> Comparison:
    values = _Each(base, lambda document: document.value)
    paths = _Each(base, lambda document: document.place.path)
    return Comparison(Baseline(name, {}), values, paths, base)


class _Each(Mapping[Address, V]):
    """Something of each document of a snapshot, read where it is asked for."""

    def __init__(self, snapshot: Snapshot, of: Callable[[Document[Model]], V]) -> None:
        self._documents = snapshot.documents
        self._of = of

    def __getitem__(self, address: Address) -> V:
        return self._of(self._documents[address])

    def __iter__(self) -> Iterator[Address]:
        return iter(self._documents)

    def __len__(self) -> int:
        return len(self._documents)

    def __contains__(self, address: object) -> bool:
        return address in self._documents
