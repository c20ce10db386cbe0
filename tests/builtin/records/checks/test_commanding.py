"""Who commands, over time: what the sweep says is what looking at every moment says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chimera.builtin.records.checks.commanding import (
    Spell,
    gaps,
    judge_command,
    overlaps,
    owed_spells,
    person,
)
from chimera.builtin.records.checks.faults import Filed
from chimera.builtin.records.kinds import IncidentSpec, SeverityModelSpec
from chimera.documents import RawDocument
from chimera.kinds import Registry, validate

START = datetime(2026, 11, 21, tzinfo=UTC)
LAST = 24


def moment(minute: int) -> datetime:
    return START + timedelta(minutes=minute)


def text(minute: int) -> str:
    return moment(minute).isoformat()


MINUTES = st.integers(0, LAST)
SPELLS = st.tuples(MINUTES, MINUTES).map(lambda pair: Spell(moment(pair[0]), moment(pair[1])))
HELD = st.lists(st.tuples(st.sampled_from("ABC"), SPELLS), max_size=8)
OWED = st.lists(MINUTES, max_size=8, unique=True).map(
    lambda ends: [Spell(moment(a), moment(b)) for a, b in pairwise(sorted(ends))][::2]
)


def covers(spell: Spell, minute: int) -> bool:
    return spell.since <= moment(minute) < spell.until


@given(HELD, OWED)
def test_gaps_are_the_moments_that_are_owed_and_nobody_holds(
    held: list[tuple[str, Spell]], owed: list[Spell]
) -> None:
    spells = [spell for _, spell in held]
    found = list(gaps(spells, owed))
    assert all(spell.since < spell.until for spell in found)
    assert all(one.until <= other.since for one, other in pairwise(found))
    for minute in range(LAST):
        missing = any(covers(o, minute) for o in owed) and not any(
            covers(h, minute) for h in spells
        )
        assert any(covers(gap, minute) for gap in found) is missing


@given(HELD)
@example([("A", Spell(moment(0), moment(9))), ("B", Spell(moment(1), moment(2)))] * 2)
def test_overlaps_are_the_moments_that_two_people_hold(held: list[tuple[str, Spell]]) -> None:
    found = list(overlaps(held))
    for first, second in found:
        (one, mine), (other, theirs) = held[first], held[second]
        assert one != other
        assert max(mine.since, theirs.since) < min(mine.until, theirs.until)
    assert len({second for _, second in found}) == len(found)
    crowded = any(
        len({who for who, spell in held if covers(spell, minute)}) > 1 for minute in range(LAST)
    )
    assert bool(found) is crowded


LEVELS: list[dict[str, Any]] = [
    {"id": "none", "rank": 0, "commanderOwed": False},
    {"id": "soon", "rank": 1, "commanderOwed": True, "acknowledgeWithin": "5m"},
    {"id": "now", "rank": 2, "commanderOwed": True, "acknowledgeWithin": "0s"},
]
MODEL = SeverityModelSpec.model_validate(
    {"levels": [{**level, "name": "n", "meaning": "m", "response": "r"} for level in LEVELS]}
)


@pytest.fixture(scope="module")
def incident_kind() -> Registry:
    from chimera.plugin import load_plugins

    return Registry.collect(load_plugins())


def incident(registry: Registry, spec: dict[str, Any]) -> Filed[IncidentSpec]:
    value = {"apiVersion": "chimera/v1", "kind": "Incident", "metadata": {"name": "x"}}
    document, faults = validate(RawDocument("x.yaml", 0, {**value, "spec": spec}), registry)
    assert document is not None, faults
    assert isinstance(document.spec, IncidentSpec)
    return Filed(document, document.spec)


@given(
    st.lists(st.tuples(MINUTES, st.sampled_from(["none", "soon", "now"])), min_size=1, max_size=4),
    st.lists(
        st.tuples(st.sampled_from(["A", "B", "Identity/b"]), MINUTES, MINUTES | st.none()),
        max_size=5,
    ),
    MINUTES | st.none(),
    MINUTES | st.none(),
    st.integers(LAST, LAST + 6),
)
def test_an_incident_is_judged_as_its_record_answers_at_every_moment(
    incident_kind: Registry,
    levels: list[tuple[int, str]],
    commands: list[tuple[str, int, int | None]],
    answered: int | None,
    resolved: int | None,
    now: int,
) -> None:
    """Faults are there exactly where the record, asked moment by moment, has none or two."""
    levels = sorted(levels)
    spec: dict[str, Any] = {
        "title": "t",
        "environment": "e",
        "model": "SeverityModel/m",
        "opened": {"at": text(0), "by": "A"},
        "assessments": [
            {"at": text(at), "by": "A", "level": level, "reason": "r"} for at, level in levels
        ],
        "commands": [
            {"by": by, "from": text(since)} | ({"until": text(until)} if until is not None else {})
            for by, since, until in commands
        ],
    }
    if answered is not None:
        spec["acknowledged"] = {"at": text(answered), "by": "A"}
    if resolved is not None:
        over = {"impact": "gone", "risk": "gone", "monitoring": "quiet"}
        spec["resolved"] = {"at": text(resolved), "by": "A", **over}
    filed = incident(incident_kind, spec)
    end = now if resolved is None else min(now, resolved)
    rules = [fault.rule for fault in judge_command(filed, MODEL, moment(now))]
    owed = owed_spells(filed.spec, MODEL, moment(now))
    missing, crowded = set(), False
    for minute in range(end):
        there = {person(one) for one in filed.spec.commanders(moment(minute))}
        crowded = crowded or len(there) > 1
        if not there and any(covers(spell, minute) for spell in owed):
            missing.add(minute)
    assert bool({"incident-commander-missing", "incident-commander-gap"} & set(rules)) is bool(
        missing
    )
    is_open = resolved is None or resolved > now
    lacks = is_open and end - 1 in missing
    assert rules.count("incident-commander-missing") == lacks
    if resolved is None or resolved >= LAST:
        assert ("incident-commanders-two" in rules) is (crowded or _later(filed.spec, end))


def _later(spec: IncidentSpec, end: int) -> bool:
    """Tell whether two people command at a moment that is yet to come."""
    return any(
        len({person(one) for one in spec.commanders(moment(minute))}) > 1
        for minute in range(end, LAST + 8)
    )


@given(st.lists(st.tuples(st.integers(1, 5), st.sampled_from("ABC")), max_size=6))
def test_handing_over_at_one_moment_leaves_nobody_out(
    incident_kind: Registry, turns: list[tuple[int, str]]
) -> None:
    commands: list[dict[str, str]] = [{"by": "A", "from": text(0)}]
    minute = 0
    for lasts, who in turns:
        minute += lasts
        commands[-1]["until"] = text(minute)
        commands.append({"by": who, "from": text(minute)})
    spec = {
        "title": "t",
        "environment": "e",
        "model": "SeverityModel/m",
        "opened": {"at": text(0), "by": "A"},
        "assessments": [{"at": text(0), "by": "A", "level": "now", "reason": "r"}],
        "commands": commands,
    }
    filed = incident(incident_kind, spec)
    assert not list(judge_command(filed, MODEL, moment(LAST * 2)))
    assert filed.spec.commander(moment(minute)) == commands[-1]["by"]
    assert filed.spec.commander(START - timedelta(seconds=1)) is None
