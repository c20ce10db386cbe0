"""What other threads bring back, handed over to the event loop's thread in batches.

To wake a loop takes a system call: what lands while it is being woken comes along for nothing.
"""

from __future__ import annotations

from collections import deque
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

    from chimera.runtime.executors import Landed
    from chimera.runtime.flights import Flight
    from chimera.state import Json


class Landings:
    """Takes what came of flights from any thread and tells it in the loop's."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lock = Lock()
        self._waiting: deque[tuple[Landed, Flight, Json, BaseException | None]] = deque()
        self._is_called = False

    def bring(
        self, landed: Landed, flight: Flight, value: Json, error: BaseException | None
    ) -> None:
        """Have `landed` called in the loop's thread; nobody hears of it once the loop is closed."""
        self._waiting.append((landed, flight, value, error))
        with self._lock:
            if self._is_called:
                return
            self._is_called = True
        try:
            self._loop.call_soon_threadsafe(self._tell)
        except RuntimeError:  # the loop is closed: nobody waits any more
            self._waiting.clear()

    def _tell(self) -> None:
        with self._lock:  # before the queue is looked at: what comes later calls again
            self._is_called = False
        while self._waiting:
            landed, flight, value, error = self._waiting.popleft()
            landed(flight, value, error)
