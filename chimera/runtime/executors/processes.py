"""The executor `process`: warm worker processes, which work one attempt at a time.

For work that needs a processor to itself, or that must be endable for certain: a worker and all
that it has started can be killed, and is replaced. Everything is moved in the event loop's thread,
when there is something to move. Refuses work that has no remote form.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chimera.context import Command, Limits, Running, own_environment
from chimera.model import ChimeraError
from chimera.runtime.executors.lines import LOG_CHARACTERS, Lines
from chimera.runtime.executors.remote import RESULT_BYTES, STOP, lost, request_of, settle
from chimera.runtime.recovery import Category, StepError

if TYPE_CHECKING:
    import asyncio

    from chimera.context import Context
    from chimera.runtime.executors import Landed
    from chimera.runtime.flights import Flight

MEMORY_BYTES = 8 << 30
"""What a worker and all that it has started may have in memory together."""

_KILL_SECONDS = 3.0  # for a supervisor to have killed what it supervises: mostly milliseconds
_BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from chimera.runtime.executors.worker import main; main()"
)


@dataclass(eq=False, slots=True)
class _Ticket:
    """One flight, and the worker that it is in."""

    flight: Flight
    landed: Landed
    request: bytes
    worker: _Worker | None = None
    has_ended: bool = False


@dataclass(eq=False, slots=True)
class _Worker:
    """A process, and the ticket that it works on."""

    running: Running = field(init=False)
    ticket: _Ticket | None = None
    lines: Lines | None = None

    def hear(self, data: bytes) -> None:
        """Log what work prints."""
        if self.lines is not None:
            self.lines.hear("printed", data)

    def release(self) -> None:
        """Forget what was worked on; what was written of it last is logged."""
        if self.lines is not None:
            self.lines.end()
        self.ticket = self.lines = None


class Workers:
    """Runs remote work in at most `most` processes; `flight.handle` is its ticket."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, context: Context, most: int | None = None
    ) -> None:
        self._loop = loop
        self._context = context
        self._most = most or max(4, os.cpu_count() or 1)
        self._workers: set[_Worker] = set()
        self._idle: list[_Worker] = []
        self._waiting: deque[_Ticket] = deque()

    def depart(self, flight: Flight, landed: Landed) -> None:
        """Send the work to a worker that is idle, to a new one, or to the next that will be."""
        try:
            flight.handle = ticket = _Ticket(flight, landed, request_of(flight))
        except (ChimeraError, TypeError, ValueError) as error:
            flight.handle = _Ticket(flight, landed, b"", has_ended=True)
            landed(flight, None, error)
            return
        self._waiting.append(ticket)
        self._assign()

    def tell(self, flight: Flight) -> None:
        """Let the worker hear it and terminate what the work has started."""
        ticket: _Ticket = flight.handle
        if ticket.worker is not None:
            ticket.worker.running.write_line(STOP)
            self._move(ticket.worker)
        elif not ticket.has_ended:
            self._waiting.remove(ticket)
            self._land(ticket, ChimeraError("it was told to stop before it had begun"))

    def end(self, flight: Flight) -> bool:
        """Kill the worker and all that it has started; say whether they are gone."""
        ticket: _Ticket = flight.handle
        worker = ticket.worker
        if worker is None:
            self.tell(flight)
            return True
        ticket.worker = None
        ticket.has_ended = True
        is_gone = worker.running.kill(_KILL_SECONDS)
        worker.release()
        self._discard(worker)
        self._assign()
        return is_gone

    def close(self) -> None:
        """Kill all workers and wait until they are gone."""
        self._waiting.clear()
        for worker in self._workers:
            self._loop.remove_reader(worker.running.fileno())
            worker.running.kill()
        while self._workers:
            self._workers.pop().running.close()

    def _assign(self) -> None:
        while self._waiting:
            if self._idle:
                worker = self._idle.pop()
            elif len(self._workers) < self._most:
                try:
                    worker = self._start()
                except (ChimeraError, OSError) as error:  # the latter: its folder is gone
                    self._refuse(error)
                    return
            else:
                return
            self._begin(worker, self._waiting.popleft())

    def _start(self) -> _Worker:
        worker = _Worker()
        limits = Limits(
            output_bytes=RESULT_BYTES + LOG_CHARACTERS * 8, total_memory_bytes=MEMORY_BYTES
        )
        argv = (sys.executable, "-P", "-c", _BOOT, json.dumps(sys.path))
        command = Command(argv, cwd=Path.cwd(), env=own_environment(), limits=limits)
        worker.running = self._context.processes.start(command, hear=worker.hear)
        self._workers.add(worker)
        self._loop.add_reader(worker.running.fileno(), partial(self._move, worker))
        return worker

    def _refuse(self, error: Exception) -> None:
        """Let what waits for a worker fail where none can be started, unless others still work."""
        if self._workers:
            return
        while self._waiting:
            message = f"no worker process could be started: {error}"
            failure = StepError(message, category=Category.RESOURCE, transient=True)
            self._land(self._waiting.popleft(), failure)

    def _begin(self, worker: _Worker, ticket: _Ticket) -> None:
        ticket.worker, worker.ticket = worker, ticket
        worker.lines = Lines(ticket.flight.call.log)
        worker.running.write_line(ticket.request)
        ticket.request = b""
        self._move(worker)

    def _move(self, worker: _Worker) -> None:
        """Move what can be moved between a worker and here."""
        for line in worker.running.take_lines():
            try:
                message = json.loads(line)
            except ValueError:  # it can only have been written by what the worker executes
                worker.running.kill()
                break
            self._take(worker, message)
        if worker.running.has_ended and worker in self._workers:
            self._lose(worker)

    def _take(self, worker: _Worker, message: dict[str, Any]) -> None:
        if "secret" in message:
            self._context.secrets.add(message["secret"])
        elif "log" in message:
            if worker.lines is not None:
                worker.lines.log(message["log"])
        elif worker.ticket is not None:
            ticket = worker.ticket
            worker.release()
            ticket.worker, ticket.has_ended = None, True
            self._idle.append(worker)
            settle(ticket.flight, ticket.landed, message)
            self._assign()

    def _lose(self, worker: _Worker) -> None:
        """Let the attempt of a worker that is gone fail; another worker takes its place."""
        ticket, running = worker.ticket, worker.running
        worker.release()
        self._discard(worker)
        if ticket is not None:
            ticket.worker = None
            self._land(ticket, _loss(running))
        self._assign()

    def _discard(self, worker: _Worker) -> None:
        self._loop.remove_reader(worker.running.fileno())
        self._workers.discard(worker)
        if worker in self._idle:
            self._idle.remove(worker)
        # It may take a moment until all that it has started is gone.
        threading.Thread(target=worker.running.close, daemon=True).start()

    def _land(self, ticket: _Ticket, error: BaseException) -> None:
        ticket.has_ended = True
        ticket.landed(ticket.flight, None, error)


def _loss(running: Running) -> StepError:
    """Return why the attempt of a worker that is gone failed."""
    what = "the process that did the work"
    if running.limit is None:
        return lost(what, running.ending)
    return StepError(
        f"{what} {running.ending}",
        category=Category.RESOURCE,
        kind=f"{running.limit}-limit",
        help="have it use less",
    )
