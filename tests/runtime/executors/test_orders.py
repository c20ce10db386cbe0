"""Laws of executors, whatever they are told in whatever order."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chimera.runtime.executors import Executor
from chimera.runtime.executors.processes import Workers
from chimera.runtime.executors.threads import Threads
from chimera.runtime.flights import Flight
from chimera.runtime.steps import RemoteWork

from .flying import CONTEXT, Heard, flight_of

ORDERS = st.lists(
    st.tuples(st.sampled_from(["depart", "tell", "end", "release", "rest"]), st.integers(0, 5)),
    max_size=30,
)


class Play:
    """Flights that go on until their doors are opened, and an executor that is told things."""

    def __init__(self, executor: Executor, folder: Path) -> None:
        self.executor = executor
        self.heard = Heard()
        self.ended: set[int] = set()
        self.flights: dict[int, Flight] = {}
        self._folder = folder

    def depart(self, number: int) -> None:
        if number not in self.flights:
            door = self._folder / str(number)
            work = RemoteWork("elsewhere:wait_for", str(door))
            flight = flight_of(lambda call: _wait_for(door), str(number), remote=work)
            self.flights[number] = flight
            self.executor.depart(flight, self.heard)

    def tell(self, number: int) -> None:
        if number in self.flights:
            self.flights[number].is_told = True
            self.executor.tell(self.flights[number])

    def end(self, number: int) -> None:
        if number in self.flights:
            self.ended.add(number)
            self.executor.end(self.flights[number])

    def release(self, number: int) -> None:
        (self._folder / str(number)).touch()

    async def finish(self) -> None:
        """Open all doors and wait for what has to land."""
        for number in self.flights:
            self.release(number)
        owed = {str(number) for number in self.flights.keys() - self.ended}
        async with asyncio.timeout(30):
            while not owed <= {id for id, *_ in self.heard.all}:
                await asyncio.sleep(0.001)


def _wait_for(door: Path) -> str:
    while not door.exists():
        threading.Event().wait(0.001)
    return "open"


async def play(
    make: Callable[..., Executor], orders: list[tuple[str, int]], most: int, folder: Path
) -> None:
    executor = make(asyncio.get_running_loop(), CONTEXT, most)
    try:
        game: Any = Play(executor, folder)
        for what, number in orders:
            if what == "rest":
                await asyncio.sleep(0.002 * number)
            else:
                getattr(game, what)(number)
        await game.finish()
        landed = [id for id, *_ in game.heard.all]
        assert len(landed) == len(set(landed))
        # There is room for as many as ever.
        last = Play(executor, folder)
        for number in range(100, 100 + most):
            last.depart(number)
        await last.finish()
        assert [value for _, value, _ in last.heard.all] == ["open"] * most
    finally:
        executor.close()


@given(ORDERS, st.integers(1, 4))
@settings(max_examples=50, deadline=None)
def test_of_threads_every_flight_lands_once_or_was_ended(
    orders: list[tuple[str, int]], most: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(Threads, orders, most, Path(folder)))


@given(ORDERS, st.integers(1, 2))
@settings(max_examples=10, deadline=None)
def test_of_processes_every_flight_lands_once_or_was_ended(
    orders: list[tuple[str, int]], most: int
) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parent))
        asyncio.run(play(Workers, orders, most, Path(folder)))
