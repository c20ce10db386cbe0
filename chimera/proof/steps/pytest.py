"""The `pytest` step: outcomes by node id, told by a plugin that travels along.

Refuses the cache of an earlier run, outcomes that pytest's exit code does not agree with, and
warnings that tell of a failure.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from chimera.model import Finding
from chimera.proof.steps import outcomes as reporter
from chimera.proof.steps.models import PytestStep
from chimera.proof.steps.task import StepOutcome, StepTask
from chimera.proof.steps.told import Told, Warned

_PLUGIN = "chimera_proof_outcomes"
_CONFIGURATION = (
    *("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini"),
    *("pyproject.toml", "tox.ini", "setup.cfg"),
)
_NO_TESTS = 5


def run_pytest(task: StepTask) -> StepOutcome:
    """Run pytest in the exported folder and judge it by every test's outcome."""
    step = task.step
    assert isinstance(step, PytestStep)
    shutil.copyfile(Path(reporter.__file__), task.scratch / f"{_PLUGIN}.py")
    kept = task.scratch / "outcomes"
    kept.mkdir()
    key = task.context.ids.new()  # in no digest; taken away before test code runs
    (kept / reporter.KEY).write_text(key, "ascii")
    completed = task.run(
        (
            *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", _PLUGIN),
            *("--rootdir=.", *_configuration(task), *step.args, *step.paths),
        ),
        environment={
            "PYTHONPATH": f"{task.environment['PYTHONPATH']}{os.pathsep}{task.scratch}",
            reporter.FOLDER: str(kept),
        },
    )
    told = Told.read(kept, key)
    outcomes, reasons = dict(told.outcomes), list(told.reasons())
    for warned in sorted(_held_against(step, told)):
        outcomes[f"{warned.where or 'pytest'} warned of {warned.category}"] = "failed"
        reasons.append(f"{warned.where or 'pytest'} warned: {warned.category}: {warned.message}")
    if completed.returncode not in (0, _NO_TESTS):
        said = task.tail(completed.stdout) or task.tail(completed.stderr)
        reasons.append(f"pytest exited with {completed.returncode}: {said}")
    passed = told.counts.get("passed", 0)
    finding = Finding.FAIL if reasons else Finding.PASS
    if not reasons and passed < step.at_least:
        finding = Finding.NOT_EXERCISED
        reasons.append(_too_few(passed, step.at_least, told))
    return StepOutcome(
        finding,
        dict(sorted(outcomes.items())),
        exercised=passed,
        outputs={"selected": len(told.selected), "deselected": told.left_out},
        reasons=tuple(reasons),
    )


def _held_against(step: PytestStep, told: Told) -> Iterator[Warned]:
    for warned in told.warnings:
        if step.warnings == "all" or (step.warnings == "failures" and warned.tells_of_a_failure):
            yield warned


def _too_few(passed: int, wanted: int, told: Told) -> str:
    others = ", ".join(f"{n} {word}" for word, n in sorted(told.counts.items()) if word != "passed")
    if passed == 0:
        return f"no test passed: {others or 'there is none'}"
    return f"{passed} tests passed, and at least {wanted} have to" + (
        f": {others}" if others else ""
    )


def _configuration(task: StepTask) -> tuple[str, ...]:
    """Return the option that keeps pytest from taking configuration from above the export."""
    if any((task.folder / name).exists() for name in _CONFIGURATION):
        return ()
    own = task.scratch / "pytest.ini"
    own.write_text("[pytest]\n")
    return ("-c", str(own))
