"""Plans: what is to be done in a context, as steps that depend on one another.

Owns the machines of plans and of their steps: a step begins only in a plan that is in progress,
and only after the steps that it depends on. Refuses dependencies that lead nowhere or in a circle.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

from chimera.builtin.coordination.declaring import configured, stored
from chimera.builtin.coordination.machine import Machine
from chimera.builtin.coordination.modules.context import open_context
from chimera.builtin.coordination.notices import Noted, Notice
from chimera.builtin.coordination.protocol import Count, Id, Maybe, Part, Record
from chimera.builtin.coordination.shelf import Call, Shelf
from chimera.kinds import Field, Items, Model, Text
from chimera.runtime import ModuleType, OperationCall, PermanentError

Status = Literal["draft", "proposed", "approved", "in_progress", "completed", "cancelled", "failed"]
StepStatus = Literal["pending", "in_progress", "completed", "blocked", "skipped", "failed"]

STATUSES = Machine(
    "plan",
    begins=("draft",),
    follows={
        "draft": ("proposed", "cancelled"),
        "proposed": ("approved", "draft", "cancelled"),
        "approved": ("in_progress", "cancelled"),
        "in_progress": ("completed", "failed", "cancelled"),
        "failed": ("in_progress", "cancelled"),
        "completed": (),
        "cancelled": (),
    },
)
STEP_STATUSES = Machine(
    "step",
    begins=("pending",),
    follows={
        "pending": ("in_progress", "blocked", "skipped"),
        "in_progress": ("completed", "failed", "blocked"),
        "blocked": ("pending", "skipped"),
        "failed": ("pending", "skipped"),
        "completed": (),
        "skipped": (),
    },
)
BEFORE = ("draft", "proposed", "approved")
"""The statuses of plans that have not begun."""

DONE = ("completed", "skipped")
"""The statuses of steps after which what depends on them can begin."""


class PlanStep(Part):
    """One thing to do."""

    step_id: Id = Field(description="Id of the step.")
    description: Text = Field(description="What is to be done.")
    status: StepStatus = Field(description="Where it stands.")
    dependencies: Maybe[Items[Id]] = Field(
        default=None, description="Steps that must be done before it."
    )
    agent_role: Maybe[str] = Field(default=None, description="Role that does it.")
    order_index: Maybe[Count] = Field(default=None, description="Its place in the plan.")


class Plan(Record):
    """What is to be done in a context."""

    plan_id: Id = Field(description="Id of the plan.")
    context_id: Id = Field(description="Context in which it is done.")
    title: Text = Field(description="What it is called.")
    objective: Text = Field(description="What it is to bring about.")
    status: Status = Field(description="Where it stands.")
    steps: Annotated[Items[PlanStep], Field(min_length=1)] = Field(description="What is to do.")


class Configuration(Model):
    """Limits of the module `plan`."""

    max_steps: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=1000, description="Steps that one plan can have."
    )
    require_approval: bool = Field(
        default=False, description="Whether a plan must have been approved before it is executed."
    )


SHELF = Shelf("plan", Plan, "plan", STATUSES)


class Work(Model):
    """One thing to do, as the plan's author writes it."""

    id: Text | None = Field(
        default=None, description="Name by which other steps of the plan depend on it."
    )
    description: Text = Field(description="What is to be done.")
    operation: Text | None = Field(
        default=None,
        description="Operation that does it; a step without one is only kept account of.",
    )
    inputs: dict[str, Any] = Field(default_factory=dict, description="Inputs of the operation.")
    agent_role: str | None = Field(default=None, description="Role that does it.")
    dependencies: Items[Text] = Field(
        default=(), description="Names of the steps that must be done before it."
    )


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


def step_named(plan: Plan, name: str) -> PlanStep:
    """Return a step by its id or its place; raises `PermanentError` where there is none."""
    for place, step in enumerate(plan.steps):
        if name in {step.step_id, str(place)}:
            return step
    raise PermanentError(
        f"the plan {plan.plan_id} has no step {name}", help="plan.get shows its steps"
    )


def work_of(call: Call, plan: Plan) -> Mapping[str, Mapping[str, Any]]:
    """Return the operation and its inputs of each step that names one, by step id."""
    work: Mapping[str, Mapping[str, Any]] = SHELF.facts(call, plan).get("work", {})
    return work


