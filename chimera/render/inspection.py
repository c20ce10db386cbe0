"""Documents as `get` and `describe` show them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from chimera.model import Result
from chimera.render.paint import Paint, plain, table
from chimera.render.runs import runs_text

if TYPE_CHECKING:
    from chimera.state import Applied
    from chimera.workspace.inspecting import Description, Row


def documents_text(rows: Sequence[Row], paint: Paint = plain) -> str:
    """Return a table of documents, or the YAML of a single one."""
    if not rows:
        return "no documents"
    if len(rows) == 1:
        return rows[0].text.rstrip("\n")
    cells = [
        (str(r.address), r.applied or "record", ", ".join(r.layers) or "-", r.where) for r in rows
    ]
    return table(cells, ("DOCUMENT", "APPLIED", "LAYERS", "PATH"), paint)


def documents_json(rows: Sequence[Row]) -> dict[str, Any]:
    """Return documents as JSON."""
    return {
        "format": "chimera-get/1",
        "documents": [
            {
                "address": str(r.address),
                "digest": r.digest,
                "path": r.where,
                "layers": list(r.layers),
                "applied": r.applied,
                "text": r.text,
            }
            for r in rows
        ],
    }


def description_text(result: Result[Description], paint: Paint = plain) -> str:
    """Return everything that is known of one document."""
    found = result.value
    document = found.document
    lines = [
        paint(str(document.address), "bold"),
        f"  {document.metadata.description or document.kind.summary}",
        f"  path         {document.place.path}",
        f"  digest       {found.digest}",
    ]
    lines += (
        f"  layer        {p.layer}{' (dormant)' if p.dormant else ''}" for p in found.placements
    )
    lines += (f"  refers to    {address}" for address in found.refers_to)
    sources = dict.fromkeys(str(use.source) for use in found.referred_by)
    lines += (f"  referred by  {source}" for source in sources)
    for name, entry in found.applied.items():
        when = entry.at.isoformat(timespec="seconds")
        lines.append(f"  applied      to {name} at {when}, digest {entry.digest}")
        lines += _outputs(entry)
    if not found.applied and not document.kind.record:
        lines.append("  applied      nowhere")
    if found.runs:
        lines += ["", runs_text(found.runs, found.at, paint)]
    return "\n".join(lines)


def _outputs(entry: Applied) -> Iterator[str]:
    """Yield what applying or running it last brought about, a line each."""
    outputs = entry.outputs if isinstance(entry.outputs, Mapping) else {}
    for name, value in outputs.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        text = " ".join(text.split())
        shown = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… (-o json has all of it)"
        yield f"    {name:<14} {shown}"


_LONGEST = 200
"""Characters of an output that are shown."""


def description_json(result: Result[Description]) -> dict[str, Any]:
    """Return everything that is known of one document as JSON."""
    found = result.value
    return {
        "format": "chimera-describe/1",
        "address": str(found.document.address),
        "path": found.document.place.path,
        "digest": found.digest,
        "document": found.document.value,
        "layers": [{"layer": p.layer, "dormant": p.dormant} for p in found.placements],
        "refersTo": [str(address) for address in found.refers_to],
        "referredBy": sorted({str(use.source) for use in found.referred_by}),
        "applied": {
            name: {"digest": a.digest, "at": a.at.isoformat(), "outputs": a.outputs}
            for name, a in found.applied.items()
        },
        "runs": [run.uid for run in found.runs],
    }
