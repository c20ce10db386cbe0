"""What may start: steps by priority, and the limits that hold some of them back.

A step that meets a full limit queues there, and comes back to its old place when one that held
the limit ends: nobody looks through those that wait. Refuses to know what a step does.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chimera.runtime.frontier import Node

Rank = tuple[int, int]
"""Priority of the step and of its run, both negated: what is smaller comes first."""


class Queue:
    """Steps by rank, then in order of arrival; all in constant time for a handful of ranks."""

    def __init__(self) -> None:
        self._queues: dict[Rank, deque[Node]] = {}
        self._ranks: list[Rank] = []

    def __bool__(self) -> bool:
        return bool(self._ranks)

    def __iter__(self) -> Iterator[Node]:
        return (node for rank in sorted(self._ranks) for node in self._queues[rank])

    def add(self, node: Node, *, first: bool = False) -> None:
        """Put a step behind those of its rank, or before them where it had been there already."""
        queue = self._queues.get(node.rank)
        if queue is None:
            queue = self._queues[node.rank] = deque()
            heapq.heappush(self._ranks, node.rank)
        if first:
            queue.appendleft(node)
        else:
            queue.append(node)

    def pop(self) -> Node:
        """Take out the step that comes first."""
        rank = self._ranks[0]
        queue = self._queues[rank]
        node = queue.popleft()
        if not queue:
            del self._queues[rank]
            heapq.heappop(self._ranks)
        return node


class Limit:
    """How many steps may be in flight at once, and those that wait for one to end."""

    __slots__ = ("most", "queue", "used")

    def __init__(self, most: int) -> None:
        self.most = max(most, 1)
        self.used = 0
        self.queue = Queue()


class Ready:
    """The steps of all runs that wait for nothing but their turn."""

    def __init__(self, limits: Mapping[str, int]) -> None:
        self._queue = Queue()
        self._limits = {key: Limit(most) for key, most in limits.items()}

    def __bool__(self) -> bool:
        return bool(self._queue)

    def limits_of(self, keys: Iterable[str]) -> tuple[Limit, ...]:
        """Return the limits that hold across runs and that have these names."""
        return tuple(self._limits[key] for key in keys if key in self._limits)

    def add(self, node: Node) -> None:
        """Let a step have its turn."""
        self._queue.add(node)

    def add_again(self, node: Node) -> None:
        """Put back a step that had its turn."""
        self._queue.add(node, first=True)

    def __iter__(self) -> Iterator[Node]:
        return iter(self._queue)

    def pop(self) -> Node | None:
        """Take the step whose turn it is, with what it counts against; `None` where none can.

        One that is not to start any more counts against nothing.
        """
        while self._queue:
            node = self._queue.pop()
            if node.is_stopped or self._enter(node):
                return node
        return None

    def look_again(self, limits: Iterable[Limit]) -> None:
        """Let those that a limit holds back have their turn: some are not to start any more."""
        for limit in (*limits, *self._limits.values()):
            held = []
            while limit.queue:
                held.append(limit.queue.pop())
            for node in reversed(held):
                self._queue.add(node, first=True)

    def leave(self, node: Node) -> None:
        """A step counts no longer: those that waited for that have their turn."""
        for limit in node.limits:
            limit.used -= 1
            if limit.queue:
                self._queue.add(limit.queue.pop(), first=True)

    def _enter(self, node: Node) -> bool:
        for limit in node.limits:
            if limit.used >= limit.most:
                limit.queue.add(node)
                self._hand_on(node)
                return False
        for limit in node.limits:
            limit.used += 1
        return True

    def _hand_on(self, node: Node) -> None:
        """Let others use what was free for a step that something else holds back."""
        for limit in node.limits:
            if limit.used < limit.most and limit.queue:
                self._queue.add(limit.queue.pop(), first=True)
