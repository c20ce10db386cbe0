"""Steps in flight: work that was started, in a thread or as a coroutine, and has not come back.

A thread cannot be ended: it is told, and nobody waits for it longer than a while. Refuses to judge
what work returns or raises.
"""

from __future__ import annotations

import contextlib
import inspect
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chimera.runtime.steps import Step, StepCall
from chimera.state import Json

if TYPE_CHECKING:
    import asyncio


@dataclass(eq=False, slots=True)
class Flight:
    """One attempt of one step. `is_told` is what its work hears as `cancelled()`."""

    step: Step
    attempt: int
    call: StepCall = field(init=False)
    is_told: bool = False
    is_timed_out: bool = False
    handle: Any = None
    task: asyncio.Task[None] | None = None

    def tell(self) -> None:
        """Tell the work to stop."""
        self.is_told = True
        if self.task is not None:
            self.task.cancel()


Landed = Callable[[Flight, Json, BaseException | None], None]
"""Hears in the event loop what came of a flight."""


def depart(flight: Flight, loop: asyncio.AbstractEventLoop, landed: Landed) -> None:
    """Start the work of `flight`."""
    if inspect.iscoroutinefunction(flight.step.work):
        flight.task = loop.create_task(_await(flight, landed))
    else:
        # A daemon: a thread that does not stop when told must not keep the process alive.
        threading.Thread(
            target=_work, args=(flight, loop, landed), name=flight.step.id, daemon=True
        ).start()


async def _await(flight: Flight, landed: Landed) -> None:
    from asyncio import CancelledError

    work: Any = flight.step.work
    value, error = None, None
    try:
        value = await work(flight.call)
    except (Exception, CancelledError) as raised:  # noqa: BLE001 - the step runner
        error = raised
    landed(flight, value, error)


def _work(flight: Flight, loop: asyncio.AbstractEventLoop, landed: Landed) -> None:
    value: Json = None
    error: BaseException | None = None
    try:
        value = flight.step.work(flight.call)
    except BaseException as raised:  # noqa: BLE001 - the step runner: SystemExit would end the thread unheard
        error = raised
    with contextlib.suppress(RuntimeError):  # nobody waits any more: the loop is closed
        loop.call_soon_threadsafe(landed, flight, value, error)
