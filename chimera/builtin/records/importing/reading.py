"""From an opened page to what its sections say of a postmortem, in the words of its spec.

Each section is read by its heading; what fits nothing is told with its line, and left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from chimera.builtin.records.checks.wording import is_empty
from chimera.builtin.records.importing.actions import read_actions, read_follow_up
from chimera.builtin.records.importing.markdown import Section, items, pair, plain, table
from chimera.builtin.records.importing.page import IN_SUMMARY, Given, Page, word
from chimera.builtin.records.importing.times import leading_moment, length, stated_zone

Json = dict[str, Any]

HEADINGS: Mapping[str, str] = {
    "summary": "summary",
    "overview": "summary",
    "tldr": "summary",
    "whathappened": "summary",
    "timeline": "timeline",
    "impact": "impact",
    "userimpact": "impact",
    "customerimpact": "impact",
    "rootcause": "rootCause",
    "rootcauses": "rootCause",
    "cause": "rootCause",
    "detection": "detection",
    "howitwasnoticed": "detection",
    "howitwasdetected": "detection",
    "response": "response",
    "missingguardrails": "missingGuardrails",
    "missingguardrail": "missingGuardrails",
    "guardrails": "missingGuardrails",
    "actionitems": "actions",
    "actions": "actions",
    "correctiveactions": "actions",
    "followup": "followUp",
    "followups": "followUp",
}
"""The field that each heading is read into, by its words."""

_NUMBER = re.compile(r"^\d+[.)]?\s+")
_ASIDE = re.compile(r"\s*\([^()]*\)\s*$")
_WHO = ("who", "affected", "whowasaffected", "users", "usersaffected", "customers")
_WHAT = ("what", "how", "effect", "howtheywereaffected")
_DURATION = ("duration", "howlong", "forhowlong", "length")


def read_sections(page: Page) -> Json:
    """Return what the sections say; the first heading names the page itself, if it is no field."""
    said: Json = {}
    first: dict[str, int] = {}
    day = _day(page)
    readers: Mapping[str, Callable[[Page, Section], Any]] = {
        "summary": _summary,
        "timeline": lambda page, section: _timeline(page, section, day),
        "impact": _impact,
        "missingGuardrails": _guardrails,
        "actions": read_actions,
    }
    follow_up: list[Section] = []
    own = next((section for section in page.sections if section.level == 1), None)
    for section in page.sections:
        name = HEADINGS.get(word(_ASIDE.sub("", _NUMBER.sub("", plain(section.title)))))
        if not section.said:
            continue
        if name == "followUp":
            follow_up.append(section)
        elif name is None:
            _left_out(page, section, is_named=bool(section.title) and section is not own)
        elif name in first:
            why = f"the section of line {first[name]} says it already"
            page.miss(section.number, section.title, why)
        else:
            first[name] = section.number
            value = readers.get(name, _text)(page, section)
            said |= {} if value is None else {name: value}
    for section in follow_up:
        read_follow_up(page, section, said.get("actions", []))
    return said


def _left_out(page: Page, section: Section, *, is_named: bool) -> None:
    count = len(section.said)
    lines = f"{count} line{'s' if count != 1 else ''}"
    if is_named:
        page.miss(section.number, section.title, f"no field is called that; {lines} left out")
    else:
        line = section.said[0]
        page.miss(line.number, line.text, f"it stands under no heading; {lines} left out")


def _day(page: Page) -> str | None:
    """Return the day that the front matter states, by itself or in the time of the beginning."""
    given = page.take("date")
    if given is None:
        given = next(
            (page.fields[n] for n in ("start", "started", "opened") if n in page.fields), None
        )
    if given is None:
        return None
    try:
        return date.fromisoformat(given.text[:10]).isoformat()
    except ValueError:
        page.miss(given.line, given.text, "it is no day; write it as 2026-11-21")
        return None


def _text(page: Page, section: Section) -> str:
    return section.text


def _summary(page: Page, section: Section) -> str | None:
    """Return the prose of a summary; lines such as `Severity: SEV-1` are fields like any other."""
    listed, others = items(section.lines)
    rows = table(section.lines)
    if rows is not None:
        for number, cells in rows.rows:
            values = list(cells.values())
            if len(values) == 2:
                page.fields.setdefault(word(values[0]), Given(number, values[1]))
        return None
    prose = []
    for line in sorted((*listed, *others)):
        found = pair(line.text)
        if found is not None and word(found[0]) in IN_SUMMARY:
            page.fields.setdefault(word(found[0]), Given(line.number, found[1]))
        else:
            prose.append(line.text.rstrip())
    return "\n".join(prose).strip() or None


def _timeline(page: Page, section: Section, day: str | None) -> list[Json]:
    stated = stated_zone(section.title) or page.zone
    found: list[Json] = []
    last: str | None = None
    for number, text in _entries(section):
        read = leading_moment(text, day, stated)
        if read is None:
            zone_here = stated_zone(text) if "times" in text.casefold() else None
            if zone_here is None:
                page.miss(number, text, "it begins with no time")
            stated = zone_here or stated
            continue
        moment, said, has_date = read
        if moment is None:
            lacks = (
                "the time is none, or has no zone" if has_date or day else "the time has no date"
            )
            page.miss(number, text, f"{lacks}; write it as 2026-11-21T06:30:00Z")
        elif not said:
            page.miss(number, text, "it says nothing besides its time")
        elif last is not None and not has_date and moment < last and moment[-1] == last[-1]:
            page.miss(number, text, "the clock goes back: write the date of this line")
        else:
            found.append({"at": moment, "text": said})
            last = moment
    return found


def _entries(section: Section) -> list[tuple[int, str]]:
    rows = table(section.lines)
    if rows is not None:
        return [(number, " ".join(cells.values())) for number, cells in rows.rows]
    listed, others = items(section.lines)
    return [(line.number, plain(line.text)) for line in sorted((*listed, *others))]


def _impact(page: Page, section: Section) -> Json:
    found: Json = {}
    listed, others = items(section.lines)
    prose = []
    for line in sorted((*listed, *others)):
        named = pair(line.text)
        name = word(named[0]) if named else ""
        if named and name in _WHO:
            found["who"] = named[1]
        elif named and name in _WHAT:
            found["what"] = named[1]
        elif named and name in _DURATION:
            lasted = length(named[1])
            if lasted is None:
                page.miss(line.number, line.text, "it is no length of time; write it as 1h30m")
            else:
                found["duration"] = lasted
        else:
            prose.append(line)
    if prose and "what" not in found:
        found["what"] = "\n".join(line.text.strip() for line in prose)
    else:
        for line in prose:
            page.miss(line.number, line.text, "it is none of who, what and duration")
    return found


def _guardrails(page: Page, section: Section) -> list[str]:
    listed, others = items(section.lines)
    said = [line.text.strip() for line in sorted((*listed, *others))]
    return [] if len(said) == 1 and is_empty(said[0]) else said
