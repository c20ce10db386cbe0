"""Plans: what is to be done in a context, as steps that depend on one another.

Owns what can be asked of them; what they are and how they advance is `planning`'s. Refuses to
change anything but a draft, and to complete a plan with steps that are not done.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from chimera.builtin.coordination.declaring import stored
from chimera.builtin.coordination.modules.context import SHELF as CONTEXTS
from chimera.builtin.coordination.modules.context import open_context
from chimera.builtin.coordination.notices import Noted, Notice
from chimera.builtin.coordination.planning import (
    BEFORE,
    DONE,
    SHELF,
    STATUSES,
    Configuration,
    Plan,
    Status,
    StepStatus,
    Work,
    move_step,
    planned,
    start,
    step_named,
)
from chimera.builtin.coordination.protocol import Id
from chimera.builtin.coordination.shelf import Call
from chimera.kinds import Field, Items, Model, Text
from chimera.runtime import ModuleType, OperationCall, PermanentError


class Created(Model):
    """The plan that is asked for."""

    context_id: Text = Field(description="Id or alias of the context in which it is done.")
    title: Text | None = Field(
        default=None, description="What it is called; like its context if left out."
    )
    objective: Text | None = Field(
        default=None, description="What it is to bring about; its title if left out."
    )
    steps: Items[Work] = Field(
        default=(), description="What is to do; one step, the objective, if there is none."
    )


class Named(Model):
    """Which plan is meant."""

    plan_id: Text = Field(description="Id or alias of the plan, such as plan-001.")


class Updated(Named):
    """What of a draft becomes something else; what is left out stays."""

    title: Text | None = Field(default=None, description="What it is called from now on.")
    objective: Text | None = Field(default=None, description="What it is to bring about.")
    steps: Annotated[Items[Work], Field(min_length=1)] | None = Field(
        default=None, description="What is to do from now on, instead of what was."
    )


class Reasoned(Named):
    """Which plan is meant, and why."""

    reason: str = Field(default="", description="Why.")


class ContextUpdated(Model):
    """What changed in a context."""

    context_id: Text = Field(description="Id or alias of the context.")
    changes: Items[Text] = Field(default=(), description="What changed, such as participants.")


class StepNamed(Named):
    """Which step of a plan is meant."""

    step_id: Text = Field(description="Id of the step, or its place in the plan, counted from 0.")
    reason: str = Field(default="", description="Why it comes to that.")


class Query(Model):
    """Which plans are asked for."""

    context_id: Text | None = Field(default=None, description="Id or alias of their context.")
    status: Items[Status] = Field(
        default=(), description="Statuses that are asked for; any if none."
    )
    limit: Annotated[int, Field(ge=1, le=1000)] = Field(default=100, description="Most to give.")


class Given(Model):
    """A plan."""

    plan_id: Id = Field(description="Id of the plan.")
    alias: str = Field(description="Its alias, such as plan-001.")
    status: Status = Field(description="Where it stands.")
    plan: Plan = Field(description="The plan, as the protocol states it.")


class Found(Model):
    """The plans that were found."""

    plans: Items[Plan] = Field(description="The plans, the oldest first.")
    count: int = Field(description="How many they are.")


class Deleted(Model):
    """What is gone."""

    plan_id: Id = Field(description="Id of the plan that was deleted.")


def _create(call: OperationCall[Created]) -> Mapping[str, Any]:
    asked = call.inputs
    context = open_context(call, asked.context_id)
    title = asked.title or context.title
    objective = asked.objective or context.summary or title
    steps, work = planned(call, asked.steps or (Work(description=objective),))
    fields = {
        "context_id": context.context_id,
        "title": title,
        "objective": objective,
        "status": "draft",
        "steps": steps,
    }
    return _given(call, SHELF.add(call, "created", fields, work=work))


def _get(call: OperationCall[Named]) -> Mapping[str, Any]:
    return _given(call, SHELF.get(call, call.inputs.plan_id))


def _update(call: OperationCall[Updated]) -> Mapping[str, Any]:
    asked = call.inputs
    plan = SHELF.get(call, asked.plan_id)
    if plan.status != "draft":
        raise PermanentError(
            f"the plan {SHELF.alias(call, plan)} is {plan.status}, and only a draft is changed",
            help="plan.reject makes a draft of a proposed plan again",
        )
    fields: dict[str, Any] = {}
    if asked.title is not None:
        fields["title"] = asked.title
    if asked.objective is not None:
        fields["objective"] = asked.objective
    if asked.steps is not None:
        fields["steps"], work = planned(call, asked.steps)
        SHELF.note(call, plan, work=work)
    return _given(call, SHELF.change(call, plan, "updated", fields))


def _propose(call: OperationCall[Named]) -> Mapping[str, Any]:
    return _moved(call, "proposed", "proposed")


def _approve(call: OperationCall[Named]) -> Mapping[str, Any]:
    return _moved(call, "approved", "approved")


def _reject(call: OperationCall[Reasoned]) -> Mapping[str, Any]:
    return _moved(call, "draft", "rejected")


def _start(call: OperationCall[Named]) -> Mapping[str, Any]:
    return _given(call, start(call, SHELF.get(call, call.inputs.plan_id)))


def _complete(call: OperationCall[Named]) -> Mapping[str, Any]:
    plan = SHELF.get(call, call.inputs.plan_id)
    left = [step.step_id for step in plan.steps if step.status not in DONE]
    if left:
        raise PermanentError(
            f"{len(left)} steps of the plan {SHELF.alias(call, plan)} are not done: {left[0]}",
            help="complete or skip them first",
        )
    return _moved(call, "completed", "completed")


def _fail(call: OperationCall[Reasoned]) -> Mapping[str, Any]:
    return _moved(call, "failed", "failed")


def _cancel(call: OperationCall[Reasoned]) -> Mapping[str, Any]:
    return _moved(call, "cancelled", "cancelled")


def _delete(call: OperationCall[Named]) -> Mapping[str, Any]:
    plan = SHELF.get(call, call.inputs.plan_id)
    if plan.status == "in_progress":
        raise PermanentError(
            f"the plan {SHELF.alias(call, plan)} is being executed", help="cancel it first"
        )
    SHELF.remove(call, plan)
    return {"planId": plan.plan_id}


def _query(call: OperationCall[Query]) -> Mapping[str, Any]:
    asked = call.inputs
    equal = {}
    if asked.context_id is not None:
        equal["context_id"] = CONTEXTS.get(call, asked.context_id).context_id
    found = [
        plan
        for plan in SHELF.find(call, **equal)
        if not asked.status or plan.status in asked.status
    ]
    found.sort(key=lambda plan: (plan.meta.created_at or "", plan.plan_id))
    return {"plans": tuple(found[: asked.limit]), "count": len(found[: asked.limit])}


def _moved(call: Call, status: Status, event: str) -> Mapping[str, Any]:
    plan = SHELF.get(call, call.inputs.plan_id)
    reason = getattr(call.inputs, "reason", "")
    STATUSES.move(plan.status, status, SHELF.alias(call, plan))
    told = {"status": status} | ({"reason": reason} if reason else {})
    return _given(call, SHELF.change(call, plan, event, {"status": status}, told))


def _hear(call: OperationCall[Notice]) -> Mapping[str, Any]:
    """Note a change of the context, or give up what has not begun in one that is over."""
    said = call.inputs
    if said.topic == "context.updated":
        return _noted(call, said.object, said.changes)
    idle = [plan for plan in _in(call, said.object) if plan.status in BEFORE]
    for plan in idle:
        told = {"status": "cancelled", "reason": f"{said.topic} {said.object}"}
        SHELF.change(call, plan, "cancelled", {"status": "cancelled"}, told)
    return {"changed": tuple(plan.plan_id for plan in idle)}


def _context_updated(call: OperationCall[ContextUpdated]) -> Mapping[str, Any]:
    context = open_context(call, call.inputs.context_id)
    return _noted(call, context.context_id, call.inputs.changes)


def _noted(call: Call, context: str, changes: Iterable[str]) -> Mapping[str, Any]:
    """Have every plan that is not over say in its events that its context changed."""
    going_on = [plan for plan in _in(call, context) if not STATUSES.is_final(plan.status)]
    told = {"context": context, "changes": sorted(changes)}
    for plan in going_on:
        SHELF.change(call, plan, "context.updated", {}, told)
    return {"changed": tuple(plan.plan_id for plan in going_on)}


def _in(call: Call, context: str) -> list[Plan]:
    return list(SHELF.find(call, context_id=context))


def _step_mover(status: StepStatus) -> Any:
    def run(call: OperationCall[StepNamed]) -> Mapping[str, Any]:
        plan = SHELF.get(call, call.inputs.plan_id)
        step = step_named(plan, call.inputs.step_id)
        return _given(call, move_step(call, plan, step, status, call.inputs.reason))

    return run


def _given(call: Call, plan: Plan) -> Mapping[str, Any]:
    return {
        "planId": plan.plan_id,
        "alias": SHELF.alias(call, plan),
        "status": plan.status,
        "plan": plan,
    }


_STEPS: tuple[tuple[str, str, StepStatus], ...] = (
    ("startStep", "Begin a step of a plan.", "in_progress"),
    ("completeStep", "Say that a step of a plan is done.", "completed"),
    ("failStep", "Say that a step of a plan failed.", "failed"),
    ("blockStep", "Say that a step of a plan cannot go on.", "blocked"),
    ("skipStep", "Leave a step of a plan out.", "skipped"),
    ("resetStep", "Let a step that failed or was blocked be done again.", "pending"),
)

OPERATIONS = (
    stored("plan.create", "Write a plan for a context.", Created, Given, _create, "createPlan"),
    stored("plan.get", "Give a plan.", Named, Given, _get),
    stored("plan.update", "Change a draft.", Updated, Given, _update),
    stored("plan.propose", "Ask for a plan's approval.", Named, Given, _propose),
    stored("plan.approve", "Approve a proposed plan.", Named, Given, _approve),
    stored("plan.reject", "Make a draft of a plan again.", Reasoned, Given, _reject),
    stored("plan.start", "Begin a plan whose steps others do.", Named, Given, _start),
    stored("plan.complete", "End a plan whose steps are done.", Named, Given, _complete),
    stored("plan.fail", "End a plan that failed.", Reasoned, Given, _fail),
    stored("plan.cancel", "Give a plan up.", Reasoned, Given, _cancel),
    stored("plan.delete", "Forget a plan.", Named, Deleted, _delete),
    stored("plan.hear", "Take note of what became of a context.", Notice, Noted, _hear),
    stored(
        "plan.contextUpdated",
        "Tell the plans of a context that it changed.",
        ContextUpdated,
        Noted,
        _context_updated,
    ),
    stored("plan.query", "Find plans.", Query, Found, _query),
    *(
        stored(f"plan.{name}", summary, StepNamed, Given, _step_mover(status))
        for name, summary, status in _STEPS
    ),
)

TYPE = ModuleType(
    name="plan",
    summary="What is to be done in a context, as steps that depend on one another.",
    configuration=Configuration,
    collections=("plan", "plan.facts"),
    subscriptions={
        "context.updated": "plan.hear",
        "context.closed": "plan.hear",
        "context.expired": "plan.hear",
        "context.deleted": "plan.hear",
    },
)
