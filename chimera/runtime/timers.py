"""One heap for all timeouts and waits of a run: a timer of the event loop each would cost more."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio


class Timers:
    """Calls back when it is told to `run_due`, and calls `wake` when that is due."""

    def __init__(self, loop: asyncio.AbstractEventLoop, wake: Callable[[], None]) -> None:
        self._loop = loop
        self._wake = wake
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0  # equal times call back in the order in which they were set
        self._alarm: asyncio.TimerHandle | None = None

    def after(self, seconds: float, callback: Callable[[], None]) -> None:
        """Call `callback` in a turn, once `seconds` have passed."""
        self._count += 1
        heapq.heappush(self._heap, (self._loop.time() + seconds, self._count, callback))
        if self._heap[0][1] == self._count:
            self._set_alarm()

    def run_due(self) -> None:
        """Call back all that is due."""
        now = self._loop.time()
        if not self._heap or self._heap[0][0] > now:
            return
        try:
            while self._heap and self._heap[0][0] <= now:
                heapq.heappop(self._heap)[2]()
        finally:  # one that raises must not keep the others from being called
            self._set_alarm()

    def clear(self) -> None:
        """Forget all timers."""
        self._heap.clear()
        self._set_alarm()

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = self._loop.call_at(self._heap[0][0], self._wake) if self._heap else None
