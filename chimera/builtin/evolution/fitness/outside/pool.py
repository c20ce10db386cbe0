"""Python fitnesses in worker processes: many candidates at a time, in the order that they came in.

Values follow from the candidates alone: neither how many workers there are, nor which of them
finishes first, nor the loss of one shows in them. A candidate that takes too long costs its worker,
and one whose worker is lost is tried once more before it counts as failed. Refuses to fork: workers
are fresh processes under supervision, which end with this one.
"""

from __future__ import annotations

import json
import os
import selectors
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from chimera.builtin.evolution.fitness.outside.candidates import layout_of
from chimera.builtin.evolution.fitness.outside.failures import Failure, Failures, gathered
from chimera.builtin.evolution.fitness.outside.modules import sources_of
from chimera.builtin.evolution.fitness.outside.worker import late, read_answer, text_of
from chimera.builtin.evolution.spec.defaults import seed_of
from chimera.context import Command, Limits, ProcessCancelledError, base_environment
from chimera.model import ChimeraError
from chimera.runtime import PermanentError

if TYPE_CHECKING:
    from chimera.builtin.evolution.spec.evolution import EvolutionSpec
    from chimera.builtin.evolution.spec.fitness import PythonFitness
    from chimera.builtin.evolution.spec.genes import Gene
    from chimera.context import Context, Running

Floats = NDArray[np.float64]

BATCH = 256
"""Candidates of one call with `batch`: fixed, because a value may follow from who is beside it."""

MEMORY_BYTES = 8 << 30
START_SECONDS = 120.0
TASK_SECONDS = 0.05  # of work that is sent at once: it is lost with its worker
SLACK_SECONDS = 0.25  # for an answer to come after the work is done
MOST_AT_ONCE = 4096
ATTEMPTS = 2  # of a candidate whose worker is lost: the first time it may be somebody else's fault
_ASK_SECONDS = 0.1
_OUTPUT_BYTES = 64 << 20
_LOGGED_BYTES = 64 << 10
_LINE_BYTES = 4096
_BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from chimera.builtin.evolution.fitness.outside.worker import main; main()"
)
_SINGLE_THREADED = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True, slots=True, eq=False)
class Evaluated:
    """What candidates came to: float64[M], NaN where one failed, and what went wrong."""

    values: Floats
    failures: Failures


@dataclass(eq=False, slots=True)
class _Task:
    """Rows from `first` on that one worker computes, and how many of them are known."""

    first: int
    count: int
    attempt: int = 1
    known: int = 0


@dataclass(eq=False, slots=True)
class _Worker:
    """A process, what it works on, and since when nothing was heard of it."""

    running: Running
    task: _Task | None = None
    heard: float = 0.0
    is_ready: bool = False
    printed: bytearray = field(default_factory=bytearray)
    last: str = ""
    """What it printed and nobody has logged, and the last line that it printed."""


