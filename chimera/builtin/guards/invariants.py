"""Invariants around steps: what an expression may name, and whether it holds for a step.

CEL is `policy`'s, in its bounded child process: one serves all runs of an engine, and is asked once
for all that is known at a time. Refuses to let an expression that errs count as kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

from chimera.builtin.guards.kinds import InvariantSpec, Phase
from chimera.kinds import EnvironmentFacts
from chimera.model import ChimeraError
from chimera.policy import Bounds, Predicate, PredicateError, Predicates
from chimera.runtime import Json
from chimera.runtime.guarding import Breach, Seen
from chimera.state import Run

BOUNDS = Bounds(seconds=2.0, losses=10)
"""What one look may take: the engine waits for it."""

_NAMES: dict[str, Any] = {
    "inputs": "any",
    "outputs": "any",
    "step.id": "string",
    "step.stage": "string",
    "step.operation": "string",
    "step.phase": "string",
    "run.id": "string",
    "run.target": "string",
    "run.inputs": "any",
    "environment.name": "string",
    "environment.protected": "bool",
}
_OPAQUE = r"'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"|//[^\n]*"
_PATH = re.compile(
    rf"{_OPAQUE}|(?<![\w.])((?:inputs|outputs|step|run|environment)(?:\s*\.\s*[A-Za-z_]\w*)*)"
    r"(?!\w|\s*\()"
)
_INDEX = re.compile(r"\[\d+\]")
_MOST_SHOWN = 200


def predicate_of(invariant: InvariantSpec, phase: Phase) -> Predicate:
    """Return the expression with what it may name; before a step there are no outputs."""
    names = ((n, t) for n, t in _NAMES.items() if phase == "after" or n != "outputs")
    return Predicate(invariant.expression, tuple(names))


def _lean(predicate: Predicate) -> Predicate:
    """Return a predicate without the names that it does not mention, whose values cost time."""
    roots = {
        match[1].partition(".")[0].strip()
        for match in _PATH.finditer(predicate.expression)
        if match[1]
    }
    kept = tuple((n, t) for n, t in predicate.names if n.partition(".")[0] in roots)
    return Predicate(predicate.expression, kept)


def stage_of(id: str) -> str:
    """Return the stage of a step, as its author wrote it: `deploy/fan` of `deploy/fan[3]`."""
    return _INDEX.sub("", id)


class Stages:
    """What a run's definition tells of stages, where it is one of a workflow."""

    def __init__(self, run: Run) -> None:
        definition: Any = run.definition if isinstance(run.definition, dict) else {}
        self._target = run.target
        self._spec: Any = definition.get("spec")
        inner = definition.get("workflows")
        self._inner: Mapping[str, Any] = inner if isinstance(inner, Mapping) else {}

    def workflows_of(self, stage: str) -> tuple[str, ...]:
        """Return the workflows that a stage is in, the outermost first."""
        return self._walked(stage)[0]

    def is_list(self, id: str) -> bool:
        """Tell whether a step is all of a stage that goes through a list: its items are judged."""
        found = self._walked(stage_of(id))[1]
        return isinstance(found, Mapping) and "forEach" in found and not id.endswith("]")

    def _walked(self, stage: str) -> tuple[tuple[str, ...], Any]:
        around, spec, found = [self._target], self._spec, None
        for name in stage.split("/"):
            found = _stage_in(spec, name)
            address = found.get("workflow") if isinstance(found, Mapping) else None
            spec = self._inner.get(address) if isinstance(address, str) else None
            if spec is not None and isinstance(address, str):
                around.append(address)
        # The stage that runs a workflow is not in it: its own stages are.
        return tuple(around[:-1] if spec is not None and len(around) > 1 else around), found


def _stage_in(spec: Any, name: str) -> Any:
    stages = spec.get("stages") if isinstance(spec, Mapping) else None
    for stage in stages if isinstance(stages, (list, tuple)) else ():
        if isinstance(stage, Mapping) and stage.get("id") == name:
            return stage
    return None


@dataclass(frozen=True)
class Invariant:
    """One invariant, and the guard that has it."""

    guard: str
    spec: InvariantSpec

    @cached_property
    def _predicates(self) -> dict[Phase, Predicate]:
        return {phase: _lean(predicate_of(self.spec, phase)) for phase in self.spec.when}

    def predicate(self, phase: Phase) -> Predicate:
        """Return the expression as it is asked before or after a step."""
        return self._predicates[phase]

    def selects(self, stage: str, operation: str, stages: Stages, layers: frozenset[str]) -> bool:
        """Tell whether it is about a stage with an operation, of a run in these layers."""
        steps = self.spec.steps
        return (
            (not steps.operations or _matches(operation, steps.operations))
            and (not steps.stages or _matches(stage, steps.stages))
            and (not steps.workflows or bool({*steps.workflows} & {*stages.workflows_of(stage)}))
            and (not steps.layers or bool(layers & set(steps.layers)))
        )


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


