"""Steps that plugins add: a registered operation by its name, run by whoever answers the hook.

Owns what is the same for all of them: every expected output is one assertion. Refuses to guess what
an operation does.
"""

from __future__ import annotations

from dataclasses import replace

from chimera.model import Finding, canonical_json
from chimera.proof.steps.models import OperationStep
from chimera.proof.steps.task import StepOutcome

_ABSENT = object()


def expect_outputs(step: OperationStep, outcome: StepOutcome) -> StepOutcome:
    """Judge the outputs of a step that passed by what the proof expects of them."""
    if outcome.finding is Finding.FAIL or not step.expect:
        return outcome
    outputs = outcome.outputs if isinstance(outcome.outputs, dict) else {}
    outcomes = {
        f"output {name} is {canonical_json(wanted).decode()}": (
            "pass" if _same(outputs.get(name, _ABSENT), wanted) else "fail"
        )
        for name, wanted in sorted(step.expect.items())
    }
    failed = tuple(f"{name}: it was not so" for name, found in outcomes.items() if found == "fail")
    return replace(
        outcome,
        finding=Finding.FAIL if failed else Finding.PASS,
        outcomes={**outcome.outcomes, **outcomes},
        exercised=outcome.exercised + len(outcomes),
        reasons=(*outcome.reasons, *failed),
    )


def _same(came: object, wanted: object) -> bool:
    return came is not _ABSENT and canonical_json(came) == canonical_json(wanted)