class Pool:
    """Worker processes for one fitness, started when there is work, warm until it is closed."""

    def __init__(
        self,
        fitness: PythonFitness,
        genes: Sequence[Gene],
        root: Path,
        context: Context,
        *,
        workers: int | None = None,
        seed: int = 0,
        memory: int = MEMORY_BYTES,
        cancelled: Callable[[], bool] = lambda: False,
        log: Callable[[str], None] = lambda text: None,
    ) -> None:
        """Look at the module; raises `PermanentError` where it is not there or is no Python."""
        sources = sources_of(root, fitness.module)
        self._fitness = fitness
        self._root = root
        self._context = context
        self._most = workers or os.cpu_count() or 1
        self._memory = memory
        self._timeout = fitness.timeout.total_seconds() if fitness.timeout else None
        self._cancelled = cancelled
        self._log = log
        self._setup = {
            "root": str(root),
            "module": fitness.module,
            "function": fitness.function,
            "batch": fitness.batch,
            "layout": layout_of(genes),
            "genes": sum(gene.length for gene in genes),
            "timeout": self._timeout,
            "seed": seed,
            "seeded": any(b"random" in source for source in sources.values()),
        }
        self._workers: set[_Worker] = set()
        self._logged = 0
        self._lost_idle = 0
        self._seconds: float | None = None  # of one candidate, as measured

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all workers."""
        for worker in self._workers:
            worker.running.kill()
        while self._workers:
            self._workers.pop().running.close()

    def evaluate(self, numbers: Floats) -> Evaluated:
        """Compute the candidates of float64[M, D], as `search.problem.numbers_of` gives them.

        Raises `PermanentError` where the module cannot be imported or has no such function, and
        `ProcessCancelledError` where nobody wants the values any more.
        """
        job = _Job(numbers)
        if self._fitness.batch:
            for first in range(0, len(numbers), BATCH):
                job.waiting.append(_Task(first, min(BATCH, len(numbers) - first)))
        else:
            job.rest = _Task(0, len(numbers))
        try:
            self._work(job)
        except BaseException:
            self.close()  # what they work on is not wanted, and is not waited for
            raise
        return Evaluated(job.values, gathered(job.failed[index] for index in sorted(job.failed)))

    def _work(self, job: _Job) -> None:
        while not job.is_over:
            self._assign(job)
            with selectors.DefaultSelector() as selector:
                for worker in self._workers:
                    selector.register(worker.running.fileno(), selectors.EVENT_READ, worker)
                ready = [key.data for key, _ in selector.select(self._patience())]
            if self._cancelled():
                raise ProcessCancelledError("the computation was cancelled")
            for worker in ready:
                self._take(worker, job)
            now = time.monotonic()
            for worker in [one for one in self._workers if self._is_late(one, now)]:
                self._end_late(worker, job)

    def _patience(self) -> float:
        """Return how long is waited for workers before it is looked who is late."""
        if self._timeout is None:
            return _ASK_SECONDS
        return max(0.005, min(_ASK_SECONDS, self._timeout / 4))

    def _assign(self, job: _Job) -> None:
        for worker in self._workers:
            if worker.task is None and worker.is_ready:
                self._send(worker, job)
        while len(self._workers) < self._most and len(self._workers) < job.open:
            self._workers.add(self._start())

    def _at_once(self, job: _Job) -> int:
        """Return how many candidates to send at a time: one until it is known how long it is."""
        if self._seconds is None or self._seconds >= TASK_SECONDS:
            return 1
        share = -(-job.open // (2 * self._most))
        return max(1, min(share, MOST_AT_ONCE, int(TASK_SECONDS / max(self._seconds, 1e-7))))

    def _send(self, worker: _Worker, job: _Job) -> None:
        task = job.next(self._at_once(job))
        if task is None:
            return
        worker.task, worker.heard = task, time.monotonic()
        rows = job.numbers[task.first : task.first + task.count]
        request = {"task": task.first, "rows": text_of(rows)}
        worker.running.write_line(json.dumps(request).encode())

    def _start(self) -> _Worker:
        env = base_environment(
            PYTHONHASHSEED="0",
            PYTHONDONTWRITEBYTECODE="1",
            PYTHONUNBUFFERED="1",
            **dict.fromkeys(_SINGLE_THREADED, "1"),
        )
        limits = Limits(output_bytes=_OUTPUT_BYTES, total_memory_bytes=self._memory)
        argv = (
            sys.executable,
            "-P",  # nothing of the tree stands in for Python's own modules
            "-c",
            _BOOT,
            json.dumps([path or str(Path.cwd()) for path in sys.path]),
        )
        command = Command(argv, cwd=self._root, env=env, limits=limits)
        printed = bytearray()
        running = self._context.processes.start(command, hear=printed.extend)
        running.write_line(json.dumps(self._setup).encode())
        return _Worker(running, heard=time.monotonic(), printed=printed)

    def _take(self, worker: _Worker, job: _Job) -> None:
        """Take in what a worker says, and whether it is gone."""
        lines = worker.running.take_lines()
        self._log_printed(worker)
        for line in lines:
            message = read_answer(line)
            if message is None or not self._hear(worker, message, job):
                self._lose(
                    worker, job, Failure("worker", "the function wrote to its worker's pipe")
                )
                return
            worker.heard = time.monotonic()
        if worker.running.has_ended and worker in self._workers:
            self._lose(worker, job, self._loss(worker.running))

    def _hear(self, worker: _Worker, message: dict[str, Any], job: _Job) -> bool:
        """Take in an answer; tell whether it can be the worker's own."""
        if "refused" in message:
            raise PermanentError(
                f"{self._fitness.module} cannot be used: {message['refused']}",
                help=f"try it with `python -c 'import …'`: it needs {self._fitness.function}",
            )
        if "ready" in message:
            worker.is_ready = True
            return True
        task, values = worker.task, message["values"]
        left = 0 if task is None or message["task"] != task.first else task.count - task.known
        if task is None or len(values) > left or (message["done"] and len(values) < left):
            return False
        start = task.first + task.known
        job.values[start : start + len(values)] = values
        for index, cause, text in message["failed"]:
            said = self._context.secrets.mask(text)
            job.failed[start + index] = Failure(cause, said)
        task.known += len(values)
        job.open -= len(values)
        if message["done"]:
            worker.task = None
            seconds, before = message["seconds"], self._seconds
            self._seconds = seconds if before is None else (3 * before + seconds) / 4
            self._send(worker, job)
        return True

    def _is_late(self, worker: _Worker, now: float) -> bool:
        silence = now - worker.heard
        if not worker.is_ready:
            return silence > START_SECONDS
        if worker.task is None or self._timeout is None:
            return False
        return silence > self._timeout + SLACK_SECONDS

    def _end_late(self, worker: _Worker, job: _Job) -> None:
        if not worker.is_ready:
            raise ChimeraError(
                f"{self._fitness.module} was not imported within {START_SECONDS:g} s",
                help="have it do less when it is imported",
            )
        self._lose(worker, job, Failure("timeout", late(self._timeout or 0.0)))

    def _lose(self, worker: _Worker, job: _Job, failure: Failure) -> None:
        """Let a worker go; of what it had in work, each candidate is tried by itself."""
        self._workers.discard(worker)
        worker.running.kill()
        worker.running.close()
        task = worker.task
        if task is None:
            self._lost_idle += 1
            if self._lost_idle > ATTEMPTS:
                self._refuse(worker, failure)
            return
        left = range(task.first + task.known, task.first + task.count)
        is_final = failure.cause in ("timeout", "memory") or task.attempt >= ATTEMPTS
        if self._fitness.batch:
            if not is_final:
                job.waiting.append(_Task(task.first, task.count, task.attempt + 1))
                return
            for index in left:
                job.fail(index, failure)
        elif len(left) == 1 and is_final:
            job.fail(left[0], failure)
        else:
            attempt = task.attempt + 1 if len(left) == 1 else 1
            job.waiting.extend(_Task(index, 1, attempt) for index in left)

    def _refuse(self, worker: _Worker, failure: Failure) -> None:
        raise PermanentError(
            f"{self._fitness.module} cannot be used: again and again {failure.message}"
            + (f" ({worker.last})" if worker.last else ""),
            help="have it do less when it is imported",
        )

    def _loss(self, running: Running) -> Failure:
        if running.limit == "memory":
            return Failure("memory", f"it used more than {self._memory >> 20} MiB of memory")
        return Failure("worker", f"the worker process {running.ending}")

    def _log_printed(self, worker: _Worker) -> None:
        """Log the whole lines of what a function printed, as long as that is not too much."""
        *lines, rest = bytes(worker.printed).split(b"\n")
        worker.printed[:] = rest[-_LINE_BYTES:]
        for line in lines:
            worker.last = self._context.secrets.mask(line[:_LINE_BYTES].decode(errors="replace"))
            if self._logged < _LOGGED_BYTES:
                self._logged += len(line) + 1
                self._log(worker.last)


