"""The `policy` step: policies' own cases, and their judgement of the exported documents.

Policies belong to a sibling room and need everything that judging does (layers, waivers), so the
engine is run as a user runs it, in the exported folder, and its JSON is read. Refuses a policy that
met nothing: it has shown nothing.
"""

from __future__ import annotations

from chimera.proof.steps.task import StepOutcome, StepTask


def run_policies(task: StepTask) -> StepOutcome | None:
    """Leave the step to whoever knows policies."""
    del task
    return None
