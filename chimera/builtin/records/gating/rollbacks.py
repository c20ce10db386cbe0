"""Rollbacks at the gate: what one takes before it is carried out, and what it took back since.

Refuses to call a change a rollback that restores what the environment never held.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from chimera.builtin.records.gating.binding import binding, counts, restores, takes_back
from chimera.builtin.records.kinds import RollbackSpec
from chimera.builtin.records.procedures import can_be_reversed, missing_evidence
from chimera.documents import locate
from chimera.kinds import DELETED, Document, when
from chimera.model import Action, Change, Diagnostic, Finding, Route, Verdict

if TYPE_CHECKING:
    from chimera.gate import Side, Weighing

Rollback = Document[RollbackSpec]
Lack = tuple[str, str, str, Route]
"""A rule, what is missing by it, what helps, and the route that it is about."""


def review_rollbacks(weighing: Weighing) -> Iterator[Verdict]:
    """Yield, for each change that a rollback restores, whether all that it takes is there."""
    for side, rollback, change in rolled_back(weighing):
        lacks = tuple(_lacks(rollback, change, weighing))
        if lacks:
            yield _refusal(side, rollback, change, lacks)
        else:
            told = (f"{rollback.address} has what a rollback takes",)
            subject = str(change.target)
            by = (rollback.digest,)
            yield Verdict(str(rollback.address), subject, Finding.PASS, told, rests_on=by)


def rolled_back(weighing: Weighing) -> Iterator[tuple[Side, Rollback, Change]]:
    """Yield each change of the plan that a rollback restores, with that one and where it stands."""
    environment = weighing.plan.environment
    for side, rollback in binding(weighing, RollbackSpec):
        for item in weighing.plan.changing:
            if restores(rollback.spec, item.change, environment):
                yield side, rollback, item.change


def _lacks(rollback: Rollback, change: Change, weighing: Weighing) -> Iterator[Lack]:
    spec, target = rollback.spec, change.target
    name = rollback.address.name
    actor = weighing.subject.acting(target)
    if actor.kind != "human":
        what = f"a rollback is a person's, and {actor.name} is automation"
        how = "have a person run it, not a CI service"
        if weighing.plan.protected:
            what = "a person triggers a rollback, and nobody signed this one"
            how = f"sign it: `chimera rollback approve {name}`"
        yield "rollback-without-human", what, how, ("opened",)
    if not weighing.held(change):
        what = f"{weighing.plan.environment} never held {_shown(change)} of {target}"
        how = "a rollback restores what was there: name a commit that was applied, and no new fix"
        yield "rollback-target-unknown", what, how, ("answers",)
    missing = missing_evidence(spec)
    if missing:
        what = f"nothing says where {', '.join(missing)} {'are' if missing[1:] else 'is'} preserved"
        how = (
            f"`chimera rollback preserve {name} {missing[0]}=WHERE`, or --unavailable"
            f" {missing[0]}=WHY where there is none"
        )
        yield "rollback-evidence-missing", what, how, ("preserved",)
    if spec.type == "database":
        yield from _database(spec)


def _database(spec: RollbackSpec) -> Iterator[Lack]:
    if spec.backup is None:
        what = "a database is backed up before it is rolled back, and no backup is named"
        how = "make one, and write backup: {reference, at}; never skip it"
        yield "rollback-without-backup", what, how, ("type",)
    if not can_be_reversed(spec):
        what = "no tested reverse migration is named, and nobody was asked in its place"
        how = "write migration: {path, tested}, or escalate to the owner: escalated: {to, at, why}"
        yield "rollback-without-migration", what, how, ("type",)


def _shown(change: Change) -> str:
    return "the absence" if change.after is None else change.after[:19]


def _refusal(side: Side, rollback: Rollback, change: Change, lacks: tuple[Lack, ...]) -> Verdict:
    address, subject = str(rollback.address), str(change.target)
    faults = tuple(
        Diagnostic(
            rule,
            f"{address} may not roll back {subject}: {what}",
            rollback.at("spec", *route),
            how,
            address=address,
        )
        for rule, what, how, route in lacks
    )
    reasons = tuple(text for _, what, how, _ in lacks for text in (what, how))
    located = locate(faults, side.snapshot.tree)
    by = (rollback.digest,)
    return Verdict(address, subject, Finding.FAIL, reasons, located, rests_on=by)


def review_redeployments(weighing: Weighing) -> Iterator[Verdict]:
    """Yield a refusal for each change that a rollback took back and nobody lets be applied again.

    A rollback of that rollback may: it has taken all that a rollback takes.
    """
    environment = weighing.plan.environment
    again = {
        (change.target, change.after)
        for side, _, change in rolled_back(weighing)
        if counts(side, weighing)
    }
    for side, rollback in binding(weighing, RollbackSpec):
        freed = rollback.spec.redeploy
        if freed is not None and when(freed.at) <= weighing.now:
            continue
        for item in weighing.plan.changing:
            change = item.change
            if change.action is Action.RUN or (change.target, change.after) in again:
                continue
            if takes_back(rollback.spec, change, environment):
                yield _redeployed(side, rollback, change)


def _redeployed(side: Side, rollback: Rollback, change: Change) -> Verdict:
    after = (change.after or DELETED)[:19]
    message = (
        f"{rollback.address} took {change.target} ({after}) back, and the same change is not"
        f" applied again: {rollback.spec.reason}"
    )
    freeing = f"`chimera rollback redeploy {rollback.address.name} --why TEXT`"
    how = f"mend the change; or say what is different now: {freeing}"
    fault = Diagnostic(
        "rollback-redeployed",
        message,
        rollback.at("spec", "reverts"),
        how,
        address=str(rollback.address),
    )
    return Verdict(
        str(rollback.address),
        str(change.target),
        Finding.FAIL,
        (message, how),
        locate((fault,), side.snapshot.tree),
        rests_on=(rollback.digest,),
    )
