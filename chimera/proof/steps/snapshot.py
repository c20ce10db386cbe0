"""The `snapshot` step: what a command puts out, against files that are stored among the inputs.

Owns how the two are read and how they differ. Refuses tolerance, a golden file that is written
while the proof runs, and symlinks: what is compared would be something else than what is bound.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from chimera.context import Completed, Secrets
from chimera.model import Finding
from chimera.proof.running.regions import region_of
from chimera.proof.steps.models import SnapshotStep
from chimera.proof.steps.task import StepOutcome, StepTask

_MOST_COMPARED = 64 << 10
"""Bytes of an output that repetitions compare as text, so that they can show where they differ."""


def run_snapshot(task: StepTask) -> StepOutcome:
    """Run the command and compare each output with its golden file."""
    step = task.step
    assert isinstance(step, SnapshotStep)
    # Read first: what the command writes over them must not make them agree.
    goldens = {path: read_inside(task.folder, path) for path in step.goldens.values()}
    completed, came = produce(task, step)
    ended = completed.returncode == step.exit_code
    outcomes = {f"exits with {step.exit_code}": "pass" if ended else "fail"}
    reasons = []
    if not ended:
        said = task.tail(completed.stderr) or task.tail(completed.stdout)
        reasons.append(
            f"exit code {completed.returncode}" + (f", and it said: {said}" * bool(said))
        )
    for output, golden in step.goldens.items():
        reason = _difference(output, came[output], golden, goldens[golden], task.context.secrets)
        outcomes[f"{output} equals {golden}"] = "pass" if reason is None else "fail"
        reasons += [reason] if reason is not None else []
    failed = reasons or completed.truncated  # what was not kept was not compared; the run says so
    return StepOutcome(
        Finding.FAIL if failed else Finding.PASS,
        outcomes,
        exercised=len(outcomes),
        outputs=_compared(came, task.context.secrets),
        reasons=tuple(reasons),
    )


def produce(task: StepTask, step: SnapshotStep) -> tuple[Completed, Mapping[str, bytes | None]]:
    """Run the command; return how it ended and each output, `None` for a file that is not there."""
    completed = task.run(tuple(step.argv))
    streams = {"stdout": completed.stdout, "stderr": completed.stderr}
    return completed, {
        output: streams[output] if output in streams else read_inside(task.folder, output)
        for output in step.goldens
    }


def read_inside(folder: Path, path: str) -> bytes | None:
    """Return the content of a file that no symlink leads to; `None` where there is none."""
    file = folder / path
    is_there = file.resolve() == folder.resolve() / path and file.is_file()
    return file.read_bytes() if is_there else None


def _difference(
    output: str, came: bytes | None, golden: str, wanted: bytes | None, secrets: Secrets
) -> str | None:
    """Say where an output and its golden file first differ, if they do."""
    if wanted is None:
        return f"there is no {golden}: `chimera prove --update-snapshots` writes it"
    if came is None:
        return f"{output} was not written as a file"
    if came == wanted:
        return None
    shown, stored = secrets.mask_bytes(came), secrets.mask_bytes(wanted)
    if shown == stored:
        return f"{output} differs from {golden} in a secret"
    region = region_of(stored, shown)
    where = f"line {region.line}" if region.line else f"byte {region.offset}"
    return "\n".join((f"{output} differs from {golden}, {where}:", *region.diff))


def _compared(came: Mapping[str, bytes | None], secrets: Secrets) -> Mapping[str, str | None]:
    """Return what repetitions compare: the outputs, the beginning of long ones."""
    return {
        output: None
        if data is None
        else secrets.mask_bytes(data)[:_MOST_COMPARED].decode("utf-8", "backslashreplace")
        for output, data in came.items()
    }
