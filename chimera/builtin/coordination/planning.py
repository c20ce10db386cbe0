"""What plans are and how they advance: their steps, the machines of both, and what begins when.

A step begins only in a plan that is in progress, and only after the steps that it depends on.
Refuses dependencies that lead nowhere or in a circle.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

from chimera.builtin.coordination.declaring import configured
from chimera.builtin.coordination.machine import Machine
from chimera.builtin.coordination.modules.context import open_context
from chimera.builtin.coordination.protocol import Count, Id, Maybe, Part, Record
from chimera.builtin.coordination.shelf import Call, Shelf
from chimera.kinds import Field, Items, Model, Text
from chimera.runtime import PermanentError

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


def planned(
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
