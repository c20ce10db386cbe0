"""One run of a proof's steps in a clean folder: a repetition, or a control.

Every run has a folder of its own that no other run is told of: the exported inputs are the working
directory, home and temporary files stand beside them, and all of it goes away afterwards. Refuses
the installed code where the inputs hold the same package: the export comes first on PYTHONPATH.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock

from chimera.context import Context, pinned_environment
from chimera.kinds import Document
from chimera.model import ChimeraError, Finding, digest_bytes
from chimera.proof.controls import Control, Rewrite, SetVariable, describe, mutate
from chimera.proof.factors import conditions_of
from chimera.proof.kinds import ProofSpec
from chimera.proof.report import RunReport
from chimera.proof.running.artifacts import Artifacts, collect
from chimera.proof.running.conditions import Conditions
from chimera.proof.steps.models import OperationStep
from chimera.proof.steps.operation import expect_outputs
from chimera.proof.steps.task import Allowance, StepOutcome, StepTask

RunStep = Callable[[StepTask], StepOutcome | None]
"""Runs one step, as the hook `chimera_run_proof_step` does; `None` when nobody knows it."""

_EPOCH = 315532800  # 1980-01-01, the earliest time that a zip file can hold


@dataclass(frozen=True)
class Ran:
    """A run's report and its artifacts' content, after normalizing, for comparing."""

    report: RunReport
    artifacts: dict[str, bytes]


@dataclass(frozen=True)
class Setup:
    """What is run: the proof, its exported inputs, whether it is a control, and what is pinned.

    Without `conditions`, they are those of the repetition. `below` is the folder that the run's
    own is made in, for runs one after another that see the same path; a new one if left out.
    Runs that find what another left in HOME follow one another by `home`.
    """

    proof: Document[ProofSpec]
    inputs: Path
    repetition: int
    control: Control | Rewrite | None = None
    conditions: Conditions | None = None
    below: Path | None = None
    home: Lock = field(default_factory=Lock)

    @property
    def pinned(self) -> Conditions:
        """What the run's processes are held to."""
        spec = self.proof.spec
        return self.conditions or conditions_of(self.repetition, spec.shuffle, spec.vary)

    @property
    def label(self) -> str:
        """What the run is called in reports."""
        return f"repetition {self.repetition}" if self.control is None else describe(self.control)


def run(setup: Setup, context: Context, run_step: RunStep, is_stopped: Callable[[], bool]) -> Ran:
    """Run every step once; a step that does not pass ends the run."""
    alone = nullcontext() if setup.pinned.fresh_home else setup.home
    with alone, _folder(setup.pinned.nesting, setup.below) as folder:
        tree = folder / "tree"
        _copy(setup.inputs, tree)
        environment = _environment(setup, folder)
        if setup.control is not None and not isinstance(setup.control, SetVariable):
            try:
                mutate(setup.control, tree)
            except ChimeraError as error:
                report = RunReport(setup.label, Finding.NOT_EXERCISED, (), reasons=(error.message,))
                return Ran(report, {})
        seconds = setup.proof.spec.timeout.total_seconds()
        allowance = Allowance(seconds, seconds)
        home, tmp = Path(environment["HOME"]), Path(environment["TMPDIR"])
        outcomes: list[StepOutcome] = []
        for number, step in enumerate(setup.proof.spec.steps, 1):
            if is_stopped():
                raise KeyboardInterrupt
            scratch = folder / f"step-{number}"
            try:
                scratch.mkdir()
            except OSError as error:
                reason = f"a step before it took the place of its folder: {error.strerror}"
                outcomes.append(StepOutcome(Finding.FAIL, reasons=(reason,)))
                break
            task = StepTask(
                step=step,
                proof=setup.proof.address,
                folder=tree,
                scratch=scratch,
                environment=environment,
                context=context,
                repetition=setup.repetition,
                allowance=allowance,
                conditions=setup.pinned,
                limits=setup.proof.spec.limits,
                writable=(home, tmp, folder / "conditions"),
            )
            outcomes.append(_outcome(task, run_step))
            if outcomes[-1].finding is not Finding.PASS:
                break
        artifacts = collect(setup.proof.spec, tree, context, allowance.seconds)
        return Ran(_report(setup, outcomes, artifacts, allowance), dict(artifacts.content))


