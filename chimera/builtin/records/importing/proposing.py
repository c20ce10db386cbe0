"""From a page to records: the postmortem, and the incident that it is of where nobody has that.

What an incident must say and the page does not is written as `not said`, which `chimera check`
tells of; a time, a level or an environment that is not said refuses the page instead.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chimera.builtin.records.checks.wording import NOT_SAID
from chimera.builtin.records.importing.markdown import DASHES, plain
from chimera.builtin.records.importing.page import OF_INCIDENT, Given, Page, Unread
from chimera.builtin.records.importing.reading import read_sections
from chimera.builtin.records.importing.times import length, moment, stated_zone
from chimera.builtin.records.kinds import SeverityModelSpec
from chimera.builtin.records.spec.postmortem import PARTS, written_name
from chimera.documents import RawDocument
from chimera.kinds import API_VERSION, Snapshot, validate
from chimera.model import NAME_PATTERN, Address, Place

Json = dict[str, Any]

_TITLE = re.compile(
    r"(?:post-?mortem|incident(?: review| report)?)\s*[:" + DASHES + r"]\s*", re.IGNORECASE
)
_LONGEST = 200


@dataclass(frozen=True)
class Settings:
    """What the command line says of all pages that do not say it themselves."""

    environment: str | None = None
    model: str | None = None


@dataclass
class Proposal:
    """What one file becomes: records, or the reasons why it becomes none."""

    path: str
    incident: Address
    records: dict[Address, Json] = field(default_factory=dict)
    unread: tuple[Unread, ...] = ()
    refused: list[Unread] = field(default_factory=list)
    missing: tuple[str, ...] = ()
    """What a review says and the page says nothing of."""


def propose(page: Page, snapshot: Snapshot, settings: Settings) -> Proposal:
    """Return the records that a page becomes; nothing of the page is passed over in silence."""
    zone = page.take("timezone", "tz", "zone")
    page.zone = stated_zone(zone.text) if zone else None
    title = _title(page)
    said = read_sections(page)
    name = _name(page)
    address = Address("Incident", name[1] if name else "unnamed")
    found = Proposal(page.path, address)
    there = snapshot.get(address) if name else None
    if name is None or not re.fullmatch(NAME_PATTERN, name[1]):
        line = name[0] if name else 1
        why = "an incident is named by lower-case letters, digits, '-' and '.'; write incident"
        found.refused.append(Unread(line, name[1] if name else page.path, why))
    spec = _review(page, address, said)
    if there is not None:
        _pass_over(page, address)
    else:
        incident = _incident(page, title, snapshot, settings, found.refused)
        found.records[address] = incident | {"postmortem": f"Postmortem/{address.name}"}
    found.records[Address("Postmortem", address.name)] = spec
    for called, other in page.fields.items():
        page.miss(other.line, f"{called}: {other.value}", "no field is called that")
    if not found.refused:
        _validate(found, snapshot)
    found.missing = tuple(part for part in map(written_name, PARTS) if part not in spec)
    found.unread = tuple(sorted(page.unread))
    return found


def _title(page: Page) -> Given | None:
    given = page.take("title")
    if given is None:
        heading = next((s for s in page.sections if s.title), None)
        if heading is None or not _TITLE.match(plain(heading.title)):
            heading = next((s for s in page.sections[:2] if s.title and not s.said), None)
        given = Given(heading.number, plain(heading.title)) if heading else None
    return given


def _name(page: Page) -> tuple[int, str] | None:
    """Return what the incident is called: as the page says, else as its file is."""
    given = page.take("incident", "incidentid", "id")
    text = given.text.removeprefix("Incident/") if given else Path(page.path).stem
    name = re.sub(r"[\s_/#]+", "-", text.casefold()).strip("-.")
    return (given.line if given else 1, name) if name else None


def _review(page: Page, incident: Address, said: Json) -> Json:
    spec: Json = {"incident": str(incident), "summary": said.pop("summary", _not_said(page))}
    for part, *names in (
        ("scheduled", "scheduledfor"),
        ("held", "heldat", "reviewed", "reviewedat"),
    ):
        at = _moment(page, part, *names)
        spec |= {part: at[1]} if at else {}
    lasted = page.take("duration")
    if lasted is not None:
        duration = length(lasted.text)
        if duration is None:
            page.miss(lasted.line, lasted.text, "it is no length of time; write it as 1h30m")
        else:
            said.setdefault("impact", {}).setdefault("duration", duration)
    return spec | said


def _moment(page: Page, *names: str) -> tuple[int, str] | None:
    given = page.take(*names)
    if given is None:
        return None
    found = moment(given.text, page.zone)
    if found is None:
        page.miss(given.line, given.text, "it is no time with its zone, as in 2026-11-21T06:30:00Z")
    return (given.line, found) if found else None


def _not_said(page: Page) -> str:
    return NOT_SAID + Path(page.path).name


def _pass_over(page: Page, incident: Address) -> None:
    for name in sorted(OF_INCIDENT):
        given = page.fields.pop(name, None)
        if given is not None:
            page.miss(given.line, str(given.value), f"{incident} is there, and says it itself")


def _incident(
    page: Page,
    title: Given | None,
    snapshot: Snapshot,
    settings: Settings,
    refused: list[Unread],
) -> Json:
    """Return the spec of the page's incident; what it lacks and cannot do without is refused."""
    start = _moment(page, "start", "started", "startedat", "opened", "openedat")
    end = _moment(page, "end", "ended", "endedat", "resolved", "resolvedat")
    level = page.take("severity", "sev", "level")
    environment = page.take("environment", "env")
    named = environment.text if environment else settings.environment
    for what, field_name, given in (
        ("when it began", "start", start),
        ("when it ended", "end", end),
        ("its severity", "severity", level),
        ("its environment", "environment", named),
        ("its title", "title", title),
    ):
        if given is None:
            flag = ", or give --env" if field_name == "environment" else ""
            why = f"it is not said; write {field_name} into the front matter{flag}"
            refused.append(Unread(1, what, why))
    if title is not None and len(title.text) > _LONGEST:
        refused.append(Unread(title.line, title.text, f"a title has {_LONGEST} characters at most"))
    model = _model(level, snapshot, settings, refused) if level else None
    if refused or not (start and end and level and title):
        return {}
    facts = {"title": title.text, "environment": named, "model": model}
    return facts | _course(page, level.text, start[1], end[1])


