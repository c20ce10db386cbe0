"""Trying mutants: the proof's steps, run once under each, and what became of it.

Refuses to try anything where the proof does not pass as it is: nothing could be told from that.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from chimera.context import Context
from chimera.documents import export
from chimera.kinds import Document, Snapshot
from chimera.model import Address, Finding
from chimera.proof.controls import Rewrite
from chimera.proof.inputs import input_paths
from chimera.proof.kinds import ProofSpec
from chimera.proof.mutation.mutants import Mutant, mutants
from chimera.proof.report import RunReport
from chimera.proof.running.run import RunStep, Setup, run

_PATIENCE = 5.0  # times what the proof takes as it is
_LEAST_SECONDS = 10.0


class Fate(StrEnum):
    """What became of a mutant."""

    KILLED = "killed"
    SURVIVED = "survived"
    UNVIABLE = "unviable"


@dataclass(frozen=True, slots=True)
class Tried:
    """A mutant, what became of it, and why; `by_error` where no assertion has failed."""

    mutant: Mutant
    fate: Fate
    reasons: tuple[str, ...] = ()
    by_error: bool = False


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of the mutants of one proof; `reasons` say why none was tried."""

    proof: Address
    seed: str
    tried: tuple[Tried, ...]
    reasons: tuple[str, ...] = ()

    def count(self, fate: Fate) -> int:
        """Return how many mutants had a fate."""
        return sum(tried.fate is fate for tried in self.tried)

    @property
    def survivors(self) -> tuple[Tried, ...]:
        """The mutants under which the proof still passes."""
        return tuple(tried for tried in self.tried if tried.fate is Fate.SURVIVED)


def try_mutants(
    proof: Document[ProofSpec],
    snapshot: Snapshot,
    context: Context,
    run_step: RunStep,
    *,
    number: int,
    seed: str,
    tests: bool = False,
    jobs: int | None = None,
) -> Trial:
    """Run a proof's steps once under each of `number` mutants, on `jobs` threads."""
    chosen = mutants(proof, snapshot, number, seed, tests=tests)
    label = f"{proof.address} mutants"
    with tempfile.TemporaryDirectory(prefix="chimera-mutants-") as folder:
        inputs = Path(folder) / "inputs"
        export(snapshot.tree, input_paths(proof, snapshot), inputs)
        context.progress.start(label, len(chosen))
        try:
            plain = run(Setup(proof, inputs, 1), context, run_step, lambda: False).report
            if plain.finding is not Finding.PASS:
                return Trial(proof.address, seed, (), _unfit(plain))
            pool = _Pool(_hurried(proof, plain.seconds), inputs, context, run_step, label)
            return Trial(proof.address, seed, pool.run(chosen, jobs or os.cpu_count() or 1))
        finally:
            context.progress.finish(label)


def _unfit(plain: RunReport) -> tuple[str, ...]:
    return ("the proof does not pass as it is, so that no mutant shows anything", *plain.reasons)


def _hurried(proof: Document[ProofSpec], seconds: float) -> Document[ProofSpec]:
    """Return the proof with a timeout by what it takes as it is: a mutant may go on for ever."""
    patience = max(_LEAST_SECONDS, seconds * _PATIENCE)
    timeout = min(proof.spec.timeout, timedelta(seconds=patience))
    spec = proof.spec.model_copy(update={"timeout": timeout})
    return Document(proof.address, proof.kind, proof.metadata, spec, proof.value, proof.place)


class _Pool:
    """Runs mutants on a bounded number of threads; ends all of them when it is interrupted."""

    def __init__(
        self,
        proof: Document[ProofSpec],
        inputs: Path,
        context: Context,
        run_step: RunStep,
        label: str,
    ) -> None:
        self._proof = proof
        self._inputs = inputs
        self._context = context
        self._run_step = run_step
        self._label = label
        self._stop = threading.Event()

    def run(self, chosen: Iterable[Mutant], jobs: int) -> tuple[Tried, ...]:
        """Return what became of each mutant, in order."""
        with ThreadPoolExecutor(jobs, thread_name_prefix="mutate") as pool:
            futures = [pool.submit(self._try, mutant) for mutant in chosen]
            try:
                found = []
                for done, future in enumerate(futures, 1):
                    found.append(future.result())
                    self._context.progress.advance(self._label, done)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                self._end(futures)
                raise
        return tuple(found)

    def _end(self, futures: list[Future[Tried]]) -> None:
        """End what runs; again, until nothing does: a process may just have been starting."""
        self._stop.set()
        while running := [future for future in futures if not future.done()]:
            self._context.processes.end_all()
            wait(running, timeout=0.1)

    def _try(self, mutant: Mutant) -> Tried:
        if not mutant.is_viable:
            return Tried(mutant, Fate.UNVIABLE, ("it cannot be read as what it is",))
        rewrite = Rewrite(mutant.path, mutant.after, mutant.name)
        setup = Setup(self._proof, self._inputs, 0, rewrite)
        report = run(setup, self._context, self._run_step, self._stop.is_set).report
        match report.finding:
            case Finding.PASS:
                return Tried(mutant, Fate.SURVIVED)
            case Finding.FAIL:
                return Tried(mutant, Fate.KILLED, report.reasons, report.is_unasserted)
            case _:
                return Tried(mutant, Fate.UNVIABLE, report.reasons)
