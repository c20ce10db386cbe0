"""Proving: export, repeat, compare, run the controls, and bind what came out to the content.

Refuses to call a proof passed that was flaky, diverged, exercised nothing, or cannot fail.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from chimera.context import Context, Progress
from chimera.documents import export
from chimera.kinds import Document, Snapshot
from chimera.model import ChimeraError, Finding, Outcome
from chimera.proof.controls import Control
from chimera.proof.evidence.statement import build_statement, record_of
from chimera.proof.evidence.store import EvidenceStore
from chimera.proof.factors import conditions_of
from chimera.proof.inputs import ContentSubject, binding_of, input_paths, subjects_of
from chimera.proof.kinds import ProofSpec
from chimera.proof.report import ProofReport, RunReport
from chimera.proof.running.compare import divergences
from chimera.proof.running.run import Ran, RunStep, Setup, run
from chimera.proof.running.watch import Watch

_MOST_NAMED = 5

Record = Callable[[str, str, Mapping[str, Any]], None]
"""Writes a record: kind, name, spec."""


def prove(
    snapshot: Snapshot,
    proofs: Iterable[Document[ProofSpec]],
    context: Context,
    run_step: RunStep,
    store: EvidenceStore,
    *,
    environment: str = "local",
    record: Record | None = None,
    plugins: Sequence[str] = (),
    jobs: int | None = None,
    shuffle: bool = False,
    vary: Sequence[str] = (),
) -> list[ProofReport]:
    """Run each proof over the snapshot's tree, keep its evidence, and return the reports in order.

    Runs of all proofs share `jobs` threads (the machine's cores if left out). `record` is given a
    `ReleaseProof` for each proof; `plugins` names what was loaded, for the evidence. `shuffle`
    has every proof run its tests in another order in each repetition, and `vary` names factors
    that its repetitions differ in, as some ask for themselves.
    """
    with tempfile.TemporaryDirectory(prefix="chimera-inputs-") as exports:
        attempts = [
            _export(proof, snapshot, Path(exports) / str(index))
            for index, proof in enumerate(proofs)
        ]
        session = _Session(
            context, run_step, jobs or os.cpu_count() or 1, shuffle=shuffle, vary=vary
        )
        watch = None
        if attempts and not context.processes.isolation().files:
            watch = Watch(snapshot.tree.root, [attempt.inputs for attempt in attempts])
        session.run(attempts, watch)
    reports = []
    for attempt in attempts:
        report = _weigh(attempt)
        statement = build_statement(
            attempt.proof, report, attempt.subjects, snapshot, context, environment, plugins
        )
        bound_to = binding_of(attempt.proof, attempt.subjects)
        for data in attempt.repetitions[0].artifacts.values():
            store.keep(data)
        evidence = store.put(attempt.proof.address, bound_to, statement)
        name, spec = record_of(statement, evidence)
        if record is not None:
            record("ReleaseProof", name, spec)
        reports.append(replace(report, evidence=evidence, record=name if record else None))
    return reports


@dataclass
class _Attempt:
    """One proof on its way: what was exported, and the runs so far."""

    proof: Document[ProofSpec]
    inputs: Path
    subjects: tuple[ContentSubject, ...]
    repetitions: list[Ran] = field(default_factory=list)
    controls: list[RunReport] = field(default_factory=list)
    running: list[Future[Ran]] = field(default_factory=list)
    touched: tuple[str, ...] = ()
    home: threading.Lock = field(default_factory=threading.Lock)

    @property
    def label(self) -> str:
        return str(self.proof.address)

    def advance(self, progress: Progress) -> bool:
        """Tell how far it is; take in what was running, and return true, when that is all done."""
        done = sum(future.done() for future in self.running)
        progress.advance(self.label, len(self.repetitions) + len(self.controls) + done)
        if done < len(self.running):
            return False
        ran = [future.result() for future in self.running]
        if not self.repetitions:
            self.repetitions = ran
        else:
            self.controls = [run.report for run in ran]
        return True


def _export(proof: Document[ProofSpec], snapshot: Snapshot, into: Path) -> _Attempt:
    paths = input_paths(proof, snapshot)
    subjects = subjects_of(proof, snapshot.tree, paths)
    export(snapshot.tree, paths, into)
    if subjects != subjects_of(proof, snapshot.tree, paths):
        raise ChimeraError(
            f"the inputs of {proof.address} changed while they were exported",
            help="prove again when nothing writes to them",
        )
    return _Attempt(proof, into, subjects)


class _Session:
    """Runs repetitions, then the controls of what passed, on a bounded number of threads."""

    def __init__(
        self,
        context: Context,
        run_step: RunStep,
        jobs: int,
        *,
        shuffle: bool,
        vary: Sequence[str],
    ) -> None:
        self._context = context
        self._shuffle = shuffle
        self._vary = vary
        self._run_step = run_step
        self._jobs = jobs
        self._stop = threading.Event()
        self._futures: list[Future[Ran]] = []

    def run(self, attempts: list[_Attempt], watch: Watch | None) -> None:
        """Fill in the runs of every attempt; ends all processes when it is interrupted.

        What `watch` saw change counts against each of them.
        """
        progress = self._context.progress
        for attempt in attempts:
            spec = attempt.proof.spec
            progress.start(attempt.label, spec.repeat + len(spec.controls))
        with ThreadPoolExecutor(self._jobs, thread_name_prefix="prove") as pool:
            try:
                self._follow(pool, attempts, watch)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                self._end()
                raise

    def _follow(
        self, pool: ThreadPoolExecutor, attempts: list[_Attempt], watch: Watch | None
    ) -> None:
        """Run every proof's repetitions, and its controls as soon as they have passed."""
        running: dict[Future[Ran], int] = {}  # of which of the attempts
        for place, attempt in enumerate(attempts):
            repeat = attempt.proof.spec.repeat
            attempt.running = self._submit(
                pool, [self._setup(attempt, number) for number in range(1, repeat + 1)]
            )
            running |= dict.fromkeys(attempt.running, place)
        while running:
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                future.result()  # raises what the run raised
            for place in sorted({running.pop(future) for future in done}):
                attempt = attempts[place]
                if not attempt.advance(self._context.progress):
                    continue
                if not attempt.controls and _weigh(attempt).finding is Finding.PASS:
                    controls = attempt.proof.spec.controls
                    attempt.running = self._submit(
                        pool, [self._setup(attempt, 0, control) for control in controls]
                    )
                    running |= dict.fromkeys(attempt.running, place)
                else:
                    attempt.touched = watch.changed() if watch is not None else ()
                    finding = _weigh(attempt).finding.value
                    self._context.progress.finish(attempt.label, finding)

    def _setup(self, attempt: _Attempt, number: int, control: Control | None = None) -> Setup:
        shuffle = self._shuffle or attempt.proof.spec.shuffle
        conditions = conditions_of(number, shuffle, (*attempt.proof.spec.vary, *self._vary))
        return Setup(attempt.proof, attempt.inputs, number, control, conditions, home=attempt.home)

    def _submit(self, pool: ThreadPoolExecutor, setups: list[Setup]) -> list[Future[Ran]]:
        begun = [
            pool.submit(run, setup, self._context, self._run_step, self._stop.is_set)
            for setup in setups
        ]
        self._futures += begun
        return begun

    def _end(self) -> None:
        """End what runs; again, until nothing does: a process may just have been starting."""
        self._stop.set()
        while running := [future for future in self._futures if not future.done()]:
            self._context.processes.end_all()
            wait(running, timeout=0.1)


def _weigh(attempt: _Attempt) -> ProofReport:
    """Make of the runs one finding; controls that have not been run yet are not held against it."""
    repetitions = tuple(ran.report for ran in attempt.repetitions)
    differing = divergences(attempt.repetitions)
    finding, outcome, reasons = _found(repetitions, bool(differing))
    if differing:
        reasons = (*(f"repetitions differ in {d.what}" for d in differing), *reasons)
    if attempt.touched:
        finding, outcome = Finding.FAIL, Outcome.FAILED
        reasons = (*map(_trespass, attempt.touched[:_MOST_NAMED]), *reasons)
    survivors = tuple(_survival(c) for c in attempt.controls if c.finding is not Finding.FAIL)
    if finding is Finding.PASS and survivors:
        finding, outcome = Finding.FAIL, Outcome.FAILED
        reasons = tuple(f"the proof cannot fail: it does not under {name}" for name in survivors)
    report = ProofReport(
        proof=attempt.proof.address,
        finding=finding,
        outcome=outcome,
        repetitions=repetitions,
        controls=tuple(attempt.controls),
        divergences=differing,
        reasons=reasons,
        notes=tuple(_notes(repetitions, attempt.controls)),
    )
    return _as_isolated(report, attempt.proof.spec)


def _as_isolated(report: ProofReport, spec: ProofSpec) -> ProofReport:
    """Return a report that shows nothing where less isolation held than was asked for."""
    missing = [name for name in spec.isolation if not getattr(report.isolation, name)]
    if report.finding is not Finding.PASS or not missing:
        return report
    reason = f"the proof asks for isolation that did not hold: {', '.join(missing)}"
    return replace(
        report, finding=Finding.NOT_EXERCISED, outcome=Outcome.NOT_EXERCISED, reasons=(reason,)
    )


def _notes(repetitions: Sequence[RunReport], controls: Iterable[RunReport]) -> Iterator[str]:
    """Yield what every repetition noted, and the controls under which nothing was asserted."""
    first, *others = repetitions or (None,)
    if first is not None:
        yield from (note for note in first.notes if all(note in other.notes for other in others))
    for control in controls:
        if control.is_unasserted:
            yield f"under {control.label} it failed by an error, and no assertion did"


def _trespass(path: str) -> str:
    return f"{path} changed while it ran: a step may write to nothing but its own folder"


def _survival(control: RunReport) -> str:
    why = f", where nothing was exercised: {control.reasons[0]}" if control.reasons else ""
    return f"{control.label}{why}"


def _found(
    repetitions: tuple[RunReport, ...], is_divergent: bool
) -> tuple[Finding, Outcome, tuple[str, ...]]:
    findings = {report.finding for report in repetitions}
    reasons = tuple(dict.fromkeys(reason for r in repetitions for reason in r.reasons))
    if is_divergent:
        return Finding.FAIL, Outcome.NOT_DETERMINISTIC, reasons
    if Finding.FAIL in findings:
        return Finding.FAIL, Outcome.FAILED, reasons
    if Finding.NOT_EXERCISED in findings or not findings:
        return Finding.NOT_EXERCISED, Outcome.NOT_EXERCISED, reasons
    return Finding.PASS, Outcome.PASSED, ()
