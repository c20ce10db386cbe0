"""Records that a plan drafts, as text and JSON: as they would stand in their files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from chimera.plan import RecordDraft
from chimera.render.paint import Paint, plain


def draft_lines(drafts: Iterable[RecordDraft], paint: Paint = plain) -> Iterator[str]:
    """Yield each record that is owed and that nobody wrote, to be completed and committed."""
    for draft in drafts:
        yield f"{paint('owed', 'warn')} and not there yet, drafted for {draft.path}:"
        yield from (f"    {line}" for line in draft.text.splitlines())
        if draft.missing:
            yield f"  what a plan does not know is left out: {', '.join(draft.missing)}"


def drafts_json(drafts: Iterable[RecordDraft]) -> list[dict[str, Any]]:
    """Return the same as JSON."""
    return [
        {
            "address": str(draft.address),
            "path": draft.path,
            "text": draft.text,
            "missing": list(draft.missing),
        }
        for draft in drafts
    ]
