"""One heap for all timeouts and waits: a timer of the event loop each would cost more."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

Timer = list[Any]
"""When it is due by the loop's clock, its number, and what it calls; `None` once cancelled."""

_FEW = 64  # cancelled timers that may stay in the heap, however small it is


class Timers:
    """Calls back when it is told to `run_due`, and calls `wake` when that is due."""

    def __init__(self, loop: asyncio.AbstractEventLoop, wake: Callable[[], None]) -> None:
        self._loop = loop
        self._wake = wake
        self._heap: list[Timer] = []
        self._count = 0  # equal times call back in the order in which they were set
        self._cancelled = 0
        self._alarm: asyncio.TimerHandle | None = None

    def after(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """Call `callback` in a turn, once `seconds` have passed."""
        self._count += 1
        timer: Timer = [self._loop.time() + seconds, self._count, callback]
        heapq.heappush(self._heap, timer)
        if self._heap[0] is timer:
            self._set_alarm()
        return timer

    def cancel(self, timer: Timer) -> None:
        """Do not call back; a second time, or too late, is no harm."""
        if timer[2] is None:
            return
        timer[2] = None
        self._cancelled += 1
        if self._cancelled > _FEW and self._cancelled * 2 > len(self._heap):
            self._heap = [timer for timer in self._heap if timer[2] is not None]
            heapq.heapify(self._heap)
            self._cancelled = 0
            self._set_alarm()

    def run_due(self) -> None:
        """Call back all that is due."""
        now = self._loop.time()
        if not self._heap or self._heap[0][0] > now:
            if self._alarm is None:  # it rang early: loops round to the resolution of their clock
                self._set_alarm()
            return
        try:
            while self._heap and self._heap[0][0] <= now:
                timer = heapq.heappop(self._heap)
                callback, timer[2] = timer[2], None
                if callback is None:
                    self._cancelled -= 1
                else:
                    callback()
        finally:  # one that raises must not keep the others from being called
            self._set_alarm()

    def clear(self) -> None:
        """Forget all timers."""
        self._heap.clear()
        self._cancelled = 0
        self._set_alarm()

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = self._loop.call_at(self._heap[0][0], self._ring) if self._heap else None

    def _ring(self) -> None:
        self._alarm = None
        self._wake()
