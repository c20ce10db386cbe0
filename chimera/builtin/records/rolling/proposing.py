"""Rollbacks as records: proposed from a plan, and filled in as people go through the checklist.

Refuses automation: a rollback is a person's decision.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from chimera.builtin.records.drafting import draft
from chimera.builtin.records.finding import incident_named
from chimera.builtin.records.kinds import RollbackSpec, written
from chimera.builtin.records.occasions import Occasion
from chimera.builtin.records.procedures import EVIDENCE, PRESERVE, PROCEDURES
from chimera.builtin.records.rolling.named import Rollback
from chimera.builtin.records.spec.rollback import RollbackType
from chimera.builtin.records.writing import Draft
from chimera.kinds import DELETED, suggestion
from chimera.model import Address, UsageError

if TYPE_CHECKING:
    from chimera.plan import PlanItem
    from chimera.workspace import Workspace
    from chimera.workspace.going_back import Back
    from chimera.workspace.planning import PlanReport


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is known of a rollback before it is written."""

    reason: str
    name: str | None = None
    type: RollbackType | None = None
    incident: str | None = None
    preserved: Mapping[str, str] | None = None
    unavailable: Mapping[str, str] | None = None


def propose(
    workspace: Workspace, back: Back, report: PlanReport, proposal: Proposal, by: Occasion
) -> tuple[Address, tuple[str, ...]]:
    """Write the record of a rollback that was planned, and name it in its incident.

    Returns its address and the paths that were written. Raises `UsageError` where nothing goes back
    and where the record would not be valid.
    """
    plan = report.plan
    if not plan.changing:
        raise UsageError(
            f"{plan.environment} holds already what {back.to[:12]} says: nothing goes back",
            help="`chimera rollback suggest` says what has changed",
        )
    incident = _incident(workspace, proposal.incident, plan.environment)
    revision = workspace.commit(back.to).snapshot.tree.revision or back.to
    type = proposal.type or _type(report)
    spec = {
        "type": type,
        "opened": by.stamp(),
        **({"incident": str(incident)} if incident else {}),
        "environment": plan.environment,
        "to": revision,
        "reason": proposal.reason,
        "reverts": [_answer(item, item.change.before) for item in plan.changing],
        "answers": [_answer(item, item.change.after) for item in plan.changing],
        "checklist": [{"step": step} for step in PROCEDURES[type].owed],
        "preserved": _preserved(proposal.preserved or {}, proposal.unavailable or {}),
        "observation": {"for": "15m"},
    }
    address = Address("Rollback", proposal.name or f"{by.at:%Y-%m-%d}-to-{revision[:12]}")
    edits = Draft(workspace)
    edits.create(address, spec)
    if incident is not None:
        edits.put(incident, ("rollback",), str(address))
    return address, edits.write()


def _incident(workspace: Workspace, name: str | None, environment: str) -> Address | None:
    if name is None:
        return None
    found = incident_named(workspace.loaded.snapshot, name, workspace.context.clock.now())
    if found.spec.environment != environment:
        raise UsageError(
            f"{found.address} is in {found.spec.environment}, not in {environment}",
            help=f"give --env {found.spec.environment}",
        )
    return found.address


def _type(report: PlanReport) -> RollbackType:
    """Return the type that the plan shows: one value is configuration, several a deployment."""
    changing = report.plan.changing
    drafted = draft(report.plan, changing, now=report.judgement.subject.now)
    scope = drafted.fields.get("scope")
    if scope == "database":
        return "database"
    return "config" if scope == "config" and len(changing) == 1 else "code"


def _answer(item: PlanItem, digest: str | None) -> dict[str, str]:
    return {"target": str(item.change.target), "after": digest or DELETED}


def _preserved(kept: Mapping[str, str], unavailable: Mapping[str, str]) -> list[dict[str, str]]:
    for what in (*kept, *unavailable):
        if what not in EVIDENCE:
            raise UsageError(
                f"{what!r} is nothing that a rollback preserves",
                help=suggestion(what, EVIDENCE, f"there is: {', '.join(EVIDENCE)}"),
            )
    return [
        *({"what": what, "where": where} for what, where in kept.items()),
        *({"what": what, "unavailable": why} for what, why in unavailable.items()),
    ]


