"""The executor `inline`: work that is called in the turn itself.

For what is short and reaches nothing but the store: everything else waits meanwhile. It cannot be
told anything, because it is over before anybody could.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

    from chimera.context import Context
    from chimera.runtime.executors import Landed
    from chimera.runtime.flights import Flight
    from chimera.state import Json


class Inline:
    """Calls work where it is."""

    def __init__(self, loop: asyncio.AbstractEventLoop, context: Context) -> None:
        pass

    def depart(self, flight: Flight, landed: Landed) -> None:
        """Do the work and let it land."""
        value: Json = None
        error: BaseException | None = None
        try:
            value = flight.step.work(flight.call)
        except KeyboardInterrupt:
            raise
        except BaseException as raised:  # noqa: BLE001 - the step runner: nobody else would hear it
            error = raised
        landed(flight, value, error)

    def tell(self, flight: Flight) -> None:
        """Do nothing: the work is over."""

    def end(self, flight: Flight) -> bool:
        """Say that nothing of it runs."""
        return True

    def close(self) -> None:
        """Do nothing: nothing was taken."""
