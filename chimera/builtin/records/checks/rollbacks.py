"""What is asked of a rollback by itself and among others: checklist, evidence, what follows.

How long it was watched is asked in `observing`. The gate refuses what lacks these before anything
is carried out; here it is told to people.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

from chimera.builtin.records.checks.changelog import WITHIN
from chimera.builtin.records.checks.faults import Filed, contradiction, omission, remark
from chimera.builtin.records.checks.observing import judge_observation
from chimera.builtin.records.checks.times import Timed, in_order, not_before, to_come
from chimera.builtin.records.kinds import RollbackSpec, after, person
from chimera.builtin.records.procedures import (
    EVIDENCE,
    PRESERVE,
    PROCEDURES,
    can_be_reversed,
    missing_evidence,
)
from chimera.kinds import suggestion, when
from chimera.model import Diagnostic, Related

Rollback = Filed[RollbackSpec]


def judge_rollback(
    rollback: Rollback, entered: Collection[str], machines: Collection[str], now: datetime
) -> Iterator[Diagnostic]:
    """Report everything that is wrong with a rollback.

    `entered` are those that the changelog has, and `machines` the identities of no person.
    """
    yield from _times(rollback, now)
    yield from _triggered(rollback, machines)
    yield from _checklist(rollback)
    yield from _evidence(rollback)
    yield from _targets(rollback)
    if rollback.spec.type == "database":
        yield from _database(rollback)
    yield from judge_observation(rollback, now)
    yield from _afterwards(rollback, entered, now)


def executed(spec: RollbackSpec) -> datetime | None:
    """Return when something was taken back, if it was."""
    done = spec.done(PROCEDURES[spec.type].executes)
    return when(done.at) if done else None


def _times(rollback: Rollback, now: datetime) -> Iterator[Diagnostic]:
    spec = rollback.spec
    opened: Timed = (("opened", "at"), spec.opened.at)
    steps: list[Timed] = [
        (("checklist", i, "done", "at"), item.done.at)
        for i, item in enumerate(spec.checklist)
        if item.done
    ]
    seen = spec.observation
    watched: list[Timed] = [
        (("observation", name), moment)
        for name, moment in (("from", seen.since), ("until", seen.until))
        if moment
    ]
    later = (("redeploy", "at"), spec.redeploy.at) if spec.redeploy else None
    rule = "rollback-times-disordered"
    yield from not_before(rollback, rule, opened, (*steps, *watched, later))
    yield from in_order(rollback, "rollback-steps-disordered", "this step", steps)
    yield from in_order(rollback, rule, "the end of its observation", watched)
    yield from to_come(rollback, "rollback-time-future", (opened, *steps, *watched, later), now)


def _triggered(rollback: Rollback, machines: Collection[str]) -> Iterator[Diagnostic]:
    by = rollback.spec.opened.by
    if person(by) in machines:
        yield omission(
            rollback,
            "rollback-automated",
            f"{by} is a machine's identity, and a person decides to roll back",
            ("opened", "by"),
            "name the person who decided it",
        )


def _checklist(rollback: Rollback) -> Iterator[Diagnostic]:
    spec, procedure = rollback.spec, PROCEDURES[rollback.spec.type]
    first: dict[str, int] = {}
    for index, item in enumerate(spec.checklist):
        if item.step not in procedure.ids:
            yield contradiction(
                rollback,
                "rollback-step-unknown",
                f"{item.step!r} is no step of a {spec.type} rollback",
                ("checklist", index, "step"),
                suggestion(item.step, procedure.ids, f"these are: {', '.join(procedure.ids)}"),
            )
        elif first.setdefault(item.step, index) != index:
            yield contradiction(
                rollback,
                "rollback-step-twice",
                f"{item.step!r} stands twice",
                ("checklist", index, "step"),
                "keep one of the two",
                Related("the other one is here", rollback.at("checklist", first[item.step])),
            )
    yield from _skipped(rollback, first)


def _skipped(rollback: Rollback, at: dict[str, int]) -> Iterator[Diagnostic]:
    """Report each owed step that was not done, though a later one was or it is all over."""
    spec, procedure = rollback.spec, PROCEDURES[rollback.spec.type]
    done = [step for step in procedure.ids if spec.done(step)]
    is_over = spec.observation.result is not None
    last = len(procedure.ids) if is_over else procedure.ids.index(done[-1]) if done else 0
    texts = {step.id: step.text for step in procedure.steps}
    for step in procedure.ids[:last]:
        if step in procedure.owed and step not in done:
            what = "it is over" if is_over else f"{done[-1]!r} is done"
            yield omission(
                rollback,
                "rollback-step-skipped",
                f"{what}, and {step!r} was skipped",
                ("checklist", at[step]) if step in at else ("checklist",),
                f"{texts[step]} Then write done: {{at, by}}",
            )


def _evidence(rollback: Rollback) -> Iterator[Diagnostic]:
    spec = rollback.spec
    for index, kept in enumerate(spec.preserved):
        if (kept.where is None) == (kept.unavailable is None):
            both = kept.where is not None
            yield contradiction(
                rollback,
                "rollback-evidence-unclear",
                f"{kept.what} is both kept and unavailable"
                if both
                else f"nothing says where {kept.what} is kept, or why it is not",
                ("preserved", index),
                "write where it is kept; or unavailable, with the reason",
            )
    told = {kept.what for kept in spec.preserved}
    missing = [what for what in missing_evidence(spec) if what not in told]
    has_begun = executed(spec) is not None or spec.done(PRESERVE) is not None
    if missing and has_begun:
        yield omission(
            rollback,
            "rollback-evidence-missing",
            f"nothing says where {', '.join(missing)} {'are' if missing[1:] else 'is'} preserved",
            ("preserved",),
            "preserve: " + "; ".join(f"{what}: {EVIDENCE[what]}" for what in missing),
        )


def _targets(rollback: Rollback) -> Iterator[Diagnostic]:
    spec = rollback.spec
    is_named = spec.to is not None or spec.answers
    if spec.type in ("code", "config") and not is_named and executed(spec) is not None:
        yield omission(
            rollback,
            "rollback-target-missing",
            "nothing says what it goes back to",
            ("type",),
            "write to: COMMIT, or answers with the digests that it restores",
        )
    taken = {(one.target, one.after) for one in spec.reverts}
    for index, one in enumerate(spec.answers):
        if (one.target, one.after) in taken:
            yield contradiction(
                rollback,
                "rollback-restores-nothing",
                f"it takes {one.target} back to what it is",
                ("answers", index),
                "write the digest that it had before under answers, and the present one under"
                " reverts",
            )
    if spec.type in ("config", "database") and len(taken) > 1:
        yield omission(
            rollback,
            "rollback-several",
            f"it takes {len(taken)} things back at once: nobody can tell which of them helped",
            ("reverts",),
            "the smallest safe rollback comes first; write another one for the rest",
        )


def _database(rollback: Rollback) -> Iterator[Diagnostic]:
    spec = rollback.spec
    begun = executed(spec)
    if spec.backup is None:
        yield omission(
            rollback,
            "rollback-without-backup",
            "it is of a database, and no backup is named",
            ("type",),
            "back up first, always; then write backup: {reference, at}",
        )
    elif begun is not None and when(spec.backup.at) > begun:
        yield remark(
            rollback,
            "rollback-backup-late",
            f"the backup is of {spec.backup.at}, after the database was rolled back",
            ("backup", "at"),
            "if there is one from before, name that one",
        )
    if not can_be_reversed(spec):
        yield omission(
            rollback,
            "rollback-without-migration",
            "no tested reverse migration is named, and it was escalated to nobody",
            ("migration",) if spec.migration else ("type",),
            "write migration: {path, tested}; or escalate to the owner: escalated: {to, at, why}",
        )


def _afterwards(
    rollback: Rollback, entered: Collection[str], now: datetime
) -> Iterator[Diagnostic]:
    spec, begun = rollback.spec, executed(rollback.spec)
    is_late = begun is not None and now > after(begun, WITHIN)
    if is_late and rollback.name not in entered:
        yield omission(
            rollback,
            "rollback-entry-missing",
            "it has no entry in the changelog, a day after it was carried out",
            ("opened",),
            f"write one with rollbackOf: {rollback.name}",
        )
    ended = spec.observation.until
    if spec.redeploy and (ended is None or when(spec.redeploy.at) < when(ended)):
        yield omission(
            rollback,
            "rollback-redeploy-early",
            "what it took back is let through again before it was watched to the end",
            ("redeploy", "at"),
            "watch it first: the same change is not applied again at once",
        )


def judge_together(rollbacks: tuple[Rollback, ...]) -> dict[str, Diagnostic]:
    """Return, by address, each rollback that was begun while another of its environment went on."""
    found: dict[str, Diagnostic] = {}
    going: dict[str, Rollback] = {}
    for rollback in sorted(rollbacks, key=lambda one: (when(one.spec.opened.at), one.name)):
        spec = rollback.spec
        other = going.get(spec.environment)
        if other is not None and _lasts(other, when(spec.opened.at)):
            found[rollback.name] = omission(
                rollback,
                "rollback-concurrent",
                f"it was begun while {other.name} went on in {spec.environment}",
                ("opened", "at"),
                "one at a time: end the observation of the first, or abandon it as unstable",
                Related("the other one is here", other.document.place),
            )
        if other is None or not _lasts(other, when(spec.opened.at)) or _ends_later(rollback, other):
            going[spec.environment] = rollback
    return found


def _lasts(rollback: Rollback, moment: datetime) -> bool:
    """Tell whether a rollback was going on at a moment after its beginning."""
    until = rollback.spec.observation.until
    return until is None or when(until) > moment


def _ends_later(rollback: Rollback, other: Rollback) -> bool:
    mine, theirs = rollback.spec.observation.until, other.spec.observation.until
    return theirs is not None and (mine is None or when(mine) > when(theirs))
