"""Which record a command means where it names one in short, or none at all.

Refuses to choose where several could be meant: the help lists them.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TypeVar

from chimera.builtin.records.checks.wording import is_empty
from chimera.builtin.records.kinds import IncidentSpec, Level, SeverityModelSpec
from chimera.builtin.records.standing import Incident, level_of
from chimera.gate import EnvironmentSpec, environments
from chimera.kinds import Document, Model, Snapshot, suggestion, when
from chimera.model import Actor, UsageError

S = TypeVar("S", bound=Model)

_MOST_LISTED = 5
_LONGEST_NAME = 60
_UNKNOWN_RANK = 1 << 30  # in doubt it is grave


def named(every: Sequence[Document[S]], kind: str, name: str, listed: str) -> Document[S]:
    """Return the one record of a kind that has a name, begins with it or else has it inside.

    Names begin with a day: what people remember stands behind it. `listed` is the command that says
    which there are. Raises `UsageError` for none and for several.
    """
    wanted = name.removeprefix(f"{kind}/")
    exact = [each for each in every if each.address.name == wanted]
    found = exact or [each for each in every if each.address.name.startswith(wanted)]
    how = "begin with" if found else "have in their names"
    found = found or [each for each in every if wanted in each.address.name]
    if len(found) == 1:
        return found[0]
    names = [each.address.name for each in found or every]
    if found:
        raise UsageError(
            f"{len(found)} records of the kind {kind} {how} {wanted}",
            help=f"name one of them: {_listed(names)}",
        )
    listed = f"`{listed}` lists them; `chimera check` says what is wrong"
    raise UsageError(f"there is no valid {kind} {wanted}", help=suggestion(wanted, names, listed))


def incident_named(
    snapshot: Snapshot, name: str | None, now: datetime, *, or_latest: bool = False
) -> Incident:
    """Return the incident of a name, or of the beginning of one; the only open one for `None`.

    `or_latest` takes the latest one where none is open. Raises `UsageError` where there is none, or
    more than one.
    """
    every = snapshot.of_model(IncidentSpec)
    if name is not None:
        return named(every, "Incident", name, "chimera incident list --all")
    found = [each for each in every if each.spec.is_open(now)]
    if len(found) == 1:
        return found[0]
    if found:
        names = [each.address.name for each in found]
        raise UsageError(
            f"{len(found)} incidents are open", help=f"name one of them: {_listed(names)}"
        )
    if or_latest and every:
        return max(every, key=lambda each: (when(each.spec.opened.at), each.address.name))
    raise UsageError(
        "no incident is open",
        help="`chimera incident open TITLE` opens one, and `chimera incident list --all` lists "
        "those that are over",
    )


def incidents_by_gravity(snapshot: Snapshot, now: datetime) -> list[Incident]:
    """Return all that were opened by `now`: open ones first, the gravest, then the newest."""

    def order(incident: Incident) -> tuple[bool, int, float, str]:
        spec, level = incident.spec, level_of(incident, snapshot)
        is_over = not spec.is_open(now)
        gravity = 0 if is_over else -(level.rank if level else _UNKNOWN_RANK)
        return is_over, gravity, -when(spec.opened.at).timestamp(), incident.address.name

    every = snapshot.of_model(IncidentSpec)
    return sorted((one for one in every if when(one.spec.opened.at) <= now), key=order)


def model_named(snapshot: Snapshot, name: str | None) -> Document[SeverityModelSpec]:
    """Return the severity model of a name; the only one there is for `None`."""
    every = snapshot.of_model(SeverityModelSpec)
    if name is not None:
        return named(every, "SeverityModel", name, "chimera get SeverityModel")
    if len(every) == 1:
        return every[0]
    if not every:
        raise UsageError(
            "there is no severity model to judge by",
            help="`chimera new SeverityModel sev` writes one, and `priority` is another",
        )
    names = [each.address.name for each in every]
    raise UsageError(
        f"there are {len(every)} severity models", help=f"give --model: {_listed(names)}"
    )


def level_named(model: SeverityModelSpec, name: str) -> Level:
    """Return the level of an id, in any case of letters; raises `UsageError`."""
    for level in model.levels:
        if level.id.lower() == name.lower():
            return level
    ids = [level.id for level in model.levels]
    raise UsageError(
        f"the model has no level {name}", help=suggestion(name, ids, f"there is: {', '.join(ids)}")
    )


def environment_named(snapshot: Snapshot, name: str | None) -> str:
    """Return the environment of a name; for `None` the only one that is production.

    Where none says so, the only protected one, or the only one that has a document.
    """
    known = environments(snapshot)
    if name is not None:
        if name not in known:
            listed = f"there is: {_listed(sorted(known))}"
            raise UsageError(
                f"there is no Environment {name}", help=suggestion(name, known, listed)
            )
        return name
    documents = snapshot.of_model(EnvironmentSpec)
    production = [d.address.name for d in documents if d.spec.production]
    protected = sorted(name for name, is_protected in known.items() if is_protected)
    for found in (production, protected, sorted(one.address.name for one in documents)):
        if len(found) == 1:
            return found[0]
        if found:
            raise UsageError(
                "nobody can tell which environment is meant", help=f"give --env: {_listed(found)}"
            )
    return "local"


def unused_name(snapshot: Snapshot, kinds: tuple[str, ...], day: date, text: str) -> str:
    """Return a name of a day and the words of a text that no document of some kinds has."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    words = "-".join(re.findall("[a-z0-9]+", plain))
    if len(words) > _LONGEST_NAME:
        words = words[: _LONGEST_NAME + 1].rpartition("-")[0] or words[:_LONGEST_NAME]
    name = f"{day:%Y-%m-%d}" + (f"-{words}" if words else "")
    taken = {address.name for address in snapshot.documents if address.kind in kinds}
    names = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
    return next(one for one in names if one not in taken)


def require_person(actor: Actor, what: str) -> None:
    """Raise `UsageError` unless a person runs the command: records state what people judged."""
    if actor.kind == "automation":
        raise UsageError(
            f"{what} is a person's: {actor.name} is automation, and records of operations are "
            "human-triggered only",
            help="run it yourself, and let a pull request carry what it writes",
        )


def require_name(who: str) -> str:
    """Return who somebody is, as records name people: in one line; raises `UsageError`."""
    if not who.strip() or not who.isprintable():
        raise UsageError(f"{who!r} is nobody's name", help="write a name, or Identity/name")
    return who


def require_said(said: Mapping[str, str]) -> None:
    """Raise `UsageError` for a text, by its flag, that says nothing anybody could act by."""
    for flag, text in said.items():
        if is_empty(text):
            raise UsageError(
                f"{flag} {text!r} says nothing that anybody could act by",
                help="say in a few words what is so, or what is done",
            )


def _listed(names: list[str]) -> str:
    more = len(names) - _MOST_LISTED
    return ", ".join(names[:_MOST_LISTED]) + (f" and {more} more" if more > 0 else "")
