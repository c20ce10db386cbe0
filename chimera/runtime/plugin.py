"""Runs proof steps that name a registered operation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chimera.plugin import hookimpl

if TYPE_CHECKING:
    from chimera.proof import StepOutcome, StepTask


@hookimpl
def chimera_run_proof_step(task: StepTask) -> StepOutcome | None:
    """Run a proof's operation step, unless a plugin's own kind of step has the name."""
    from chimera.runtime.proving import run_operation

    return run_operation(task)
