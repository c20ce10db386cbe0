"""One child evaluates the conditions of all runs that a process has under way."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from chimera.builtin.workflow.sharing import shared
from chimera.context import Processes


def test_all_who_ask_meanwhile_get_the_same_and_the_next_another() -> None:
    processes, together = Processes(), Barrier(20)

    def take(_: int) -> int:
        with shared(processes) as conditions:
            together.wait(timeout=10)
            return id(conditions)

    with ThreadPoolExecutor(20) as pool:
        assert len(set(pool.map(take, range(20)))) == 1
    with shared(processes) as first, shared(Processes()) as other:
        assert first is not other
