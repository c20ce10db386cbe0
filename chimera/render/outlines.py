"""What a run would do, before it does it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from chimera.model import Outcome, Result
from chimera.render.diagnostics import diagnostic_json, diagnostic_lines, verdict_json
from chimera.render.paint import Paint, count, plain
from chimera.render.ruling import refusal_lines
from chimera.render.runs import duration
from chimera.runtime import Wait

if TYPE_CHECKING:
    from chimera.runtime import Step
    from chimera.workspace.outlining import RunOutline

_LONGEST = 160  # characters of inputs in a line


def outline_text(result: Result[RunOutline], paint: Paint = plain) -> str:
    """Return the steps in the order in which they could start, and whether the gate permits it."""
    found = result.value
    target = found.planned.plan.changing[0].change.target
    lines = diagnostic_lines(result.diagnostics, paint)
    lines.append(f"{paint('would run', 'accent')} {target} in {found.planned.plan.environment}")
    foreseen = found.foreseen
    for number, wave in enumerate(found.waves, 1):
        together = "at once:" if len(wave) > 1 else ""
        lines.append(f"  {paint(f'{number}.', 'dim')} {together}".rstrip())
        for id in wave:
            step = found.graph.by_id[id]
            kept = _kept(found.kept.get(id))
            about = "; ".join((*_fate(foreseen.get(id, {})), *kept, *_about(step)))
            lines.append(f"     {paint(id, 'bold')}" + (f"  {about}" if about else ""))
            inputs = foreseen.get(id, {}).get("inputs")
            if inputs:
                lines.append(f"       {paint('inputs', 'dim')} {_short(inputs)}")
    lines += _bounds(found)
    if found.ruling.outcome is Outcome.PASSED:
        lines.append("the gate would permit it now")
    else:
        lines += refusal_lines(found.ruling.refusals, result.diagnostics, paint, what="run")
    return "\n".join(lines)


def _fate(known: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is known of whether, and how often, a step runs."""
    if known.get("fate") == "skipped":
        yield "is skipped"
    if "items" in known:
        yield f"for {count(known['items'], 'item')}"


def _kept(found: tuple[int, int] | None) -> Iterator[str]:
    """Yield whether results from before are taken."""
    if found is None:
        return
    kept, among = found
    if among == 1:
        yield "takes a result that was kept" if kept else "no result was kept yet"
    elif among:
        yield f"takes {kept:,} of {among:,} results that were kept"


def _short(inputs: Any) -> str:
    text = json.dumps(inputs, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _bounds(found: RunOutline) -> Iterator[str]:
    graph = found.graph
    steps = count(len(graph.steps), "step")
    limit = f"  {steps}, at most {graph.concurrency} at a time"
    if graph.timeout is not None:
        limit += f", failed after {duration(graph.timeout)}"
    if graph.on_failure == "compensate":
        limit += "; what is done is undone where one fails"
    yield limit


def _about(step: Step) -> Iterator[str]:
    if step.wait is not None:
        yield _wait(step.wait)
    elif step.expand is not None:
        yield "is made of steps that its inputs decide"
    elif not step.effects:
        yield "changes nothing outside"
    if step.when is not None:
        yield "only where its predicate holds"
    if step.executor not in {"thread", "loop", "inline"}:
        yield f"on {step.executor}"
    yield from _on_failure(step)
    if step.cache is not None:
        yield "its result is kept for equal inputs"
    if step.needs:
        yield f"needs {', '.join(step.needs)}"


def _wait(wait: object) -> str:
    """Return what is waited for, where it is known before the inputs are."""
    if not isinstance(wait, Wait):
        return "waits for what its inputs say"
    if wait.signal is not None:
        return f"waits for the signal {wait.signal}"
    if wait.seconds is not None:
        return f"waits for {duration(timedelta(seconds=wait.seconds))}"
    assert wait.until is not None
    return f"waits until {wait.until.isoformat(timespec='seconds')}"


def _on_failure(step: Step) -> Iterator[str]:
    retry = step.recovery.retry if step.recovery is not None else None
    if retry is not None and retry.max_attempts > 1:
        yield f"up to {retry.max_attempts} attempts"
    if step.timeout is not None:
        yield f"at most {duration(step.timeout)}"
    if step.compensate is not None:
        yield "can be undone"


def outline_json(result: Result[RunOutline]) -> dict[str, Any]:
    """Return what a run would do as JSON."""
    found = result.value
    return {
        "format": "chimera-run-outline/1",
        "outcome": result.outcome.value,
        "target": str(found.planned.plan.changing[0].change.target),
        "environment": found.planned.plan.environment,
        "waves": [list(wave) for wave in found.waves],
        "steps": {step.id: _step_json(step) for step in found.graph.steps},
        "foreseen": {id: dict(known) for id, known in found.foreseen.items()},
        "kept": {id: {"kept": n, "of": among} for id, (n, among) in found.kept.items()},
        "ruling": [verdict_json(verdict) for verdict in found.ruling.verdicts],
        "diagnostics": [diagnostic_json(diagnostic) for diagnostic in result.diagnostics],
    }


def _step_json(step: Step) -> dict[str, Any]:
    retry = step.recovery.retry if step.recovery is not None else None
    return {
        "needs": list(step.needs),
        "effects": step.effects,
        "waits": step.wait is not None,
        "expands": step.expand is not None,
        "conditional": step.when is not None,
        "executor": step.executor,
        "attempts": retry.max_attempts if retry is not None else None,
        "timeout": step.timeout.total_seconds() if step.timeout is not None else None,
        "cached": step.cache is not None,
        "compensated": step.compensate is not None,
        "limits": list(step.keys),
        "priority": step.priority,
    }
