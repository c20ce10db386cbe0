"""Steps as values: what is done, on what it waits, how it is retried; and the graph they form.

A step is named by its id, and what flows between steps is JSON. Refuses cycles, unknown needs and
two steps of one id. Knows nothing of how steps are scheduled or stored.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Literal

from chimera.context import Context
from chimera.model import ChimeraError, Digest, digest_json
from chimera.runtime.collections import NO_COLLECTIONS, Collections
from chimera.runtime.recovery import PermanentError, Recovery, Retry
from chimera.state import Json

__all__ = [
    "Expansion",
    "Graph",
    "OperationStep",
    "Outputs",
    "PermanentError",
    "Recovery",
    "RemoteWork",
    "Retry",
    "Step",
    "StepCall",
    "Wait",
    "Work",
    "idempotency_key",
]

EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(slots=True)  # not frozen: that takes three times as long, once for every attempt
class StepCall:
    """What the work of a step is given.

    `key` is the idempotency key: the same in every attempt and after every crash, so that an
    outside system that honours it does the work once. `attempt` counts from 1. `in_doubt` is true
    when an earlier attempt was interrupted and nobody knows whether it took effect. Work that
    runs long asks `cancelled()` now and then, and raises when it stops early because of it:
    a value that is returned is a result. `now` is when the first attempt began, the same in every
    attempt and after every crash. What is put into `store`, and what is published, becomes so
    with the result, or not at all. `run` is the uid of the run. `failure` is why the step failed
    in whose place this is done, as far as this process has heard of it.
    """

    inputs: Json
    key: str
    attempt: int
    in_doubt: bool
    context: Context
    cancelled: Callable[[], bool]
    log: Callable[[str], None]
    now: datetime = EPOCH
    store: Collections = NO_COLLECTIONS
    publish: Callable[[str, Json], None] = lambda topic, payload: None
    run: str = ""
    failure: str = ""
    ids: Iterator[int] = field(default_factory=itertools.count, repr=False, compare=False)

    def new_id(self) -> str:
        """Return another id of the form of a UUID (version 4), the same ones in every attempt."""
        return derived_uuid(self.key, next(self.ids))


Outputs = Mapping[str, Json]
"""Outputs of finished steps by id; a skipped step has none."""

Work = Callable[[StepCall], Json] | Callable[[StepCall], Awaitable[Json]]


def no_work(call: StepCall) -> Json:
    """Do nothing: the work of a step that waits, or that is made of other steps."""
    return None


@dataclass(frozen=True, slots=True)
class RemoteWork:
    """What another process or machine executes in place of `Step.work`.

    `entry` is `module:function`, called with `argument` and the step's call; it returns JSON.
    """

    entry: str
    argument: Json = None


@dataclass(frozen=True, slots=True)
class Wait:
    """What a step waits for: a signal by its name, some seconds, or a time. Exactly one of them.

    The output is the signal's data, or the time (ISO 8601) at which the wait was over. A signal
    that came before anybody waited for it is kept, and each ends one wait. `asks` says whose
    answer a signal is: a `question`, and the `approvers` who can give it, or nobody for any human.
    """

    signal: str | None = None
    seconds: float | None = None
    until: datetime | None = None
    asks: Json = None

    def __post_init__(self) -> None:
        if [self.signal, self.seconds, self.until].count(None) != 2:
            raise ValueError("a step waits for a signal, for some seconds, or until a time")


@dataclass(frozen=True, slots=True)
class Expansion:
    """The steps inside a step, known once its inputs are.

    Either `steps`, which may need one another by their ids and are called `ID/THEIR-ID`; or
    `count` elements, each made by `make` when its turn comes and called `ID[n]`. `collect` gets
    the outputs by the ids that `steps` gave, or by `"0"`, `"1"` and so on, and returns the output
    of the whole. At most `concurrency` are in flight. With `keep_going` one that fails stops
    neither the others nor the whole: it is not among the outputs.
    """

    steps: Sequence[Step] = ()
    count: int | None = None
    make: Callable[[int], Step] | None = None
    collect: Callable[[Outputs], Json] = dict
    concurrency: int | None = None
    keep_going: bool = False

    def __post_init__(self) -> None:
        if (self.count is None) != (self.make is None) or (self.count is not None and self.steps):
            raise ValueError("an expansion is made of steps, or of a count of elements")


@dataclass(frozen=True, slots=True)
class Step:
    """The durable unit inside a run: once it is done, its result is never recorded again.

    Its result is recorded exactly once; its work is executed at least once, always with the same
    key. `inputs` and `when` are pure functions of the outputs of `needs`, asked when all of these
    have finished; a step whose `when` is false is skipped, and counts as finished without an
    output.

    `work` is a function or a coroutine function; `executor` says where it runs: `inline`, in the
    scheduler's turn, for what is short and uses the store; `loop`, which coroutine functions get
    by themselves; `thread`; or what a plugin registers, which may execute `remote` elsewhere.
    In place of work a step may `wait`, or `expand` its inputs (pure) into steps inside it.

    A step with `effects` starts only after everything before it is on disk; one without may be
    run again when a crash loses its result. An attempt that outlasts `timeout` is told to stop and
    has failed, whatever it returns; a wait that does has failed too. `on_interrupt` says what
    becomes of an attempt that was interrupted: `retry` runs it again with the same key, `probe`
    asks `probe` for its result first (`None`: it never took effect), `escalate` stops the run
    until a person has looked. An interruption uses up no retry. Without a `recovery` that of the
    engine's settings holds.

    `compensate` undoes the finished step, given `{"inputs": ..., "outputs": ...}`, when the run
    is rolled back. `cache` is a scope in which equal inputs have equal outputs, which are then not
    worked out again. `keys` name limits that the step counts against; `priority` puts it before
    ready steps of a lower one. A step that is not `critical` may be degraded. `identity` stands
    for all that the step does: a run moves to another definition only where it is the same.
    """

    id: str
    work: Work = no_work
    needs: tuple[str, ...] = ()
    inputs: Callable[[Outputs], Json] = lambda outputs: None
    effects: bool = True
    recovery: Recovery | None = None
    timeout: timedelta | None = None
    on_interrupt: Literal["retry", "probe", "escalate"] = "retry"
    when: Callable[[Outputs], bool] | None = None
    executor: str = "thread"
    remote: RemoteWork | None = None
    expand: Callable[[Json], Expansion] | None = None
    wait: Wait | Callable[[Json], Wait] | None = None
    compensate: Work | None = None
    cache: str | None = None
    probe: Callable[[StepCall], Json | None] | None = None
    keys: tuple[str, ...] = ()
    priority: int = 0
    critical: bool = True
    identity: str = ""


@dataclass(frozen=True, slots=True)
class OperationStep(Step):
    """A step that guards know by the name of its `operation`.

    They see of its inputs what `given` makes of them.
    """

    operation: str = ""
    given: Callable[[Json], Json] | None = None


@dataclass(frozen=True)
class Graph:
    """The steps of one run and the definition that they were built from.

    `definition` is JSON and is what a run is pinned to; `concurrency` bounds the steps in flight.
    A run that is not over `timeout` after it was created, or retried, has failed. `limits` bound
    how many steps with a key are in flight in this run. With `on_failure` `compensate` a run that
    fails undoes what it has done, in reverse order. `notify` tells somebody of a failure, where
    the recovery of a step says so; its inputs are to whom and what. `foresee` says what is known
    of steps before anything runs: `fate` (`runs`, `skipped`, `unknown`), `inputs` and `items`.
    """

    definition: Json
    steps: Sequence[Step]
    concurrency: int = 32
    timeout: timedelta | None = None
    priority: int = 0
    limits: Mapping[str, int] = field(default_factory=dict)
    on_failure: Literal["stop", "compensate"] = "stop"
    notify: Work | None = None
    foresee: Callable[[], Mapping[str, Mapping[str, Json]]] | None = None
    by_id: Mapping[str, Step] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_id = {step.id: step for step in self.steps}
        for id in by_id:
            if not id or "/" in id or "[" in id or "!" in id or _has_surrogate(id):
                raise ChimeraError(
                    f"{id!a} is no id of a step",
                    help="leave out `/`, `[` and `!`, which separate, and lone surrogates",
                )
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


def idempotency_key(run: str, step: str, inputs: Json, generation: int = 0) -> str:
    """Return sha256(run uid, step id, input digest) in hexadecimal.

    A step that is run anew on purpose has another key: that is its `generation`.
    """
    return key_of(run, step, digest_json(inputs), generation)


def key_of(run: str, step: str, digest: str, generation: int = 0) -> str:
    """Return the idempotency key for inputs of a known digest."""
    parts = f"{run}\0{step}\0{digest}"
    if generation:
        parts = f"{parts}\0{generation}"
    return hashlib.sha256(parts.encode()).hexdigest()


def derived_uuid(key: str, number: int) -> str:
    """Return the UUID (of the form of version 4) that `key` and `number` always lead to."""
    digits = hashlib.sha256(f"{key}#{number}".encode()).hexdigest()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}"


def _has_surrogate(text: str) -> bool:
    """Tell whether a text holds half a character, which no file and no database takes."""
    return not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)


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
