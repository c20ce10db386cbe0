"""What an entry of the changelog can say by itself, from the plan of the change it is about.

Refuses to guess: what only a person knows is named as missing, and what is drafted says from what.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from chimera.builtin.records.kinds import written
from chimera.kinds import DELETED
from chimera.model import Action, Address, Category, Change
from chimera.plan import Plan, PlanItem

KIND = "ChangelogEntry"
_ASKED = ("summary", "scope", "risk", "verification", "rollback")
_LONGEST_SUMMARY = 200
_MOST_NAMED = 3
_DATABASE = frozenset((".sql", ".ddl"))
_DATABASE_FOLDERS = frozenset(("migrations", "migrate", "alembic"))
_CODE = frozenset(
    (
        *(".c", ".cc", ".cpp", ".cs", ".ex", ".exs", ".go", ".h", ".java", ".js", ".jsx", ".kt"),
        *(".lua", ".mjs", ".php", ".py", ".pyi", ".rb", ".rs", ".scala", ".sh", ".swift", ".ts"),
        ".tsx",
    )
)
_SCOPES = ("database", "code", "config")
_WORDS = {
    Action.CREATE: "Add",
    Action.UPDATE: "Change",
    Action.DELETE: "Delete",
    Action.RUN: "Run",
}


@dataclass(frozen=True, slots=True)
class Drafted:
    """An entry as far as a plan tells it: fields by their names in YAML, and from what they are."""

    fields: dict[str, Any]
    why: dict[str, str] = field(default_factory=dict)

    @property
    def missing(self) -> tuple[str, ...]:
        """The fields that a person must give, in their order."""
        return tuple(name for name in _ASKED if name not in self.fields)

    def spec(self) -> dict[str, Any]:
        """Return what is known, in the order in which an entry says it."""
        order = ("date", "environment", *_ASKED, "effective", "recorded", "answers")
        known = {name: self.fields[name] for name in order if name in self.fields}
        return known | self.fields


def draft(
    plan: Plan,
    items: Sequence[PlanItem] | None = None,
    *,
    now: datetime,
    undone_by: str | None = None,
) -> Drafted:
    """Draft the entry for `items` of a plan; for those that owe one, or else all, if left out.

    `undone_by` is the commit that held before, where that is known: it makes a rollback hint for
    what a rollback of code or configuration can restore.
    """
    chosen = tuple(items) if items is not None else owing(plan)
    changes = [item.change for item in chosen]
    answers = [{"target": str(c.target), "after": c.after or DELETED} for c in changes]
    fields: dict[str, Any] = {
        "date": f"{now:%Y-%m-%d}",
        "environment": plan.environment,
        "recorded": written(now),
        **({"answers": answers} if answers else {}),
    }
    why = {"answers": "what the plan changes, with the digests that it leaves"}
    if not changes:
        return Drafted(fields)
    fields["summary"], why["summary"] = _summary(changes), "the targets of the plan"
    scopes = {scope for change in changes for scope in _scopes(change)}
    scope = next(scope for scope in _SCOPES if scope in scopes)
    fields["scope"], why["scope"] = scope, _why_scope(scope, changes)
    risk = _risk(scope, changes)
    if risk is not None:
        fields["risk"], why["risk"] = "high", risk
    if undone_by is not None and scope != "database":
        fields["rollback"] = f"chimera rollback plan --to {undone_by} --env {plan.environment}"
        why["rollback"] = f"{undone_by[:12]} is what holds now"
    return Drafted(fields, why)


def owing(plan: Plan) -> tuple[PlanItem, ...]:
    """Return the items of a plan that owe an entry, or all that change where none does."""
    return tuple(item for item in plan.changing if owes(item)) or plan.changing


def owes(item: PlanItem) -> bool:
    """Tell whether an item owes an entry."""
    return any(one.kind == "record" and one.subject == KIND for one in item.obligations)


def _summary(changes: Sequence[Change]) -> str:
    """Return one line that names what changes, as much as fits."""
    parts: dict[str, list[str]] = {}
    for change in changes[:_MOST_NAMED]:
        parts.setdefault(_WORDS.get(change.action, "Change"), []).append(_named(change))
    text = "; ".join(f"{word} {', '.join(names)}" for word, names in parts.items())
    more = len(changes) - _MOST_NAMED
    text += f", and {more} more" if more > 0 else ""
    return text if len(text) <= _LONGEST_SUMMARY else text[: _LONGEST_SUMMARY - 1] + "…"


def _named(change: Change) -> str:
    if isinstance(change.target, Address):
        return str(change.target)
    paths = change.paths or change.target.globs
    others = len(paths) - 1
    return f"{paths[0]} and {others} other path{'s' if others > 1 else ''}" if others else paths[0]


def _scopes(change: Change) -> set[str]:
    """Return what kinds of things a change is of; a document is configuration."""
    if isinstance(change.target, Address):
        return {"config"}
    return {_scope(path) for path in change.paths or change.target.globs}


def _scope(path: str) -> str:
    pure = PurePosixPath(path)
    if pure.suffix in _DATABASE or not _DATABASE_FOLDERS.isdisjoint(pure.parts):
        return "database"
    return "code" if pure.suffix in _CODE or pure.suffix == "" else "config"


def _why_scope(scope: str, changes: Sequence[Change]) -> str:
    paths = [p for c in changes for p in c.paths if _scope(p) == scope]
    return f"{paths[0]} changes" if paths else "documents change"


def _risk(scope: str, changes: Sequence[Change]) -> str | None:
    """Return why the risk is high, where the plan shows it; nothing shows that it is less."""
    for change in changes:
        if change.category is Category.BREAKING:
            return f"{_named(change)} breaks what refers to it"
        if change.action is Action.DELETE:
            return f"{_named(change)} is deleted"
    return "a database changes" if scope == "database" else None
