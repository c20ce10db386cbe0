"""Guards of what is executed here: made for an apply, a run or a resume, and told what that is.

Refuses to execute anything where the plugin that brings guards has not answered.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from chimera.documents import parse
from chimera.documents.repository import is_bare
from chimera.gate import Halt, Side
from chimera.kinds import Loaded, Snapshot, read_source, validate
from chimera.model import GateError, GitError
from chimera.plugin import ask_each
from chimera.runtime.guarding import RunGuard
from chimera.workspace.planning import PlanReport
from chimera.workspace.sides import recorded_here, sides_of
from chimera.workspace.trust import trust_names, trusted_tree

if TYPE_CHECKING:
    from chimera.workspace.workspace import Workspace

ESSENTIAL_GUARDS = ("chimera.builtin.guards.plugin",)
"""Plugins without whose guards nothing is executed."""

Guards = tuple[RunGuard, ...]


@contextmanager
def guarding(workspace: Workspace) -> Iterator[Guards]:
    """Give what is asked between steps; raises `GateError` where an essential guard is missing."""
    answers, silent = ask_each(
        workspace.plugins,
        "chimera_guard_runs",
        ESSENTIAL_GUARDS,
        root=workspace.root,
        context=workspace.context,
    )
    lacking = [name for name in ESSENTIAL_GUARDS if not answers.get(name)]
    if silent or lacking:
        reasons = [reason for verdict in silent for reason in verdict.reasons]
        reasons += [f"the plugin {name} guards nothing, and must" for name in lacking]
        raise GateError(
            "; ".join(reasons), help="fix or remove the plugin: without guards nothing is executed"
        )
    with ExitStack() as stack:
        guards = tuple(guard for given in answers.values() for guard in given)
        for guard in guards:
            stack.callback(guard.close)
        yield guards


def tell(workspace: Workspace, guards: Guards, loaded: Loaded, planned: PlanReport) -> None:
    """Tell guards what is about to be carried out, and which documents bind it."""
    subject = planned.judgement.subject
    sides = sides_of(workspace, loaded)
    changes = [item.change for item in planned.plan.changing]
    for guard in guards:
        guard.know(subject, changes, sides)


def halts_of(
    workspace: Workspace, snapshot: Snapshot | None = None, *, is_strict: bool = False
) -> tuple[Halt, ...]:
    """Return what is engaged now, and times of maintenance to come, for people to see.

    By the tree at hand, or that of `snapshot`, the trust ref, the records written here, and the
    switches of this machine. A trust ref that is not there is passed over, unless it `is_strict`.
    """
    sides = tuple(_sides(workspace, snapshot or workspace.loaded.snapshot, is_strict=is_strict))
    answers, silent = ask_each(
        workspace.plugins,
        "chimera_list_halts",
        ESSENTIAL_GUARDS,
        root=workspace.root,
        sides=sides,
        now=workspace.context.clock.now(),
    )
    if silent:
        reasons = "; ".join(reason for verdict in silent for reason in verdict.reasons)
        raise GateError(reasons, help="fix or remove the plugin")
    found = (halt for given in answers.values() for halt in given)
    return tuple(sorted(found, key=lambda h: (not h.is_standing, h.guard, h.kind, h.where)))


def with_halts(workspace: Workspace, report: PlanReport) -> PlanReport:
    """Return a plan with the guards that can stop anything in its environment.

    In a bare repository nothing is applied.
    """
    if is_bare(workspace.root):
        return report
    here = f"Environment/{report.plan.environment}"
    found = halts_of(workspace, report.judgement.subject.snapshot)
    meant = tuple(halt for halt in found if here in (halt.scope.get("environments") or (here,)))
    return replace(report, halts=meant)


def _sides(workspace: Workspace, snapshot: Snapshot, *, is_strict: bool) -> Iterator[Side]:
    """Yield the places that `sides_of` has; of the trust ref no more is read than its guards."""
    revision = snapshot.tree.revision
    yield Side(f"the commit {revision[:12]}" if revision else "the work tree", snapshot)
    if workspace.loaded.snapshot is not snapshot:
        yield Side("the work tree", workspace.loaded.snapshot)
    try:
        yield from _trusted(workspace)
    except GitError:
        if is_strict:
            raise
    yield recorded_here(workspace)


def _trusted(workspace: Workspace) -> Iterator[Side]:
    tree = trusted_tree(workspace)
    if tree is None:
        return
    roots = read_source(tree, workspace.cache).roots
    contents = tree.read_many(entry.path for entry in tree.under(roots))
    documents = [
        document
        for path, data in contents.items()
        if b"Guard" in data or b"\\" in data  # a name can be written with escapes
        for raw in parse(path, data)[0]
        if raw.value.get("kind") == "Guard"
        and (document := validate(raw, workspace.registry)[0]) is not None
    ]
    snapshot = Snapshot.of(tree, workspace.registry, documents)
    yield Side(trust_names(workspace)[0], snapshot, is_trusted=True)
