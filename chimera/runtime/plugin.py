"""Registers the executors that need nothing but Python; runs proof steps that name an operation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from chimera.plugin import hookimpl

if TYPE_CHECKING:
    from chimera.proof import StepOutcome, StepTask
    from chimera.state import Holding


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


@hookimpl
def chimera_contribute_backup() -> Iterable[Holding]:
    """Name the large values of the journal, and what other processes ask of runs."""
    from chimera.state import Holding
    from chimera.state.backing import object_faults

    return (
        Holding("objects", "values too large for the database", object_faults),
        Holding("control", "what other processes ask of runs", _request_faults),
    )


def _request_faults(root: Path) -> Iterator[str]:
    from chimera.runtime.control import all_requests
    from chimera.state import Layout

    useless: set[str] = set()
    all_requests(Layout(root), useless)
    yield from (f"{name} is no request" for name in sorted(useless))
