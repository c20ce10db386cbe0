"""Plans as people read them, and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from chimera.model import Action, Obligation, Result
from chimera.plan import Plan, PlanItem, plan_to_json
from chimera.render.diagnostics import (
    diagnostic_json,
    diagnostic_lines,
    severities_text,
)
from chimera.render.paint import Paint, Style, count, plain
from chimera.workspace import PlanReport

_SIGNS: dict[Action, tuple[str, Style]] = {
    Action.CREATE: ("+", "good"),
    Action.UPDATE: ("~", "warn"),
    Action.DELETE: ("-", "bad"),
    Action.NO_OP: (" ", "dim"),
    Action.RUN: (">", "accent"),
}
_MOST_PATHS = 8
_MOST_TARGETS = 3


def plan_text(plan: Plan, paint: Paint = plain) -> str:
    """Return what an apply would do, item by item with reasons, and everything that is owed."""
    shown = [item for item in plan.items if item.changes or item.dormant]
    lines = [f"plan for {plan.environment}, compared with {plan.compared_with}"]
    lines += (_item_text(item, paint) for item in shown)
    if plan.obligations:
        lines.append(paint("owed before it may be applied:", "bold"))
        lines += obligation_lines(plan.obligations)
    lines.append(plan_summary(plan, paint))
    return "\n".join(lines)


def plan_summary(plan: Plan, paint: Paint = plain) -> str:
    """Return `3 to create, 1 to update`, or `nothing to do`."""
    found = Counter(item.change.action for item in plan.changing)
    if not found:
        return paint("nothing to do", "good")
    parts = [f"{found[a]} to {a.value}" for a in Action if found[a]]
    same = len(plan.items) - len(plan.changing)
    return f"{', '.join(parts)}, {same} unchanged; plan {plan.digest[7:19]}"


def _item_text(item: PlanItem, paint: Paint) -> str:
    change = item.change
    sign, style = _SIGNS[change.action]
    action = "no-op (dormant)" if item.dormant and not item.changes else change.action.value
    where = f" [{', '.join(item.layers)}]" if item.layers else ""
    lines = [f"{paint(sign, style)} {paint(action, style)} {change.target}{where}: {change.reason}"]
    lines += (f"      {path}" for path in change.paths[:_MOST_PATHS])
    if len(change.paths) > _MOST_PATHS:
        lines.append(f"      and {count(len(change.paths) - _MOST_PATHS, 'more path')}")
    return "\n".join(lines)


def obligation_lines(obligations: Iterable[Obligation]) -> Iterator[str]:
    """Yield what is owed, one line for each thing owed by each document that asks for it."""
    asked: dict[tuple[str, str, str], list[Obligation]] = {}
    for o in obligations:
        detail = "".join(f", {key} {value}" for key, value in o.detail)
        asked.setdefault((o.kind, f"{o.subject}{detail}", str(o.source)), []).append(o)
    for (kind, subject, source), group in asked.items():
        first = group[0]
        if len(group) == 1:
            yield f"  {kind} {subject} for {first.target} ({first.reason})"
            continue
        named = some_of(str(o.target) for o in group)
        yield f"  {kind} {subject} for {named} (asked by {source})"


def some_of(names: Iterable[str]) -> str:
    """Return the first few names, and how many more there are."""
    every = list(names)
    more = len(every) - _MOST_TARGETS
    return ", ".join(every[:_MOST_TARGETS]) + (f" and {more} more" if more > 0 else "")


def plan_report_text(result: Result[PlanReport], paint: Paint = plain) -> str:
    """Return the plan, after the faults that keep it from being applied."""
    lines = diagnostic_lines(result.diagnostics, paint)
    lines.append(plan_text(result.value.plan, paint))
    if result.diagnostics:
        lines.append(severities_text(result.diagnostics, paint))
    return "\n".join(lines)


def plan_report_json(result: Result[PlanReport]) -> dict[str, Any]:
    """Return the plan in its saved format, with the diagnostics beside it."""
    return {
        **plan_to_json(result.value.plan),
        "outcome": result.outcome.value,
        "diagnostics": [diagnostic_json(d) for d in result.diagnostics],
    }
