"""Which rollback a command means, and to what it goes back.

Refuses one that is not where its environment takes records from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chimera.builtin.records.finding import named
from chimera.builtin.records.kinds import RollbackSpec
from chimera.kinds import DELETED, Document
from chimera.model import Target, UsageError, parse_target
from chimera.workspace.going_back import Back, plan_back

if TYPE_CHECKING:
    from chimera.workspace import Workspace
    from chimera.workspace.planning import PlanReport

Rollback = Document[RollbackSpec]


def rollback_named(workspace: Workspace, name: str) -> Rollback:
    """Return the rollback of a name, or of a part of one; raises `UsageError`."""
    every = workspace.loaded.snapshot.of_model(RollbackSpec)
    return named(every, "Rollback", name, "chimera rollback list")


def rollback_to(
    workspace: Workspace, to: str, targets: Sequence[str] = (), environment: str | None = None
) -> Rollback:
    """Return the one rollback to a commit that is not over; raises `UsageError`."""
    revision = workspace.commit(to).snapshot.tree.revision
    found = [
        each
        for each in workspace.loaded.snapshot.of_model(RollbackSpec)
        if each.spec.to == revision
        and each.spec.observation.result is None
        and (environment is None or each.spec.environment == environment)
        and set(targets) <= {answer.target for answer in each.spec.answers}
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(
            f"{len(found)} rollbacks go to {to}",
            help=f"name one of them: {', '.join(each.address.name for each in found)}",
        )
    raise UsageError(
        f"no record says that something goes back to {to}, and nothing is rolled back without one",
        help="write it first: `chimera rollback plan --to REV --write --reason TEXT`",
    )


def is_committed(workspace: Workspace, rollback: Rollback) -> bool:
    """Tell whether a rollback is as its environment has it: in a protected one as committed."""
    there = workspace.for_environment(rollback.spec.environment).snapshot.get(rollback.address)
    return there is not None and there.digest == rollback.digest


def require_committed(workspace: Workspace, rollback: Rollback) -> None:
    """Raise `UsageError` where a rollback is not as its environment has it."""
    if not is_committed(workspace, rollback):
        raise UsageError(
            f"{rollback.address} is not committed as it stands, and {rollback.spec.environment} is"
            " protected",
            help="commit and merge it: what binds in a protected environment is merged",
        )


def restored(rollback: RollbackSpec) -> tuple[Target, ...]:
    """Return the targets that a rollback restores."""
    return tuple(parse_target(answer.target) for answer in rollback.answers)


def plan_of(workspace: Workspace, rollback: Rollback) -> tuple[Back, PlanReport]:
    """Plan a rollback: of all that its commit says where the record names all that this changes.

    Otherwise only of what the record names. Raises `UsageError` for one that restores nothing from
    a commit, and where the commit holds another content than the record says.
    """
    spec = rollback.spec
    if spec.to is None or not spec.answers:
        raise UsageError(
            f"{rollback.address} names no commit and targets that it restores",
            help="nothing is applied for it: go on by its checklist, `chimera rollback list`",
        )
    back = Back(spec.to)
    report = plan_back(workspace, spec.environment, back)
    said = {(answer.target, answer.after) for answer in spec.answers}
    if not _changes(report) <= said:
        back = Back(spec.to, restored(spec))
        report = plan_back(workspace, spec.environment, back)
    other = sorted(target for target, _ in _changes(report) - said)
    if other:
        raise UsageError(
            f"{rollback.address} restores another content of {other[0]} than {spec.to[:12]} has",
            help="write the record anew: `chimera rollback plan --to REV --write --reason TEXT`",
        )
    return back, report


def _changes(report: PlanReport) -> set[tuple[str, str]]:
    changes = (item.change for item in report.plan.changing)
    return {(str(change.target), change.after or DELETED) for change in changes}
