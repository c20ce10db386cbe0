"""What is asked of a postmortem: blameless, complete once it was held, and followed up."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date, datetime, timedelta

from chimera.builtin.records.checks.faults import Filed, contradiction, omission, remark
from chimera.builtin.records.checks.index import Index
from chimera.builtin.records.checks.times import Timed, in_order, to_come
from chimera.builtin.records.checks.wording import People, blames, is_empty
from chimera.builtin.records.kinds import PostmortemSpec, after, person
from chimera.builtin.records.spec.postmortem import PARTS, ActionItem, written_name
from chimera.kinds import when
from chimera.model import Diagnostic, Related

Postmortem = Filed[PostmortemSpec]

WRITTEN_WITHIN = timedelta(days=1)
"""How soon after the time it was scheduled for a review says that it was held."""

_BEHIND = timedelta(hours=12)
"""A day has passed everywhere that long after it has in UTC."""


def judge_postmortem(
    postmortem: Postmortem, index: Index, people: People, now: datetime
) -> Iterator[Diagnostic]:
    """Report everything that is wrong with a postmortem."""
    spec = postmortem.spec
    told: list[Timed] = [(("timeline", i, "at"), one.at) for i, one in enumerate(spec.timeline)]
    yield from in_order(postmortem, "postmortem-timeline-disordered", "this line", told)
    past = (
        (("held",), spec.held) if spec.held else None,
        (("planned", "at"), spec.planned.at) if spec.planned else None,
    )
    yield from to_come(postmortem, "postmortem-time-future", (*told, *past), now)
    yield from _blame(postmortem, index, people)
    yield from _holding(postmortem, index, now)
    yield from _actions(postmortem, now)


def _blame(postmortem: Postmortem, index: Index, people: People) -> Iterator[Diagnostic]:
    cause = postmortem.spec.root_cause
    if cause is None:
        return
    incident = index.incident(postmortem.spec.incident)
    there = {person(one.by) for one in incident.commands} if incident else set()
    named = people.named_in(cause) or People(_people(there)).named_in(cause)
    blamed = named or blames(cause)
    if blamed is not None:
        yield omission(
            postmortem,
            "postmortem-blames",
            f"the root cause names {blamed!r}: a person is none",
            ("rootCause",),
            "say which condition of the system let it happen, whoever had been there",
        )


def _people(names: Collection[str]) -> list[str]:
    """Return those of some names that are no role's and no machine's: these have other words."""
    return [name for name in names if "/" not in name]


def _holding(postmortem: Postmortem, index: Index, now: datetime) -> Iterator[Diagnostic]:
    spec = postmortem.spec
    if spec.held is None:
        if spec.scheduled and now > after(when(spec.scheduled), WRITTEN_WITHIN):
            yield omission(
                postmortem,
                "postmortem-overdue",
                f"it was scheduled for {spec.scheduled}, and does not say that it was held",
                ("scheduled",),
                "write held, and what was found; or schedule it anew",
            )
        return
    incident = index.incident(spec.incident)
    end = incident.resolved.at if incident and incident.resolved else None
    if incident and (end is None or when(spec.held) < when(end)):
        yield remark(
            postmortem,
            "postmortem-early",
            f"it was held before {spec.incident} was resolved",
            ("held",),
            "learning comes after: look at it once more when the incident is over",
        )
    yield from _incomplete(postmortem)


def _incomplete(postmortem: Postmortem) -> Iterator[Diagnostic]:
    spec = postmortem.spec
    for field, meaning in PARTS.items():
        part, given = written_name(field), getattr(spec, field)
        is_said = field in spec.model_fields_set and given is not None
        if field == "timeline":
            is_said = bool(given)
        if not is_said or (isinstance(given, str) and is_empty(given)):
            yield omission(
                postmortem,
                "postmortem-incomplete",
                f"it was held, and {part} does not say {meaning}",
                (part,) if is_said else ("held",),
                f"write {part}",
            )
    for part in ("who", "what", "duration") if spec.impact else ():
        if getattr(spec.impact, part) is None:
            yield omission(
                postmortem,
                "postmortem-incomplete",
                f"it was held, and its impact does not say {part}",
                ("impact",),
                f"write {part} into impact",
            )


def _actions(postmortem: Postmortem, now: datetime) -> Iterator[Diagnostic]:
    first: dict[str, int] = {}
    today = after(now, -_BEHIND).date()
    for index, action in enumerate(postmortem.spec.actions):
        where = ("actions", index)
        known = first.setdefault(action.id, index)
        if known != index:
            yield contradiction(
                postmortem,
                "postmortem-action-duplicate",
                f"there are two action items {action.id!r}",
                (*where, "id"),
                "give each an id of its own",
                Related("the other one is here", postmortem.at("actions", known, "id")),
            )
        if action.done is None:
            yield from _open(postmortem, index, action, today)
        elif action.done.reduced_risk is None:
            yield remark(
                postmortem,
                "postmortem-follow-up-missing",
                f"{action.id!r} is done, and nothing says whether it reduced the risk",
                (*where, "done"),
                "write reducedRisk: true or false once that is known",
            )


def _open(
    postmortem: Postmortem, index: int, action: ActionItem, today: date
) -> Iterator[Diagnostic]:
    if action.due is not None and date.fromisoformat(action.due) < today:
        yield omission(
            postmortem,
            "postmortem-action-overdue",
            f"{action.id!r} was due on {action.due}"
            + (f"; who sees to it: {action.owner}" if action.owner else ""),
            ("actions", index, "due"),
            "do it and write done: {at, by}, or agree on another day",
        )
    for field, rule, help in (
        ("owner", "postmortem-action-unowned", "name who sees to it, under owner"),
        ("due", "postmortem-action-undated", "write by which day, under due"),
        ("priority", "postmortem-action-unranked", "write high, medium or low, under priority"),
    ):
        if getattr(action, field) is None:
            yield omission(
                postmortem,
                rule,
                f"{action.id!r} is open and has no {'target date' if field == 'due' else field}",
                ("actions", index),
                help,
            )


def judge_repeated(postmortems: tuple[Postmortem, ...]) -> dict[str, Diagnostic]:
    """Return, by address, each postmortem of an incident that has another one."""
    first: dict[str, Postmortem] = {}
    found: dict[str, Diagnostic] = {}
    for postmortem in postmortems:
        other = first.setdefault(postmortem.spec.incident, postmortem)
        if other is not postmortem:
            found[postmortem.name] = omission(
                postmortem,
                "postmortem-duplicate",
                f"{postmortem.spec.incident} has a postmortem already: {other.name}",
                ("incident",),
                "write it in one of the two, and delete the other",
                Related("the other one is here", other.at("incident")),
            )
    return found
