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
        self._flying: dict[Flight, Landed] = {}

    def depart(self, flight: Flight, landed: Landed) -> None:
        """Make a task of the work."""
        self._flying[flight] = landed
        flight.handle = self._loop.create_task(self._await(flight))

    def tell(self, flight: Flight) -> None:
        """Cancel the task; one that had not begun yet lands all the same."""
        flight.handle.add_done_callback(lambda task: self._land(flight, None, _never_begun()))
        flight.handle.cancel()

    def end(self, flight: Flight) -> bool:
        """Cancel the task again; say whether it has ended."""
        flight.handle.cancel()
        return bool(flight.handle.done())

    def close(self) -> None:
        """Cancel what is left."""
        for flight in self._flying:
            flight.handle.cancel()

    def _land(self, flight: Flight, value: Json, error: BaseException | None) -> None:
        landed = self._flying.pop(flight, None)
        if landed is not None:
            landed(flight, value, error)

    async def _await(self, flight: Flight) -> None:
        work: Any = flight.step.work
        value: Json = None
        error: BaseException | None = None
        try:
            value = await work(flight.call)
        except BaseException as raised:
            if not _is_heard(raised):
                raise
            error = raised
        self._land(flight, value, error)


def _is_heard(error: BaseException) -> bool:
    """Tell whether an error is the work's own, and does not end the process."""
    from asyncio import CancelledError

    return isinstance(error, (Exception, CancelledError, SystemExit))


def _never_begun() -> BaseException:
    from asyncio import CancelledError

    return CancelledError("it was told to stop before it began")
