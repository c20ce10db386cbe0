"""Action items and what became of them, from lists and tables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from chimera.builtin.records.checks.wording import is_empty
from chimera.builtin.records.importing.markdown import DASHES, Section, items, plain, table
from chimera.builtin.records.importing.page import Page, word
from chimera.builtin.records.importing.times import moment

Json = dict[str, Any]

_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "no", "nr", "number", ""),
    "description": ("description", "action", "actionitem", "item", "what", "task"),
    "owner": ("owner", "who", "assignee", "responsible"),
    "priority": ("priority", "prio"),
    "due": ("due", "duedate", "target", "targetdate", "deadline", "by", "bywhen"),
    "done": ("done", "doneat", "completed", "status"),
}
_FIELD = {name: field for field, names in _COLUMNS.items() for name in names}
_BOX = re.compile(r"\[([ xX])\][ \t]*")
_PART = re.compile(rf"[;,|]|(?:^|\s)[{DASHES}](?=\s)|[()\[\]]")
_DONE = re.compile(
    r"(?P<at>\S+(?: \d\S*(?: ?UTC| ?Z)?)?) by (?P<by>[^;,]+?)"
    r"(?:[;,] *reduced risk: *(?P<less>yes|no))?$",
    re.IGNORECASE,
)
_PRIORITIES = ("high", "medium", "low")


def read_actions(page: Page, section: Section) -> list[Json]:
    """Return the action items of a section; [] where it says that there are none."""
    rows = table(section.lines)
    if rows is not None:
        return [
            action
            for number, cells in rows.rows
            if (action := _from_row(page, number, cells, len(rows.rows)))
        ]
    listed, others = items(section.lines)
    if not listed and len(others) == 1 and is_empty(others[0].text):
        return []
    for line in others:
        page.miss(line.number, line.text, "it is no item of a list, and no row of a table")
    found: list[Json] = []
    for line in listed:
        found.append(_from_item(page, line.number, line.text, len(found) + 1))
    return found


def _from_row(page: Page, number: int, cells: Mapping[str, str], count: int) -> Json:
    given: dict[str, str] = {}
    for column, cell in cells.items():
        field = _FIELD.get(word(column))
        if cell and field is None:
            page.miss(number, f"{column}: {cell}", "no field of an action item is called that")
        elif cell.strip(DASHES):
            given[field or ""] = cell
    if "description" not in given:
        page.miss(number, " | ".join(cells.values()), "it does not say what is to be done")
        return {}
    return _action(page, number, given, number)


def _from_item(page: Page, number: int, text: str, position: int) -> Json:
    box = _BOX.match(text)
    said = plain(text[box.end() :] if box else text)
    given: dict[str, str] = {}
    end = len(said)
    for start, piece in _pieces(said):
        name, colon, value = piece.partition(":")
        field = _FIELD.get(word(name)) if colon and word(name) else None
        if field not in (None, "description") and value.strip():
            end = min(end, start)
            given[field or ""] = value.strip()
        elif end < len(said) and piece.strip():
            page.miss(number, piece, "it is no field of an action item")
    given["description"] = said[:end].rstrip(" \t,;|([" + DASHES) or said
    if box is not None and box[1] != " ":
        given.setdefault("done", "yes")
    return _action(page, number, given, position)


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """Yield what stands between commas, dashes and brackets, and where it begins."""
    start = 0
    for mark in _PART.finditer(text):
        yield start, text[start : mark.start()]
        start = mark.end()
    yield start, text[start:]


def _action(page: Page, number: int, given: Mapping[str, str], position: int) -> Json:
    """Return an action item of what is given of it; what does not fit is told and left out."""
    name = re.sub(r"[^a-z0-9]+", "-", given.get("id", "").casefold()).strip("-")
    found: Json = {"id": name or f"action-{position}", "description": given["description"]}
    if "owner" in given:
        found["owner"] = given["owner"]
    if "priority" in given:
        level = given["priority"].casefold()
        if level in _PRIORITIES:
            found["priority"] = level
        else:
            page.miss(number, given["priority"], "a priority is high, medium or low")
    if "due" in given:
        try:
            found["due"] = date.fromisoformat(given["due"]).isoformat()
        except ValueError:
            page.miss(number, given["due"], "it is no day; write it as 2026-11-21")
    if "done" in given:
        _put_done(page, number, given["done"], found)
    return found


def _put_done(page: Page, number: int, text: str, action: Json) -> None:
    """Add that an action item was done, where the text says when, and by whom."""
    if text.casefold() in ("no", "open", "todo", "in progress", "started", "planned"):
        return
    done = _DONE.match(text)
    at = moment(done["at"]) if done else None
    if done is None or at is None:
        why = "when it was done, and by whom, is not said as in 2026-11-21T06:30:00Z by Ann"
        page.miss(number, text, f"{why}; it is left open")
        return
    action["done"] = {"at": at, "by": done["by"].strip()}
    if done["less"]:
        action["done"]["reducedRisk"] = done["less"].casefold() == "yes"


def read_follow_up(page: Page, section: Section, actions: list[Json]) -> None:
    """Add what a section says became of action items, each named by its id."""
    by_id = {action["id"]: action for action in actions}
    listed, others = items(section.lines)
    for line in sorted((*listed, *others)):
        name, colon, text = plain(line.text).partition(":")
        action = by_id.get(name.strip().casefold())
        said = re.sub(r"^\s*done\s+", "", text, flags=re.IGNORECASE).strip()
        if action is None or not colon or "done" in action:
            page.miss(line.number, line.text, "it names no action item that is open by its id")
        else:
            _put_done(page, line.number, said, action)
