"""Fitnesses of operations and workflows: a durable step for each candidate.

A step that asks for fitnesses is expanded into one for each candidate that differs from the others,
which the journal keeps: after a crash none that has finished is computed again. Retries, timeouts
and limits are the runtime's. A candidate that fails for good has a result as well, which says why.
Refuses a search without the operation that it needs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chimera.builtin.evolution.fitness.outside.failures import Failure, Failures, number_of
from chimera.builtin.evolution.fitness.outside.templates import filled, fitting
from chimera.builtin.evolution.spec.causes import Cause
from chimera.model import canonical_json, digest_json
from chimera.runtime import (
    Expansion,
    Json,
    Operation,
    Outputs,
    PermanentError,
    Recovery,
    Retry,
    Step,
    StepCall,
)
from chimera.runtime.recovery import Fallback

if TYPE_CHECKING:
    from chimera.builtin.evolution.spec.fitness import Fitness, OperationFitness, WorkflowFitness

RUN_WORKFLOW = "workflow.run"
"""The operation by which one room runs another's workflow."""


class NoFitnessError(PermanentError):
    """What came of a candidate is no fitness."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


@dataclass(frozen=True)
class Outside:
    """How candidates are computed by an operation or a workflow.

    `pinned` is what `pinning.pin` gave, of a workflow; `concurrency` how many are in work at once.
    """

    fitness: Fitness
    pinned: Mapping[str, Any]
    operations: Mapping[str, Operation[Any, Any]]
    root: Path
    concurrency: int | None = None

    def evaluation(
        self,
        id: str,
        needs: tuple[str, ...],
        candidates: Callable[[Outputs], Sequence[Mapping[str, Json]]],
        when: Callable[[Outputs], bool] | None = None,
    ) -> Step:
        """Return the step that computes candidates: gives their `values`, `null` where one failed.

        Beside these `failures` says what went wrong, as `Failures.to_json` does.
        """
        return Step(
            id,
            needs=needs,
            inputs=lambda outputs: {"candidates": [dict(one) for one in candidates(outputs)]},
            expand=self._expanded,
            effects=False,
            when=when,
        )

    @property
    def _asked(self) -> OperationFitness | WorkflowFitness:
        asked = self.fitness.operation or self.fitness.workflow
        assert asked is not None
        return asked

    @property
    def _operation(self) -> Operation[Any, Any]:
        name = self.fitness.operation.name if self.fitness.operation else RUN_WORKFLOW
        found = self.operations.get(name)
        if found is None:
            raise PermanentError(
                f"the fitness needs the operation {name}, which is not registered",
                help="`chimera explain operations` lists those that are",
            )
        return found

    @property
    def _scope(self) -> str:
        """Return what equal fitnesses of equal candidates need: the same thing done."""
        asked = self._asked.model_dump(mode="json", exclude={"cache", "timeout", "limits"})
        return f"evolution {digest_json([asked, dict(self.pinned)])}"

    def _expanded(self, given: Json) -> Expansion:
        assert isinstance(given, dict)
        asked: list[Any] = given["candidates"]
        places = _places(asked) if self._asked.cache else list(range(len(asked)))
        distinct = list(dict.fromkeys(places))
        work = [_Candidate(self, asked[place], self._operation) for place in distinct]
        scope = self._scope if self._asked.cache else None

        def collect(outputs: Outputs) -> Json:
            found = {place: outputs[str(n)] for n, place in enumerate(distinct)}
            return _collected([found[place] for place in places])

        return Expansion(
            count=len(work),
            make=lambda n: work[n].step(str(n), scope),
            collect=collect,
            concurrency=self.concurrency,
        )


@dataclass
class _Candidate:
    """One candidate in work; `error` is why it failed last, as far as this process knows."""

    outside: Outside
    genes: Mapping[str, Json]
    operation: Operation[Any, Any]
    error: Failure | None = field(default=None)

    def step(self, id: str, scope: str | None) -> Step:
        """Return the step that computes it."""
        asked, fitness = self.outside._asked, self.outside.fitness
        policy = fitness.operation.retry_policy if fitness.operation else None
        retry = Retry() if policy is None else policy.as_retry()
        instead: tuple[Fallback, ...] = ()
        if fitness.on_failure == "worst":
            told = Step("failed", self._tell, effects=False, executor="inline")
            instead = (Fallback("alternative", step=told),)
        step = Step(
            id,
            inputs=lambda outputs: dict(self.genes),
            effects=self.operation.effects,
            timeout=asked.timeout,
            on_interrupt=self.operation.on_interrupt,
            executor=self.operation.executor,
            recovery=Recovery(retry, instead),
            cache=scope,
            keys=asked.limits,
        )
        if self.operation.expand is not None:
            return replace(step, expand=lambda genes: self._expanded(), effects=False)
        return replace(step, work=self._work)

    def _inputs(self) -> dict[str, Any]:
        asked = self.outside._asked
        inputs: dict[str, Any] = filled(asked.inputs, self.genes)
        if self.outside.fitness.workflow is None:
            return fitting(self.operation.inputs, inputs)
        pinned = self.outside.pinned
        return {
            "address": self.outside.fitness.workflow.address,
            "spec": pinned["spec"],
            "workflows": pinned["workflows"],
            "inputs": inputs,
        }

    def _work(self, call: StepCall) -> Json:
        try:
            root = self.outside.root
            return self._number(self.operation.perform(replace(call, inputs=self._inputs()), root))
        except BaseException as error:
            if call.cancelled():  # of a run that is stopped nobody asks why
                self.error = None
            else:
                self._note(error)
            raise

    def _expanded(self) -> Expansion:
        operations, root = self.outside.operations, self.outside.root
        inside = self.operation.expanded(self._inputs(), operations, root)

        def collect(outputs: Outputs) -> Json:
            try:
                return self._number(inside.collect(outputs))
            except Exception as error:
                self._note(error)
                raise

        return replace(inside, collect=collect)

    def _number(self, outputs: Json) -> float:
        """Return the fitness among outputs; raises `NoFitnessError` where there is none."""
        value: Any = outputs
        if self.outside.fitness.workflow is not None and isinstance(value, dict):
            value = value["outputs"]
        for part in self.outside._asked.output.split("."):
            try:
                value = value[int(part)] if isinstance(value, list) else value[part]
            except (LookupError, TypeError, ValueError):
                message = f"the output has no {self.outside._asked.output!r}"
                raise NoFitnessError(Failure("type", message)) from None
        number = number_of(_read(value))
        if isinstance(number, Failure):
            raise NoFitnessError(number)
        return number

    def _note(self, error: BaseException) -> None:
        if isinstance(error, NoFitnessError):
            self.error = error.failure
        else:
            cause: Cause = "memory" if isinstance(error, MemoryError) else "failed"
            self.error = Failure(cause, str(error) or type(error).__name__)

    def _tell(self, call: StepCall) -> Json:
        """Give the result of a candidate that failed: why."""
        error = self.error
        if error is None:
            message = call.failure or "`chimera runs show` and `chimera runs logs` tell why"
            is_late = message.startswith("it took longer than ")  # as the runtime says it
            error = Failure("timeout" if is_late else "failed", message)
        return {"cause": error.cause, "message": call.context.secrets.mask(error.message)}


def _places(candidates: Sequence[Any]) -> list[int]:
    """Return for each candidate the place of the first one that is equal to it."""
    first: dict[bytes, int] = {}
    return [first.setdefault(canonical_json(one), place) for place, one in enumerate(candidates)]


def _collected(found: Sequence[Json]) -> Json:
    failures = Failures()
    values: list[Json] = []
    for one in found:
        if isinstance(one, dict):
            cause: Any = one["cause"]
            failures.note(Failure(cause, str(one["message"])))
            values.append(None)
        else:
            values.append(one)
    return {"values": values, "failures": failures.to_json()}


def _read(value: Any) -> Any:
    """Return text that is a number as one."""
    if isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            return value
        return number if not math.isnan(number) or value.strip().lower() == "nan" else value
    return value