class RunInvariants:
    """What must hold around the steps of one run."""

    def __init__(
        self,
        run: Run,
        environment: EnvironmentFacts,
        invariants: Sequence[Invariant],
        layers: frozenset[str],
        predicates: Predicates,
        mask: Callable[[str], str],
    ) -> None:
        self._run = run
        self._invariants = invariants
        self._layers = layers
        self._predicates = predicates
        self._mask = mask
        self._stages = Stages(run)
        self._selected: dict[tuple[str, bool, str, Phase], tuple[Invariant, ...]] = {}
        self._common = {
            "run.id": run.uid,
            "run.target": run.target,
            "run.inputs": run.input,
            "environment.name": environment.name,
            "environment.protected": environment.protected,
        }

    def selects(self, id: str, operation: str, phase: Phase) -> bool:
        """Tell whether any is about a step."""
        return bool(self._about(id, operation, phase))

    def judge(self, seen: Sequence[Seen]) -> Sequence[Breach | None]:
        """Return for each step the first invariant that does not hold; it never raises."""
        asked = [
            (n, i) for n, s in enumerate(seen) for i in self._about(s.id, s.operation, s.phase)
        ]
        found: list[Breach | None] = [None] * len(seen)
        if not asked:
            return found
        answers = self._answers([(i, seen[n]) for n, i in asked])
        for (number, invariant), answer in zip(asked, answers, strict=True):
            if answer is not True and found[number] is None:
                found[number] = self._breach(invariant, seen[number], answer)
        return found

    def _about(self, id: str, operation: str, phase: Phase) -> tuple[Invariant, ...]:
        stage = stage_of(id)
        key = (stage, stage != id, operation, phase)
        found = self._selected.get(key)
        if found is None:
            found = self._selected[key] = tuple(
                one
                for one in self._invariants
                if phase in one.spec.when
                and one.selects(stage, operation, self._stages, self._layers)
                and not self._stages.is_list(id)
            )
        return found

    def _answers(self, asked: Sequence[tuple[Invariant, Seen]]) -> Sequence[bool | ChimeraError]:
        try:
            return self._predicates.decide(
                [(one.predicate(seen.phase), self._values(seen)) for one, seen in asked]
            )
        except ChimeraError as error:
            return [error] * len(asked)
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing is known to hold
            return [PredicateError(f"it cannot be decided: {error!r}")] * len(asked)

    def _values(self, seen: Seen) -> dict[str, Json]:
        return {
            **self._common,
            "inputs": seen.inputs,
            "outputs": seen.outputs,
            "step.id": seen.id,
            "step.stage": stage_of(seen.id),
            "step.operation": seen.operation,
            "step.phase": seen.phase,
        }

    def _breach(self, invariant: Invariant, seen: Seen, answer: bool | ChimeraError) -> Breach:
        spec = invariant.spec
        values = _named_values(spec.expression, self._values(seen))
        shown = ", ".join(f"{name} = {_shown(value)}" for name, value in values.items())
        why = (
            f"`{spec.expression}` does not hold"
            if answer is False
            else f"`{spec.expression}` cannot be decided ({_reason(answer)})"
        )
        message = self._mask(
            f"{invariant.guard} stops it {seen.phase} the step {seen.id}: {spec.message}"
            f" (invariant {spec.id}): {why}" + (f" with {shown}" if shown else "")
        )
        return Breach(
            invariant.guard, spec.id, spec.expression, values, seen.id, seen.phase, message
        )


def _reason(answer: bool | ChimeraError) -> str:
    if not isinstance(answer, ChimeraError):
        return "gives neither true nor false"
    return answer.message.partition(" cannot be decided: ")[2] or answer.message


def _named_values(expression: str, values: Mapping[str, Json]) -> dict[str, Json]:
    """Return the values of what an expression names, by their paths."""
    found: dict[str, Json] = {}
    for match in _PATH.finditer(expression):
        if match[1] is not None:
            path = re.sub(r"\s", "", match[1])
            found[path] = _looked_up(path, values)
    return found


def _looked_up(path: str, values: Mapping[str, Json]) -> Json:
    first, *rest = path.split(".")
    if first in {"step", "run", "environment"}:
        if not rest:
            return {n.partition(".")[2]: v for n, v in values.items() if n.startswith(f"{first}.")}
        first, rest = f"{first}.{rest[0]}", rest[1:]
    value = values.get(first)
    for name in rest:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _shown(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"
