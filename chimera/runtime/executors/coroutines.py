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
        """Cancel what is left; what was told and has not heeded it is left behind."""
        from asyncio.tasks import _unregister_task

        for flight in self._flying:
            flight.handle.cancel()
            if flight.is_told:  # closing the loop waits for every task that it knows
                flight.handle._log_destroy_pending = False
                _unregister_task(flight.handle)

    def _land(self, flight: Flight, value: Json, error: BaseException | None) -> None:
        landed = self._flying.pop(flight, None)
        if landed is not None:
            if flight.timer is not None and flight.timer[0] <= self._loop.time():
                flight.is_timed_out = True  # it held up the loop, and with it the timer
            landed(flight, value, error)

    def _is_heard(self, error: BaseException) -> bool:
        """Tell whether an error is the work's own, and ends neither the process nor the loop."""
        if isinstance(error, GeneratorExit):  # also what is thrown into a task that is left behind
            return self._loop.is_running()
        return not isinstance(error, KeyboardInterrupt)

    async def _await(self, flight: Flight) -> None:
        work: Any = flight.step.work
        value: Json = None
        error: BaseException | None = None
        try:
            value = await work(flight.call)
        except BaseException as raised:
            if not self._is_heard(raised):
                raise
            error = raised
        self._land(flight, value, error)


def _never_begun() -> BaseException:
    from asyncio import CancelledError

    return CancelledError("it was told to stop before it began")
