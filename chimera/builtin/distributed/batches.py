"""How many stages travel together: to send one costs more than a short one takes.

Pure: fed with how long stages took. Refuses to put a stage with effects with others, because what
becomes of one becomes of all of a batch.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from typing import Protocol, TypeVar

SHORT_SECONDS = 0.01
_BATCH_SECONDS = 0.02
_LARGEST = 64
_INDEX = re.compile(r"\[\d+\]")
_WEIGHT = 0.2  # of the last stage in the average


class Sendable(Protocol):
    """What the size of a batch depends on."""

    @property
    def step(self) -> str:
        """The id of the step."""
        ...

    @property
    def is_alone(self) -> bool:
        """Whether it must not travel with others."""
        ...


T = TypeVar("T", bound=Sendable)


class Batching:
    """Cuts batches off a queue; elements of one fan-out are taken to last alike."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    def measured(self, step: str, seconds: float) -> None:
        """Take in how long a stage took where it was executed."""
        family = _INDEX.sub("[]", step)
        before = self._seconds.get(family, seconds)
        self._seconds[family] = before + _WEIGHT * (seconds - before)

    def cut(self, waiting: deque[T], workers: int) -> Sequence[T]:
        """Take the next batch off `waiting`; there is work for every worker, before for any two."""
        share = len(waiting) // workers
        first = waiting.popleft()
        batch = [first]
        family = _INDEX.sub("[]", first.step)
        seconds = self._seconds.get(family)
        if first.is_alone or seconds is None or seconds >= SHORT_SECONDS:
            return batch
        room = min(_LARGEST, int(_BATCH_SECONDS / max(seconds, 1e-6)), share)
        while waiting and len(batch) < room:
            if waiting[0].is_alone or _INDEX.sub("[]", waiting[0].step) != family:
                break
            batch.append(waiting.popleft())
        return batch
