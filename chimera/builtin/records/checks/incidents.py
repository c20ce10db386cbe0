"""What is asked of an incident by itself and with its model: levels, order, what resolved means.

Who commands it is asked in `commanding`, whether people are late in `answering`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from chimera.builtin.records.checks.answering import judge_answers
from chimera.builtin.records.checks.commanding import judge_command
from chimera.builtin.records.checks.faults import Filed, contradiction, omission, remark
from chimera.builtin.records.checks.freezing import judge_freezing
from chimera.builtin.records.checks.index import Index
from chimera.builtin.records.checks.reviews import judge_review
from chimera.builtin.records.checks.times import Timed, in_order, not_before, to_come
from chimera.builtin.records.checks.wording import is_empty
from chimera.builtin.records.kinds import IncidentSpec, SeverityModelSpec, person
from chimera.kinds import suggestion, when
from chimera.model import Diagnostic, Related

Incident = Filed[IncidentSpec]

SHORT = 500
"""Characters of a line that is short."""


def judge_incident(
    incident: Incident, index: Index, environments: Mapping[str, bool], now: datetime
) -> Iterator[Diagnostic]:
    """Report everything that is wrong with an incident."""
    model = index.model(incident.spec.model)
    yield from _times(incident, now)
    yield from judge_command(incident, model, now)
    yield from _environment(incident, environments, now)
    yield from _resolution(incident)
    yield from _updates(incident)
    yield from _links(incident, index)
    if model is not None:
        yield from _levels(incident, model)
        yield from judge_answers(incident, model, now)
        yield from judge_review(incident, model, index, now)
        yield from judge_freezing(incident, model, index, now)


def _times(incident: Incident, now: datetime) -> Iterator[Diagnostic]:
    spec, rule = incident.spec, "incident-timeline-disordered"
    assessed: list[Timed] = [
        (("assessments", i, "at"), one.at) for i, one in enumerate(spec.assessments)
    ]
    commanded: list[Timed] = [
        (("commands", i, "from"), one.since) for i, one in enumerate(spec.commands)
    ]
    told: list[Timed] = [(("timeline", i, "at"), one.at) for i, one in enumerate(spec.timeline)]
    delegated: list[Timed] = [
        (("delegated", i, "at"), one.at) for i, one in enumerate(spec.delegated)
    ]
    yield from in_order(incident, rule, "this line", told)
    yield from in_order(incident, rule, "this assessment", assessed)
    yield from in_order(incident, rule, "this command", commanded)
    steps = (("acknowledged", spec.acknowledged), ("mitigated", spec.mitigated))
    reached: list[Timed] = [((name, "at"), stamp.at) for name, stamp in steps if stamp]
    resolved: list[Timed] = [(("resolved", "at"), spec.resolved.at)] if spec.resolved else []
    opened: Timed = (("opened", "at"), spec.opened.at)
    began = (*commanded, *delegated, *reached, *resolved)
    yield from not_before(incident, "incident-times-disordered", opened, began)
    for before in (*reached, *assessed) if resolved else ():
        yield from in_order(incident, "incident-times-disordered", "its end", [before, *resolved])
    every = (opened, *assessed, *commanded, *delegated, *told, *reached, *resolved)
    yield from to_come(incident, "incident-time-future", every, now)


def _updates(incident: Incident) -> Iterator[Diagnostic]:
    """Report levels that somebody else than the commander gave, and lines that are not short."""
    spec = incident.spec
    for index, one in enumerate(spec.assessments):
        commanders = spec.commanders(when(one.at))
        # The first one is by whoever opened it.
        if index and commanders and person(one.by) not in map(person, commanders):
            yield remark(
                incident,
                "incident-assessed-foreign",
                f"{one.by} gave it {one.level}, and {' and '.join(commanders)} commanded it",
                ("assessments", index, "by"),
                "the commander says how grave it is; others say what they saw",
            )
    for index, line in enumerate(spec.timeline):
        if len(line.text) > SHORT:
            yield remark(
                incident,
                "incident-update-long",
                f"this line has {len(line.text)} characters, and updates are short",
                ("timeline", index, "text"),
                f"say what was seen or done in {SHORT} at most; the review has room for more",
            )


def _levels(incident: Incident, model: SeverityModelSpec) -> Iterator[Diagnostic]:
    known = {level.id: level for level in model.levels}
    lowered: tuple[int, int] | None = None  # the rank it fell from, and where
    before: int | None = None
    for index, one in enumerate(incident.spec.assessments):
        if one.level not in known:
            yield contradiction(
                incident,
                "incident-level-unknown",
                f"{incident.spec.model} has no level {one.level!r}",
                ("assessments", index, "level"),
                suggestion(one.level, known, f"there is: {', '.join(known)}"),
            )
            continue
        rank = known[one.level].rank
        if before is not None and rank < before and (lowered is None or before > lowered[0]):
            lowered = (before, index)
        if lowered is not None and before is not None and before < rank <= lowered[0]:
            yield remark(
                incident,
                "incident-lowered-early",
                f"it was raised to {one.level} again: it had been lowered before that was sure",
                ("assessments", index, "level"),
                "in doubt keep the graver level; lowering it later is always in order",
                Related("it was lowered here", incident.at("assessments", lowered[1])),
            )
            lowered = None
        before = rank


def _environment(
    incident: Incident, environments: Mapping[str, bool], now: datetime
) -> Iterator[Diagnostic]:
    name = incident.spec.environment
    if incident.spec.is_open(now) and name not in environments:
        yield contradiction(
            incident,
            "incident-environment-unknown",
            f"there is no environment {name!r}, so that it is an incident of none",
            ("environment",),
            suggestion(name, environments, f"there is: {', '.join(sorted(environments))}"),
        )


def _resolution(incident: Incident) -> Iterator[Diagnostic]:
    spec = incident.spec
    if spec.resolved is None:
        return
    for field, meaning in (
        ("impact", "that users are no longer affected"),
        ("risk", "how the risk is mitigated"),
        ("monitoring", "what confirms that it is stable"),
    ):
        if is_empty(getattr(spec.resolved, field)):
            yield omission(
                incident,
                "incident-resolution-empty",
                f"it is resolved, and {field} does not say {meaning}",
                ("resolved", field),
                "resolved means all three: impact gone, risk mitigated, confirmed by monitoring",
            )
    commanders = spec.commanders(when(spec.resolved.at)) or _last_commander(spec)
    if commanders and person(spec.resolved.by) not in map(person, commanders):
        yield remark(
            incident,
            "incident-resolved-foreign",
            f"{spec.resolved.by} declared it resolved, and {' and '.join(commanders)} commanded it",
            ("resolved", "by"),
            "the commander declares the end; the work can be delegated, and the decision cannot",
        )


def _last_commander(spec: IncidentSpec) -> tuple[str, ...]:
    """Return who commanded until the very moment at which it was resolved."""
    end = spec.resolved and when(spec.resolved.at)
    return tuple(one.by for one in spec.commands if one.until and when(one.until) == end)


def _links(incident: Incident, index: Index) -> Iterator[Diagnostic]:
    """Report records that the incident names as its own, and that are another one's."""
    for field in ("freeze", "rollback", "postmortem"):
        name = getattr(incident.spec, field)
        other = index.by_name.get(name) if name else None
        is_one = other is not None and other.document.address.kind.casefold() == field
        theirs = getattr(other.spec, "incident", None) if other and is_one else None
        if other is not None and theirs is not None and theirs != incident.name:
            yield contradiction(
                incident,
                "incident-link-foreign",
                f"{name} is of {theirs}, and not of this incident",
                (field,),
                f"name the {field} of this incident, or write incident: {incident.name} there",
                Related("it says so here", other.at("incident")),
            )


def judge_duplicates(incidents: tuple[Incident, ...], now: datetime) -> dict[str, Diagnostic]:
    """Return, by address, each open incident that tells of what another open one tells of."""
    first: dict[tuple[str, str], Incident] = {}
    found: dict[str, Diagnostic] = {}
    for incident in incidents:
        spec = incident.spec
        if not spec.is_open(now):
            continue
        key = (spec.environment, " ".join(spec.title.split()).casefold())
        other = first.setdefault(key, incident)
        if other is not incident:
            found[incident.name] = omission(
                incident,
                "incident-duplicate",
                f"{other.name} is open and says the same: there is one source of truth",
                ("title",),
                "go on in one of them, and resolve the other",
                Related("the other one says so here", other.at("title")),
            )
    return found
