"""Plans as JSON with a format version, written by `plan --out` and read by `show` and `apply`.

What is read is hostile until its shape, its actions and its digest have been checked.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from chimera.kinds import DigestText, Items, Model, Text, ValidationError
from chimera.model import (
    Action,
    Address,
    Category,
    Change,
    ChimeraError,
    Obligation,
    ObligationKind,
    Target,
    UsageError,
    parse_target,
)
from chimera.plan.plan import FORMAT, Plan, PlanItem


class _Obligation(Model):
    kind: ObligationKind
    subject: Text
    source: Text
    reason: str
    detail: dict[str, str]


class _Waiver(Model):
    address: Text
    digest: DigestText


class _Item(Model):
    target: Text
    action: Text
    before: DigestText | None
    after: DigestText | None
    reason: str
    paths: Items[str]
    category: Literal["cosmetic", "compatible", "breaking"] | None = None
    breaks: Items[str] = ()
    layers: Items[str]
    dormant: bool
    obligations: Items[_Obligation]
    waivers: Items[_Waiver] = ()


class _Plan(Model, extra="ignore"):
    """The saved fields; `plan -o json` writes diagnostics beside them, which drive nothing."""

    digest: DigestText
    environment: Text
    protected: bool
    compared_with: str
    items: Items[_Item]


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """Return a plan as JSON; its digest is written beside it for readers, and computed again on
    the way in.
    """
    return {
        "format": FORMAT,
        "digest": plan.digest,
        "environment": plan.environment,
        "protected": plan.protected,
        "comparedWith": plan.compared_with,
        "items": [_item_to_json(item) for item in plan.items],
    }


def _item_to_json(item: PlanItem) -> dict[str, Any]:
    change = item.change
    waivers = [{"address": str(address), "digest": digest} for address, digest in item.waivers]
    return {
        "target": str(change.target),
        "action": change.action.value,
        "before": change.before,
        "after": change.after,
        "reason": change.reason,
        "paths": list(change.paths),
        "category": change.category.value if change.category else None,
        "breaks": list(change.breaks),
        "layers": list(item.layers),
        "dormant": item.dormant,
        "obligations": [
            {
                "kind": o.kind,
                "subject": o.subject,
                "source": str(o.source),
                "reason": o.reason,
                "detail": dict(o.detail),
            }
            for o in item.obligations
        ],
        **({"waivers": waivers} if waivers else {}),
    }


def read_plan(file: Path) -> Plan:
    """Read a saved plan; raises `UsageError` for what is none, or was edited."""
    try:
        return plan_from_json(json.loads(file.read_text("utf-8")))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise UsageError(
            f"{file} is not a saved plan: {error}", help="make one with `chimera plan --out FILE`"
        ) from error


def plan_from_json(value: Any) -> Plan:
    """Read a saved plan; raises `UsageError` for anything that is not one, or was edited."""
    found = value.get("format") if isinstance(value, dict) else None
    if isinstance(found, str) and found != FORMAT:
        raise UsageError(
            f"the plan has the format {found!r}, not {FORMAT}",
            help="make the plan again with this version of Chimera",
        )
    if found != FORMAT:
        raise _no_plan("it has no format")
    try:
        saved = _Plan.model_validate(value)
        items = tuple(map(_item, saved.items))
        plan = Plan(saved.environment, saved.protected, saved.compared_with, items)
        was_edited = plan.digest != saved.digest or not all(map(_fits, items))
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        raise _no_plan(f"{where} is not what a plan has there") from error
    except (ChimeraError, ValueError) as error:
        raise _no_plan(str(error)) from error
    if was_edited:
        raise UsageError(
            "the saved plan was edited: its digest does not fit its items",
            help="make the plan again with `chimera plan --out FILE`",
        )
    return plan


def _no_plan(reason: str) -> UsageError:
    return UsageError(
        f"this is not a saved plan: {reason}", help="make one with `chimera plan --out FILE`"
    )


def _item(item: _Item) -> PlanItem:
    target: Target = parse_target(item.target)
    change = Change(
        target,
        Action(item.action),
        item.before,
        item.after,
        item.reason,
        item.paths,
        Category(item.category) if item.category else None,
        item.breaks,
    )
    obligations = tuple(
        Obligation(
            o.kind,
            o.subject,
            target,
            Address.parse(o.source),
            o.reason,
            tuple(sorted(o.detail.items())),
        )
        for o in item.obligations
    )
    waivers = tuple((Address.parse(w.address), w.digest) for w in item.waivers)
    return PlanItem(change, item.layers, item.dormant, obligations, waivers)


def _fits(item: PlanItem) -> bool:
    """Tell whether the action follows from the digests, which alone are in the plan's digest."""
    before, after = item.change.before, item.change.after
    match item.change.action:
        case Action.CREATE:
            return before is None and after is not None
        case Action.UPDATE:
            return None not in {before, after} and before != after
        case Action.DELETE:
            return before is not None and after is None
        case Action.RUN:
            return before is not None and before == after
        case Action.NO_OP:
            return before == after or (item.dormant and before is None)
