"""Flights without an engine, for tests of executors."""

import asyncio
import threading
from datetime import UTC, datetime
from typing import Any

from chimera.context import Context
from chimera.runtime.flights import Flight
from chimera.runtime.steps import RemoteWork, Step, StepCall

CONTEXT = Context.system(now=datetime(2026, 1, 1, tzinfo=UTC))


def flight_of(
    work: Any = None,
    id: str = "step",
    *,
    remote: RemoteWork | None = None,
    inputs: Any = None,
    log: list[str] | None = None,
    published: list[Any] | None = None,
    context: Context = CONTEXT,
) -> Flight:
    """Return one attempt at `work`, with a call of its own."""
    flight = Flight(Step(id, work, remote=remote), 1)
    flight.call = StepCall(
        inputs=inputs,
        key="k",
        attempt=1,
        in_doubt=False,
        context=context,
        cancelled=lambda: flight.is_told,
        log=(lambda line: None) if log is None else log.append,
        publish=lambda *message: None if published is None else published.append(message),
    )
    return flight


class Heard:
    """What landed, and waiting for so many."""

    def __init__(self) -> None:
        self.all: list[tuple[str, Any, BaseException | None]] = []
        self.threads: set[int] = set()
        self._changed = asyncio.Event()

    def __call__(self, flight: Flight, value: Any, error: BaseException | None) -> None:
        self.all.append((flight.step.id, value, error))
        self.threads.add(threading.get_ident())
        self._changed.set()

    async def count(self, wanted: int, seconds: float = 20) -> None:
        async with asyncio.timeout(seconds):
            while len(self.all) < wanted:
                self._changed.clear()
                await self._changed.wait()

    @property
    def only(self) -> tuple[Any, BaseException | None]:
        """What came of the one flight that there was."""
        ((_, value, error),) = self.all
        return value, error
