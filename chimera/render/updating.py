"""What became of golden files that were to be written anew."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chimera.model import Result
from chimera.proof.updating import SnapshotUpdate
from chimera.render.diagnostics import diagnostic_json, diagnostic_lines
from chimera.render.paint import Paint, count, plain
from chimera.workspace.updating import UpdateReport


def update_text(result: Result[UpdateReport], paint: Paint = plain) -> str:
    """Return what was written, and why nothing was where that is so."""
    lines = list(diagnostic_lines(result.diagnostics, paint, notes=True))
    for update in result.value.updates:
        lines += _lines(update, paint)
    written = sum(len(update.written) for update in result.value.updates)
    lines.append(f"{count(written, 'golden file')} written; nothing was proven: prove again")
    return "\n".join(lines)


def _lines(update: SnapshotUpdate, paint: Paint) -> Iterator[str]:
    if update.reasons:
        yield f"{paint('fail', 'bad')}  {update.proof}: its golden files stay as they are"
    for reason in update.reasons:
        yield from (f"      {line}" for line in reason.splitlines())
    yield from (f"{paint('wrote', 'good')}  {update.proof}: {path}" for path in update.written)
    yield from (f"same   {update.proof}: {path}" for path in update.unchanged)


def update_json(result: Result[UpdateReport]) -> dict[str, Any]:
    """Return what became of the golden files as JSON."""
    return {
        "format": "chimera-update-snapshots/1",
        "outcome": result.outcome.value,
        "updates": [
            {
                "proof": str(update.proof),
                "written": list(update.written),
                "unchanged": list(update.unchanged),
                "reasons": list(update.reasons),
            }
            for update in result.value.updates
        ],
        "diagnostics": [diagnostic_json(d) for d in result.diagnostics],
    }
