"""The plan's digest covers environment, targets, digests and obligations, and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera.model import (
    Action,
    Address,
    Category,
    Change,
    Obligation,
    PathSet,
    UsageError,
    digest_json,
)
from chimera.plan import FORMAT, Plan, PlanItem, plan_from_json, plan_to_json

DIGESTS = [digest_json(n) for n in range(3)]
TARGETS = [
    Address("Workflow", "a"),
    Address("Workflow", "b"),
    PathSet.of(["src/**"]),
    PathSet.of(["a", "b"]),
]
texts = st.text(max_size=4)
digests = st.sampled_from(DIGESTS)
categories = st.sampled_from([None, *Category])


@st.composite
def obligations(draw: st.DrawFn, target: Any) -> Obligation:
    kind = draw(st.sampled_from(["proof", "approval", "record"]))
    detail = (("count", draw(st.sampled_from("12"))),) if kind == "approval" else ()
    source = draw(st.sampled_from([Address("Gate", "g"), Address("Proof", "p")]))
    return Obligation(kind, draw(st.sampled_from("xy")), target, source, draw(texts), detail)


@st.composite
def items(draw: st.DrawFn, target: Any) -> PlanItem:
    before, after = draw(st.none() | digests), draw(st.none() | digests)
    if before == after:
        actions = [Action.NO_OP] + ([Action.RUN] if before else [])
    elif before is None:
        actions = [Action.CREATE]
    else:
        actions = [Action.DELETE if after is None else Action.UPDATE]
    action = draw(st.sampled_from(actions))
    shown = (tuple(draw(st.lists(texts))), draw(categories), tuple(draw(st.lists(texts))))
    change = Change(target, action, before, after, draw(texts), *shown)
    owed = tuple(draw(st.lists(obligations(target), max_size=3)))
    return PlanItem(change, tuple(draw(st.lists(texts))), draw(st.booleans()), owed)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    targets = draw(st.lists(st.sampled_from(TARGETS), unique=True))
    return Plan(
        draw(st.sampled_from(["local", "production"])),
        draw(st.booleans()),
        draw(texts),
        tuple(draw(items(target)) for target in targets),
    )


@given(plans(), st.data())
def test_what_is_only_shown_does_not_change_the_digest(plan: Plan, data: st.DataObject) -> None:
    shown = []
    for item in data.draw(st.permutations(plan.items)):
        change = replace(item.change, reason="other", paths=("x", "y"), breaks=("z",))
        change = replace(change, category=data.draw(categories))
        owed = tuple(replace(o, reason="other") for o in reversed(item.obligations))
        shown.append(PlanItem(change, ("other/1",), not item.dormant, owed))
    assert replace(plan, compared_with="other", items=tuple(shown)).digest == plan.digest


@given(plans())
def test_what_is_not_changed_does_not_change_the_digest(plan: Plan) -> None:
    assert replace(plan, items=plan.changing).digest == plan.digest


CHANGE = Change(TARGETS[0], Action.UPDATE, DIGESTS[0], DIGESTS[1], "r")
OWED = Obligation("approval", "x", TARGETS[0], Address("Gate", "g"), "r", (("count", "1"),))
PLAN = Plan("local", False, "main", (PlanItem(CHANGE, (), False, (OWED,)),))


@pytest.mark.parametrize(
    "other",
    [
        replace(PLAN, environment="production"),
        replace(PLAN, protected=True),
        replace(PLAN, items=()),
        *(
            replace(PLAN, items=(replace(PLAN.items[0], change=replace(CHANGE, **edit)),))
            for edit in (
                {"target": TARGETS[1]},
                {"before": DIGESTS[2]},
                {"before": None, "action": Action.CREATE},
                {"after": DIGESTS[2]},
                {"after": None, "action": Action.DELETE},
            )
        ),
        *(
            replace(PLAN, items=(replace(PLAN.items[0], obligations=owed),))
            for owed in (
                (),
                (OWED, replace(OWED, subject="y")),
                (replace(OWED, kind="proof"),),
                (replace(OWED, subject="y"),),
                (replace(OWED, source=Address("Gate", "h")),),
                (replace(OWED, detail=(("count", "2"),)),),
            )
        ),
    ],
)
def test_whatever_may_drive_an_apply_changes_the_digest(other: Plan) -> None:
    assert other.digest != PLAN.digest


@given(plans())
def test_a_saved_plan_reads_back_as_it_was(plan: Plan) -> None:
    assert plan_from_json(json.loads(json.dumps(plan_to_json(plan)))) == plan


def test_a_plan_says_what_changes_and_what_is_owed_once() -> None:
    idle = PlanItem(replace(CHANGE, action=Action.NO_OP, after=DIGESTS[0]), (), False, (OWED,))
    again = replace(PLAN.items[0], change=replace(CHANGE, target=TARGETS[1]))
    plan = replace(PLAN, items=(idle, again, PLAN.items[0]))
    assert plan.changing == (again, PLAN.items[0])
    assert plan.obligations == (OWED,)
    assert plan.item(TARGETS[1]) == again
    assert plan.item(TARGETS[2]) is None


def saved(**edits: Any) -> dict[str, Any]:
    return {**plan_to_json(PLAN), **edits}


def with_item(**edits: Any) -> dict[str, Any]:
    return saved(items=[{**plan_to_json(PLAN)["items"][0], **edits}])


@pytest.mark.parametrize(
    "edited",
    [
        saved(environment="production"),
        saved(protected=True),
        saved(items=[]),
        saved(digest=DIGESTS[0]),
        with_item(target="Workflow/b"),
        with_item(target="paths:src/**"),
        with_item(after=DIGESTS[2]),
        with_item(action="no-op"),
        with_item(action="delete"),
        with_item(action="run"),
        with_item(action="create"),
        with_item(obligations=[]),
    ],
)
def test_an_edited_plan_is_refused(edited: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="was edited"):
        plan_from_json(edited)


def test_diagnostics_beside_a_saved_plan_do_not_disturb() -> None:
    assert plan_from_json(saved(outcome="changed", diagnostics=[])) == PLAN


def test_a_plan_saved_before_changes_had_categories_can_be_read() -> None:
    item = {k: v for k, v in saved()["items"][0].items() if k not in {"category", "breaks"}}
    assert plan_from_json(saved(items=[item])) == PLAN


def test_a_category_that_there_is_not_is_no_plan() -> None:
    with pytest.raises(UsageError, match=r"items\.0\.category is not what a plan has there"):
        plan_from_json(with_item(category="harmless"))


def test_another_format_is_named() -> None:
    with pytest.raises(UsageError, match="has the format 'chimera-plan/9'"):
        plan_from_json(saved(format="chimera-plan/9"))
    assert plan_to_json(PLAN)["format"] == FORMAT == "chimera-plan/1"


@pytest.mark.parametrize(
    "hostile",
    [
        None,
        [],
        {},
        "plan",
        saved(format=None),
        saved(format=[]),
        saved(items=None),
        saved(items={}),
        saved(items=[None]),
        saved(items="abc"),
        saved(environment=None),
        saved(environment=""),
        saved(protected="yes"),
        saved(digest="sha256:0"),
        with_item(target="../../etc/passwd"),
        with_item(target="paths:"),
        with_item(target="x" * 100_000),
        with_item(action="destroy"),
        with_item(after="sha256:0"),
        with_item(after=float("nan")),
        with_item(after=10**400),
        with_item(paths="abc"),
        with_item(paths=[1]),
        with_item(target="paths:\ud800"),
        saved(environment="\ud800"),
        with_item(extra=1),
        with_item(obligations=[{"kind": "bribe"}]),
        with_item(obligations=[{**plan_to_json(PLAN)["items"][0]["obligations"][0], "detail": 1}]),
        with_item(
            obligations=[{**plan_to_json(PLAN)["items"][0]["obligations"][0], "source": "x"}]
        ),
    ],
)
def test_what_is_no_plan_is_refused_with_help(hostile: Any) -> None:
    with pytest.raises(UsageError) as refused:
        plan_from_json(hostile)
    assert "chimera plan" in str(refused.value.help) or "make the plan" in str(refused.value.help)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


def routes(value: Any, route: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if not isinstance(value, (dict, list)):
        return [route]
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    return [route, *(r for key, v in inner for r in routes(v, (*route, key)))]


def put(value: Any, route: tuple[Any, ...], new: Any) -> Any:
    if not route:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[route[0]] = put(value[route[0]], route[1:], new)
    return copy


@given(plans(), st.data())
def test_any_json_is_a_plan_or_a_usage_error(plan: Plan, data: st.DataObject) -> None:
    value = plan_to_json(plan)
    route = data.draw(st.sampled_from(routes(value)))
    mutated = put(value, route, data.draw(anything))
    try:
        read = plan_from_json(mutated)
    except UsageError:
        return
    assert read.digest == mutated["digest"] == plan.digest
    assert plan_from_json(plan_to_json(read)) == read
