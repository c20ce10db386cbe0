"""From a definition to durable steps: what a run of a workflow is made of.

Owns what a run is pinned to, a workflow with all that it runs, and keeps what was compiled: many
runs of one definition are resumed at once. Refuses a pinned definition that no longer compiles.
"""

from __future__ import annotations

import marshal
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from chimera.builtin.workflow.compile import compile_spec
from chimera.builtin.workflow.escalating import tell
from chimera.builtin.workflow.foreseeing import foresee
from chimera.builtin.workflow.kinds import WorkflowSpec
from chimera.builtin.workflow.making import Maker, StandIn, fitted_inputs
from chimera.builtin.workflow.nesting import circles, closure
from chimera.builtin.workflow.references import INPUT, look_up, references_in, resolve
from chimera.builtin.workflow.scope import Workflows
from chimera.kinds import validate_model
from chimera.model import ChimeraError, Place
from chimera.policy import Predicates
from chimera.runtime import Expansion, Graph, Json, Operation, Outputs, Step

Operations = Mapping[str, Operation[Any, Any]]
BuildGraph = Callable[[Json, Json], Graph]


def builder(
    name: str,
    operations: Operations,
    root: Path,
    predicates: Predicates | None = None,
    stand_in: StandIn | None = None,
) -> BuildGraph:
    """Return what makes the graph of the workflow `name` from a pinned definition and its input.

    `predicates` evaluates `when` and `switch`; who gives it closes it. `stand_in` puts other steps
    in the places of some.
    """
    registered = _Registered(operations)
    judge = predicates or Predicates()

    def build(definition: Json, given: Json) -> Graph:
        assert isinstance(definition, dict)
        compiled = _compiled(_written(definition), name, registered, stand_in)
        return compiled.graph(definition, given, root, judge)

    return build


def definition_of(
    digest: str | None, value: Mapping[str, Any], find: Callable[[str], Mapping[str, Any] | None]
) -> dict[str, Any]:
    """Return what a run is pinned to: the spec as it is written, and those of all that it runs.

    `find` gives the spec of another workflow as it is written. A digest covers declared paths too:
    what they held is part of what was run.
    """

    def spec_of(address: str) -> WorkflowSpec | None:
        written = find(address)
        return None if written is None else WorkflowSpec.model_validate(written)

    spec = WorkflowSpec.model_validate(value)
    others = {address: find(address) for address in closure(spec, spec_of)}
    nested = {"workflows": others} if others else {}
    return {"digest": digest, "spec": value, **nested}


def expansion_of(
    name: str,
    definition: Mapping[str, Any],
    given: Mapping[str, Any],
    operations: Operations,
    root: Path,
    predicates: Predicates,
) -> Expansion:
    """Return a pinned workflow as steps inside another; raises where its inputs do not fit."""
    compiled = _compiled(_written(definition), name, _Registered(operations), None)
    fitted = fitted_inputs(compiled.spec, name, given)
    return Expansion(
        steps=compiled.steps(fitted, root, predicates),
        collect=lambda outputs: {"outputs": outputs_of(compiled.spec, fitted, outputs)},
        concurrency=compiled.spec.concurrency,
    )


def outputs_of(spec: WorkflowSpec, given: Json, outputs: Outputs) -> Any:
    """Return the workflow's outputs, from its input and what its stages gave."""
    sources = {**outputs, INPUT: given}
    known = {str(ref): look_up(ref, sources) for ref in references_in(spec.outputs)}
    return resolve(spec.outputs, known)


class _Registered:
    """Operations, told apart from others by which object they are."""

    def __init__(self, operations: Operations) -> None:
        self.operations = operations

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Registered) and other.operations is self.operations

    def __hash__(self) -> int:
        return id(self.operations)


class Compiled:
    """A definition that compiles, with what makes its steps."""

    def __init__(
        self,
        spec: WorkflowSpec,
        workflows: Workflows,
        maker: Maker,
        notify: Operation[Any, Any] | None,
    ) -> None:
        self.spec = spec
        self._notify = notify
        self._workflows = workflows
        self._maker = maker

    def steps(self, given: Json, root: Path, predicates: Predicates) -> tuple[Step, ...]:
        """Return the steps of one run, or of a part of one."""
        return self._maker.steps(given, root, predicates)

    def graph(self, definition: Json, given: Json, root: Path, predicates: Predicates) -> Graph:
        """Return the graph of one run."""
        spec = self.spec
        return Graph(
            definition,
            self.steps(given, root, predicates),
            concurrency=spec.concurrency,
            timeout=spec.timeout,
            priority=spec.priority,
            limits=self._limits(),
            on_failure=spec.on_failure,
            foresee=lambda: foresee(self._maker.scope, given),
            notify=partial(tell, self._notify, root) if self._notify else None,
        )

    def _limits(self) -> dict[str, int]:
        """Return all limits that are declared; of those with one name the lowest counts."""
        found: dict[str, int] = {}
        for one in (self.spec, *self._workflows.values()):
            for name, most in one.limits.items():
                found[name] = min(most, found.get(name, most))
        return found


def _written(definition: Mapping[str, Any]) -> bytes:
    """Return what stands for a definition: what is read from one journal twice is equal here."""
    return marshal.dumps((definition["spec"], definition.get("workflows", {})), 2)


@lru_cache(maxsize=64)
def _compiled(
    written: bytes, name: str, registered: _Registered, stand_in: StandIn | None
) -> Compiled:
    """Compile a definition again: plugins may have changed since it was pinned."""
    value, others = marshal.loads(written)  # noqa: S302 - `_written` wrote it a moment ago
    operations = registered.operations
    read = {address: _read(inner, name) for address, inner in others.items()}
    spec = _read(value, name)
    place = Place(name)
    faults = list(compile_spec(spec, operations, place, name, read))
    faults += circles(spec, name, place, read)
    for address, inner in read.items():
        faults += compile_spec(inner, operations, Place(address), address, read)
        faults += circles(inner, address, Place(address), read)
    _refuse(name, (fault.message for fault in faults))
    notify = operations.get("notify") if stand_in is None else None  # a rehearsal tells nobody
    return Compiled(spec, read, Maker(spec, read, operations, stand_in), notify)


def _read(value: Any, name: str) -> WorkflowSpec:
    spec, faults = validate_model(WorkflowSpec, value, Place(name), name)
    _refuse(name, (fault.message for fault in faults))
    assert spec is not None
    return spec


def _refuse(name: str, messages: Iterable[str]) -> None:
    for message in messages:
        raise ChimeraError(
            f"the run of {name} cannot go on: {message}",
            help="cancel the run and apply again, or bring back the plugin that it needs",
        )
