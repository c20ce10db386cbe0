"""The elements of a step that is done once for each of many: made one by one, when there is room.

Refuses to hold what does not exist yet: a million elements are a number until their turns come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chimera.runtime.frontier import Node, Offer, Scope
from chimera.runtime.steps import Outputs, Step
from chimera.state import Json

if TYPE_CHECKING:
    from chimera.runtime.course import Course

_AHEAD = 64  # elements that are made before there is room for them
_MISSING: Any = object()


class ElementOutputs(Mapping[str, Json]):
    """The outputs of elements by their numbers, as text; those that have none are left out."""

    def __init__(self, values: list[Any]) -> None:
        self._values = values

    def __getitem__(self, key: str) -> Json:
        if key.isdecimal() and int(key) < len(self._values):
            value = self._values[int(key)]
            if value is not _MISSING:
                return value
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return (str(n) for n, value in enumerate(self._values) if value is not _MISSING)

    def __len__(self) -> int:
        return sum(value is not _MISSING for value in self._values)


class Elements(Scope):
    """Steps that need nothing and are alike, made when there is room for them."""

    def __init__(
        self,
        course: Course,
        owner: Node,
        offer: Offer,
        count: int,
        make: Callable[[int], Step],
        concurrency: int | None,
        past: Callable[[str], bool],
    ) -> None:
        super().__init__(course, owner, offer)
        self.size = count
        self._make = make
        self._concurrency = concurrency
        self._past = past
        self._next = 0
        self._waiting = 0  # offered, and not yet begun
        self._outputs: list[Any] = [_MISSING] * count
        self.is_to_go_on = False

    @property
    def is_over(self) -> bool:
        """Tell whether nothing of it is under way or can start."""
        return self.open == 0 and (self.is_closed or self._next >= self.size)

    def name(self, key: str) -> str:
        """Return the id in the run of the element with a number."""
        assert self.owner is not None
        return f"{self.owner.id}[{key}]"

    def begin(self) -> None:
        """Offer the first elements."""
        self.pump()

    def pump(self) -> None:
        """Make elements for as long as there is room for them."""
        while not self.is_closed and self._next < self.size and self._has_room:
            key, number = str(self._next), self._next
            self._next += 1
            id = self.name(key)
            if self._past(id):
                self.course.recall(self, key, id)
                continue
            try:
                step = self._make(number)
            except Exception as error:  # noqa: BLE001 - the step runner: the author's expressions
                self.has_failed(id, str(error) or type(error).__name__)
                continue
            if step.id != key or step.needs:
                step = replace(step, id=key, needs=())
            self._waiting += 1
            self.offer(self.course.node(self, key, id, step))

    def has_begun(self) -> None:
        """An element that was offered is under way: there may be room for another."""
        self._waiting -= 1
        self.pump()

    def outputs_so_far(self) -> Outputs:
        """Return the outputs by number."""
        return ElementOutputs(self._outputs)

    def take(self, key: str, output: Json, *, is_skipped: bool) -> None:
        """An element has finished."""
        if not is_skipped:
            self._outputs[int(key)] = output

    def has_failed(self, id: str, message: str) -> None:
        """Remember that an element failed; unless it is to go on, no other is begun."""
        super().has_failed(id, message)
        if not self.is_to_go_on:
            self.close()

    @property
    def _has_room(self) -> bool:
        if self._concurrency is not None:
            return self.open < self._concurrency
        return self._waiting < _AHEAD
