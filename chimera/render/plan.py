"""Plans as people read them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from chimera.model import Action, Address, Category, Obligation
from chimera.plan import Plan, PlanItem
from chimera.render.paint import Paint, Style, count, plain, unbroken

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
    lines += (line for item in shown for line in item_lines(item, paint))
    if plan.obligations:
        lines.append(paint("owed before it may be applied:", "bold"))
        lines += obligation_lines(plan.obligations)
    lines.append(plan_summary(plan, paint))
    return "\n".join(lines)


def plan_summary(plan: Plan, paint: Paint = plain) -> str:
    """Return `3 to create, 1 to update, 7 unchanged`, or `nothing to do`.

    A plan against a tree lists nothing that is the same, and so says nothing of it.
    """
    if not plan.changing:
        return paint("nothing to do", "good")
    same = sum(not item.changes and not item.change.paths for item in plan.items)
    unchanged = f", {same} unchanged" if same else ""
    return f"{actions_text(plan)}{unchanged}; plan {plan.digest[7:19]}"


def actions_text(plan: Plan) -> str:
    """Return how many items there are of each action, `no-op` left out."""
    found = Counter(item.change.action for item in plan.changing)
    return ", ".join(f"{found[a]} to {a.value}" for a in Action if found[a])


def item_lines(item: PlanItem, paint: Paint = plain, *, of_change: bool = False) -> Iterator[str]:
    """Yield an item with its reason, what it breaks and the paths that differ.

    `of_change` where a heading says in which layers it is, and a reviewer asks what it means.
    """
    change = item.change
    sign, style = _SIGNS[change.action]
    action = "no-op (dormant)" if item.dormant and not item.changes else change.action.value
    where = f" [{', '.join(item.layers)}]" if item.layers and not of_change else ""
    is_told = of_change or change.category is Category.BREAKING
    category = f" {_category(change.category, paint)}" if change.category and is_told else ""
    target = f"{unbroken(change.target)}{where}"
    head = f"{paint(sign, style)} {paint(action, style)}{category} {target}"
    yield f"{head}: {unbroken(change.reason)}"
    yield from (f"      {unbroken(broken)}" for broken in change.breaks[:_MOST_PATHS])
    yield from _more(len(change.breaks) - _MOST_PATHS, "more")
    if isinstance(change.target, Address) and len(change.paths) < 2:
        return  # a document that stayed in its file
    yield from (f"      {unbroken(path)}" for path in change.paths[:_MOST_PATHS])
    yield from _more(len(change.paths) - _MOST_PATHS, "more path")


def _category(category: Category, paint: Paint) -> str:
    return paint(category.value, "bad" if category is Category.BREAKING else "dim")


def _more(number: int, what: str) -> Iterator[str]:
    if number > 0:
        yield f"      and {number} more" if what == "more" else f"      and {count(number, what)}"


def obligation_lines(obligations: Iterable[Obligation]) -> Iterator[str]:
    """Yield what is owed, one line for each thing owed by each document that asks for it."""
    asked: dict[tuple[str, str, str], list[Obligation]] = {}
    for o in obligations:
        asked.setdefault((o.kind, wanted(o), str(o.source)), []).append(o)
    for (kind, subject, source), group in asked.items():
        first = group[0]
        if len(group) == 1:
            yield f"  {kind} {subject} for {unbroken(first.target)} ({first.reason})"
            continue
        named = some_of(str(o.target) for o in group)
        yield f"  {kind} {subject} for {named} (asked by {source})"


def wanted(obligation: Obligation) -> str:
    """Return what is owed, and by whom and how lately where that is said."""
    detail = dict(obligation.detail)
    words = [obligation.subject]
    if "matter" in detail:
        words.append(f"of {detail['matter']}")
    if "count" in detail:
        words.append("a person" if detail["count"] == "1" else f"{detail['count']} people")
    if detail.get("excludeAuthor") == "true":
        words.append("not its author")
    if "expires" in detail:
        words.append(f"at most {detail['expires']} old")
    return ", ".join(words)


def some_of(names: Iterable[str]) -> str:
    """Return the first few names, and how many more there are."""
    every = list(map(unbroken, names))
    more = len(every) - _MOST_TARGETS
    return ", ".join(every[:_MOST_TARGETS]) + (f" and {more} more" if more > 0 else "")
