"""Registers `chimera report`, and contributes what the core has to say to every report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from chimera.plugin import hookimpl

if TYPE_CHECKING:
    from chimera.runtime.reporting import ReportTask, Section


@hookimpl
def chimera_register_commands() -> Mapping[str, str]:
    """Register the command `report`."""
    return {"report": "chimera.builtin.reporting.commands:report"}


@hookimpl
def chimera_contribute_report(task: ReportTask) -> Iterable[Section]:
    """Return what runs, proofs and gates have to say; to capacity, how runs and the state grow."""
    from chimera.runtime.reporting import ReportKind

    if task.kind is ReportKind.CAPACITY:
        from chimera.builtin.reporting.core.growth import sections

        return tuple(sections(task))
    from chimera.builtin.reporting.core import errors, gate, proofs, runs, stops

    if task.kind is ReportKind.COMPLIANCE:
        rooms: tuple[Any, ...] = (gate, proofs, stops)
    else:
        rooms = (runs, errors, gate, proofs, stops)
    return tuple(section for room in rooms for section in room.sections(task))
