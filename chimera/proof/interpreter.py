"""A `sitecustomize` for the Python processes of a diagnosis: another clock, seed or listing order.

It is copied beside the exported inputs and imported by every interpreter that starts there, so it
imports nothing of the engine. It does only what its variables ask for. Refuses to reach the clock
of files, of other programs, or of `monotonic`, which nothing writes down.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

CLOCK_SHIFT = "CHIMERA_PROOF_CLOCK_SHIFT"
RANDOM_SEED = "CHIMERA_PROOF_RANDOM_SEED"
LISTING_SEED = "CHIMERA_PROOF_LISTING_SEED"


def shift_clock(seconds: float) -> None:
    """Move what `time` and `datetime` call now by `seconds`."""
    import datetime as dates
    import time

    now, now_ns = time.time, time.time_ns
    time.time = lambda: now() + seconds
    time.time_ns = lambda: now_ns() + int(seconds * 1_000_000_000)
    for name in ("localtime", "gmtime", "ctime"):
        setattr(time, name, _of_now(getattr(time, name), time.time))
    strftime, localtime = time.strftime, time.localtime
    time.strftime = lambda form, *moment: strftime(form, *(moment or (localtime(),)))
    _shift_dates(dates, seconds)


def _of_now(convert: Callable[[float], Any], now: Callable[[], float]) -> Callable[..., Any]:
    def converted(moment: float | None = None) -> Any:
        return convert(now() if moment is None else moment)

    return converted


def _shift_dates(dates: Any, seconds: float) -> None:
    """Replace `date` and `datetime` by subclasses that pass for them everywhere."""
    shift = dates.timedelta(seconds=seconds)
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
            moment = true_datetime.now() + shift
            return cls(moment.year, moment.month, moment.day)

    class datetime(true_datetime, metaclass=Meta):  # type: ignore[misc, valid-type] # noqa: N801
        true = true_datetime

        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return super().now(tz) + shift

        @classmethod
        def utcnow(cls) -> Any:
            return super().now(dates.UTC).replace(tzinfo=None) + shift

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


if __name__ == "sitecustomize":
    if CLOCK_SHIFT in os.environ:
        shift_clock(float(os.environ[CLOCK_SHIFT]))
    if RANDOM_SEED in os.environ:
        seed_randomness(int(os.environ[RANDOM_SEED]))
    if LISTING_SEED in os.environ:
        shuffle_listings(int(os.environ[LISTING_SEED]))
