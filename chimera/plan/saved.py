"""Plans as JSON with a format version, written by `plan --out` and read by `show` and `apply`."""

from __future__ import annotations

from typing import Any

from chimera.model import (
    Action,
    Address,
    Change,
    Obligation,
    Target,
    UsageError,
    parse_target,
)
from chimera.plan.plan import FORMAT, Plan, PlanItem


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
    return {
        "target": str(change.target),
        "action": change.action.value,
        "before": change.before,
        "after": change.after,
        "reason": change.reason,
        "paths": list(change.paths),
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
    }


def plan_from_json(value: Any) -> Plan:
    """Read a saved plan; raises `UsageError` for anything that is not one, or was edited."""
    try:
        if value["format"] != FORMAT:
            raise UsageError(
                f"the plan has the format {value['format']!r}, not {FORMAT}",
                help="make the plan again with this version of Chimera",
            )
        plan = Plan(
            value["environment"],
            value["protected"],
            value["comparedWith"],
            tuple(_item_from_json(item) for item in value["items"]),
        )
        digest = value["digest"]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(
            f"this is not a saved plan: {error!r}", help="make one with `chimera plan --out FILE`"
        ) from error
    if plan.digest != digest:
        raise UsageError(
            "the saved plan was edited: its digest does not fit its items",
            help="make the plan again with `chimera plan --out FILE`",
        )
    return plan


def _item_from_json(value: dict[str, Any]) -> PlanItem:
    target: Target = parse_target(value["target"])
    change = Change(
        target,
        Action(value["action"]),
        value["before"],
        value["after"],
        value["reason"],
        tuple(value["paths"]),
    )
    obligations = tuple(
        Obligation(
            o["kind"],
            o["subject"],
            target,
            Address.parse(o["source"]),
            o["reason"],
            tuple(sorted(o["detail"].items())),
        )
        for o in value["obligations"]
    )
    return PlanItem(change, tuple(value["layers"]), value["dormant"], obligations)
