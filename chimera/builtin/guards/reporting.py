"""Which guards stood in a period: switches of this machine, and those that documents engage.

Of a switch that was released nothing is left but its record, and what it stopped, which the journal
tells. Refuses to guess since when a document has a guard engaged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from chimera.builtin.guards.kinds import GuardSpec
from chimera.builtin.guards.scoping import named
from chimera.builtin.guards.switches import read_switches
from chimera.kinds import Document
from chimera.runtime.reporting import Cell, Column, ReportTask, Section, Table

_BEGINNING = datetime.min.replace(tzinfo=UTC)


def sections(task: ReportTask) -> Iterator[Section]:
    """Yield the guards that stood, where any did."""
    rows = [*_switches(task), *_documents(task)]
    if rows:
        columns = (
            *(Column("guard", "Guard", is_code=True), Column("kind", "As")),
            *(Column("since", "Since"), Column("until", "Until"), Column("by", "By")),
            *(Column("scope", "Stops"), Column("reason", "Because")),
        )
        note = "As this machine and the tree have them now."
        table = Table("guards", "Guards that stood", columns, sorted(rows, key=str), note=note)
        yield Section("guards", "Freezes and guards", tables=(table,))


def _switches(task: ReportTask) -> Iterator[tuple[Cell, ...]]:
    for switch in read_switches(task.root):
        if switch.at is None or switch.at < task.until:
            scope = _said(named(switch.scope))
            yield (switch.guard, "switch here", switch.at, None, switch.by, scope, switch.reason)


def _documents(task: ReportTask) -> Iterator[tuple[Cell, ...]]:
    for guard in task.snapshot.of_model(GuardSpec):
        if _concerns(guard, task):
            yield from _of(guard, task)


def _concerns(guard: Document[GuardSpec], task: ReportTask) -> bool:
    found = guard.spec.scope.environments
    return not found or any(f"Environment/{name}" in found for name in task.environments)


def _of(guard: Document[GuardSpec], task: ReportTask) -> Iterator[tuple[Cell, ...]]:
    spec, name = guard.spec, str(guard.address)
    scope = _said(named(spec.scope))
    if spec.engaged:
        yield (name, "engaged by its document", None, None, None, scope, spec.reason)
    maintenance = spec.maintenance
    if maintenance is not None:
        begins = maintenance.begins
        if task.period.overlaps(begins or _BEGINNING, maintenance.ends):
            reason = maintenance.reason or spec.reason
            yield (name, "maintenance", begins, maintenance.ends, None, scope, reason)


def _said(scope: Mapping[str, tuple[str, ...]]) -> str:
    return "; ".join(f"{what} {', '.join(those)}" for what, those in scope.items()) or "everything"
