"""One child process that evaluates predicates for all runs that a process executes at a time.

Each run is carried out by a call of its own, and thousands may be at once. Refuses to keep the
child when the last of them is over.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from chimera.context import Processes
from chimera.policy import Predicates

_lock = threading.Lock()
_used: dict[int, tuple[Predicates, int]] = {}
"""Predicates by whose processes they start, and how many runs use them."""


@contextmanager
def shared(processes: Processes) -> Iterator[Predicates]:
    """Give what evaluates predicates, the same to all that ask meanwhile."""
    key = id(processes)  # held by whoever uses it, so that no other has it meanwhile
    with _lock:
        predicates, count = _used.get(key, (Predicates(processes), 0))
        _used[key] = (predicates, count + 1)
    try:
        yield predicates
    finally:
        with _lock:
            predicates, count = _used.pop(key)
            if count > 1:
                _used[key] = (predicates, count - 1)
            else:
                predicates.close()
