"""A new entry of the operations changelog: what a plan tells of it, and what a person says.

Refuses to record a change twice, and to fill in what only a person knows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from chimera.builtin.records.chain import Passed, chains, passed_in
from chimera.builtin.records.drafting import KIND, Drafted, draft, owing
from chimera.builtin.records.finding import require_said, unused_name
from chimera.builtin.records.kinds import ChangelogEntrySpec, written
from chimera.builtin.records.writing import Draft
from chimera.kinds import DELETED, Document, answers
from chimera.model import Action, Address, Change, UsageError, parse_target
from chimera.plan import Plan, PlanItem
from chimera.state.periods import Span

if TYPE_CHECKING:
    from chimera.kinds import Snapshot
    from chimera.workspace import Workspace

Entry = Document[ChangelogEntrySpec]

_JOURNAL = "the journal"
_FIRST = datetime(2000, 1, 1, tzinfo=UTC)
"""Before any journal began."""


class Unrecorded(NamedTuple):
    """What was let through together and has no entry: as a plan, when, and what it rolls back."""

    plan: Plan
    at: datetime
    rollback_of: str | None
    incident: str | None


def unrecorded(workspace: Workspace, environment: str) -> Unrecorded:
    """Return what was let through and has no entry, of the oldest such ruling.

    Raises `UsageError` where everything is recorded.
    """
    snapshot, now = workspace.loaded.snapshot, workspace.context.clock.now()
    with workspace.read_state() as state:
        span = Span([environment], _FIRST, now + timedelta(microseconds=1))
        found = chains(snapshot, list(passed_in(state, span)))
    missing = [chain for chain in found if chain.entry is None]
    if not missing:
        raise UsageError(
            f"every change of {environment} in the journal has its entry",
            help="leave --applied out to record one that is planned",
        )
    first = missing[0]
    together = [
        chain.change
        for chain in missing
        if chain.change.ruling == first.change.ruling and chain.restores == first.restores
    ]
    plan = Plan(environment, False, _JOURNAL, tuple(PlanItem(_change(one)) for one in together))
    rollback = first.restores
    return Unrecorded(
        plan,
        first.change.at,
        str(rollback.address) if rollback else None,
        rollback.spec.incident if rollback else None,
    )


def _change(passed: Passed) -> Change:
    after = None if passed.after == DELETED else passed.after
    target = parse_target(passed.target)
    return Change(target, Action(passed.action), None, after, "let through by the gate")


def drafted_entry(
    workspace: Workspace, plan: Plan | None, environment: str, rollback_of: str | None = None
) -> Drafted:
    """Draft the entry for what a plan changes and no entry records; of no plan an empty one.

    With `rollback_of`, for what that rollback restores: what was there before has its own.

    Raises `UsageError` where every change of the plan is recorded already, or there is none.
    """
    now = workspace.context.clock.now()
    if plan is None:
        fields = {"date": f"{now:%Y-%m-%d}", "environment": environment}
        return Drafted({**fields, "recorded": written(now)})
    items = _unrecorded(workspace.loaded.snapshot, plan, rollback_of)
    is_done = plan.compared_with == _JOURNAL  # what is held now is the change itself
    undone_by = None if is_done else _applied_revision(workspace, plan, items)
    return draft(plan, items, now=now, undone_by=undone_by)


def _unrecorded(snapshot: Snapshot, plan: Plan, rollback_of: str | None) -> Sequence[PlanItem]:
    items = owing(plan)
    if not items:
        first = "commit it first, as it is protected; or " if plan.protected else ""
        raise UsageError(
            f"the plan for {plan.environment} changes nothing",
            help=f"{first}name a change: --base REF, --plan FILE, or --applied for one that was"
            " applied; or --scope third-party for one outside of the tree",
        )
    every = snapshot.of_model(ChangelogEntrySpec)
    entries = [entry for entry in every if entry.spec.rollback_of == rollback_of]
    found = [item for item in items if not _entry_of(entries, plan.environment, item)]
    if not found:
        entry = _entry_of(entries, plan.environment, items[0])
        raise UsageError(
            f"{entry.address if entry else 'an entry'} records it already",
            help="one entry a change: edit that one",
        )
    return found


def _entry_of(entries: Sequence[Entry], environment: str, item: PlanItem) -> Entry | None:
    return next(
        (e for e in entries if e.spec.environment == environment and answers(e, item.change)), None
    )


def _applied_revision(workspace: Workspace, plan: Plan, items: Sequence[PlanItem]) -> str | None:
    """Return the commit from which all that changes was applied, where it is one."""
    targets = {str(item.change.target) for item in items}
    with workspace.read_state() as state:
        held = state.applied(plan.environment)
    revisions = {held[target].revision for target in targets & held.keys()}
    return revisions.pop() if len(revisions) == 1 and targets <= held.keys() else None


def new_entry(
    workspace: Workspace,
    drafted: Drafted,
    given: Mapping[str, Any],
    *,
    effective: datetime | None = None,
    name: str | None = None,
) -> tuple[Address, Draft]:
    """Propose an entry of what was drafted and, before that, what was given by name of field."""
    said = {field: value for field, value in given.items() if value}
    meant = ("verification", "rollback")
    require_said({f"--{field}": str(said[field]) for field in meant if field in said})
    if effective is not None:
        said |= {"effective": written(effective), "date": f"{effective:%Y-%m-%d}"}
    complete = replace(drafted, fields={**drafted.fields, **said})
    spec = complete.spec()
    snapshot = workspace.loaded.snapshot
    day = datetime.fromisoformat(spec["date"])
    text = str(spec["summary"])
    address = Address.parse(f"{KIND}/{name or unused_name(snapshot, (KIND,), day, text)}")
    proposal = Draft(workspace)
    proposal.create(address, spec)
    return address, proposal
