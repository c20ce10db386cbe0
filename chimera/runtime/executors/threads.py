"""The executor `thread`: a pool of daemon threads for work that blocks.

A thread is kept for the next attempt. It cannot be ended: one whose work does not stop is told,
given up and replaced, and ends with its work. Refuses to keep a process alive.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chimera.model import ChimeraError
from chimera.runtime.executors.handover import Handover

if TYPE_CHECKING:
    import asyncio

    from chimera.context import Context
    from chimera.runtime.executors import Landed
    from chimera.runtime.flights import Flight
    from chimera.state import Json

MOST_THREADS = 64
_IDLE_SECONDS = 10.0  # after which a thread that nothing was found for ends


@dataclass(eq=False, slots=True)
class _Ticket:
    """Where one flight is: waiting for a thread, in one, given up, or gone."""

    flight: Flight
    landed: Landed
    has_begun: bool = False
    is_given_up: bool = False
    has_ended: bool = False


class Threads:
    """Runs functions in threads, at most `most` at once; `flight.handle` is its ticket."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, context: Context, most: int = MOST_THREADS
    ) -> None:
        self._handover = Handover(loop)
        self._most = most
        self._changed = threading.Condition()
        self._waiting: deque[_Ticket] = deque()
        self._threads = 0  # those given up are not counted
        self._idle = 0  # those that look, or are about to look, for what is waiting
        self._is_closed = False

    def depart(self, flight: Flight, landed: Landed) -> None:
        """Give the work to a thread that is idle, to a new one, or to the next that will be."""
        flight.handle = ticket = _Ticket(flight, landed)
        with self._changed:
            self._waiting.append(ticket)
            if self._idle >= len(self._waiting):
                self._changed.notify()
            elif self._threads < self._most:
                self._add_thread()

    def tell(self, flight: Flight) -> None:
        """Let work that waits for a thread land at once; other work asks `cancelled()` itself."""
        ticket: _Ticket = flight.handle
        with self._changed:
            if ticket not in self._waiting:
                return
            self._waiting.remove(ticket)
            ticket.has_ended = True
        self._handover.call(ticket.landed, flight, None, ChimeraError("it was told to stop"))

    def end(self, flight: Flight) -> bool:
        """Wait for the work no longer; another thread takes the place of its own."""
        self.tell(flight)
        ticket: _Ticket = flight.handle
        with self._changed:
            if not ticket.has_ended and not ticket.is_given_up:
                ticket.is_given_up = True
                self._threads -= 1
                if self._waiting and self._threads < self._most:
                    self._add_thread()
            return ticket.has_ended

    def close(self) -> None:
        """Let idle threads end; those that work do so when they are done."""
        with self._changed:
            self._is_closed = True
            self._waiting.clear()
            self._changed.notify_all()

    def _add_thread(self) -> None:
        self._threads += 1
        self._idle += 1
        # A daemon: a thread that does not stop when told must not keep the process alive.
        threading.Thread(target=self._serve, name="chimera-step", daemon=True).start()

    def _serve(self) -> None:
        while (ticket := self._next()) is not None:
            flight = ticket.flight
            value: Json = None
            error: BaseException | None = None
            try:
                value = flight.step.work(flight.call)
            except BaseException as raised:  # noqa: BLE001 - the step runner: SystemExit would end the thread unheard
                error = raised
            with self._changed:
                ticket.has_ended = True
                is_given_up = ticket.is_given_up
                self._idle += not is_given_up  # before it is heard of: the next may be ready then
            if is_given_up:
                return
            self._handover.call(ticket.landed, flight, value, error)
            del ticket, flight, value, error  # nothing is held while there is nothing to do

    def _next(self) -> _Ticket | None:
        """Return what is to be done next; `None` where this thread is not needed any more."""
        with self._changed:
            while not self._waiting:
                if self._is_closed or (not self._changed.wait(_IDLE_SECONDS) and not self._waiting):
                    self._idle -= 1
                    self._threads -= 1
                    return None
            self._idle -= 1
            ticket = self._waiting.popleft()
            ticket.has_begun = True
            return ticket
