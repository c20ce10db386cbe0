"""The order of a workflow's stages: who waits for whom, and where they wait for one another.

Works on positions of stages in the document, iteratively: a document may hold thousands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from chimera.builtin.workflow.kinds import WorkflowSpec


@dataclass(frozen=True)
class Order:
    """For each stage, by position, the positions of the stages that it waits for.

    In sequential mode each waits for the one before it; a dependency on a later stage, which
    would close a circle, is left out and listed in `backward`, as (stage, dependency).
    """

    needs: tuple[tuple[int, ...], ...]
    backward: tuple[tuple[int, int], ...] = ()
    is_sequential: bool = False

    @staticmethod
    def of(spec: WorkflowSpec) -> Order:
        """Return the order of `spec`; unknown dependencies are left out."""
        is_sequential = spec.mode == "sequential"
        if is_sequential and not any(stage.dependencies for stage in spec.stages):
            return _in_a_row(len(spec.stages))
        position: dict[str, int] = {}
        for index, stage in enumerate(spec.stages):
            position.setdefault(stage.id, index)
        needs: list[tuple[int, ...]] = []
        backward: list[tuple[int, int]] = []
        for index, stage in enumerate(spec.stages):
            found = {position[name] for name in stage.dependencies if name in position}
            if is_sequential:
                backward += [(index, later) for later in sorted(found) if later >= index]
                found = {earlier for earlier in found if earlier < index}
                found |= {index - 1} if index else set()
            needs.append(tuple(sorted(found)))
        return Order(tuple(needs), tuple(backward), is_sequential)

    @property
    def is_sound(self) -> bool:
        """Whether every stage can start, and none waits for a later one: so are most orders."""
        return not self.backward and (self.is_sequential or self._is_forward)

    @cached_property
    def _dependents(self) -> tuple[list[int], ...]:
        """For each stage, those that wait for it."""
        dependents: tuple[list[int], ...] = tuple([] for _ in self.needs)
        for stage, needs in enumerate(self.needs):
            for need in needs:
                dependents[need].append(stage)
        return dependents

    @cached_property
    def started(self) -> tuple[int, ...]:
        """The stages that can start, in an order in which they can."""
        if self._is_forward:
            return tuple(range(len(self.needs)))
        waiting = [len(needs) for needs in self.needs]
        free = [stage for stage, count in enumerate(waiting) if not count]
        for stage in free:
            for dependent in self._dependents[stage]:
                waiting[dependent] -= 1
                if not waiting[dependent]:
                    free.append(dependent)
        return tuple(free)

    @cached_property
    def _before(self) -> dict[int, int]:
        """For each stage that can start all that is before it, as the bits of an integer."""
        before: dict[int, int] = {}
        for stage in self.started:
            before[stage] = _all_before(self.needs[stage], before)
        return before

    @property
    def _is_forward(self) -> bool:
        """Whether no stage waits for a later one: most workflows are written so."""
        return all(not needs or needs[-1] < stage for stage, needs in enumerate(self.needs))

    @cached_property
    def _knotted(self) -> tuple[frozenset[int], ...]:
        """Sets of stages that all wait for one another: none where every stage can start."""
        if len(self.started) == len(self.needs):
            return ()
        return tuple(
            knot
            for knot in _knots(self.needs, self._dependents)
            if len(knot) > 1 or any(stage in self.needs[stage] for stage in knot)
        )

    @cached_property
    def cycles(self) -> tuple[tuple[int, ...], ...]:
        """One circle from each such set: each member waits for the next, the last for the first."""
        return tuple(self._circle(knot) for knot in self._knotted)

    def _circle(self, knot: frozenset[int]) -> tuple[int, ...]:
        path: dict[int, None] = {}
        stage = min(knot)
        while stage not in path:
            path[stage] = None
            stage = next(need for need in self.needs[stage] if need in knot)
        circle = list(path)[list(path).index(stage) :]
        turn = circle.index(min(circle))
        return (*circle[turn:], *circle[:turn])

    @cached_property
    def unreachable(self) -> tuple[int, ...]:
        """Stages that can never start although nothing waits for them in turn."""
        if len(self.started) == len(self.needs):
            return ()
        stuck = set(range(len(self.needs))).difference(self.started)
        return tuple(sorted(stuck.difference(*self._knotted)))

    def is_before(self, first: int, second: int) -> bool:
        """Tell whether `first` has always finished when `second` starts.

        For a stage that can never start, only what it waits for directly counts.
        """
        if self.is_sequential:
            return first < second
        if first in self.needs[second]:
            return True
        if second in self._before:
            return bool(self._before[second] >> first & 1)
        return False


@lru_cache(maxsize=64)  # most workflows have a few stages, each after the one before it
def _in_a_row(count: int) -> Order:
    return Order(tuple((stage - 1,) if stage else () for stage in range(count)), (), True)


def _all_before(needs: Iterable[int], before: Mapping[int, int]) -> int:
    """Return what is before a stage, as bits: what it waits for, and what is before that."""
    found = 0
    for need in needs:
        found |= before[need] | 1 << need
    return found


def _knots(
    needs: Sequence[Sequence[int]], dependents: Sequence[Sequence[int]]
) -> list[frozenset[int]]:
    """Return the strongly connected components, by their smallest members (Kosaraju 1978)."""
    left = [stage for tree in _trees(needs, range(len(needs))) for stage in tree]
    return sorted((frozenset(tree) for tree in _trees(dependents, reversed(left))), key=min)


def _trees(edges: Sequence[Sequence[int]], starts: Iterable[int]) -> Iterator[list[int]]:
    """Search depth first: yield what each start leads to and was not met before, last met first."""
    met: set[int] = set()
    for start in starts:
        if start in met:
            continue
        met.add(start)
        tree, path = [], [(start, iter(edges[start]))]
        while path:
            stage, rest = path[-1]
            following = next((other for other in rest if other not in met), None)
            if following is None:
                tree.append(stage)
                path.pop()
            else:
                met.add(following)
                path.append((following, iter(edges[following])))
        yield tree
