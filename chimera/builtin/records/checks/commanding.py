"""Who commands an incident at each moment: exactly one, from when one is owed until it is resolved.

Owns the state of command over time. Refuses to say that two spells of one person are two people.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from chimera.builtin.records.checks.faults import Filed, contradiction, omission, remark
from chimera.builtin.records.kinds import IncidentSpec, SeverityModelSpec, after, person, written
from chimera.kinds import when
from chimera.model import Diagnostic, Related

AT_ONCE = timedelta(minutes=1)
"""What `at once` leaves: people write times to the minute."""

_EVER = datetime.max.replace(tzinfo=UTC)


class Spell(NamedTuple):
    """A time from `since` on, up to `until` and not at it."""

    since: datetime
    until: datetime


def gaps(held: Sequence[Spell], owed: Sequence[Spell]) -> Iterator[Spell]:
    """Yield, in order, the parts of `owed` that nothing of `held` covers.

    `owed` is in order and its spells are apart; `held` may be in any order, and overlap.
    """
    covered = _joined(held)
    first = 0
    for spell in owed:
        while first < len(covered) and covered[first].until <= spell.since:
            first += 1
        reached, position = spell.since, first
        while position < len(covered) and covered[position].since < spell.until:
            if covered[position].since > reached:
                yield Spell(reached, covered[position].since)
            reached = covered[position].until
            position += 1
        first = max(first, position - 1)
        if reached < spell.until:
            yield Spell(reached, spell.until)


def _joined(held: Sequence[Spell]) -> list[Spell]:
    """Return the same moments as spells that are in order and apart."""
    found: list[Spell] = []
    for spell in sorted(held):
        if spell.since >= spell.until:
            continue
        if found and spell.since <= found[-1].until:
            found[-1] = Spell(found[-1].since, max(found[-1].until, spell.until))
        else:
            found.append(spell)
    return found


def overlaps(held: Sequence[tuple[str, Spell]]) -> Iterator[tuple[int, int]]:
    """Yield pairs of positions at which two different people hold the same moment.

    Each spell that begins while somebody else holds is told of once, as the second of its pair.
    """
    lasting: list[int] = []  # the spells that last longest, of at most two different people
    for position in sorted(range(len(held)), key=lambda i: (held[i][1], i)):
        who, spell = held[position]
        if spell.since >= spell.until:
            continue
        for other in lasting:
            if held[other][0] != who and held[other][1].until > spell.since:
                yield other, position
                break
        longest = sorted((*lasting, position), key=lambda i: held[i][1].until, reverse=True)
        apart = {held[i][0]: i for i in reversed(longest)}
        lasting = [i for i in longest if apart[held[i][0]] == i][:2]


def owed_spells(spec: IncidentSpec, model: SeverityModelSpec, now: datetime) -> list[Spell]:
    """Return when a commander was owed, up to `now`, by the levels that the incident had.

    A level leaves as long for it as for the acknowledgement; who acknowledges it takes it on.
    """
    end = min(now, when(spec.resolved.at)) if spec.resolved else now
    answered = when(spec.acknowledged.at) if spec.acknowledged else _EVER
    moments = [*(when(one.at) for one in spec.assessments), _EVER]
    levels = {level.id: level for level in model.levels if level.commander_owed}
    found: list[Spell] = []
    latest = _EVER  # by when there must be one, since levels owe one without a break
    for one, (since, until) in zip(spec.assessments, pairwise(moments), strict=True):
        level = levels.get(one.level)
        if level is None:
            latest = _EVER
            continue
        latest = min(latest, after(since, level.acknowledge_within or AT_ONCE))
        begin, close = max(since, min(answered, latest)), min(until, end)
        if begin < close:
            found.append(Spell(begin, close))
    return found


def judge_command(
    incident: Filed[IncidentSpec], model: SeverityModelSpec | None, now: datetime
) -> Iterator[Diagnostic]:
    """Report commands that cannot be, two commanders at once, and times without any."""
    spec = incident.spec
    end = when(spec.resolved.at) if spec.resolved else _EVER
    held = [
        (person(one.by), Spell(when(one.since), when(one.until) if one.until else end))
        for one in spec.commands
    ]
    yield from _backwards(incident)
    for first, second in overlaps(held):
        yield contradiction(
            incident,
            "incident-commanders-two",
            f"{spec.commands[second].by} commands it from {spec.commands[second].since}, while"
            f" {spec.commands[first].by} still does",
            ("commands", second, "from"),
            "one decides at any moment: end the other's command with until",
            Related("the other command is here", incident.at("commands", first)),
        )
    if model is not None:
        yield from _missing(incident, [spell for _, spell in held], model, now)


def _backwards(incident: Filed[IncidentSpec]) -> Iterator[Diagnostic]:
    for index, one in enumerate(incident.spec.commands):
        if one.until is not None and when(one.until) <= when(one.since):
            yield contradiction(
                incident,
                "incident-command-backwards",
                f"the command of {one.by} ends at {one.until}, before it begins",
                ("commands", index, "until"),
                "mend from or until, or delete the command",
            )


def _missing(
    incident: Filed[IncidentSpec], held: list[Spell], model: SeverityModelSpec, now: datetime
) -> Iterator[Diagnostic]:
    name = incident.document.address.name
    for gap in gaps(held, owed_spells(incident.spec, model, now)):
        since, until = map(written, gap)
        if gap.until == now and incident.spec.is_open(now):
            yield omission(
                incident,
                "incident-commander-missing",
                f"nobody commands it since {since}, and at {incident.spec.current} somebody must",
                ("commands",),
                f"say who decides: `chimera incident assign WHO {name}`",
            )
        else:
            yield remark(
                incident,
                "incident-commander-gap",
                f"nobody commanded it from {since} to {until}",
                ("commands",),
                "if somebody did, write it under commands; else it stays true, for the review",
            )