def _copy(inputs: Path, tree: Path) -> None:
    try:
        shutil.copytree(inputs, tree, symlinks=True)
    except shutil.Error as error:
        _, copy, reason = error.args[0][0]
        raise ChimeraError(
            f"{copy} cannot be written: {reason.partition(': ')[0]}",
            help="make room in the folder of temporary files, or name another with TMPDIR",
        ) from error


def _report(
    setup: Setup,
    outcomes: list[StepOutcome],
    artifacts: Artifacts,
    allowance: Allowance,
) -> RunReport:
    reasons = [
        f"step {number}: {reason}"
        for number, outcome in enumerate(outcomes, 1)
        for reason in outcome.reasons
    ]
    finding = outcomes[-1].finding
    if finding is Finding.PASS and artifacts.faults:
        finding = Finding.FAIL
        reasons += artifacts.faults
    elif finding is Finding.PASS and not any(outcome.exercised for outcome in outcomes):
        finding = Finding.NOT_EXERCISED
        reasons.append("no assertion was exercised")
    return RunReport(
        label=setup.label,
        finding=finding,
        steps=tuple(outcomes),
        artifacts=tuple((path, digest_bytes(data)) for path, data in artifacts.content.items()),
        isolation=allowance.isolation,
        seconds=setup.proof.spec.timeout.total_seconds() - allowance.seconds,
        reasons=tuple(reasons),
        notes=artifacts.notes,
    )


def _outcome(task: StepTask, run_step: RunStep) -> StepOutcome:
    # What breaks the machinery under a control is no failure of what the proof shows.
    broken = Finding.FAIL if task.repetition else Finding.NOT_EXERCISED
    try:
        outcome = run_step(task)
    except ChimeraError as error:
        outcome = StepOutcome(Finding.FAIL, reasons=(error.message,))
    except Exception as error:  # noqa: BLE001 - a plugin's fault fails its proof and no other
        outcome = StepOutcome(broken, reasons=(f"{type(error).__name__}: {error}",))
    if outcome is None:
        run = getattr(task.step, "run", "?")
        outcome = StepOutcome(broken, reasons=(f"no plugin runs steps of the kind {run}",))
    if isinstance(task.step, OperationStep):
        outcome = expect_outputs(task.step, outcome)
    if task.allowance.faults:
        reasons = (*task.allowance.faults, *outcome.reasons)
        outcome = replace(outcome, finding=Finding.FAIL, reasons=reasons)
    if outcome.finding is not Finding.PASS:
        outcome = replace(outcome, reasons=(*outcome.reasons, *task.allowance.hints))
    return replace(outcome, reasons=tuple(map(task.context.secrets.mask, outcome.reasons)))


def _environment(setup: Setup, folder: Path) -> dict[str, str]:
    shared = setup.inputs.with_name(f"{setup.inputs.name}-home")
    kept = folder if setup.pinned.fresh_home else shared
    home, tmp, tree, own = kept / "home", kept / "tmp", folder / "tree", folder / "conditions"
    for path in (home, tmp, own):
        path.mkdir(parents=True, exist_ok=True)
    declared = setup.proof.spec.environment
    varied = setup.pinned.variables(own)
    roots = (own, tree, tree / "src") if any(own.iterdir()) else (tree, tree / "src")
    varied["PYTHONPATH"] = os.pathsep.join(str(path) for path in roots if path.is_dir())
    environment = pinned_environment(
        source_date_epoch=_EPOCH, home=home, tmp=tmp, allow=declared.allow, **varied
    )
    environment |= declared.set
    if isinstance(setup.control, SetVariable):
        environment[setup.control.name] = setup.control.value
    return environment


@contextmanager
def _folder(nesting: int, below: Path | None) -> Iterator[Path]:
    """Yield a new folder, with a path that is longer by `nesting`."""
    outer = below or Path(tempfile.mkdtemp(prefix="chimera-proof-")).resolve()
    inner = outer / ("r" * nesting)
    try:
        inner.mkdir()
        yield inner
    finally:
        shutil.rmtree(outer if below is None else inner, ignore_errors=True)