def preserve(
    workspace: Workspace,
    rollback: Rollback,
    kept: Mapping[str, str],
    unavailable: Mapping[str, str],
    by: Occasion,
) -> tuple[str, ...]:
    """Write where evidence is kept, or why there is none; with the last of it that step is done.

    Raises `UsageError` for what is there.
    """
    there = {one.what for one in rollback.spec.preserved}
    added = _preserved(kept, unavailable)
    edits = Draft(workspace)
    for one in added:
        if one["what"] in there:
            raise UsageError(
                f"{rollback.address} says already where {one['what']} is kept",
                help=f"edit {rollback.place.path} where it is wrong",
            )
        edits.append(rollback.address, ("preserved",), one)
    if not added:
        raise UsageError(
            "nothing was named that is preserved",
            help=f"write WHAT=WHERE, with WHAT of {', '.join(EVIDENCE)}",
        )
    is_all = EVIDENCE.keys() <= there | {one["what"] for one in added}
    if is_all and rollback.spec.done(PRESERVE) is None:
        _put_step(edits, rollback, PRESERVE, by.stamp())
    return edits.write()


def do_steps(
    workspace: Workspace,
    rollback: Rollback,
    steps: Sequence[str],
    by: Occasion,
    note: str | None = None,
    carried_out: datetime | None = None,
) -> tuple[str, ...]:
    """Write that steps of the checklist were done; raises `UsageError` for one that it has not.

    Where the journal tells when something was `carried_out`, the step of that was done then, and
    what comes before it no later. It need not be named once all before it are done.
    """
    procedure = PROCEDURES[rollback.spec.type]
    owed = procedure.ids
    before = owed[: owed.index(procedure.executes) + 1]
    edits = Draft(workspace)
    for step in steps:
        if step not in owed:
            raise UsageError(
                f"a {rollback.spec.type} rollback has no step {step}",
                help=suggestion(step, owed, f"its steps: {', '.join(owed)}"),
            )
        if rollback.spec.done(step) is not None:
            raise UsageError(f"{step} was done already", help="name a step that was not")
        at = carried_out if step in before and carried_out is not None else by.at
        done = {"at": written(min(at, by.at)), "by": by.by, **({"note": note} if note else {})}
        _put_step(edits, rollback, step, done)
    left = set(steps_left(rollback.spec)).intersection(before[:-1]).difference(steps)
    if carried_out is not None and not left and procedure.executes not in steps:
        put_execution(edits, rollback, carried_out, by)
    return edits.write()


def put_execution(draft: Draft, rollback: Rollback, at: datetime, by: Occasion) -> None:
    """Propose that the step by which something is taken back was done, if it is not said."""
    step = PROCEDURES[rollback.spec.type].executes
    if rollback.spec.done(step) is None:
        done = {"at": written(at), "by": by.by, "note": "as the journal tells"}
        _put_step(draft, rollback, step, done)


def _put_step(draft: Draft, rollback: Rollback, step: str, done: dict[str, str]) -> None:
    listed = [item.step for item in rollback.spec.checklist]
    if step in listed:
        draft.put(rollback.address, ("checklist", listed.index(step), "done"), done)
    else:
        draft.append(rollback.address, ("checklist",), {"step": step, "done": done})


def redeploy(workspace: Workspace, rollback: Rollback, why: str, by: Occasion) -> tuple[str, ...]:
    """Write that what was taken back may be applied again."""
    if rollback.spec.redeploy is not None:
        raise UsageError(
            f"{rollback.address} lets it be applied again already", help="apply the change"
        )
    edits = Draft(workspace)
    edits.put(rollback.address, ("redeploy",), {**by.stamp(), "why": why})
    return edits.write()


def steps_left(spec: RollbackSpec) -> tuple[str, ...]:
    """Return the steps that the checklist owes and that nobody did."""
    return tuple(step for step in PROCEDURES[spec.type].owed if spec.done(step) is None)


def put_observation(draft: Draft, rollback: Rollback, seen: Mapping[str, Any]) -> None:
    """Propose what was observed, beside what the record says already."""
    value = rollback.value["spec"]
    if "observation" not in value:
        draft.put(rollback.address, ("observation",), dict(seen))
        return
    for name, one in seen.items():
        if name not in value["observation"]:
            draft.put(rollback.address, ("observation", name), one)
