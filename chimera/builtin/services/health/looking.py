"""Looking at many things at once, each within its own time.

A thread for each look: what a thread waits for is bounded by its deadline, but for a name that is
resolved. Refuses to wait for a thread whose time is over: it is left, and ends by itself.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from chimera.builtin.services.health.probing import Ask, Deadline, LateError, ProbeError
from chimera.builtin.services.health.sockets import pause

_AT_ONCE = 512
_GRACE = 0.05
"""Seconds in which a thread says itself that it was late, and why."""
_ENDING = 30.0
"""Seconds in which a process is ended with all that it started."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One thing to look at: how it is asked, how long that may take, and how often it is tried.

    One that is not `abandonable` has started something, and is waited for until that has ended.
    """

    ask: Ask
    seconds: float
    attempts: int = 1
    pause: float = 0.0
    abandonable: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """What came of a look; `latency` is that of the attempt that found it well."""

    ok: bool
    message: str
    help: str | None = None
    latency: float | None = None
    attempts: int = 1


Answers = SimpleQueue[tuple[int, Found]]


def look(probes: Sequence[Probe], *, at_once: int = _AT_ONCE) -> list[Found]:
    """Look at everything at once and return what was found, in order.

    It takes as long as the longest time of any, where no more than `at_once` are looked at.
    """
    answers: Answers = SimpleQueue()
    waiting = deque(range(len(probes)))
    ends: dict[int, float] = {}
    found: dict[int, Found] = {}
    while waiting or ends:
        while waiting and len(ends) < at_once:
            index = waiting.popleft()
            deadline = Deadline.after(probes[index].seconds)
            if not _start(index, probes[index], deadline, answers):
                found[index] = Found(False, "this machine starts no more threads")
                continue
            grace = _GRACE if probes[index].abandonable else _ENDING
            ends[index] = deadline.at + grace
        _take(answers, ends, found, probes)
    return [found[index] for index in range(len(probes))]


def _take(
    answers: Answers, ends: dict[int, float], found: dict[int, Found], probes: Sequence[Probe]
) -> None:
    """Take the next answer, or give up those whose time is over."""
    if not ends:
        return
    try:
        index, answer = answers.get(timeout=max(0.0, min(ends.values()) - time.monotonic()))
    except Empty:
        now = time.monotonic()
        for index in [index for index, end in ends.items() if end <= now]:
            del ends[index]
            found[index] = Found(False, f"no whole answer within {probes[index].seconds:g} s")
    else:
        if ends.pop(index, None) is not None:
            found[index] = answer


def _start(index: int, probe: Probe, deadline: Deadline, answers: Answers) -> bool:
    def work() -> None:
        answers.put((index, _found(probe, deadline)))

    try:
        threading.Thread(target=work, name=f"look-{index}", daemon=True).start()
    except RuntimeError:
        return False
    return True


def _found(probe: Probe, deadline: Deadline) -> Found:
    """Ask until it is well, as often as may be and as there is time for."""
    failed: Found | None = None
    for attempt in range(1, probe.attempts + 1):
        began = time.monotonic()
        try:
            message = probe.ask(deadline)
        except LateError as error:
            # What the attempt before said tells more than that there was no time for another.
            return failed or Found(False, error.message, error.help, attempts=attempt)
        except ProbeError as error:
            failed = Found(False, error.message, error.help, attempts=attempt)
        except Exception as error:  # noqa: BLE001 - a fault of ours is a finding, too
            return Found(False, f"it could not be looked at: {error!r}", attempts=attempt)
        else:
            return Found(True, message, None, time.monotonic() - began, attempt)
        pause(probe.pause if attempt < probe.attempts else 0.0, deadline)
    assert failed is not None
    return failed