class _Job:
    """The candidates of one call: what is known of them, and what is to be computed."""

    def __init__(self, numbers: Floats) -> None:
        self.numbers = numbers
        self.values = np.full(len(numbers), np.nan)
        self.failed: dict[int, Failure] = {}
        self.waiting: deque[_Task] = deque()
        self.rest = _Task(0, 0)
        self.open = len(numbers)

    @property
    def is_over(self) -> bool:
        return self.open == 0

    def next(self, most: int) -> _Task | None:
        """Take what is to be computed next, `most` candidates of those that nobody has begun."""
        if self.waiting:
            return self.waiting.popleft()
        count = min(most, self.rest.count)
        if count == 0:
            return None
        task = _Task(self.rest.first, count)
        self.rest = _Task(task.first + count, self.rest.count - count)
        return task

    def fail(self, index: int, failure: Failure) -> None:
        self.failed[index] = failure
        self.values[index] = np.nan
        self.open -= 1


def open_pool(
    spec: EvolutionSpec,
    root: Path,
    context: Context,
    *,
    cancelled: Callable[[], bool] = lambda: False,
    log: Callable[[str], None] = lambda text: None,
) -> Pool:
    """Return the workers for the Python fitness of a spec; close them."""
    assert spec.fitness.python is not None
    return Pool(
        spec.fitness.python,
        spec.genome.genes,
        root,
        context,
        workers=spec.budget.workers,
        seed=seed_of(spec),
        cancelled=cancelled,
        log=log,
    )
