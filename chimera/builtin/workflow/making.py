"""From stages to steps: what each stage becomes when it is run.

A step's inputs are the values that its references brought, by their text, and never the secrets:
these are put in when the work begins. Everything but work is a pure function of inputs, so that a
run can be taken up from its journal. Refuses values that do not fit, for good.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from chimera.builtin.workflow.confirming import confirmation
from chimera.builtin.workflow.expressions import Stated, predicates_of, state, values_for
from chimera.builtin.workflow.kinds import WorkflowSpec
from chimera.builtin.workflow.order import Order
from chimera.builtin.workflow.performing import Performer
from chimera.builtin.workflow.promising import promising
from chimera.builtin.workflow.references import (
    INPUT,
    SECRET,
    Reference,
    look_up,
    references_in,
    resolve,
)
from chimera.builtin.workflow.scope import Scope, Workflows
from chimera.builtin.workflow.stages import StageSpec
from chimera.builtin.workflow.wording import has_type
from chimera.model import digest_json
from chimera.policy import Predicates
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
Bring = Callable[[Outputs], dict[str, Any]]
StandIn = Callable[[StageSpec, str, Step], Step]
"""Puts another step in the place of a stage's, given its path, as in `deploy/build`."""

MOST_ITEMS = 1_000_000
_ELEMENT = re.compile(r"\[\d+\]")


class Maker:
    """Makes the steps of one workflow, again and again; what it works out it keeps."""

    def __init__(
        self,
        spec: WorkflowSpec,
        workflows: Workflows,
        operations: Operations,
        stand_in: StandIn | None = None,
    ) -> None:
        self.stand_in = stand_in
        self.spec = spec
        self.workflows = workflows
        self.operations = operations
        self.scope = Scope(spec, operations, Order.of(spec), workflows)
        self._inner: dict[str, Maker] = {}

    @cached_property
    def stages(self) -> tuple[StageMaker, ...]:
        """What makes the step of each stage."""
        return tuple(StageMaker(self, index) for index in range(len(self.spec.stages)))

    def steps(
        self, given: Json, root: Path, predicates: Predicates, path: str = ""
    ) -> tuple[Step, ...]:
        """Return the steps of a run with the input `given`, inside the step at `path`."""
        return tuple(stage.step(given, root, predicates, path) for stage in self.stages)

    def inside(self, address: str) -> Maker:
        """Return what makes the steps of a workflow that a stage runs."""
        if address not in self._inner:
            spec = self.workflows[address]
            self._inner[address] = Maker(spec, self.workflows, self.operations, self.stand_in)
        return self._inner[address]


