"""The heap of timers."""

import asyncio

import pytest

from chimera.runtime.timers import Timers


def test_timers_call_back_in_order_of_time_then_of_setting():
    called = []

    async def wait():
        loop = asyncio.get_running_loop()
        over = loop.create_future()

        def wake():
            timers.run_due()

        timers = Timers(loop, wake)
        timers.after(0.02, lambda: over.set_result(None))
        timers.after(0.01, lambda: called.append("b"))
        timers.after(0.0, lambda: called.append("a"))
        timers.after(0.01, lambda: called.append("c"))
        await asyncio.wait_for(over, 20)

    asyncio.run(wait())
    assert called == ["a", "b", "c"]


def test_timer_that_raises_keeps_no_other_from_being_called():
    async def wait():
        loop = asyncio.get_running_loop()
        over = loop.create_future()

        def wake():
            try:
                timers.run_due()
            except ZeroDivisionError:
                timers.after(30, lambda: None)  # not the earliest: sets no alarm

        def fail():
            raise ZeroDivisionError

        timers = Timers(loop, wake)
        timers.after(0.0, fail)
        timers.after(0.01, lambda: over.set_result("called"))
        return await asyncio.wait_for(over, 20)

    assert asyncio.run(wait()) == "called"


def test_cleared_timers_call_nobody():
    async def wait():
        loop = asyncio.get_running_loop()

        def wake():
            timers.run_due()

        timers = Timers(loop, wake)
        timers.after(0.0, lambda: pytest.fail("called"))
        timers.clear()
        await asyncio.sleep(0.01)
        timers.run_due()

    asyncio.run(wait())
