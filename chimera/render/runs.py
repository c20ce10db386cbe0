"""Runs and their steps."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from chimera.render.paint import Paint, Style, plain, table
from chimera.runtime import StepStatus
from chimera.state import Run, RunStatus

if TYPE_CHECKING:
    from chimera.workspace.history import History, StepHistory
    from chimera.workspace.inspecting import RunDetails

STATUS_STYLES: dict[RunStatus, Style] = {
    RunStatus.SUCCEEDED: "good",
    RunStatus.FAILED: "bad",
    RunStatus.CANCELLED: "dim",
}
_STEP_STYLES: Final[dict[StepStatus, Style]] = {
    StepStatus.DONE: "good",
    StepStatus.SKIPPED: "dim",
    StepStatus.FAILED: "bad",
    StepStatus.ESCALATED: "bad",
}
_UNDER_WAY = {StepStatus.STARTED, StepStatus.WAITING}
_FOLD = 12
"""Steps inside a step that are shown one by one; of more, only what went wrong."""
MOST_FAILURES = 10
"""Failures, or waits, of one run that are listed; a person reads no more."""


def runs_text(runs: Sequence[Run], now: datetime, paint: Paint = plain) -> str:
    """Return a table of runs that fits a terminal; environments are named where there are several.

    Who began a run, and when exactly, is in what is shown of it alone.
    """
    if not runs:
        return "no runs yet"
    rows = [
        (
            run.uid,
            run.status.value,
            _tally(run),
            age(now - run.created),
            run.environment,
            run.target,
        )
        for run in runs
    ]
    header = ("RUN", "STATUS", "STEPS", "AGE", "ENV", "TARGET")
    if len({run.environment for run in runs}) > 1:
        return table(rows, header, paint)
    return table([(*row[:4], row[5]) for row in rows], (*header[:4], header[5]), paint)


def _tally(run: Run) -> str:
    """Return how many of the steps have finished, and behind that how many failed, if any."""
    return f"{run.done}/{run.total}" + (f" ({run.failed})" if run.failed else "")


def age(passed: timedelta) -> str:
    """Return how long ago something was, in one unit: `40 s`, `12 min`, `3 h`, `9 d`."""
    seconds = max(0, int(passed.total_seconds()))
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _steps(run: Run) -> str:
    """Return how many of the steps have finished, and how many failed."""
    failed = f", {run.failed} failed" if run.failed else ""
    return f"{run.done}/{run.total}{failed}"


def _when(run: Run) -> str:
    return run.created.isoformat(timespec="seconds")


def runs_json(runs: Sequence[Run]) -> dict[str, Any]:
    """Return runs as JSON."""
    return {"format": "chimera-runs/1", "runs": [run_status_json(run) for run in runs]}


def run_status_text(run: Run, paint: Paint = plain) -> str:
    """Return where one run stands, in a line."""
    status = paint(run.status.value, STATUS_STYLES.get(run.status, "warn"))
    failed = f", {run.failed} failed" if run.failed else ""
    return f"{status}  {run.done}/{run.total} steps{failed}  {run.target} in {run.environment}"


def run_status_json(run: Run) -> dict[str, Any]:
    """Return where one run stands as JSON."""
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
        "due": run.due.isoformat() if run.due else None,
        "progress": {"total": run.total, "done": run.done, "failed": run.failed},
    }


def run_text(details: RunDetails, paint: Paint = plain) -> str:
    """Return one run: where it stands, every step that it reached, and what it waits for."""
    run = details.run
    style = STATUS_STYLES.get(run.status, "warn")
    took = run.updated - run.created
    lines = [
        f"run {paint(run.uid, 'bold')} {paint(run.status.value, style)}",
        f"  target       {run.target} in {run.environment}",
        f"  started      {_when(run)} by {run.actor}",
        f"  took         {duration(took)}" if run.status.is_final else "",
        f"  steps        {_steps(run)}",
        f"  definition   {run.digest[7:19]}",
        f"  input        {json.dumps(run.input, ensure_ascii=False)}" if run.input else "",
    ]
    for entry in details.history.entries:
        said = "; ".join(text for text in (entry.about, entry.reason) if text)
        when = entry.at.isoformat(timespec="seconds")
        lines.append(f"  {entry.what:<12} {when} by {entry.actor}{f': {said}' if said else ''}")
    lines = [line for line in lines if line]
    if details.history.steps:
        lines += ["", *_steps_lines(details.history, run, paint)]
    return "\n".join(lines)


def _steps_lines(history: History, run: Run, paint: Paint) -> list[str]:
    """Return the steps in columns, what there is to say of one on lines below it."""
    inside = history.inside()
    rows = list(_rows(inside, None, 0))
    widths = [max(len(row[i]) for _, row, _ in rows) for i in range(3)]
    heads = ("STEP", "STATUS", "ATTEMPT", "TIME")
    widths = [max(width, len(head)) for width, head in zip(widths, heads, strict=False)]
    lines = [_columns([paint(head, "bold") for head in heads], heads, widths)]
    for step, row, notes in rows:
        shown = list(row)
        said = notes
        if step is not None and run.status.is_final and step.status in _UNDER_WAY:
            shown[1] = paint("stopped", "dim")  # as long a word as started and waiting
        elif step is not None:
            shown[1] = paint(row[1], _STEP_STYLES.get(step.status, "warn"))
            said = [*step_notes(step, run.uid), *notes]
        lines.append(_columns(shown, row, widths))
        indent = " " * (len(row[0]) - len(row[0].lstrip()) + 4)
        lines += (f"{indent}{line}" for note in said for line in note.splitlines())
    return lines


def _columns(shown: Sequence[str], texts: Sequence[str], widths: Sequence[int]) -> str:
    """Return cells in columns: what is shown may hold marks that are no part of its width."""
    padded = [
        cell + " " * (width - len(text))
        for cell, text, width in zip(shown, texts, (*widths, len(texts[-1])), strict=True)
    ]
    return "  ".join(padded).rstrip()


_Row = tuple["StepHistory | None", tuple[str, str, str, str], list[str]]


def _rows(
    inside: Mapping[str | None, list[StepHistory]], parent: str | None, depth: int
) -> Iterator[_Row]:
    """Yield the steps inside one, and below each those inside it; many are counted instead."""
    steps = [step for step in inside.get(parent, []) if not _is_told_above(step)]
    is_folded = parent is not None and len(steps) > _FOLD
    shown = [step for step in steps if not is_folded or step.status in _WRONG]
    for step in shown[:MOST_FAILURES] if is_folded else shown:
        name = step.id if parent is None else step.id.removeprefix(parent).removeprefix("/")
        below = inside.get(step.id, [])
        took = step.duration
        row = (
            "  " * depth + name,
            "undone" if step.is_undone else step.status.value,
            str(step.attempt) if step.status is not StepStatus.SKIPPED else "",
            duration(took) if took is not None else "",
        )
        yield step, row, [_counted(below)] if len(below) > _FOLD else []
        yield from _rows(inside, step.id, depth + 1)
    if is_folded and len(shown) > MOST_FAILURES:
        more = f"and {len(shown) - MOST_FAILURES:,} more that failed (-o json has them all)"
        yield None, ("  " * depth + more, "", "", ""), []


def _is_told_above(step: StepHistory) -> bool:
    """Tell whether a step did what the row of another says: it undid it, or told somebody."""
    return "!" in step.id.rpartition("/")[2] and step.status is StepStatus.DONE


_WRONG = {StepStatus.FAILED, StepStatus.ESCALATED}


def _counted(steps: Sequence[StepHistory]) -> str:
    """Return `10,000 inside: 9,998 done, 2 failed`."""
    found = Counter(step.status.value for step in steps)
    parts = ", ".join(f"{number:,} {status}" for status, number in found.most_common())
    return f"{len(steps):,} inside: {parts}"


def step_notes(step: StepHistory, run: str) -> Iterator[str]:
    """Yield why a step waits, what is special about its result, and what went wrong."""
    if step.status is StepStatus.WAITING:
        if step.asks is not None:
            yield f"asks {', '.join(step.asks.approvers) or 'anybody'}: {step.asks.text}"
            yield "answer with"
            yield f"`chimera runs signal {run} {step.signal} --data '{{\"approved\": true}}'`"
        elif step.signal is not None:
            yield f"waits for the signal {step.signal}; send it with"
            yield f"`chimera runs signal {run} {step.signal}`"
        if step.due is not None:
            until = "at the latest until" if step.signal is not None else "until"
            yield f"waits {until} {step.due.isoformat(timespec='seconds')}"
    if step.flag is not None:
        yield _FLAG_NOTES.get(step.flag, step.flag)
    if step.error:
        yield step.error


_FLAG_NOTES: Final = {
    "cached": "its result is one that was recorded before for the same inputs",
    "degraded": "degraded: it failed, and what it declares stands in its place",
    "probed": "it was interrupted, and had taken effect",
    "alternative": "it failed, and its alternative was used",
}


def duration(took: timedelta) -> str:
    """Return how long something took, in the largest units that say enough."""
    seconds = took.total_seconds()
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{round(seconds, 1):g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def run_json(details: RunDetails) -> dict[str, Any]:
    """Return one run as JSON, whole."""
    return {
        "format": "chimera-run/1",
        **run_status_json(details.run),
        "history": [
            {
                "what": entry.what,
                "about": entry.about,
                "at": entry.at.isoformat(),
                "actor": entry.actor,
                "reason": entry.reason,
            }
            for entry in details.history.entries
        ],
        "steps": {id: _step_json(step) for id, step in details.history.steps.items()},
    }


def _step_json(step: StepHistory) -> dict[str, Any]:
    return {
        "status": step.status.value,
        "attempt": step.attempt,
        "began": step.began.isoformat() if step.began else None,
        "ended": step.ended.isoformat() if step.ended else None,
        "due": step.due.isoformat() if step.due else None,
        "signal": step.signal,
        "asks": {"question": step.asks.text, "approvers": list(step.asks.approvers)}
        if step.asks
        else None,
        "error": step.error,
        "output": step.output,
        "flag": step.flag,
        "undone": step.is_undone,
    }
