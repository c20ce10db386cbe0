"""What other threads bring back, handed over to the event loop's thread in batches.

To wake a loop takes a system call: what comes while it is being woken comes along for nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio


class Handover:
    """Takes calls from any thread, in order, and makes them in the loop's."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lock = Lock()
        self._calls: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self._is_woken = False

    def call(self, function: Callable[..., object], *args: Any) -> None:
        """Have the loop's thread call `function`; nobody does once the loop is closed."""
        self._calls.append((function, args))
        with self._lock:
            if self._is_woken:
                return
            self._is_woken = True
        try:
            self._loop.call_soon_threadsafe(self._make)
        except RuntimeError:  # the loop is closed: nobody waits any more
            self._calls.clear()

    def _make(self) -> None:
        with self._lock:  # before the queue is looked at: what comes later wakes the loop again
            self._is_woken = False
        while self._calls:
            function, args = self._calls.popleft()
            function(*args)
