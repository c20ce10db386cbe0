"""A new incident: its record, who commands it, and the freeze that its level owes.

Refuses to choose a level: that is a person's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from chimera.builtin.records.finding import (
    environment_named,
    level_named,
    model_named,
    require_name,
    unused_name,
)
from chimera.builtin.records.occasions import Occasion, Response
from chimera.builtin.records.writing import Draft
from chimera.model import Address

if TYPE_CHECKING:
    from chimera.workspace import Workspace


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
    named = require_name(opening.commander) if opening.commander is not None else None
    commander = named or (occasion.by if level.commander_owed else None)
    spec = _spec(opening, occasion, (str(model.address), level.id, environment), commander)
    kinds = ("Incident", "Freeze", "Postmortem")  # all of an incident's records have its name
    name = opening.name or unused_name(snapshot, kinds, occasion.at, opening.title)
    address = Address.parse(f"Incident/{name}")
    draft = Draft(workspace)
    draft.create(address, spec)
    response = Response(address, draft, occasion)
    response.note(f"opened at {level.id}: {opening.reason}", "assessment")
    response.done.append(f"opened {address} at {level.id} ({level.name}) in {environment}")
    if commander:
        response.note(f"{commander} commands", "command")
        response.done.append(
            f"{commander} commands it" + (", and answered it" if "acknowledged" in spec else "")
        )
    if level.freeze_owed and commander:
        response.freeze(commander, environment, f"{level.id}: {opening.title}")
    return response


def _spec(
    opening: Opening, occasion: Occasion, judged: tuple[str, str, str], commander: str | None
) -> dict[str, Any]:
    """Return the fields of a new incident; `judged` are its model, level and environment."""
    model, level, environment = judged
    stamp = occasion.stamp()
    return {
        "title": opening.title,
        **({"summary": opening.summary} if opening.summary else {}),
        "environment": environment,
        "model": model,
        "opened": stamp,
        "assessments": [{"level": level, **stamp, "reason": opening.reason}],
        **{
            name: list(values)
            for name in ("services", "paths", "layers")
            if (values := getattr(opening, name))
        },
        # Whoever opens and commands it has answered it; somebody else has not yet.
        **({"acknowledged": stamp} if commander == occasion.by else {}),
        **({"commands": [{"by": commander, "from": stamp["at"]}]} if commander else {}),
    }