class StageMaker:
    """What one stage of a workflow becomes."""

    def __init__(self, maker: Maker, index: int) -> None:
        self._maker = maker
        self.stage = stage = maker.spec.stages[index]
        self._variable = stage.for_each.as_ if stage.for_each else None
        inside = _values(maker.spec, stage)
        through = stage.for_each.items if stage.for_each else None
        found = references_in([inside, through])
        own = {SECRET, self._variable}
        self._references = tuple(r for r in found if _brought(r, own, stage))
        self._inside = frozenset(map(str, references_in(inside)))
        self._item_references = tuple(r for r in found if r.source == self._variable)
        stated = [
            state(maker.scope, index, route, text, item=item)
            for route, text, item in predicates_of(stage, index)
        ]
        self._when = stated.pop(0) if stage.when is not None else None
        self._cases = stated
        self.needs = self._all_needs(index)
        self._identity = digest_json(stage.model_dump(mode="json", exclude_unset=True))
        self._performer = Performer(maker.spec, stage, maker.operations)

    def _all_needs(self, index: int) -> tuple[str, ...]:
        """Return the stages before this one that it waits for or whose outputs it looks at."""
        stages, order = self._maker.spec.stages, self._maker.scope.order
        position = self._maker.scope.position
        ordered = [stages[need].id for need in order.needs[index]]
        referred = [one.source for ref in self._references for one in ref.alternatives]
        for stated in (*self._cases, *([self._when] if self._when else ())):
            referred += (source for source, *_ in stated.sources.values())
        return tuple(dict.fromkeys((*ordered, *(s for s in referred if s in position))))

    def step(self, given: Json, root: Path, predicates: Predicates, path: str) -> Step:
        """Return the step of a run with the input `given`."""
        stage = self.stage

        def bring(outputs: Outputs) -> dict[str, Any]:
            sources = {**outputs, INPUT: given}
            known = {str(ref): look_up(ref, sources) for ref in self._references}
            for stated in self._cases:
                known |= {f"?{k}": v for k, v in values_for(stated, sources).items()}
            return known

        if stage.for_each is None:
            step = self._once(stage.id, bring, root, predicates, f"{path}{stage.id}")
        else:
            step = self._each(bring, root, predicates, f"{path}{stage.id}")
        return replace(
            step,
            needs=self.needs,
            when=self._guard(given, predicates),
            priority=stage.priority,
            identity=self._identity,
        )

    def _guard(self, given: Json, predicates: Predicates) -> Callable[[Outputs], bool] | None:
        """Return whether the stage runs, from the outputs of those before it."""
        stated = self._when
        followed = self._followed
        if stated is None and not followed:
            return None

        def runs(outputs: Outputs) -> bool:
            if followed and not any(id in outputs for id in followed):
                return False
            if stated is None:
                return True
            return predicates.holds(stated.predicate, values_for(stated, {**outputs, INPUT: given}))

        return runs

    @cached_property
    def _followed(self) -> tuple[str, ...]:
        """In conditional mode, the stages without any of which this one is skipped."""
        return self.stage.dependencies if self._maker.spec.mode == "conditional" else ()

    def _each(self, bring: Bring, root: Path, predicates: Predicates, path: str) -> Step:
        stage = self.stage
        for_each = stage.for_each
        assert for_each is not None

        def inputs(outputs: Outputs) -> Json:
            known = bring(outputs)
            return {"known": known, "items": _items(resolve(for_each.items, known))}

        def expand(given: Json) -> Expansion:
            assert isinstance(given, dict)
            known: Any = given["known"]
            items: Any = given["items"]
            length = items if isinstance(items, int) else len(items)
            # What only the list was made of is no part of an item: its inputs would hold them all.
            shared = {k: v for k, v in known.items() if k in self._inside or k.startswith("?")}

            def make(n: int) -> Step:
                item = n if isinstance(items, int) else items[n]
                sources = {self._variable or "": item}
                here = {str(ref): look_up(ref, sources) for ref in self._item_references}
                for stated in self._cases:
                    values = values_for(stated, sources)
                    here |= {f"?{k}": v for k, v in values.items() if v is not None}
                both = {**shared, **here}
                step = self._once(str(n), lambda outputs: both, root, predicates, f"{path}[{n}]")
                return replace(step, priority=stage.priority)

            return Expansion(
                count=length,
                make=make,
                collect=lambda outputs: [outputs.get(str(n)) for n in range(length)],
                concurrency=for_each.concurrency,
                keep_going=for_each.keep_going,
            )

        return Step(stage.id, inputs=inputs, expand=expand, effects=False)

    def _once(self, id: str, bring: Bring, root: Path, predicates: Predicates, path: str) -> Step:
        """Return the step that does the stage's work, once."""
        step = self._work(id, bring, root, predicates, path)
        stand_in = self._maker.stand_in
        return step if stand_in is None else stand_in(self.stage, _ELEMENT.sub("", path), step)

    def _work(self, id: str, bring: Bring, root: Path, predicates: Predicates, path: str) -> Step:
        stage = self.stage
        if stage.workflow is not None:
            return self._nested(id, stage.workflow, bring, root, predicates, path)
        if stage.wait is not None:
            return self._wait(id, bring)
        if stage.confirm is not None:
            return confirmation(id, stage, bring, path, self._maker.operations, root)
        if stage.switch is not None:
            return self._switch(id, bring, predicates)
        return self._performer.step(id, bring, root)

    def _nested(
        self, id: str, address: str, bring: Bring, root: Path, predicates: Predicates, path: str
    ) -> Step:
        from chimera.builtin.workflow.running import outputs_of

        inside = self._maker.inside(address)

        def inputs(outputs: Outputs) -> Json:
            return fitted_inputs(inside.spec, address, resolve(self.stage.inputs, bring(outputs)))

        def expand(given: Json) -> Expansion:
            expansion = Expansion(
                steps=inside.steps(given, root, predicates, f"{path}/"),
                collect=lambda outputs: outputs_of(inside.spec, given, outputs),
                concurrency=inside.spec.concurrency,
            )
            return promising(expansion, self.stage.outputs)

        return Step(id, inputs=inputs, expand=expand, effects=False, timeout=self.stage.timeout)

    def _wait(self, id: str, bring: Bring) -> Step:
        wait = self.stage.wait
        assert wait is not None

        def waits(known: Json) -> Wait:
            assert isinstance(known, dict)
            if wait.for_ is not None:
                return Wait(seconds=wait.for_.total_seconds())
            if wait.until is not None:
                return Wait(until=_moment(resolve(wait.until, known)))
            return Wait(signal=str(resolve(wait.signal, known)))

        is_known = not references_in([wait.until, wait.signal])  # it can be told before it begins
        step = Step(
            id,
            inputs=bring,
            wait=waits({}) if is_known else waits,
            effects=False,
            timeout=self.stage.wait_timeout,
        )
        return self._judging(step) if self.stage.outputs else step

    def _judging(self, step: Step) -> Step:
        """Return a step that waits for a signal and takes only one that brings what it has to."""

        def expand(known: Json) -> Expansion:
            inside = replace(step, id="signal", inputs=lambda outputs: known)
            whole = Expansion(steps=(inside,), collect=lambda outputs: outputs["signal"])
            return promising(whole, self.stage.outputs)

        return replace(step, wait=None, expand=expand, timeout=None)

    def _switch(self, id: str, bring: Bring, predicates: Predicates) -> Step:
        cases = self.stage.switch or ()

        def choose(call: StepCall) -> Json:
            known: Any = call.inputs
            stated = iter(self._cases)
            for case in cases:
                one: Stated | None = next(stated) if case.when is not None else None
                if one is None or predicates.holds(one.predicate, _asked(one, known)):
                    return {"case": case.case}
            return {"case": None}

        return Step(id, inputs=bring, work=choose, executor="inline", effects=False)


