"""Rollbacks as text and JSON: what to do next stands last. Refuses to find anything out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from chimera.builtin.records.kinds import RollbackSpec, written
from chimera.builtin.records.procedures import EVIDENCE, PROCEDURES
from chimera.builtin.records.rendering.wording import length
from chimera.builtin.records.rolling.named import Rollback
from chimera.builtin.records.rolling.suggesting import Incident, Suggestion
from chimera.builtin.records.rolling.watching import Stands, Watched
from chimera.render.paint import Paint, Style, count, table

if TYPE_CHECKING:
    from chimera.plan import Plan
    from chimera.workspace.going_back import Back

_SHORT = 12
_STYLES: dict[Stands, Style] = {
    Stands.PROPOSED: "warn",
    Stands.PARTLY: "bad",
    Stands.WATCHED: "accent",
    Stands.UNSEEN: "warn",
    Stands.STABLE: "good",
    Stands.UNSTABLE: "bad",
}


def steps_text(spec: RollbackSpec, paint: Paint) -> str:
    """Return the procedure of a rollback: which steps are done, and which evidence is kept."""
    procedure = PROCEDURES[spec.type]
    least, most = (int(time.total_seconds() // 60) for time in procedure.usual)
    lines = [f"{paint(spec.type, 'bold')} rollback, usually {least} to {most} minutes:"]
    for step in procedure.steps:
        done = spec.done(step.id)
        mark = paint("done", "good") if done else "    "
        beside = f"{done.by}, {done.at}" if done else step.condition
        lines.append(f"  {mark} {step.id}: {step.text}" + (f" ({beside})" if beside else ""))
    kept: dict[str, str] = {
        one.what: one.where or f"none: {one.unavailable}" for one in spec.preserved
    }
    lines.append("evidence:")
    for what, shows in EVIDENCE.items():
        where = kept.get(what)
        told = where if where else paint(f"missing: {shows}", "warn")
        lines.append(f"  {what}: {told}")
    return "\n".join(lines)


def proposal_text(
    back: Back, plan: Plan, rollback: Rollback | None, paint: Paint, *, is_there: bool
) -> str:
    """Return what is still to be done before a rollback can be carried out.

    `is_there` tells whether the record is where its environment takes records from.
    """
    environment = plan.environment
    only = "".join(f" --only '{target}'" for target in back.only)
    if rollback is None and not plan.changing:
        return f"{environment} is as {back.to[:_SHORT]} says: there is nothing to take back"
    if rollback is None:
        told = "nothing is rolled back without a record: write it with"
        command = f"chimera rollback plan --to {back.to}{only} --env {environment}"
        return f"{paint(told, 'warn')}\n  {command} --write --reason TEXT [--incident NAME]"
    name = rollback.address.name
    lines = [f"{rollback.address}: {rollback.spec.reason}", steps_text(rollback.spec, paint)]
    lost = [
        what for what in EVIDENCE if what not in {kept.what for kept in rollback.spec.preserved}
    ]
    if lost:
        where = " ".join(f"{what}=WHERE" for what in lost)
        lines.append(f"say where evidence is kept: chimera rollback preserve {name} {where}")
    if not is_there:
        lines.append(f"commit and merge {rollback.place.path}: {environment} takes what is merged")
    if plan.protected:
        lines.append(f"then have it approved: chimera rollback approve {name}")
    return "\n".join((*lines, f"carry it out: chimera rollback run {name}"))


def watched_text(watched: Watched, paint: Paint) -> str:
    """Return where a rollback stands, why, and what to do next."""
    rollback = watched.rollback
    stands = paint(watched.stands.value, _STYLES[watched.stands])
    lines = [f"{rollback.address} in {rollback.spec.environment}: {stands}"]
    lines += (f"  {line}" for line in _told(watched))
    for look in watched.unhealthy:
        lines.append(f"  {look.at.isoformat()} {look.subject}: {look.status.value}")
    if watched.in_tree:
        named = ", ".join(watched.in_tree)
        lines.append(f"  the tree still has {named}: revert it in Git, or no apply goes through")
    if watched.steps:
        lines.append(f"  steps that nobody did yet: {', '.join(watched.steps)}")
    return "\n".join((*lines, f"  {_next(watched)}"))


def _told(watched: Watched) -> Iterator[str]:
    if watched.stands is Stands.PARTLY:
        yield f"not as it restores them: {', '.join(watched.missing)}"
    if watched.since is not None and watched.until is not None:
        yield f"watched from {written(watched.since)} until {written(watched.until)}"
    if watched.stands is Stands.WATCHED:
        yield f"{length(watched.left)} left, {count(watched.looks, 'look')} at health so far"


def _next(watched: Watched) -> str:
    name = watched.rollback.address.name
    match watched.stands:
        case Stands.PROPOSED | Stands.PARTLY:
            return f"carry it out: chimera rollback run {name}"
        case Stands.WATCHED:
            return f"it does not count yet: chimera health looks, chimera rollback watch {name}"
        case Stands.UNSEEN:
            return (
                "nobody looked at health: say what you saw, chimera rollback watch "
                f"{name} --note TEXT"
            )
        case Stands.UNSTABLE:
            return (
                "it does not count: the cause is another one, or not the only one;"
                " chimera rollback suggest ranks others"
            )
        case Stands.STABLE:
            if watched.is_recorded:
                return "it counts: chimera incident resolve, and chimera changelog add --applied"
            if watched.steps:
                return f"say that they were done: chimera rollback done {name} STEP..."
            return f"the time is over: chimera rollback watch {name} records it, and it counts"


def watched_json(watched: Watched) -> dict[str, Any]:
    """Return where a rollback stands as JSON."""
    spec = watched.rollback.spec
    return {
        "format": "chimera-rollback/1",
        "rollback": str(watched.rollback.address),
        "environment": spec.environment,
        "type": spec.type,
        "incident": spec.incident,
        "to": spec.to,
        "stands": watched.stands.value,
        "now": watched.now.isoformat(),
        "from": watched.since.isoformat() if watched.since else None,
        "until": watched.until.isoformat() if watched.until else None,
        "missing": list(watched.missing),
        "looks": watched.looks,
        "unhealthy": [
            {"at": look.at.isoformat(), "subject": look.subject, "status": look.status.value}
            for look in watched.unhealthy
        ],
        "stepsLeft": list(watched.steps),
        "inTree": list(watched.in_tree),
        "recorded": watched.is_recorded,
    }


def list_text(found: Sequence[Watched], paint: Paint) -> str:
    """Return all rollbacks as a table, the newest first."""
    if not found:
        return "no rollback was ever recorded here"
    rows = [
        (
            one.rollback.address.name,
            one.rollback.spec.environment,
            one.rollback.spec.type,
            (one.rollback.spec.to or "-")[:_SHORT],
            (one.stands.value, _STYLES[one.stands]),
            (one.rollback.spec.incident or "-").removeprefix("Incident/"),
        )
        for one in found
    ]
    return table(rows, ("NAME", "ENVIRONMENT", "TYPE", "TO", "STANDS", "INCIDENT"), paint)


def suggestions_text(incident: Incident, found: Sequence[Suggestion], paint: Paint) -> str:
    """Return what could be taken back, the likeliest first, and that people decide."""
    spec = incident.spec
    lines = [f"{incident.address} in {spec.environment}, from {spec.opened.at}: {spec.title}"]
    for number, one in enumerate(found, 1):
        window = "" if one.is_recent else paint(" (more than two hours before)", "dim")
        lines.append(f"{number}. {paint(one.target, 'bold')}: {one.action}{window}")
        lines += (f"     {reason}" for reason in one.reasons)
        lines.append(f"     {paint(_how(incident, one), 'accent')}")
    if not found:
        lines.append("no change of the journal from before it still holds")
    only = "This only suggests: times and paths that agree are no cause. A person decides."
    return "\n".join((*lines, paint(only, "warn")))


def _how(incident: Incident, one: Suggestion) -> str:
    if one.to is None:
        return "no commit was permitted before it: there is nothing to go back to"
    return (
        f"chimera rollback plan --to {one.to[:_SHORT]} --only '{one.target}' "
        f"--env {incident.spec.environment} --incident {incident.address.name}"
    )


def suggestions_json(incident: Incident, found: Sequence[Suggestion]) -> dict[str, Any]:
    """Return the same as JSON."""
    return {
        "format": "chimera-rollback-suggestions/1",
        "incident": str(incident.address),
        "environment": incident.spec.environment,
        "onlySuggests": True,
        "suggestions": [
            {
                "target": one.target,
                "action": one.action,
                "at": one.at.isoformat(),
                "revision": one.revision,
                "to": one.to,
                "recent": one.is_recent,
                "reasons": list(one.reasons),
            }
            for one in found
        ],
    }
