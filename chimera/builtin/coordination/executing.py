"""The execution of a plan, laid out as durable steps.

    begin → 0, 1, 2, … (each: start → do → end) → finish → outcome

`begin` starts the plan and opens its trace. Each step of the plan is begun, done and ended: the
first and the last change the step's status and its segment of the trace, in the store; in between,
its operation is a durable step of its own, journaled like any stage's. One that failed is kept
account of as failed, and what depends on it as blocked. `finish` ends plan and trace by what came
of the steps, and only then `outcome` fails where the plan did, so that what is known of the failure
is committed. To execute what is left of a plan that failed, its stage is retried as a whole: the
steps that are completed are passed over.

A step of a role without an operation waits for the signal `PLAN/PLACE` (`plan-001/2`), by which
somebody says that it is done, or by the data `{"status": "failed"}` that it is not. Plans are data,
which nobody reviewed: refuses operations with effects that the module's configuration does not
name, those that nobody registered, and those that the role of a step cannot do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from chimera.builtin.coordination import planning as plans
from chimera.builtin.coordination.declaring import configured
from chimera.builtin.coordination.hub.waiting import letter_of
from chimera.builtin.coordination.modules import role as roles
from chimera.builtin.coordination.modules import trace as traces
from chimera.builtin.coordination.modules.role import Capability
from chimera.builtin.coordination.planning import DONE, Plan
from chimera.builtin.coordination.protocol import Id
from chimera.kinds import Field, Items, Model, Text
from chimera.runtime import (
    Expansion,
    Json,
    Operation,
    Outputs,
    PermanentError,
    Step,
    StepCall,
    Wait,
)

Operations = Mapping[str, Operation[Any, Any]]


class Configuration(Model):
    """Limits of the module `core`."""

    step_concurrency: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=8, description="Steps of one plan that are in flight at a time."
    )
    allow_operations: Items[Capability] = Field(
        default=(),
        description="Operations with effects that steps of plans may perform, such as command or "
        "file.*; those without effects may always be performed.",
    )


class Execution(Model):
    """The plan that is executed."""

    plan_id: Text = Field(description="Id or alias of the plan.")
    fail_on_error: bool = Field(
        default=True, description="Whether this fails where a step of the plan did."
    )


class StepOutcome(Model):
    """What came of one step of the plan."""

    step_id: Id = Field(description="Id of the step.")
    status: str = Field(description="Where it stands now.")
    outputs: Any = Field(default=None, description="What its operation gave.")


class Executed(Model):
    """What came of the plan."""

    plan_id: Id = Field(description="Id of the plan.")
    trace_id: Id = Field(description="Id of the trace of what was done.")
    status: Literal["completed", "failed"] = Field(description="How the plan ended.")
    completed: int = Field(description="How many of its steps are completed.")
    failed: int = Field(description="How many failed.")
    blocked: int = Field(description="How many were not begun because of that.")
    steps: Items[StepOutcome] = Field(description="What came of each step, in the plan's order.")


def expand(inputs: Execution, operations: Operations, root: Path) -> Expansion:
    """Return the steps of the execution of a plan."""
    layout = _Layout(inputs, operations, root)

    def finished(outputs: Outputs) -> Json:
        return outputs["finish"]

    return Expansion(
        steps=(
            _inline("begin", layout.begin),
            Step(
                "steps",
                needs=("begin",),
                inputs=lambda outputs: outputs["begin"],
                expand=layout.steps,
                effects=False,
            ),
            _inline(
                "finish",
                layout.finish,
                needs=("begin", "steps"),
                inputs=lambda outputs: [outputs["begin"], outputs["steps"]],
            ),
            _inline("outcome", layout.outcome, needs=("finish",), inputs=finished),
        ),
        collect=lambda outputs: outputs["outcome"],
    )


def _inline(id: str, work: Any, needs: tuple[str, ...] = (), **more: Any) -> Step:
    return Step(id, work, needs=needs, effects=False, executor="inline", **more)


class _Layout:
    """The steps of one execution, as functions of what the plan says."""

    def __init__(self, asked: Execution, operations: Operations, root: Path) -> None:
        self._asked = asked
        self._operations = operations
        self._root = root

    def begin(self, call: StepCall) -> Json:
        """Start the plan, open its trace, and say what is to be done in which order."""
        plan = plans.SHELF.get(call, self._asked.plan_id)
        work = plans.work_of(call, plan)
        for step in plan.steps:
            self._check(call, step.agent_role, work.get(step.step_id))
        plan = plans.start(call, plan)
        trace = traces.open_trace(call, plan.context_id, plan.plan_id)
        places = {step.step_id: place for place, step in enumerate(plan.steps)}
        return {
            "plan": plan.plan_id,
            "alias": plans.SHELF.alias(call, plan),
            "trace": trace.trace_id,
            "concurrency": configured(call, "core", Configuration).step_concurrency,
            "steps": [
                {
                    "id": step.step_id,
                    "needs": [str(places[need]) for need in step.dependencies or ()],
                    "role": step.agent_role,
                    **work.get(step.step_id, {"operation": None, "inputs": {}}),
                }
                for step in plan.steps
            ],
        }

    def _check(self, call: StepCall, role: str | None, work: Mapping[str, Any] | None) -> None:
        """Raise `PermanentError` for an operation that is not there, or not the role's to do.

        Whoever may send a message may not for that do what it asks for.
        """
        if work is None:
            return
        for name in self._performed(call, work["operation"], work["inputs"]):
            self._check_operation(call, role, name)

    def _performed(self, call: StepCall, name: str, inputs: Mapping[str, Any]) -> Iterator[str]:
        """Yield an operation, and what it would have modules do where it only carries messages."""
        yield name
        carries = self._operations[name].name if name in self._operations else name
        asked, payload = str(inputs.get("operation")), inputs.get("payload")
        if carries == "hub.request":
            names = [f"{inputs.get('targetModule')}.{asked}"]
        elif carries == "hub.broadcast":
            names = sorted(one for one in self._operations if one.endswith(f".{asked}"))
        elif carries == "hub.replay":
            message = letter_of(call, str(inputs.get("id"))).message
            names, payload = [message.name], message.payload
        else:
            return
        for inner in names:
            yield from self._performed(call, inner, payload if isinstance(payload, dict) else {})

    def _check_operation(self, call: StepCall, role: str | None, name: str) -> None:
        if name not in self._operations:
            raise PermanentError(
                f"the plan names the operation {name}, which nobody registered",
                help="`chimera explain operations` lists those that there are",
            )
        allowed = configured(call, "core", Configuration).allow_operations
        if self._operations[name].effects and not roles.admits(allowed, name):
            raise PermanentError(
                f"the plan names the operation {name}, which has effects and is not allowed",
                help=f"add {name} under allowOperations in the configuration of the module core",
            )
        known = role is not None and roles.SHELF.seek(call, role)
        if role is not None and known:
            may, reason = roles.can(call, role, name)
            if not may:
                raise PermanentError(
                    f"a step of the plan is not its role's to do: {reason}",
                    help=f"give the role the capability {name}, or the step another role",
                )

    def steps(self, begun: Json) -> Expansion:
        """Return a step for each of the plan's, that depends on those which that one depends on."""
        assert isinstance(begun, dict)
        steps = tuple(self._place(begun, place) for place in range(len(begun["steps"])))
        return Expansion(steps=steps, concurrency=begun["concurrency"])

    def _place(self, begun: Mapping[str, Any], place: int) -> Step:
        one = begun["steps"][place]
        return Step(
            str(place),
            needs=tuple(one["needs"]),
            inputs=lambda outputs: one,
            expand=lambda inputs: self._step(begun, inputs, place),
            effects=False,
        )

    def _step(self, begun: Mapping[str, Any], one: Any, place: int) -> Expansion:
        """Return what a step of the plan is made of."""

        def start(call: StepCall) -> Json:
            return _start(call, begun, one)

        def end(call: StepCall) -> Json:
            started, done = call.inputs
            return _end(call, begun, one, started, done)

        return Expansion(
            steps=(
                _inline("start", start),
                Step(
                    "do",
                    needs=("start",),
                    when=lambda outputs: outputs["start"]["begun"],
                    expand=lambda inputs: self._work(begun, one, place),
                    effects=False,
                ),
                _inline(
                    "end",
                    end,
                    needs=("start", "do"),
                    inputs=lambda outputs: [outputs["start"], outputs.get("do")],
                ),
            ),
            collect=lambda outputs: outputs["end"],
        )

    def _work(self, begun: Mapping[str, Any], one: Mapping[str, Any], place: int) -> Expansion:
        """Return the work of a step of the plan, which may fail without failing the run."""

        def collect(outputs: Outputs) -> Json:
            given = outputs.get("work")
            said = one["operation"] is None and isinstance(given, dict) and given.get("status")
            return {"done": "work" in outputs and said != "failed", "outputs": given}

        if one["operation"] is not None:
            steps = (self._operation(one),)
        elif one["role"] is not None:
            steps = (Step("work", wait=Wait(signal=f"{begun['alias']}/{place}"), effects=False),)
        else:
            steps = (_inline("work", lambda call: None),)
        return Expansion(steps=steps, collect=collect, keep_going=True)

    def _operation(self, one: Mapping[str, Any]) -> Step:
        operation, inputs = self._operations[one["operation"]], one["inputs"]
        if operation.expand is not None:
            return Step(
                "work",
                inputs=lambda outputs: inputs,
                expand=lambda given: operation.expanded(given, self._operations, self._root),
                effects=operation.effects,
            )
        return Step(
            "work",
            lambda call: operation.perform(call, self._root),
            inputs=lambda outputs: inputs,
            effects=operation.effects,
            executor=operation.executor,
            on_interrupt=operation.on_interrupt,
            probe=None if operation.probe is None else self._prober(operation),
        )

    def _prober(self, operation: Operation[Any, Any]) -> Any:
        return lambda call: operation.look_up(call, self._root)

    def finish(self, call: StepCall) -> Json:
        """End plan and trace by what came of the steps."""
        begun, ended = call.inputs
        plan = _plan(call, begun)
        trace = traces.SHELF.get(call, begun["trace"])
        status: Literal["completed", "failed"] = (
            "completed" if all(step.status in DONE for step in plan.steps) else "failed"
        )
        plans.SHELF.move(call, plan, status, status)
        traces.close(call, trace, status)
        return {
            "planId": plan.plan_id,
            "traceId": trace.trace_id,
            "status": status,
            **_counted(plan),
            "steps": [
                {"stepId": step.step_id, "status": step.status, "outputs": ended[str(place)]}
                for place, step in enumerate(plan.steps)
            ],
        }

    def outcome(self, call: StepCall) -> Json:
        """Fail where the plan did, unless it has been completed since."""
        found: Any = call.inputs
        if found["status"] == "completed" or not self._asked.fail_on_error:
            return found
        plan = plans.SHELF.get(call, found["planId"])
        if plan.status == "completed":
            return {**found, **_counted(plan), "status": "completed"}
        raise PermanentError(
            f"the plan {plans.SHELF.alias(call, plan)} failed: {found['failed']} of its steps "
            f"failed, and {found['blocked']} were not begun",
            help=f"once their cause is gone, `chimera runs retry {call.run} --from STAGE` with "
            "this stage executes what is not completed; plan.get shows which steps these are",
        )


