"""Writing golden files anew: what the `snapshot` steps of a proof put out, into the work tree.

The steps are run as often as the proof says, and nothing is written unless every step passes and
every repetition agrees. Refuses to be evidence: a run that writes what it is compared with has
shown nothing, so the proof has to be run again for that.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from chimera.context import Context, write_whole
from chimera.documents import export
from chimera.kinds import Document, Snapshot
from chimera.model import Address, Finding
from chimera.proof.inputs import input_paths
from chimera.proof.kinds import ProofSpec
from chimera.proof.running.compare import divergences
from chimera.proof.running.run import Ran, RunStep, Setup, run
from chimera.proof.steps.models import SnapshotStep
from chimera.proof.steps.snapshot import produce
from chimera.proof.steps.task import StepOutcome, StepTask


@dataclass(frozen=True, slots=True)
class SnapshotUpdate:
    """What became of one proof's golden files; `reasons` say why none was written."""

    proof: Address
    written: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


def has_snapshots(proof: Document[ProofSpec]) -> bool:
    """Tell whether any step of the proof compares with golden files."""
    return any(isinstance(step, SnapshotStep) for step in proof.spec.steps)


def update_snapshots(
    snapshot: Snapshot,
    proofs: Iterable[Document[ProofSpec]],
    context: Context,
    run_step: RunStep,
    root: Path,
) -> list[SnapshotUpdate]:
    """Write the golden files of each proof below `root`, from runs over the snapshot's tree."""
    with tempfile.TemporaryDirectory(prefix="chimera-inputs-") as exports:
        return [
            _update(proof, snapshot, context, run_step, root, Path(exports) / str(index))
            for index, proof in enumerate(proofs)
        ]


def _update(
    proof: Document[ProofSpec],
    snapshot: Snapshot,
    context: Context,
    run_step: RunStep,
    root: Path,
    inputs: Path,
) -> SnapshotUpdate:
    inputs.mkdir()
    export(snapshot.tree, input_paths(proof, snapshot), inputs)
    runs: list[Ran] = []
    taken: list[Mapping[str, bytes]] = []
    for number in range(1, proof.spec.repeat + 1):
        camera = _Camera(run_step)
        runs.append(run(Setup(proof, inputs, number), context, camera.run_step, lambda: False))
        taken.append(camera.taken)
    reasons = list(dict.fromkeys(reason for ran in runs for reason in ran.report.reasons))
    reasons += [f"repetitions differ in {found.place}" for found in divergences(runs)]
    reasons += sorted({f"repetitions differ in {p}" for t in taken for p in _other(t, taken[0])})
    passed = all(ran.report.finding is Finding.PASS for ran in runs)
    if reasons or not passed:
        return SnapshotUpdate(proof.address, reasons=tuple(reasons))
    return _write(proof.address, taken[0], root)


def _other(ours: Mapping[str, bytes], theirs: Mapping[str, bytes]) -> Iterable[str]:
    return (path for path in ours.keys() | theirs.keys() if ours.get(path) != theirs.get(path))


@dataclass
class _Camera:
    """Runs the steps of one repetition and keeps what snapshot steps put out."""

    others: RunStep
    taken: dict[str, bytes] = field(default_factory=dict)

    def run_step(self, task: StepTask) -> StepOutcome | None:
        """Keep the outputs of a snapshot step by golden file; leave other steps to others."""
        if not isinstance(task.step, SnapshotStep):
            return self.others(task)
        completed, came = produce(task, task.step)
        reasons = []
        if completed.returncode != task.step.exit_code:
            said = task.tail(completed.stderr) or task.tail(completed.stdout)
            reasons.append(f"exit code {completed.returncode}, and it said: {said}")
        for output, golden in task.step.goldens.items():
            reasons += self._keep(task, output, golden, came[output])
        finding = Finding.FAIL if reasons or completed.truncated else Finding.PASS
        return StepOutcome(finding, exercised=1, reasons=tuple(reasons))

    def _keep(self, task: StepTask, output: str, golden: str, data: bytes | None) -> list[str]:
        if data is None:
            return [f"{output} was not written as a file"]
        if task.context.secrets.mask_bytes(data) != data:
            return [f"{output} holds a secret, which belongs in no golden file"]
        if self.taken.setdefault(golden, data) != data:
            return [f"{golden} is the golden file of two outputs that differ"]
        return []


def _write(proof: Address, taken: Mapping[str, bytes], root: Path) -> SnapshotUpdate:
    written: list[str] = []
    unchanged: list[str] = []
    real = root.resolve()
    for path, data in sorted(taken.items()):
        target = real / path
        if target.resolve() != target or Path(path).parts[0] in (".git", ".chimera"):
            reason = f"{path} is no place for a golden file: a symlink leads to it, or it is kept"
            return SnapshotUpdate(proof, tuple(written), tuple(unchanged), (reason,))
        if target.is_file() and target.read_bytes() == data:
            unchanged.append(path)
        else:
            write_whole(target, data)
            written.append(path)
    return SnapshotUpdate(proof, tuple(written), tuple(unchanged))
