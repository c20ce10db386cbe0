"""Runs and their steps."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from chimera.model import Result
from chimera.render.diagnostics import diagnostic_json, diagnostic_lines, verdict_json
from chimera.render.paint import Paint, Style, plain, table
from chimera.render.proof import proofs_lines
from chimera.render.ruling import refusal_lines
from chimera.state import Run, RunStatus

if TYPE_CHECKING:
    from chimera.workspace.inspecting import RunDetails
    from chimera.workspace.running import RunReport

STATUS_STYLES: dict[RunStatus, Style] = {
    RunStatus.SUCCEEDED: "good",
    RunStatus.FAILED: "bad",
    RunStatus.CANCELLED: "dim",
}


def runs_text(runs: Sequence[Run], paint: Paint = plain) -> str:
    """Return a table of runs."""
    if not runs:
        return "no runs yet"
    rows = [
        (run.uid, run.status.value, run.environment, run.target, _when(run), run.actor)
        for run in runs
    ]
    return table(rows, ("RUN", "STATUS", "ENVIRONMENT", "TARGET", "STARTED", "BY"), paint)


def _when(run: Run) -> str:
    return run.created.isoformat(timespec="seconds")


def runs_json(runs: Sequence[Run]) -> dict[str, Any]:
    """Return runs as JSON."""
    return {"format": "chimera-runs/1", "runs": [_run_json(run) for run in runs]}


def _run_json(run: Run) -> dict[str, Any]:
    return {
        "run": run.uid,
        "status": run.status.value,
        "environment": run.environment,
        "target": run.target,
        "definition": run.digest,
        "input": run.input,
        "actor": run.actor,
        "created": run.created.isoformat(),
        "updated": run.updated.isoformat(),
    }


def run_text(details: RunDetails, paint: Paint = plain) -> str:
    """Return one run: where it stands, and every step that it reached."""
    run = details.view.run
    style = STATUS_STYLES.get(run.status, "warn")
    lines = [
        f"run {paint(run.uid, 'bold')} {paint(run.status.value, style)}",
        f"  target       {run.target} in {run.environment}",
        f"  started      {_when(run)} by {run.actor}",
        f"  definition   {run.digest}",
    ]
    if run.input:
        lines.append(f"  input        {json.dumps(run.input, ensure_ascii=False)}")
    rows = [
        (id, step.status.value, str(step.attempt), step.error or "")
        for id, step in details.view.steps.items()
    ]
    if rows:
        lines += ["", table(rows, ("STEP", "STATUS", "ATTEMPT", "ERROR"), paint)]
    return "\n".join(lines)


def run_json(details: RunDetails) -> dict[str, Any]:
    """Return one run as JSON."""
    return {
        "format": "chimera-run/1",
        **_run_json(details.view.run),
        "steps": {
            id: {
                "status": step.status.value,
                "attempt": step.attempt,
                "error": step.error,
                "output": step.output,
            }
            for id, step in details.view.steps.items()
        },
    }


def run_report_text(result: Result[RunReport], paint: Paint = plain) -> str:
    """Return what running an applied document brought about."""
    report = result.value
    lines = diagnostic_lines(result.diagnostics, paint)
    lines += proofs_lines(report.proofs, paint)
    if report.item is None:
        lines += refusal_lines(report.ruling.refusals, result.diagnostics, paint, what="run")
        return "\n".join(lines)
    item = report.item
    if item.status == "applied":
        lines.append(f"{paint('ran', 'good')} {item.change.target} (run {item.run})")
        lines.append(json.dumps(report.outputs, indent=2, ensure_ascii=False))
    else:
        lines.append(f"{paint(item.status, 'bad')} {item.change.target}: {item.message}")
        lines += [f"    {item.help}"] if item.help else []
    return "\n".join(lines)


def run_report_json(result: Result[RunReport]) -> dict[str, Any]:
    """Return what running an applied document brought about as JSON."""
    report, item = result.value, result.value.item
    return {
        "format": "chimera-run-report/1",
        "outcome": result.outcome.value,
        "ruling": [verdict_json(v) for v in report.ruling.verdicts],
        "run": item.run if item else None,
        "status": item.status if item else "refused",
        "message": item.message if item else "",
        "outputs": report.outputs,
        "diagnostics": [diagnostic_json(d) for d in result.diagnostics],
    }
