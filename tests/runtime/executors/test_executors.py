"""The executors that need nothing but Python: they start, tell, end and let land."""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from chimera.model import ChimeraError
from chimera.runtime.executors import Executors
from chimera.runtime.executors.threads import Threads
from chimera.runtime.steps import StepCall

from .flying import CONTEXT, Heard, flight_of


def in_loop(test: Callable[[Executors], Any]) -> None:
    async def main() -> None:
        executors = Executors(asyncio.get_running_loop(), CONTEXT)
        try:
            await test(executors)
        finally:
            executors.close()

    asyncio.run(main())


async def _coroutine(call: StepCall) -> int:
    await asyncio.sleep(0)
    return 7


@pytest.mark.parametrize(
    ("name", "work"), [("inline", lambda call: 7), ("loop", _coroutine), ("thread", lambda call: 7)]
)
def test_work_lands_in_the_thread_of_the_loop(name: str, work: Any) -> None:
    async def test(executors: Executors) -> None:
        heard = Heard()
        executors[name].depart(flight_of(work), heard)
        await heard.count(1)
        assert heard.all == [("step", 7, None)]
        assert heard.threads == {threading.get_ident()}

    in_loop(test)


@pytest.mark.parametrize("name", ["inline", "thread"])
@pytest.mark.parametrize("raised", [ValueError("no"), SystemExit(3)])
def test_what_work_raises_lands(name: str, raised: BaseException) -> None:
    def work(call: StepCall) -> None:
        raise raised

    async def test(executors: Executors) -> None:
        heard = Heard()
        executors[name].depart(flight_of(work), heard)
        await heard.count(1)
        assert heard.all == [("step", None, raised)]

    in_loop(test)


def test_a_coroutine_that_is_told_is_cancelled() -> None:
    async def work(call: StepCall) -> None:
        await asyncio.sleep(60)

    async def test(executors: Executors) -> None:
        heard, flight = Heard(), flight_of(work)
        loop = executors["loop"]
        loop.depart(flight, heard)
        await asyncio.sleep(0)
        assert not loop.end(flight)
        await heard.count(1)
        assert isinstance(heard.all[0][2], asyncio.CancelledError)
        assert loop.end(flight)

    in_loop(test)


def test_threads_are_kept_for_the_next_work() -> None:
    used: set[int] = set()

    async def test(executors: Executors) -> None:
        heard = Heard()
        for number in range(20):
            executors["thread"].depart(
                flight_of(lambda call: used.add(threading.get_ident())), heard
            )
            await heard.count(number + 1)

    in_loop(test)
    assert len(used) == 1


def test_no_more_threads_than_allowed_and_everything_lands() -> None:
    running, most = 0, 0
    lock = threading.Lock()

    def work(call: StepCall) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.005)
        with lock:
            running -= 1

    async def test() -> None:
        threads = Threads(asyncio.get_running_loop(), CONTEXT, most=3)
        heard = Heard()
        for number in range(30):
            threads.depart(flight_of(work, f"s{number}"), heard)
        await heard.count(30)
        threads.close()
        assert sorted(id for id, *_ in heard.all) == sorted(f"s{n}" for n in range(30))

    asyncio.run(test())
    assert most == 3


def test_work_that_waits_for_a_thread_is_told_and_never_begins() -> None:
    release, began = threading.Event(), []

    async def test() -> None:
        threads = Threads(asyncio.get_running_loop(), CONTEXT, most=1)
        heard = Heard()
        threads.depart(flight_of(lambda call: release.wait(10), "first"), heard)
        waiting = flight_of(lambda call: began.append(1), "second")
        threads.depart(waiting, heard)
        threads.tell(waiting)
        await heard.count(1)
        assert heard.all[0][0] == "second"
        assert threads.end(waiting)
        release.set()
        await heard.count(2)
        threads.close()

    asyncio.run(test())
    assert not began


def test_a_thread_whose_work_does_not_stop_is_replaced() -> None:
    release = threading.Event()

    async def test() -> None:
        threads = Threads(asyncio.get_running_loop(), CONTEXT, most=1)
        heard = Heard()
        stuck = flight_of(lambda call: release.wait(10), "stuck")
        threads.depart(stuck, heard)
        await asyncio.sleep(0.05)
        threads.depart(flight_of(lambda call: 1, "next"), heard)
        assert not threads.end(stuck)
        await heard.count(1)
        assert heard.all == [("next", 1, None)]
        release.set()
        threads.depart(flight_of(lambda call: 2, "last"), heard)
        await heard.count(2)
        assert heard.all[1] == ("last", 2, None)
        threads.close()

    asyncio.run(test())


def test_an_executor_that_nobody_registered_is_named() -> None:
    async def test(executors: Executors) -> None:
        with pytest.raises(ChimeraError, match="no executor 'gpu'"):
            executors["gpu"]

    in_loop(test)
