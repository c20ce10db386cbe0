"""Where environments stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chimera.model import Result
from chimera.render.guards import halt_lines, halts_json
from chimera.render.paint import Paint, plain, table

if TYPE_CHECKING:
    from chimera.state import RulingRecord
    from chimera.workspace.inspecting import Status


def status_text(result: Result[Status], paint: Paint = plain) -> str:
    """Return a table of environments, then what is unfinished and who is applying."""
    found = result.value
    rows = [
        (
            e.name,
            "protected" if e.protected else "unprotected",
            str(e.applied),
            e.last or "never",
            str(len(e.unfinished)),
        )
        for e in found.environments
    ]
    header = ("ENVIRONMENT", "KIND", "APPLIED", "LAST APPLY", "UNFINISHED RUNS")
    lines = [table(rows, header, paint)]
    for environment in found.environments:
        if environment.ruling is not None and environment.ruling.digest:
            lines.append(_last_ruling(environment.ruling))
        lines += (
            f"{run.target} in {environment.name}: run {run.uid} {run.status.value}"
            for run in environment.unfinished
        )
    if found.writer is not None:
        lines.append(f"applying now: {found.writer}")
    lines += halt_lines(found.halts, paint)
    return "\n".join(lines)


def _last_ruling(record: RulingRecord) -> str:
    if not record.is_intact:
        return f"the last ruling for {record.environment} was edited after it was recorded"
    passed = record.ruling.get("outcome") == "passed"
    said = "permitted" if passed else "refused"
    when = record.at.isoformat(timespec="seconds")
    name = str(record.digest)[7:19]
    return f"the last ruling for {record.environment}, {name}, {said} a plan at {when}"


def status_json(result: Result[Status]) -> dict[str, Any]:
    """Return where environments stand as JSON."""
    return {
        "format": "chimera-status/1",
        "environments": [
            {
                "name": e.name,
                "protected": e.protected,
                "applied": e.applied,
                "lastApply": e.last,
                "lastRuling": e.ruling.digest if e.ruling else None,
                "unfinishedRuns": [
                    {"run": r.uid, "target": r.target, "status": r.status.value}
                    for r in e.unfinished
                ],
            }
            for e in result.value.environments
        ],
        "applying": str(result.value.writer) if result.value.writer else None,
        "guards": halts_json(result.value.halts),
    }
