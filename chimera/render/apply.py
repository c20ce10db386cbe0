"""What an apply did."""

from __future__ import annotations

from typing import Any

from chimera.model import Result
from chimera.plan import plan_to_json
from chimera.render.diagnostics import diagnostic_json, diagnostic_lines, verdict_json
from chimera.render.paint import Paint, Style, count, plain
from chimera.render.plan import plan_summary
from chimera.render.proof import proofs_json, proofs_lines
from chimera.render.ruling import refusal_lines
from chimera.runtime import ItemResult
from chimera.workspace import ApplyReport

_STYLES: dict[str, Style] = {
    "applied": "good",
    "failed": "bad",
    "blocked": "warn",
    "waiting": "warn",
}


def apply_text(result: Result[ApplyReport], paint: Paint = plain) -> str:
    """Return the proofs, the ruling where it refuses, and what became of every item."""
    report = result.value
    lines = diagnostic_lines(result.diagnostics, paint)
    if report.ruling is None:
        return "\n".join((*lines, plan_summary(report.plan, paint)))
    lines.append(f"plan for {report.plan.environment}: {plan_summary(report.plan, paint)}")
    lines += proofs_lines(report.proofs, paint)
    if report.ruling.refusals:
        lines += refusal_lines(report.ruling.refusals, result.diagnostics, paint)
        return "\n".join(lines)
    said = count(len(report.ruling.verdicts), "verdict")
    stages = count(len(report.ruling.stages), "stage")
    lines.append(f"{paint('permitted', 'good')} by the gate: {said} at {stages}, none against")
    lines += (_item_text(item, paint) for item in report.items)
    done = sum(item.status == "applied" for item in report.items)
    waiting = sum(item.status == "waiting" for item in report.items)
    rest = len(report.items) - done - waiting
    lines.append(
        f"applied {count(done, 'change')}"
        + (f", {waiting} waiting" if waiting else "")
        + (f", {rest} not applied" if rest else "")
    )
    return "\n".join(lines)


def _item_text(item: ItemResult, paint: Paint) -> str:
    run = f" (run {item.run})" if item.run else ""
    line = f"  {paint(item.status, _STYLES[item.status])} {item.change.action.value}"
    line += f" {item.change.target}{run}"
    if item.message:
        line += f"\n      {item.message}"
    return line + (f"\n      {item.help}" if item.help else "")


def apply_json(result: Result[ApplyReport]) -> dict[str, Any]:
    """Return what an apply did as JSON."""
    report = result.value
    verdicts = report.ruling.verdicts if report.ruling else ()
    return {
        "format": "chimera-apply/1",
        "outcome": result.outcome.value,
        "plan": plan_to_json(report.plan),
        **proofs_json(report.proofs),
        "ruling": [verdict_json(v) for v in verdicts],
        "items": [
            {
                "target": str(item.change.target),
                "action": item.change.action.value,
                "status": item.status,
                "run": item.run,
                "message": item.message,
                "help": item.help,
            }
            for item in report.items
        ],
        "diagnostics": [diagnostic_json(d) for d in result.diagnostics],
    }
