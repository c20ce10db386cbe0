"""The `policy` step: policies' own cases, and their judgement of the exported documents.

Policies belong to a sibling room and judging takes the whole road (layers, waivers), so the engine
is run in the exported folder as a user runs it, and its JSON is read. Refuses policies without
cases: they have shown nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from chimera.model import ChimeraError, Finding
from chimera.proof.steps.models import PolicyStep
from chimera.proof.steps.task import StepOutcome, StepTask

_ENDED_WITH_A_RESULT = (0, 1, 5)
"""Exit codes of a command that judged: passed, failed, or nothing was exercised."""


def run_policies(task: StepTask) -> StepOutcome:
    """Run the cases of the step's policies, then judge the exported documents by them."""
    step = task.step
    assert isinstance(step, PolicyStep)
    tested = _ask(task, "policy", "test", *step.policies, "--output", "json")
    outcomes = {f"{v['judge']} {v['subject']}": str(v["finding"]) for v in tested["verdicts"]}
    reasons = [f"{name}: {found}" for name, found in outcomes.items() if found != "pass"]
    exercised = sum(found != Finding.NOT_EXERCISED.value for found in outcomes.values())
    for denial in _denials(_ask(task, "check", "--output", "json"), step.policies):
        outcomes[denial] = Finding.FAIL.value
        reasons.append(denial)
    if exercised == 0 and not reasons:
        return StepOutcome(Finding.NOT_EXERCISED, outcomes, reasons=("no policy has a case",))
    return StepOutcome(
        Finding.FAIL if reasons else Finding.PASS, outcomes, exercised, reasons=tuple(reasons)
    )


def _ask(task: StepTask, *args: str) -> Mapping[str, Any]:
    """Return what a command of the engine answers in JSON."""
    completed = task.run_engine("-m", "chimera", *args)
    if completed.returncode not in _ENDED_WITH_A_RESULT:
        said = task.tail(completed.stderr) or task.tail(completed.stdout)
        raise ChimeraError(f"chimera {args[0]} could not judge the exported documents: {said}")
    try:
        answer = json.loads(completed.stdout)
    except ValueError as error:
        raise ChimeraError(f"chimera {args[0]} answered no JSON: {error}") from error
    if not isinstance(answer, dict):
        raise ChimeraError(f"chimera {args[0]} answered no JSON object")
    return answer


def _denials(checked: Mapping[str, Any], policies: tuple[str, ...]) -> list[str]:
    """Return what policies, or those named, refuse.

    Faults of other kinds are left to `check`: the exported folder holds a part of the tree, so
    that references out of it dangle.
    """
    return [
        f"{fault['path']}:{fault['line']}: {fault['message']}"
        for fault in checked["diagnostics"]
        if fault["severity"] == "error" and fault["rule"].startswith("policy-")
        if not policies or fault["address"] in policies or _names(fault["message"], policies)
    ]


def _names(message: str, policies: tuple[str, ...]) -> bool:
    return message.startswith(tuple(f"{policy}#" for policy in policies))
