"""Runbooks and what came of them as text and as JSON. Refuses to decide anything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from chimera.builtin.services.runbooks.consequences import losses_of, risk_of
from chimera.builtin.services.runbooks.pages import command_of
from chimera.render.paint import Cell, Paint, Style, count, table

if TYPE_CHECKING:
    from chimera.builtin.services.runbooks.procedures import Found, Runbook
    from chimera.builtin.services.runbooks.running import Gone
    from chimera.builtin.services.spec.runbook import ProcedureSpec, StepSpec

_STYLES: dict[str, Style] = {
    "reads": "dim",
    "changes": "warn",
    "destroys": "bad",
    "done": "good",
    "failed": "bad",
    "skipped": "warn",
    "unavailable": "warn",
    "aborted": "bad",
    "succeeded": "good",
    "paused": "warn",
}


def list_text(found: Sequence[Found], symptom: str | None, paint: Paint) -> str:
    """Return procedures, a line each; with a symptom the best first."""
    if not found and symptom is not None:
        return f"no procedure has a symptom like {symptom!r}; `chimera runbook list` lists all"
    if not found:
        return "there is no Runbook; `chimera explain Runbook` says what one is"
    rows: list[tuple[Cell, ...]] = [
        (
            one.runbook.address.name,
            one.procedure.id,
            str(len(one.procedure.steps)),
            _worst(one.procedure),
            one.symptom or one.procedure.title,
        )
        for one in found
    ]
    head = ("RUNBOOK", "PROCEDURE", "STEPS", "RISK", "SYMPTOM" if symptom else "TITLE")
    return table(rows, head, paint)


def _worst(procedure: ProcedureSpec) -> Cell:
    risks = [risk_of(step) for step in procedure.steps]
    worst = max(risks, key=("reads", "changes", "destroys").index)
    return (worst, _STYLES[worst])


def list_json(found: Sequence[Found]) -> list[dict[str, Any]]:
    """Return procedures as JSON."""
    return [
        {
            "runbook": str(one.runbook.address),
            "procedure": one.procedure.id,
            "title": one.procedure.title,
            "symptoms": list(one.procedure.symptoms),
            "steps": len(one.procedure.steps),
            "risk": str(_worst(one.procedure)[0]),
            **({"cadence": one.procedure.cadence} if one.procedure.cadence else {}),
            **({"rank": round(one.rank, 4)} if one.symptom else {}),
        }
        for one in found
    ]


def show_text(runbook: Runbook, procedures: Iterable[ProcedureSpec], paint: Paint) -> str:
    """Return a runbook, or some of its procedures, with all steps."""
    lines = [f"{paint(str(runbook.address), 'bold')}  {runbook.spec.summary}"]
    for procedure in procedures:
        lines += ["", f"{paint(procedure.id, 'accent')}  {procedure.title}"]
        if procedure.symptoms:
            lines.append(paint(f"  symptoms: {'; '.join(procedure.symptoms)}", "dim"))
        if procedure.cadence:
            lines.append(paint(f"  done {procedure.cadence}, by a person", "dim"))
        lines += [f"  {note}" for note in procedure.notes]
        lines += [f"  --input {n}=...  {one.asks}" for n, one in procedure.inputs.items()]
        of = len(procedure.steps)
        for number, step in enumerate(procedure.steps, 1):
            lines.append(step_text(number, of, step, paint))
    return "\n".join(lines)


def step_text(number: int, of: int, step: StepSpec, paint: Paint) -> str:
    """Return what one step is, with its command."""
    risk = risk_of(step)
    told = "" if risk == "reads" else f"  {paint(risk, _STYLES[risk])}"
    lost = losses_of(step)
    gone = f", and takes {' and '.join(sorted(lost))} away" if lost else ""
    width = len(str(of))
    lines = [f"  {number:>{width}}/{of}  {paint(step.id, 'bold')}  {step.title}{told}{gone}"]
    pad = " " * (2 * width + 5)
    if step.instruction is not None:
        lines.append(f"{pad}{step.instruction}")
    command = command_of(step)
    mark = "$ " if step.is_program else "? "
    lines += [f"{pad}{mark}{line}" for line in command.split("\n") if command]
    return "\n".join(lines)


def gone_text(gone: Gone, paint: Paint) -> str:
    """Return how far somebody went, and what came of each step."""
    record = gone.record
    head = f"{record['runbook']} {record['procedure']} in {record['environment']}"
    lines = [f"{paint(gone.status, _STYLES[gone.status])}  {head}, run {record['run']}"]
    rows: list[tuple[Cell, ...]] = [
        (
            (one["outcome"], _STYLES[one["outcome"]]),
            one["step"],
            one["by"],
            one["at"][11:19],
            one.get("message", ""),
        )
        for one in record["steps"]
    ]
    if rows:
        lines.append(table(rows, ("", "STEP", "BY", "AT", "WHAT CAME OF IT"), paint))
    left = len(gone.procedure.steps) - len(rows)
    if gone.status == "paused":
        name = str(record["runbook"]).partition("/")[2]
        more = f"{count(left, 'step')} left" if left else "the last step is not over"
        lines.append(f"{more}: `chimera runbook run {name} {record['procedure']}` goes on")
    if gone.name:
        lines.append(f"recorded as RunbookRun/{gone.name}; `chimera record` copies it to the tree")
    if gone.status != "paused" and gone.has_changed:
        lines.append("something was changed: `chimera changelog add` records it within 24 hours")
    return "\n".join(lines)
