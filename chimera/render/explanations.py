"""What `explain` says of kinds and fields."""

from __future__ import annotations

import textwrap
from dataclasses import asdict
from typing import Any

from chimera.kinds import Explanation, Registry
from chimera.render.paint import Paint, plain, table


def kinds_text(registry: Registry, paint: Paint = plain) -> str:
    """Return a table of all kinds."""
    rows = [(k.name, "record" if k.record else "desired", k.room, k.summary) for k in registry]
    return table(rows, ("KIND", "TYPE", "ROOM", "WHAT IT IS"), paint)


def kinds_json(registry: Registry) -> list[dict[str, Any]]:
    """Return all kinds as JSON."""
    return [
        {"kind": k.name, "record": k.record, "room": k.room, "summary": k.summary} for k in registry
    ]


def explanation_text(found: Explanation, paint: Paint = plain) -> str:
    """Return a kind or field: its type, what it is for, and the fields inside it."""
    lines = [f"{paint(found.route, 'bold')}  {found.type}", "", f"    {found.description}"]
    if found.fields:
        lines += ["", paint("FIELDS", "bold")]
    for field in found.fields:
        note = "required" if field.required else _default(field.default)
        lines.append(
            f"  {paint(field.name, 'accent')}  {field.type}{f'  ({note})' if note else ''}"
        )
        lines += textwrap.wrap(
            field.description, 92, initial_indent="      ", subsequent_indent="      "
        )
    return "\n".join(lines)


def _default(value: Any) -> str:
    return "" if value in (None, [], {}, "") or isinstance(value, dict) else f"default {value}"


def explanation_json(found: Explanation) -> dict[str, Any]:
    """Return an explanation as JSON."""
    return asdict(found)
