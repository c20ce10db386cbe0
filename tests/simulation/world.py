"""A simulated world for the engine: time that passes only while everybody waits.

One seed decides every delay, error and interruption, and one loop runs everything, so that a seed
that fails fails again, at the same place. The state is a real SQLite database.
"""

from __future__ import annotations

import asyncio
import random
import selectors
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from chimera.runtime import PermanentError

if TYPE_CHECKING:
    from chimera.runtime.flights import Flight

AT_THE_GATE = 2
"""How many steps the bulkhead `gate` lets in."""

BEGINNING = datetime(2026, 11, 21, tzinfo=UTC)


class Patience(selectors.DefaultSelector):
    """Does not wait: tells the loop for how long it would have waited."""

    def __init__(self):
        super().__init__()
        self.loop = None

    def select(self, timeout=None):
        ready = super().select(0)
        if not ready and timeout is None:
            raise DeadlockError("everybody waits, and nothing is due")
        if not ready and timeout > 0:
            self.loop.pass_time(timeout)
        return ready


class DeadlockError(AssertionError):
    """Nothing will ever happen any more."""


class SimulatedLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is a number."""

    def __init__(self):
        patience = Patience()
        super().__init__(patience)
        patience.loop = self
        self.passed = 0.0

    def time(self):
        return self.passed

    def pass_time(self, seconds):
        # A clock has a grain: what is due in less than that is due now.
        self.passed += max(seconds, self._clock_resolution)


class SimulatedClock:
    """Wall time that follows the loop's, and jumps when it is told to."""

    def __init__(self, world=None):
        self.world = world
        self.loop = None
        self.elapsed = timedelta()  # in loops that are closed
        self.jumps = timedelta()

    def now(self):
        running = timedelta(seconds=self.loop.time()) if self.loop is not None else timedelta()
        return BEGINNING + self.elapsed + running + self.jumps

    def adopt(self, loop):
        """Follow `loop` from now on, going on from where the time stands."""
        if self.loop is not None:
            self.elapsed += timedelta(seconds=self.loop.time())
        self.loop = loop


class SimulatedIds:
    """Ids that count."""

    def __init__(self, prefix):
        self.prefix = prefix
        self.count = 0

    def new(self):
        self.count += 1
        return f"{self.prefix}-{self.count:06d}"


def stream(seed, *names):
    """Return the random stream of `names`: what one does not draw, another does not notice."""
    return random.Random("/".join(map(str, (seed, *names))))


class Crash(KeyboardInterrupt):
    """The process is killed: nothing that it would have done happens. asyncio lets it through."""


class FaultError(Exception):
    """What the work of a step raises."""


@dataclass(frozen=True)
class Effect:
    """One thing that was done to the outside, which no crash takes back."""

    step: str
    key: str
    attempt: int
    is_undo: bool


@dataclass
class Fate:
    """What becomes of one execution of one attempt."""

    delay: float
    effect_after: float
    error: Exception | None
    heeds: bool
    """Whether it stops when it is told to."""


class World:
    """The outside: what work does to it, and what it does to the engine."""

    def __init__(self, seed, *, errors=0.0, hangs=0.0):
        self.seed = seed
        self.errors = errors
        self.hangs = hangs
        self.clock = SimulatedClock(self)
        self.effects: list[Effect] = []
        self.executions = Counter()
        self.failures = Counter()
        self.in_flight: list[Flight] = []
        self.doomed: set[str] = set()
        """The steps, as `run/step`, that fail for good."""
        self.bounds: dict[str, int] = {}
        """How many steps of a run may be in flight."""
        self.broken: list[str] = []
        """Bounds that were seen to be exceeded."""

    def work(self, call):
        """Give what every step gives; what it does to the outside was done in flight."""
        return call.inputs["sum"] + call.inputs["number"] + 1

    def undo(self, call):
        """Undo a step: what it does to the outside was done in flight."""

    def look_up(self, call):
        """Return the result of the effect that has this key, if it was had."""
        if any(effect.key == call.key for effect in self.effects):
            return self.work(call)
        return None

    def fate(self, flight):
        """Return what becomes of this execution: the same for the same seed, whoever asks."""
        key = flight.call.key
        random = stream(self.seed, "fate", key, self.executions[key])
        self.executions[key] += 1
        delay = random.choice((0.0, 0.0, random.expovariate(2), random.expovariate(0.5)))
        error: Exception | None = None
        if f"{flight.call.run}/{flight.node.id}" in self.doomed:
            return Fate(delay, 0.0, PermanentError("doomed"), heeds=True)
        # Fewer failures than retries, so that what can succeed does.
        if random.random() < self.errors and self.failures[key] < 2:
            self.failures[key] += 1
            error = FaultError(f"number {self.failures[key]}")
        elif random.random() < self.hangs and self.failures[key] < 2 and flight.step.timeout:
            self.failures[key] += 1
            delay = 1e6
        return Fate(delay, random.uniform(0, delay), error, random.random() < 0.7)

    def depart(self, flight):
        """Take note of a flight, and of what it exceeds."""
        self.in_flight.append(flight)
        run = flight.call.run
        there = [other for other in self.in_flight if other.call.run == run]
        if len(there) > self.bounds[run]:
            self.broken.append(f"{len(there)} steps of {run} in flight")
        inside = sum(is_guarded(other) for other in self.in_flight)
        if is_guarded(flight) and inside > AT_THE_GATE:
            self.broken.append(f"{inside} steps in a bulkhead for {AT_THE_GATE}")
        for flights, bound in ((there, 2), (self.in_flight, 3)):
            held = sum("db" in other.step.keys for other in flights)
            if "db" in flight.step.keys and held > bound:
                self.broken.append(f"{held} steps hold db, of {bound}")


def is_guarded(flight):
    """Tell whether an attempt is inside the bulkhead."""
    recovery = flight.step.recovery
    return recovery is not None and recovery.bulkhead == "gate"


class Simulated:
    """An executor whose work takes as long as the seed says, and does what the seed says."""

    def __init__(self, loop, context):
        self.loop = loop
        self.world = context.clock.world

    def depart(self, flight, landed):
        world = self.world
        fate = world.fate(flight)
        world.depart(flight)
        handles = [self.loop.call_later(fate.delay, self._land, flight, fate, landed)]
        if fate.error is None:
            handles.append(self.loop.call_later(fate.effect_after, self._take_effect, flight))
        flight.handle = (handles, fate, landed)

    def tell(self, flight):
        handles, fate, landed = flight.handle
        if fate.heeds and flight in self.world.in_flight:
            for handle in handles:
                handle.cancel()
            self.loop.call_soon(self._land, flight, replace(fate, error=FaultError("told")), landed)

    def end(self, flight):
        for handle in flight.handle[0]:
            handle.cancel()
        if flight in self.world.in_flight:
            self.world.in_flight.remove(flight)
        return True

    def close(self):
        for flight in list(self.world.in_flight):
            self.end(flight)

    def _take_effect(self, flight):
        if flight.step.effects:
            step = flight.call.run + "/" + flight.node.id
            is_undo = flight.node.id.endswith("!undo")
            effect = Effect(step, flight.call.key, flight.attempt, is_undo)
            self.world.effects.append(effect)

    def _land(self, flight, fate, landed):
        if flight not in self.world.in_flight:
            return
        self.world.in_flight.remove(flight)
        if fate.error is not None:
            landed(flight, None, fate.error)
        else:
            landed(flight, flight.step.work(flight.call), None)
