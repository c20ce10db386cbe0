"""Steps as values: what is done, on what it waits, how it is retried; and the graph they form.

A step is named by its id, and what flows between steps is JSON. Refuses cycles, unknown needs and
two steps of one id. Knows nothing of how steps are scheduled or stored.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Literal

from chimera.context import Context
from chimera.model import ChimeraError, Digest, digest_json
from chimera.state import Json


class PermanentError(ChimeraError):
    """The step failed in a way that another attempt would not change: it is not retried."""


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a failing step is attempted, and how long is waited in between.

    The wait doubles from `base_delay` up to `max_delay`, less a jitter of up to a half.
    """

    max_attempts: int = 1
    base_delay: timedelta = timedelta(seconds=1)
    max_delay: timedelta = timedelta(minutes=1)

    def delay(self, key: str, attempt: int) -> timedelta:
        """Return the wait after `attempt` failed; the jitter comes from key and attempt alone."""
        doubled = self.base_delay.total_seconds() * 2.0 ** min(attempt - 1, 64)
        name = hashlib.sha256(f"{key}:{attempt}".encode()).digest()
        fraction = int.from_bytes(name[:4]) / 2**32
        seconds = min(doubled, self.max_delay.total_seconds()) * (1 - fraction / 2)
        return timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class StepCall:
    """What the work of a step is given.

    `key` is the idempotency key: the same in every attempt and after every crash, so that an
    outside system that honours it does the work once. `attempt` counts from 1. `in_doubt` is true
    when an earlier attempt was interrupted and nobody knows whether it took effect. Work that
    runs long asks `cancelled()` now and then, and raises when it stops early because of it:
    a value that is returned is a result.
    """

    inputs: Json
    key: str
    attempt: int
    in_doubt: bool
    context: Context
    cancelled: Callable[[], bool]
    log: Callable[[str], None]


Outputs = Mapping[str, Json]
"""Outputs of finished steps by id; a skipped step has none."""

Work = Callable[[StepCall], Json] | Callable[[StepCall], Awaitable[Json]]


@dataclass(frozen=True, slots=True)
class Step:
    """The durable unit inside a run: once it is done, it is never done again.

    `inputs` and `when` are pure functions of the outputs of `needs`, asked when all of these have
    finished; a step whose `when` is false is skipped, and counts as finished without an output.
    `work` is a function, which runs in a thread, or a coroutine function. A step with `effects`
    starts only after everything before it is on disk; one without may be run again when a crash
    loses its result. An attempt that outlasts `timeout` is told to stop and has failed, whatever
    it returns. `on_interrupt` says what becomes of an attempt that was interrupted: `retry`
    runs it again with the same key, `escalate` stops the run until a person has looked.
    """

    id: str
    work: Work
    needs: tuple[str, ...] = ()
    inputs: Callable[[Outputs], Json] = lambda outputs: None
    effects: bool = True
    retry: Retry = Retry()
    timeout: timedelta | None = None
    on_interrupt: Literal["retry", "escalate"] = "retry"
    when: Callable[[Outputs], bool] | None = None


@dataclass(frozen=True)
class Graph:
    """The steps of one run and the definition that they were built from.

    `definition` is JSON and is what a run is pinned to; `concurrency` bounds the steps in flight.
    """

    definition: Json
    steps: Sequence[Step]
    concurrency: int = 32
    by_id: Mapping[str, Step] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_id = {step.id: step for step in self.steps}
        object.__setattr__(self, "by_id", by_id)
        if len(by_id) != len(self.steps):
            (twice, _), *_ = Counter(step.id for step in self.steps).most_common(1)
            raise ChimeraError(f"two steps are called {twice}", help="give each step its own id")
        for step in self.steps:
            for need in step.needs:
                if need not in by_id:
                    raise ChimeraError(
                        f"the step {step.id} needs {need}, which is not a step",
                        help=f"add a step {need} or remove the need",
                    )
        _refuse_cycle(self.steps)

    @cached_property
    def digest(self) -> Digest:
        """The digest of the definition."""
        return digest_json(self.definition)


def idempotency_key(run: str, step: str, inputs: Json) -> str:
    """Return sha256(run uid, step id, input digest) in hexadecimal."""
    return hashlib.sha256(f"{run}\0{step}\0{digest_json(inputs)}".encode()).hexdigest()


def _refuse_cycle(steps: Sequence[Step]) -> None:
    """Raise `ChimeraError` that names the steps left over when all that can finish have."""
    waiting = {step.id: len(set(step.needs)) for step in steps}
    dependents: dict[str, list[str]] = {}
    for step in steps:
        for need in set(step.needs):
            dependents.setdefault(need, []).append(step.id)
    free = [id for id, count in waiting.items() if count == 0]
    for id in free:
        for dependent in dependents.get(id, ()):
            waiting[dependent] -= 1
            if waiting[dependent] == 0:
                free.append(dependent)
    if len(free) < len(steps):
        stuck = sorted(set(waiting) - set(free))
        raise ChimeraError(
            f"the steps {', '.join(stuck[:10])} wait for one another",
            help="remove one of their needs",
        )