def _counted(plan: Plan) -> dict[str, int]:
    found = [step.status for step in plan.steps]
    return {status: found.count(status) for status in ("completed", "failed", "blocked")}


def _plan(call: StepCall, begun: Mapping[str, Any]) -> Plan:
    return plans.SHELF.get(call, begun["plan"])


def _start(call: StepCall, begun: Mapping[str, Any], one: Mapping[str, Any]) -> Json:
    """Begin a step of the plan, unless it is done already or what it depends on has failed."""
    plan = _plan(call, begun)
    step = plans.step_named(plan, one["id"])
    if step.status in DONE:
        return {"begun": False, "segment": None}
    by_id = {other.step_id: other for other in plan.steps}
    failed = [need for need in step.dependencies or () if by_id[need].status not in DONE]
    trace = traces.SHELF.get(call, begun["trace"])
    facts = {"step": step.step_id, "operation": one["operation"], "role": one["role"]}
    known = {name: value for name, value in facts.items() if value is not None}
    if failed:
        plans.move_step(call, plan, step, "blocked", "what it depends on is not done")
        traces.append(call, trace, step.description, "skipped", attributes=known)
        return {"begun": False, "segment": None}
    plans.move_step(call, plan, step, "in_progress")
    _, segment = traces.append(call, trace, step.description, attributes=known)
    return {"begun": True, "segment": segment}


def _end(
    call: StepCall, begun: Mapping[str, Any], one: Mapping[str, Any], started: Any, done: Any
) -> Json:
    """End a step of the plan that was begun, by what its work came to."""
    if not started["begun"]:
        return None
    plan = _plan(call, begun)
    trace = traces.SHELF.get(call, begun["trace"])
    status: Literal["completed", "failed"] = "completed" if done["done"] else "failed"
    plans.move_step(call, plan, plans.step_named(plan, one["id"]), status)
    traces.finish(call, trace, started["segment"], status)
    outputs: Json = done["outputs"]
    return outputs
