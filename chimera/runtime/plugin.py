"""Registers the executors that need nothing but Python; runs proof steps that name an operation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from chimera.plugin import hookimpl

if TYPE_CHECKING:
    from chimera.proof import StepOutcome, StepTask


@hookimpl
def chimera_register_executors() -> Mapping[str, str]:
    """Register `inline`, `loop`, `thread` and `process`."""
    from chimera.runtime.executors import BUILT_IN

    return BUILT_IN


@hookimpl
def chimera_run_proof_step(task: StepTask) -> StepOutcome | None:
    """Run a proof's operation step, unless a plugin's own kind of step has the name."""
    from chimera.runtime.proving import run_operation

    return run_operation(task)
