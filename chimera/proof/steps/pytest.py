"""The `pytest` step: outcomes by node id, reported by a plugin that travels along.

Refuses the cache of an earlier run, and outcomes that pytest's exit code does not agree with.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from chimera.model import Finding
from chimera.proof.steps import outcomes as reporter
from chimera.proof.steps.models import PytestStep
from chimera.proof.steps.task import StepOutcome, StepTask

_PLUGIN = "chimera_proof_outcomes"
_CONFIGURATION = (
    *("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini"),
    *("pyproject.toml", "tox.ini", "setup.cfg"),
)
_NO_TESTS = 5
_BAD = ("failed", "error")


def run_pytest(task: StepTask) -> StepOutcome:
    """Run pytest in the exported folder and judge it by every test's outcome."""
    step = task.step
    assert isinstance(step, PytestStep)
    shutil.copyfile(Path(reporter.__file__), task.scratch / f"{_PLUGIN}.py")
    report = task.scratch / "outcomes.jsonl"
    completed = task.run(
        (
            *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", _PLUGIN),
            *("--rootdir=.", *_configuration(task), *step.args, *step.paths),
        ),
        environment={
            "PYTHONPATH": f"{task.environment['PYTHONPATH']}{os.pathsep}{task.scratch}",
            reporter.VARIABLE: str(report),
        },
    )
    outcomes, flipped = read_outcomes(report)
    passed = sum(outcome == "passed" for outcome in outcomes.values())
    reasons = [f"{name} {outcome}" for name, outcome in outcomes.items() if outcome in _BAD]
    reasons += [f"{name} came out differently when it was run again" for name in flipped]
    if completed.returncode not in (0, _NO_TESTS):
        said = task.tail(completed.stdout)
        reasons.append(f"pytest exited with {completed.returncode}: {said}")
    finding = Finding.FAIL if reasons else Finding.PASS if passed else Finding.NOT_EXERCISED
    if finding is Finding.NOT_EXERCISED:
        reasons.append("no test passed: all were skipped, deselected or not there")
    return StepOutcome(
        finding,
        outcomes,
        exercised=passed,
        reasons=tuple(reasons),
    )


def _configuration(task: StepTask) -> tuple[str, ...]:
    """Return the option that keeps pytest from taking configuration from above the export."""
    if any((task.folder / name).exists() for name in _CONFIGURATION):
        return ()
    own = task.scratch / "pytest.ini"
    own.write_text("[pytest]\n")
    return ("-c", str(own))


def read_outcomes(report: Path) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """Return each node id's last outcome, and the node ids whose outcome changed on a rerun."""
    outcomes: dict[str, str] = {}
    flipped: dict[str, None] = {}
    if report.exists():
        for line in report.read_text(encoding="utf-8").splitlines():
            name, outcome = json.loads(line)
            if outcomes.setdefault(name, outcome) != outcome:
                flipped[name] = None
            outcomes[name] = outcome
    return dict(sorted(outcomes.items())), tuple(flipped)