def _asked(stated: Stated, known: Mapping[str, Any]) -> dict[str, Any]:
    return {name: known.get(f"?{name}") for name in stated.sources}


def _values(spec: WorkflowSpec, stage: StageSpec) -> list[Any]:
    """Return everything of a stage in which references stand, but for the list it goes through."""
    found: list[Any] = [stage.inputs]
    if stage.wait:
        found += [stage.wait.until, stage.wait.signal]
    if stage.confirm:
        found += [stage.confirm.question, list(stage.confirm.approvers)]
    if stage.compensate:
        found.append(stage.compensate.inputs)
    handling = stage.error_handling or spec.error_handling
    if handling is not None:
        found += [one.inputs for one in handling.fallback_actions]
        found += [handling.rollback_procedure.inputs] if handling.rollback_procedure else []
    return found


def _brought(reference: Reference, own: Iterable[str | None], stage: StageSpec) -> bool:
    """Tell whether what a reference brings is known before the stage runs, and may be kept."""
    own = {*own, stage.id}
    return not any(one.source in own for one in reference.alternatives)


def _items(found: Any) -> list[Any] | int:
    if not isinstance(found, list) and (isinstance(found, bool) or not isinstance(found, int)):
        raise PermanentError(
            "what it goes through is no list", help="refer to a list under forEach.items"
        )
    length = found if isinstance(found, int) else len(found)
    if length > MOST_ITEMS or length < 0:
        raise PermanentError(
            f"it would go through {length} items, and {MOST_ITEMS} are the most",
            help="go through lists of lists, by a workflow inside the workflow",
        )
    return found


def fitted_inputs(spec: WorkflowSpec, address: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs of a workflow with its defaults; raises where they do not fit."""
    found: dict[str, Any] = {}
    for name, declared in spec.inputs.items():
        if name not in given and declared.is_required:
            raise PermanentError(f"the input {name!r} of {address} has no value")
        found[name] = given.get(name, declared.default)
        if name in given and not has_type(found[name], declared.type):
            raise PermanentError(
                f"the input {name!r} of {address} is not of the type {declared.type}",
                help="look at what the stages before it gave with `chimera runs show`",
            )
    return found


def _moment(text: Any) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        found = None
    if found is None or found.tzinfo is None:
        raise PermanentError(
            f"{text!r} is no moment with a time zone", help="write it as 2026-12-01T06:00:00Z"
        )
    return found
