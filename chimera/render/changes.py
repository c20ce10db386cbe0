"""A change as its reviewer reads it: what differs, layer by layer, what that touches, and owes.

The answer to a command's question stands last, nearest to the prompt: the faults, and for a plan
without any what is owed. Owns the text; the facts are the report's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from chimera.model import Category, Change, Finding, Result, Target, Touch, Verdict
from chimera.render.diagnostics import diagnostic_json, diagnostic_lines, severities_text
from chimera.render.drafts import draft_lines, drafts_json
from chimera.render.guards import halt_lines, halts_json
from chimera.render.paint import Paint, count, plain, unbroken
from chimera.render.plan import (
    actions_text,
    item_lines,
    obligation_lines,
    plan_text,
    some_of,
)
from chimera.render.report import OWED_ELSEWHERE, is_owed_elsewhere

if TYPE_CHECKING:
    from chimera.workspace import CheckReport, PlanReport
    from chimera.workspace.planning import Compared

_MOST_IDLE = 20
_MOST_CAUSES = 5
_MOST_REASONS = 2
_WIDTH = 100


def plan_report_text(result: Result[PlanReport], paint: Paint = plain) -> str:
    """Return the plan, and after it the faults that keep it from being applied."""
    report = result.value
    lines: list[str] = []
    if report.compared is None:
        lines.append(plan_text(report.plan, paint))
    else:
        lines.append(f"plan for {report.plan.environment}: {compared_text(report.compared)}")
        lines += change_lines(report, paint)
        lines.append(_summary(report, paint))
    lines += halt_lines(report.halts, paint)
    lines += draft_lines(report.drafts, paint)
    if result.diagnostics:
        lines += diagnostic_lines(result.diagnostics, paint)
        lines.append(severities_text(result.diagnostics, paint))
    return "\n".join(lines)


def _summary(report: PlanReport, paint: Paint) -> str:
    """Return how many there are of each action, break something, or are only written otherwise."""
    told = report.categories
    worth = (Category.BREAKING, Category.COSMETIC)
    parts = [f"{told[category]} {category.value}" for category in worth if told[category]]
    if not report.plan.changing:
        return ", ".join((paint("nothing to do", "good"), *parts))
    digest = f"plan {report.plan.digest[7:19]}"
    return f"{', '.join((actions_text(report.plan), *parts))}; {digest}"


def plan_report_json(result: Result[PlanReport]) -> dict[str, Any]:
    """Return the plan in its saved format, with the rest of the report beside it."""
    from chimera.plan import plan_to_json

    return {
        **plan_to_json(result.value.plan),
        **change_json(result.value),
        "notExercised": not_exercised_json(result.value.judgement.not_exercised),
        "guards": halts_json(result.value.halts),
        "drafts": drafts_json(result.value.drafts),
        "outcome": result.outcome.value,
        "diagnostics": [diagnostic_json(d) for d in result.diagnostics],
    }


def compared_text(compared: Compared) -> str:
    """Return what was compared, as in `compared main (1a2b3c4) with the merge of HEAD (5d6e7f8)`.

    What is not committed yet is no part of commits, and so the work tree is named where it is one.
    """
    base = _named(compared.base, compared.base_id)
    if compared.head is None:
        return f"compared {base} with the work tree"
    head = _named(compared.head, compared.head_id)
    if compared.head_id == compared.base_id:
        return f"compared {base} with itself"
    if compared.head_id in compared.merge_bases:
        return f"compared {base} with itself: it has {head} already"
    return f"compared {base} with {'the merge of ' if compared.is_merged else ''}{head}"


def _named(name: str, commit: str) -> str:
    return name if commit.startswith(name) else f"{name} ({commit[:7]})"


def change_lines(report: PlanReport, paint: Paint = plain) -> Iterator[str]:
    """Yield what changes, layer by layer, what that touches and owes, and what did not judge."""
    if not report.by_layer:
        yield paint("nothing changes: no document, and no path that is governed", "good")
    for layers, items in report.by_layer.items():
        yield paint(f"changes in {', '.join(layers) or 'no layer'}:", "bold")
        for item in items:
            yield from item_lines(item, paint, of_change=True)
            yield from _affected(item.change.target, report)
    yield from _cosmetic(report.cosmetic, paint)
    touches = [touch for touch in report.touches if touch.asks or not touch.is_layer]
    if touches:
        yield paint("touched:", "bold")
        yield from _touched(touches)
    obligations = report.plan.obligations
    if obligations:
        yield paint(f"owed in {report.plan.environment} before it may be merged:", "bold")
        yield from obligation_lines(obligations)
    elif report.plan.changing:
        yield _nothing_owed(report, paint)
    yield from not_exercised_lines(report.judgement.not_exercised, paint)


def _nothing_owed(report: PlanReport, paint: Paint) -> str:
    """Say that nothing is owed; green only where that holds wherever it may be applied."""
    text = f"nothing is owed in {report.plan.environment}"
    if is_owed_elsewhere(report.plan, report.touches):
        return f"{text}, {OWED_ELSEWHERE}"
    return paint(text, "good")


def _affected(target: Target, report: PlanReport) -> Iterator[str]:
    leaning = [a for address, found in report.affected.items() if address == target for a in found]
    if leaning:
        yield f"      affects {some_of(map(str, leaning))}"


def _cosmetic(changes: Iterable[Change], paint: Paint) -> Iterator[str]:
    """Yield the files that say the same otherwise, with the documents in them."""
    files: dict[tuple[str, ...], list[str]] = {}
    for change in changes:
        files.setdefault(change.paths, []).append(str(change.target))
    if files:
        yield paint("cosmetic, and owes nothing:", "bold")
    for paths, documents in files.items():
        yield f"  {unbroken(', '.join(paths))}: {some_of(documents)}"


def _touched(touches: Iterable[Touch]) -> Iterator[str]:
    """Yield what is touched, once, with what it asks for and what causes that."""
    grouped: dict[tuple[str, tuple[str, ...]], list[Touch]] = {}
    for touch in touches:
        grouped.setdefault((touch.name, touch.asks), []).append(touch)
    for (name, asks), group in grouped.items():
        yield from _asked(name, asks)
        for touch in group[:_MOST_CAUSES]:
            yield f"      by {unbroken(touch.target)} ({some_of(touch.paths)})"
        if len(group) > _MOST_CAUSES:
            yield f"      and by {count(len(group) - _MOST_CAUSES, 'more change')}"


def _asked(name: str, asks: tuple[str, ...]) -> Iterator[str]:
    """Yield what is touched with what it asks for, in one line where it is short enough."""
    line = f"  {name}" + (f" asks for {', '.join(asks)}" if asks else "")
    if len(line) <= _WIDTH:
        yield line
        return
    yield f"  {name} asks for"
    yield from (f"    - {ask}" for ask in asks)


def not_exercised_lines(verdicts: Iterable[Verdict], paint: Paint = plain) -> Iterator[str]:
    """Yield what judged nothing, by name, and why."""
    idle = _idle(verdicts)
    if idle:
        yield paint("not exercised:", "bold")
    for (judge, reasons), subjects in list(idle.items())[:_MOST_IDLE]:
        others = [subject for subject in subjects if not judge.startswith(subject)]
        of = f" for {some_of(others)}" if others else ""
        why = unbroken("; ".join(reasons[:_MOST_REASONS]))
        more = len(reasons) - _MOST_REASONS
        why += f"; and {count(more, 'more reason')}" if more > 0 else ""
        yield f"  {judge}{of}" + (f": {why}" if why else "")
    if len(idle) > _MOST_IDLE:
        yield f"  and {len(idle) - _MOST_IDLE} more, which -o json names"


def _idle(verdicts: Iterable[Verdict]) -> dict[tuple[str, tuple[str, ...]], list[str]]:
    """Return the subjects of what was not exercised, by judge and reasons."""
    found: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for verdict in verdicts:
        if verdict.finding is Finding.NOT_EXERCISED:
            found.setdefault((verdict.judge, verdict.reasons), []).append(verdict.subject)
    return found


def not_exercised_json(verdicts: Iterable[Verdict]) -> list[dict[str, Any]]:
    """Return what judged nothing as JSON, once for each judge and reason, with all subjects."""
    return [
        {"judge": judge, "subjects": subjects, "reasons": list(reasons)}
        for (judge, reasons), subjects in _idle(verdicts).items()
    ]


def change_json(report: PlanReport) -> dict[str, Any]:
    """Return what was compared, what that touches, whom it affects, and the categories' counts."""
    compared = report.compared
    return {
        "compared": None
        if compared is None
        else {
            "base": compared.base,
            "baseId": compared.base_id,
            "head": compared.head,
            "headId": compared.head_id or None,
            "mergeBases": list(compared.merge_bases),
        },
        "categories": {category.value: report.categories[category] for category in Category},
        "touches": [
            {
                "name": touch.name,
                "source": str(touch.source),
                "target": str(touch.target),
                "paths": list(touch.paths),
                "asks": list(touch.asks),
            }
            for touch in report.touches
        ],
        "affected": {str(a): list(map(str, found)) for a, found in report.affected.items()},
    }


def check_change_text(report: CheckReport, paint: Paint = plain) -> Iterator[str]:
    """Yield what a check compared, and what that found of the change; nothing without a base."""
    if report.planned is not None and report.planned.compared is not None:
        yield compared_text(report.planned.compared)
        yield from change_lines(report.planned, paint)


def check_change_json(report: CheckReport) -> dict[str, Any] | None:
    """Return the plan that a check made, with what it touches; `None` without a base."""
    if report.planned is None:
        return None
    from chimera.plan import plan_to_json

    return {**plan_to_json(report.planned.plan), **change_json(report.planned)}
