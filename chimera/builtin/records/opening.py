"""A new incident: its record, who commands it, and the freeze that its level owes.

Refuses to choose a level: that is a person's.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from chimera.builtin.records.drafting import stamp_of
from chimera.builtin.records.finding import environment_named, level_named, model_named
from chimera.builtin.records.occasions import Occasion, Response
from chimera.builtin.records.writing import Draft
from chimera.model import Address

if TYPE_CHECKING:
    from chimera.workspace import Workspace

_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class Opening:
    """What is known of an incident when it is opened."""

    title: str
    level: str
    reason: str
    model: str | None = None
    environment: str | None = None
    name: str | None = None
    summary: str | None = None
    commander: str | None = None
    services: Sequence[str] = ()
    paths: Sequence[str] = ()
    layers: Sequence[str] = ()


def open_incident(
    workspace: Workspace, opening: Opening, *, at: datetime | None = None, by: str | None = None
) -> Response:
    """Propose a new incident, and the freeze that it owes; raises `UsageError`."""
    occasion = Occasion.of(workspace, "to open an incident", at, by)
    snapshot = workspace.loaded.snapshot
    model = model_named(snapshot, opening.model)
    level = level_named(model.spec, opening.level)
    environment = environment_named(snapshot, opening.environment)
    commander = opening.commander or (occasion.by if level.commander_owed else None)
    # Whoever opens and commands it has answered it; somebody else has not yet.
    answered = commander == occasion.by
    spec = {
        "title": opening.title,
        **({"summary": opening.summary} if opening.summary else {}),
        "environment": environment,
        "model": str(model.address),
        "opened": occasion.stamp(),
        "assessments": [{"level": level.id, **occasion.stamp(), "reason": opening.reason}],
        **{
            name: list(values)
            for name in ("services", "paths", "layers")
            if (values := getattr(opening, name))
        },
        **({"acknowledged": occasion.stamp()} if answered else {}),
        **({"commands": [{"by": commander, "from": stamp_of(occasion.at)}]} if commander else {}),
    }
    address = Address("Incident", opening.name or _name(workspace, opening.title, occasion.at))
    draft = Draft(workspace)
    draft.create(address, spec)
    response = Response(address, draft, occasion)
    response.note(f"opened at {level.id}: {opening.reason}", "assessment")
    response.done.append(f"opened {address} at {level.id} ({level.name}) in {environment}")
    if commander:
        response.note(f"{commander} commands", "command")
        response.done.append(f"{commander} commands it" + (", and answered it" if answered else ""))
    if level.freeze_owed and commander:
        response.freeze(commander, environment, f"{level.id}: {opening.title}")
    return response


def _name(workspace: Workspace, title: str, at: datetime) -> str:
    """Return a name of the day and the words of a title that no incident has."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    words = "-".join(re.findall("[a-z0-9]+", plain))[:_LONGEST_NAME].strip("-")
    name = f"{at:%Y-%m-%d}" + (f"-{words}" if words else "")
    known: set[Address] = {*workspace.loaded.snapshot.documents}
    taken = {address.name for address in known if address.kind in {"Incident", "Freeze"}}
    numbered = (f"{name}-{number}" for number in range(2, len(taken) + 3))
    return name if name not in taken else next(n for n in numbered if n not in taken)
