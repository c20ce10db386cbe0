"""The executor `loop`: coroutines on the engine's own event loop.

Telling one cancels it. One that does not heed that is left behind: a coroutine that never awaits
holds up everything, and belongs in a thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

    from chimera.context import Context
    from chimera.runtime.executors import Landed
    from chimera.runtime.flights import Flight
    from chimera.state import Json


class Coroutines:
    """Runs coroutine functions as tasks; `flight.handle` is the task."""

    def __init__(self, loop: asyncio.AbstractEventLoop, context: Context) -> None:
        self._loop = loop
        self._flying: set[asyncio.Task[None]] = set()

    def depart(self, flight: Flight, landed: Landed) -> None:
        """Make a task of the work."""
        flight.handle = task = self._loop.create_task(_await(flight, landed))
        self._flying.add(task)
        task.add_done_callback(self._flying.discard)

    def tell(self, flight: Flight) -> None:
        """Cancel the task."""
        flight.handle.cancel()

    def end(self, flight: Flight) -> bool:
        """Cancel the task again; say whether it has ended."""
        flight.handle.cancel()
        return bool(flight.handle.done())

    def close(self) -> None:
        """Cancel what is left."""
        for task in self._flying:
            task.cancel()


async def _await(flight: Flight, landed: Landed) -> None:
    from asyncio import CancelledError

    work: Any = flight.step.work
    value: Json = None
    error: BaseException | None = None
    try:
        value = await work(flight.call)
    except (Exception, CancelledError, SystemExit) as raised:  # noqa: BLE001 - the step runner
        error = raised
    landed(flight, value, error)
