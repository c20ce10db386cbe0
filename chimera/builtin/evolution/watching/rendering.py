"""Runs of evolutions as text for a terminal, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from chimera.builtin.evolution.watching.histories import History
from chimera.builtin.evolution.watching.pictures import aim_of, sparkline

if TYPE_CHECKING:
    from chimera.render.paint import Paint


def status_text(histories: Sequence[History], paint: Paint) -> str:
    """Return a line for each run."""
    from chimera.render.paint import table

    if not histories:
        return "no evolution was ever run: chimera run Evolution/NAME"
    rows = [
        (
            history.evolution,
            history.run.uid[:8],
            history.run.status.value,
            f"{history.generation:,}",
            f"{history.evaluations:,}",
            _number(history.last("best")),
            _number(history.last("diversity"), 3),
            history.stopped or f"{history.share:.0%}",
        )
        for history in histories
    ]
    heads = ("EVOLUTION", "RUN", "STATUS", "GENERATION", "EVALUATIONS", "BEST", "DIVERSITY", "END")
    return table(rows, heads, paint)


def watch_text(history: History, paint: Paint) -> str:
    """Return all there is to see of a run, for a screen that is drawn again and again."""
    lines = [
        f"{paint(history.evolution, 'bold')}  run {history.run.uid}  {history.run.status.value}",
        f"generation  {history.generation:,}{_of(history.spec.termination.generations)}",
        f"evaluations {history.evaluations:,}{_per_second(history)}",
    ]
    for name in ("best", "median", "diversity"):
        value = history.last(name)
        if value is not None:
            said = aim_of(history) if name == "best" and history.spec.objectives else name
            lines.append(f"{said:<11} {_number(value):<12} {sparkline(history.columns[name])}")
    if history.last("unchanged"):
        lines.append(f"unchanged   for {history.last('unchanged'):,.0f} generations")
    if history.stopped is not None:
        lines.append(f"stopped by  {history.stopped}")
    elif history.remaining is not None:
        lines.append(f"at most     {history.remaining:,.0f} s to go")
    if history.error is not None:
        lines.append(paint(f"error       {history.error}", "bad"))
    return "\n".join(lines)


def history_json(history: History, *, columns: bool = True) -> dict[str, Any]:
    """Return a run as JSON, with all that was observed as columns."""
    found: dict[str, Any] = {
        "run": history.run.uid,
        "evolution": history.evolution,
        "status": history.run.status.value,
        "generation": history.generation,
        "evaluations": history.evaluations,
        "best": history.last("best"),
        "diversity": history.last("diversity"),
        "seconds": history.seconds,
        "stopped": history.stopped,
        "champion": None if history.genome is None else history.genome.get("champion"),
        "error": history.error,
    }
    return found | {"observations": history.columns} if columns else found


def _number(value: float | None, digits: int = 6) -> str:
    return "" if value is None else f"{value:.{digits}g}"


def _of(generations: int | None) -> str:
    return "" if generations is None else f" of at most {generations:,}"


def _per_second(history: History) -> str:
    return "" if history.rate is None else f", {history.rate:,.0f} a second"
