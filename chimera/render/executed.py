"""What became of runs that were executed or went on: started, continued, fired because due."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from chimera.model import Result
from chimera.render.diagnostics import diagnostic_json, diagnostic_lines, verdict_json
from chimera.render.paint import Paint, plain
from chimera.render.proof import proofs_lines
from chimera.render.ruling import refusal_lines
from chimera.render.runs import (
    MOST_FAILURES,
    STATUS_STYLES,
    duration,
    run_status_json,
    step_notes,
)
from chimera.state import RunStatus

if TYPE_CHECKING:
    from chimera.workspace.continuing import Continued
    from chimera.workspace.controlling import GoneOn
    from chimera.workspace.history import StepHistory
    from chimera.workspace.running import DueReport, RunReport


def gone_on_text(gone: GoneOn, paint: Paint = plain) -> str:
    """Return how far a run came that was to go on."""
    run = gone.told.run
    if gone.continued is None:
        return (
            f"asked run {run.uid} to go on; {gone.told.holder} has the state, and takes it up if"
            " it executes the run\n"
            f"if not, `chimera run --due --env {run.environment}` goes on with it afterwards"
        )
    return "\n".join(_continued_lines(gone.continued, paint))


def _continued_lines(continued: Continued, paint: Paint) -> Iterator[str]:
    run, result = continued.run, continued.result
    if result is None:
        yield f"{paint('refused', 'bad')} run {run.uid} of {run.target}: {continued.message}"
        if continued.help:
            yield f"    {continued.help}"
        return
    status = paint(result.status.value, STATUS_STYLES.get(result.status, "warn"))
    yield f"{status} run {run.uid} of {run.target}"
    yield from (f"    {id}: {error}" for id, error in list(result.failed.items())[:MOST_FAILURES])
    message, help = continued.message or result.message, continued.help or result.help
    yield from (f"    {line}" for line in (message, help) if line)
    yield from _waits_lines(continued.waits, run.uid)


def _waits_lines(waits: Sequence[StepHistory], run: str) -> Iterator[str]:
    """Yield what a run waits for, as far as a person reads."""
    for step in waits[:MOST_FAILURES]:
        yield f"    {step.id} " + "\n        ".join(step_notes(step, run))
    if len(waits) > MOST_FAILURES:
        yield f"    and {len(waits) - MOST_FAILURES:,} more: `chimera runs show {run}`"


def gone_on_json(gone: GoneOn) -> dict[str, Any]:
    """Return how far a run came that was to go on, as JSON."""
    holder = gone.told.holder
    return {
        "format": "chimera-continued/1",
        "executedBy": str(holder) if holder else None,
        **(
            _continued_json(gone.continued)
            if gone.continued is not None
            else {"run": run_status_json(gone.told.run), "failed": {}, "message": ""}
        ),
    }


def _continued_json(continued: Continued) -> dict[str, Any]:
    result = continued.result
    status = result.status.value if result else "refused"
    return {
        "run": {**run_status_json(continued.run), "status": status},
        "failed": dict(result.failed) if result else {},
        "message": continued.message or (result.message if result else ""),
    }


def due_text(result: Result[DueReport], paint: Paint = plain) -> str:
    """Return what was due, and what became of it."""
    report = result.value
    lines = [line for one in report.continued for line in _continued_lines(one, paint)]
    for started in report.started:
        lines += run_report_text(started, paint).splitlines()
    if not lines:
        return "nothing is due"
    return "\n".join(lines)


def due_json(result: Result[DueReport]) -> dict[str, Any]:
    """Return what was due as JSON."""
    report = result.value
    return {
        "format": "chimera-due/1",
        "outcome": result.outcome.value,
        "continued": [_continued_json(one) for one in report.continued],
        "started": [run_report_json(one) for one in report.started],
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
    took = f", {duration(report.run.updated - report.run.created)}" if report.run else ""
    if item.status == "applied":
        lines.append(f"{paint('ran', 'good')} {item.change.target} (run {item.run}{took})")
        lines.append(json.dumps(report.outputs, indent=2, ensure_ascii=False))
    elif item.status == "waiting":
        lines.append(f"{paint('waiting', 'warn')} {item.change.target} (run {item.run})")
        lines += _waits_lines(report.waits, item.run or "")
        lines.append(f"    {item.help}")
    else:
        status = _status(report)
        shown = paint(status, "bad" if status == "failed" else "warn")
        lines.append(f"{shown} {item.change.target}: {item.message}")
        lines += [f"    {item.help}"] if item.help else []
    if report.stood is not None:
        had = "had failed" if report.stood is RunStatus.FAILED else f"was {report.stood.value}"
        other = f"; for a new one, first `chimera runs cancel {item.run}`"
        lines.append(
            f"    it went on with that run, which {had}{other if item.status != 'applied' else ''}"
        )
    return "\n".join(lines)


def _status(report: RunReport) -> str:
    """Return how the run stands; one whose outcome could not be taken has failed."""
    if report.item is None:
        return "refused"
    if report.item.status == "applied":
        return "succeeded"
    if report.run is None or report.run.status is RunStatus.SUCCEEDED:
        return "failed"
    return str(report.run.status.value)


def run_report_json(result: Result[RunReport]) -> dict[str, Any]:
    """Return what running an applied document brought about as JSON."""
    report, item = result.value, result.value.item
    return {
        "format": "chimera-run-report/1",
        "outcome": result.outcome.value,
        "ruling": [verdict_json(v) for v in report.ruling.verdicts],
        "run": item.run if item else None,
        "status": _status(report),
        "wentOnFrom": report.stood.value if report.stood else None,
        "took": (report.run.updated - report.run.created).total_seconds() if report.run else None,
        "message": item.message if item else "",
        "outputs": report.outputs,
        "diagnostics": [diagnostic_json(d) for d in result.diagnostics],
    }
