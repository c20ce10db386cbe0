"""Ids of runs, steps and records: unique, short, and sorted by the time they were made.

Refuses to be deterministic: an id never reaches a digest.
"""

from __future__ import annotations

import os
import threading
from typing import Protocol

from chimera.context.clock import Clock

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u
_RANDOM_BITS = 80


class Ids(Protocol):
    """Makes ids."""

    def new(self) -> str:
        """Return an id that was never returned before and sorts after its predecessors."""
        ...


class SystemIds:
    """Ids of 26 characters: 48 bits of milliseconds, then 80 random bits, in base 32.

    Within one process they only ever rise, even when the clock stands still or steps back.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = 0
        self._lock = threading.Lock()

    def new(self) -> str:
        """Return the next id."""
        milliseconds = int(self._clock.now().timestamp() * 1000)
        fresh = milliseconds << _RANDOM_BITS | int.from_bytes(os.urandom(_RANDOM_BITS // 8))
        with self._lock:
            same_moment = fresh >> _RANDOM_BITS <= self._last >> _RANDOM_BITS
            self._last = self._last + 1 if same_moment else fresh
            return _base32(self._last)


class SequentialIds:
    """Ids that count, for tests: `prefix-000001`, `prefix-000002`, and so on."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._count = 0
        self._lock = threading.Lock()

    def new(self) -> str:
        """Return the next id."""
        with self._lock:
            self._count += 1
            return f"{self._prefix}-{self._count:06d}"


def _base32(number: int) -> str:
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))
