"""What records say of a period: changes with their entries, incidents, reviews, and the chain.

Read from the rulings of the journal and the records of the tree. Refuses to fail a report over a
record that its own checks refuse.
"""

from __future__ import annotations

from collections.abc import Iterator

from chimera.builtin.records.reporting.changes import change_section
from chimera.builtin.records.reporting.compliance import compliance_section
from chimera.builtin.records.reporting.freezes import freeze_section
from chimera.builtin.records.reporting.incidents import incident_section
from chimera.builtin.records.reporting.reviews import review_section
from chimera.runtime.reporting import ReportKind, ReportTask, Section


def sections(task: ReportTask) -> Iterator[Section]:
    """Yield what a report of the task's kind says of records."""
    if task.kind is ReportKind.COMPLIANCE:
        yield compliance_section(task)
    elif task.kind.is_periodic:
        yield change_section(task)
        rooms = (incident_section, review_section, freeze_section)
        yield from filter(None, (room(task) for room in rooms))