def move_step(call: Call, plan: Plan, step: PlanStep, status: StepStatus, reason: str = "") -> Plan:
    """Keep the plan with another status of one step; raises `PermanentError` if that is illegal."""
    STEP_STATUSES.move(step.status, status, step.step_id)
    if status == "in_progress":
        _check_can_begin(call, plan, step)
    steps = [
        one | ({"status": status} if one["step_id"] == step.step_id else {})
        for one in SHELF.plain(plan)["steps"]
    ]
    told = {"step": step.step_id, "status": status} | ({"reason": reason} if reason else {})
    return SHELF.change(
        call, plan, _STEP_EVENTS.get(status, f"step.{status}"), {"steps": steps}, told
    )


_STEP_EVENTS = {"in_progress": "step.started", "pending": "step.reset"}


def _check_can_begin(call: Call, plan: Plan, step: PlanStep) -> None:
    if plan.status != "in_progress":
        raise PermanentError(
            f"the plan {SHELF.alias(call, plan)} is {plan.status}: none of its steps can begin",
            help="begin the plan with plan.start, or execute it with core.executePlan",
        )
    by_id = {one.step_id: one for one in plan.steps}
    waits = [need for need in step.dependencies or () if by_id[need].status not in DONE]
    if waits:
        raise PermanentError(
            f"the step {step.step_id} cannot begin before {', '.join(waits)}",
            help="complete or skip what it depends on",
        )


def _create(call: OperationCall[Created]) -> Mapping[str, Any]:
    asked = call.inputs
    context = open_context(call, asked.context_id)
    title = asked.title or context.title
    objective = asked.objective or context.summary or title
    steps, work = _planned(call, asked.steps or (Work(description=objective),))
    fields = {
        "context_id": context.context_id,
        "title": title,
        "objective": objective,
        "status": "draft",
        "steps": steps,
    }
    return _given(call, SHELF.add(call, "created", fields, work=work))


def _planned(
    call: Call, wanted: Sequence[Work]
) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
    """Return the steps with their ids, and the work of those that name an operation."""
    limit = configured(call, "plan", Configuration).max_steps
    if len(wanted) > limit:
        raise PermanentError(
            f"a plan of {len(wanted)} steps is longer than the module admits, {limit}",
            help="divide it, or raise maxSteps in the Module document",
        )
    ids = {work.id or f"#{place}": call.new_id() for place, work in enumerate(wanted)}
    if len(ids) != len(wanted):
        raise PermanentError("two steps of the plan have one name", help="name each step once")
    steps, work_of_steps = [], {}
    for place, work in enumerate(wanted):
        id = ids[work.id or f"#{place}"]
        step: dict[str, Any] = {"step_id": id, "description": work.description, "status": "pending"}
        if work.dependencies:
            step["dependencies"] = [_known(ids, name) for name in work.dependencies]
        if work.agent_role is not None:
            step["agent_role"] = work.agent_role
        steps.append({**step, "order_index": place})
        if work.operation is not None:
            work_of_steps[id] = {"operation": work.operation, "inputs": work.inputs}
    in_order(steps)
    return steps, work_of_steps


def _known(ids: Mapping[str, str], name: str) -> str:
    if name in ids:
        return ids[name]
    raise PermanentError(
        f"a step of the plan depends on {name}, which is not one of its steps",
        help="name a step by the id that it has in this plan",
    )


def in_order(steps: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the ids of steps, each after those that it depends on.

    Raises `PermanentError` where steps wait for one another.
    """
    waiting = {step["step_id"]: set(step.get("dependencies") or ()) for step in steps}
    ordered: list[str] = []
    while waiting:
        free = [id for id, needs in waiting.items() if not needs & waiting.keys()]
        if not free:
            raise PermanentError(
                f"the steps {', '.join(sorted(waiting))} wait for one another",
                help="remove one of their dependencies",
            )
        ordered += free
        for id in free:
            del waiting[id]
    return ordered


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
        fields["steps"], work = _planned(call, asked.steps)
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


def start(call: Call, plan: Plan) -> Plan:
    """Begin a plan: one that was approved, or any draft where the module asks for no approval.

    A plan that failed goes on: what failed or was blocked in it is pending again.
    """
    open_context(call, plan.context_id)
    if plan.status == "draft" and not configured(call, "plan", Configuration).require_approval:
        plan = SHELF.move(call, plan, "proposed", "proposed")
        plan = SHELF.move(call, plan, "approved", "approved")
    again = plan.status == "failed"
    plan = SHELF.move(call, plan, "in_progress", "started")
    for step in plan.steps if again else ():
        if step.status in {"failed", "blocked"}:
            plan = move_step(call, plan, step, "pending", "the plan is executed again")
    return plan


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
        equal["context_id"] = open_context(call, asked.context_id).context_id
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
