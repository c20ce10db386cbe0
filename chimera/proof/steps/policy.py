"""The `policy` step: policies' own cases, and their judgement of the exported documents.

Policies belong to a sibling room and judging takes the whole road (layers, waivers), so the engine
is run in the exported folder as a user runs it, and its JSON is read. Refuses policies without
cases: they have shown nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from chimera.model import ChimeraError, Finding
from chimera.proof.steps.models import PolicyStep
from chimera.proof.steps.task import StepOutcome, StepTask

_ENDED_WITH_A_RESULT = (0, 1, 5)
"""Exit codes of a command that judged: passed, failed, or nothing was exercised."""

_UNJUDGED = ("yaml-", "json-", "document-", "front-matter-", "kind-", "field-")
"""Rules about documents that are not what they were meant to be: policies see no such one whole."""


def run_policies(task: StepTask) -> StepOutcome:
    """Run the cases of the step's policies, then judge the exported documents by them."""
    step = task.step
    assert isinstance(step, PolicyStep)
    tested = _ask(task, "policy", "test", *step.policies, "--output", "json")
    outcomes = {_named(verdict): str(verdict["finding"]) for verdict in tested["verdicts"]}
    reasons = [why for verdict in tested["verdicts"] for why in _whys(verdict)]
    exercised = sum(found != Finding.NOT_EXERCISED.value for found in outcomes.values())
    for fault in _faults(_ask(task, "check", "--output", "json"), step.policies):
        if _is_unjudged(fault):
            reasons.append(f"{_placed(fault)}; policies judge valid documents only")
        else:
            outcomes[_placed(fault)] = Finding.FAIL.value
            reasons.append(_placed(fault))
    if exercised == 0 and not reasons:
        return StepOutcome(Finding.NOT_EXERCISED, outcomes, reasons=("no policy has a case",))
    return StepOutcome(
        Finding.FAIL if reasons else Finding.PASS,
        outcomes,
        exercised,
        reasons=tuple(dict.fromkeys(reasons)),
    )


def _named(verdict: Mapping[str, Any]) -> str:
    """Return what a verdict of `policy test` is about: a policy, or one of its cases."""
    return " ".join(dict.fromkeys((verdict["judge"], verdict["subject"])))


def _whys(verdict: Mapping[str, Any]) -> list[str]:
    """Return why a verdict is not a pass, each where it stands in the policy."""
    if verdict["finding"] == Finding.PASS.value:
        return []
    found = [_placed(fault) for fault in verdict["diagnostics"]] or verdict["reasons"]
    return [f"{_named(verdict)}: {why}" for why in found or [verdict["finding"]]]


def _placed(fault: Mapping[str, Any]) -> str:
    return f"{fault['path']}:{fault['line']}: {fault['message']}"


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


def _faults(checked: Mapping[str, Any], policies: tuple[str, ...]) -> Iterator[Mapping[str, Any]]:
    """Yield what policies, or those named, refuse, and what they cannot be asked about.

    Faults of other kinds are left to `check`: the exported folder holds a part of the tree, so
    that references out of it dangle.
    """
    named = tuple(f"{policy}#" for policy in policies)
    for fault in checked["diagnostics"]:
        is_asked = not policies or fault["address"] in policies
        is_asked |= fault["message"].startswith(named)
        is_denial = fault["rule"].startswith("policy-") and is_asked
        if fault["severity"] == "error" and (is_denial or _is_unjudged(fault)):
            yield fault


def _is_unjudged(fault: Mapping[str, Any]) -> bool:
    return str(fault["rule"]).startswith(_UNJUDGED)