def _course(page: Page, level: str, began: str, ended: str) -> Json:
    """Return who did what when, as far as the page says it."""
    unsaid = _not_said(page)
    commander = page.take("commander", "incidentcommander", "ic")
    reporter = page.take("reportedby", "openedby", "reporter")
    who = commander.text if commander else unsaid
    found: Json = {
        "assessments": [{"at": began, "by": who, "level": level, "reason": unsaid}],
        "opened": {"at": began, "by": reporter.text if reporter else unsaid},
    }
    services = page.take("services", "service")
    if services is not None:
        given = services.value if isinstance(services.value, list) else [services.value]
        found["services"] = [str(one) for one in given]
    if answered := _moment(page, "acknowledged", "acknowledgedat"):
        found["acknowledged"] = {"at": answered[1], "by": who}
    if commander:
        found["commands"] = [{"by": who, "from": began}]
    if eased := _moment(page, "mitigated", "mitigatedat"):
        found["mitigated"] = {"at": eased[1], "by": who, "how": unsaid}
    over = {"impact": unsaid, "risk": unsaid, "monitoring": unsaid}
    return found | {"resolved": {"at": ended, "by": who, **over}}


def _model(
    level: Given, snapshot: Snapshot, settings: Settings, refused: list[Unread]
) -> str | None:
    """Return the severity model that is meant: as the command says, or the only one that fits."""
    models = snapshot.of_model(SeverityModelSpec)
    if settings.model is not None:
        name = settings.model.removeprefix("SeverityModel/")
        models = tuple(one for one in models if one.address.name == name)
    found = [str(one.address) for one in models if one.spec.level(level.text)]
    if len(found) != 1:
        there = ", ".join(found) or "none of the severity models"
        why = f"a level of {there}; give --model" if found else f"it is a level of {there}"
        refused.append(Unread(level.line, level.text, why))
    return found[0] if found else None


def _validate(proposal: Proposal, snapshot: Snapshot) -> None:
    """Refuse a proposal that would not be valid, with the reasons."""
    for address, spec in proposal.records.items():
        value = {
            "apiVersion": API_VERSION,
            "kind": address.kind,
            "metadata": {"name": address.name},
            "spec": spec,
        }
        _, faults = validate(RawDocument(proposal.path, 0, value), snapshot.registry)
        for fault in faults:
            route = fault.where.route if isinstance(fault.where, Place) else ()
            proposal.refused.append(Unread(1, ".".join(map(str, route[1:])), fault.message))
