"""A `sitecustomize` for the Python processes of a run: another clock, seed or listing order.

It is copied beside the exported inputs and imported by every interpreter that starts there, so it
imports nothing of the engine. It does only what its variables ask for. Refuses to reach the clock
of files, of other programs, or of `monotonic`, which nothing writes down.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

RANDOM_SEED = "CHIMERA_PROOF_RANDOM_SEED"
LISTING_SEED = "CHIMERA_PROOF_LISTING_SEED"
CLOCK_START = "CHIMERA_PROOF_CLOCK_START"
CLOCK_STEP = "CHIMERA_PROOF_CLOCK_STEP"
FIRST_PORT = "CHIMERA_PROOF_FIRST_PORT"
SWITCH_INTERVAL = "CHIMERA_PROOF_SWITCH_INTERVAL"


def start_clock(start: float, step: float | None) -> None:
    """Let the clock begin at `start`, and go on by `step` seconds at each look, or run."""
    import itertools
    import time

    now, began = time.time, time.time()
    looks = itertools.count()
    if step is None:
        replace_clock(lambda: start + now() - began)
    else:
        replace_clock(lambda: start + step * next(looks))


def replace_clock(now: Callable[[], float]) -> None:
    """Make `now` what `time` and `datetime` call now."""
    import time

    time.time = now
    time.time_ns = lambda: round(now() * 1_000_000) * 1000
    for name in ("localtime", "gmtime", "ctime"):
        setattr(time, name, _of_now(getattr(time, name), now))
    true_strftime = time.strftime

    def strftime(form: str, moment: Any = None) -> str:
        return true_strftime(form, time.localtime() if moment is None else moment)

    time.strftime = strftime
    _replace_dates(now)


def _of_now(convert: Callable[[float], Any], now: Callable[[], float]) -> Callable[..., Any]:
    def converted(moment: float | None = None) -> Any:
        return convert(now() if moment is None else moment)

    return converted


def _replace_dates(now: Callable[[], float]) -> None:
    """Replace `date` and `datetime` by subclasses that pass for them everywhere."""
    import datetime as dates

    present = now
    true_date, true_datetime = dates.date, dates.datetime

    class Meta(type):
        true: type

        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, cls.true)

        def __subclasscheck__(cls, subclass: type) -> bool:
            return issubclass(subclass, cls.true)

    class date(true_date, metaclass=Meta):  # type: ignore[misc, valid-type] # noqa: N801
        true = true_date

        @classmethod
        def today(cls) -> Any:
            return cls.fromtimestamp(present())

    class datetime(true_datetime, metaclass=Meta):  # type: ignore[misc, valid-type] # noqa: N801
        true = true_datetime

        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return cls.fromtimestamp(present(), tz)

        @classmethod
        def utcnow(cls) -> Any:
            return cls.fromtimestamp(present(), dates.UTC).replace(tzinfo=None)

        @classmethod
        def today(cls) -> Any:
            return cls.now()

    for replacement in (date, datetime):
        replacement.__module__ = "datetime"
        replacement.__qualname__ = replacement.__name__
        setattr(dates, replacement.__name__, replacement)


def seed_randomness(seed: int) -> None:
    """Make a stream of `seed` of what the system would give for randomness."""
    import hashlib

    drawn = iter(range(1 << 62))

    def urandom(size: int) -> bytes:
        name = f"{seed} {next(drawn)}".encode()
        return hashlib.shake_256(name).digest(size)

    os.urandom = urandom  # before `random` takes it for SystemRandom, and with it `secrets`
    import random

    true_seed = random.Random.seed

    class Random(random.Random):
        def seed(self, a: Any = None, version: int = 2) -> None:
            true_seed(self, int.from_bytes(urandom(16)) if a is None else a, version)

    Random.__module__, Random.__qualname__ = "random", "Random"
    random.Random = Random  # type: ignore[misc]
    shared = Random()
    for name in random.__all__:
        if hasattr(shared, name) and not isinstance(getattr(random, name), type):
            setattr(random, name, getattr(shared, name))


def shuffle_listings(seed: int) -> None:
    """Give the entries of folders in an order that `seed` chooses."""
    import hashlib

    true_listdir, true_scandir = os.listdir, os.scandir

    def place(name: Any) -> bytes:
        return hashlib.blake2b(os.fsencode(name), key=str(seed).encode()).digest()

    class Scan:
        """What `scandir` returns: an iterator that is also closed."""

        def __init__(self, path: Any) -> None:
            with true_scandir(path) as entries:
                self._entries = iter(sorted(entries, key=lambda entry: place(entry.name)))

        def __iter__(self) -> Iterator[Any]:
            return self

        def __next__(self) -> Any:
            return next(self._entries)

        def __enter__(self) -> Scan:
            return self

        def __exit__(self, *_: object) -> None:
            self.close()

        def close(self) -> None:
            self._entries = iter(())

    def listdir(path: Any = ".") -> list[Any]:
        return sorted(true_listdir(path), key=place)

    os.listdir = listdir
    os.scandir = lambda path=".": Scan(path)  # type: ignore[assignment]


def give_ports(first: int) -> None:
    """Give a socket that asks for any port the next one that is free, from `first` on."""
    import errno
    import itertools
    import socket

    true_bind = socket.socket.bind

    def bind(self: Any, address: Any) -> None:
        if not isinstance(address, tuple) or len(address) < 2 or address[1] != 0:
            true_bind(self, address)
            return
        for port in itertools.count(first):
            try:
                true_bind(self, (address[0], port, *address[2:]))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
            else:
                return

    socket.socket.bind = bind  # type: ignore[method-assign]


def main() -> None:
    """Put on what the variables ask for."""
    given = os.environ
    if CLOCK_START in given:
        step = given.get(CLOCK_STEP)
        start_clock(float(given[CLOCK_START]), None if step is None else float(step))
    if RANDOM_SEED in given:
        seed_randomness(int(given[RANDOM_SEED]))
    if LISTING_SEED in given:
        shuffle_listings(int(given[LISTING_SEED]))
    if FIRST_PORT in given:
        give_ports(int(given[FIRST_PORT]))
    if SWITCH_INTERVAL in given:
        sys.setswitchinterval(float(given[SWITCH_INTERVAL]))


if __name__ == "sitecustomize":
    main()
