"""Compilation: everything that is wrong with a workflow before anything of it runs.

Owns how stages fit together: their order, the operations they name, and what starts them; what
flows between them is judged in `flow`. Refuses to stop at the first fault.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from chimera.builtin.workflow.flow import Flow, did_you_mean
from chimera.builtin.workflow.kinds import WorkflowSpec
from chimera.builtin.workflow.order import Order
from chimera.builtin.workflow.references import RESERVED
from chimera.kinds import Document, Model
from chimera.model import Diagnostic, Finding, Place, Related, Verdict

if TYPE_CHECKING:
    from chimera.runtime import Operation

Operations = Mapping[str, "Operation[Model, Model]"]


def judge(document: Document[WorkflowSpec], operations: Operations) -> Verdict:
    """Compile one workflow."""
    faults = compile_workflow(document, operations)
    return Verdict(
        "workflow",
        str(document.address),
        Finding.FAIL if faults else Finding.PASS,
        tuple(fault.message for fault in faults),
        faults,
    )


def compile_workflow(
    document: Document[WorkflowSpec], operations: Operations
) -> tuple[Diagnostic, ...]:
    """Return all faults of one workflow."""
    return tuple(
        compile_spec(document.spec, operations, document.at("spec"), str(document.address))
    )


def compile_spec(
    spec: WorkflowSpec, operations: Operations, place: Place, address: str
) -> Iterator[Diagnostic]:
    """Yield all faults of a spec that stands at `place` in the document at `address`."""
    order = Order.of(spec)
    faults = _Faults(spec, place, address)
    yield from faults.trigger()
    yield from faults.stages()
    yield from faults.order(order)
    yield from faults.operations(operations)
    yield from Flow(spec, operations, order, place, address).faults()


class _Faults:
    """What is wrong with the stages of one spec, not with what flows between them."""

    def __init__(self, spec: WorkflowSpec, place: Place, address: str) -> None:
        self._spec = spec
        self._place = place
        self._address = address

    def _fault(
        self, rule: str, message: str, place: Place, help: str, *related: Related
    ) -> Diagnostic:
        return Diagnostic(rule, message, place, help, address=self._address, related=related)

    def trigger(self) -> Iterator[Diagnostic]:
        """Yield what does not fit what starts the workflow."""
        for word, value in (("schedule", self._spec.schedule), ("event", self._spec.event)):
            if self._spec.trigger == word and value is None:
                yield self._fault(
                    "workflow-trigger-incomplete",
                    f"the trigger is {word}, and no {word} is named",
                    self._place.at("trigger"),
                    f"add {word}, or choose another trigger",
                )
            elif self._spec.trigger != word and value is not None:
                yield self._fault(
                    "workflow-trigger-unused",
                    f"the {word} starts nothing: the trigger is {self._spec.trigger}",
                    self._place.at(word),
                    f"write trigger: {word}, or remove it",
                )
        if self._spec.trigger != "human":
            for name, given in self._spec.inputs.items():
                if given.is_required:
                    yield self._fault(
                        "workflow-input-unset",
                        f"nobody gives the input {name!r} when the trigger is {self._spec.trigger}",
                        self._place.at("inputs", name, on="key"),
                        "give it a default",
                    )

    def stages(self) -> Iterator[Diagnostic]:
        """Yield ids that are taken and dependencies that do not exist."""
        first: dict[str, int] = {}
        for index, stage in enumerate(self._spec.stages):
            if stage.id in RESERVED:
                yield self._fault(
                    "workflow-stage-reserved",
                    f"no stage can be called {stage.id!r}",
                    self._place.at("stages", index, "id"),
                    f"choose another id: ${{{stage.id}.x}} means something else",
                )
            if first.setdefault(stage.id, index) != index:
                there = self._place.at("stages", first[stage.id], "id")
                yield self._fault(
                    "workflow-stage-duplicate",
                    f"a second stage with the id {stage.id!r}",
                    self._place.at("stages", index, "id"),
                    "give each stage its own id",
                    Related("the first one stands here", there),
                )
        for index, stage in enumerate(self._spec.stages):
            for at, name in enumerate(stage.dependencies):
                if name not in first:
                    yield self._fault(
                        "workflow-dependency-unknown",
                        f"there is no stage {name!r}",
                        self._place.at("stages", index, "dependencies", at),
                        did_you_mean(name, first, "name the id of a stage of this workflow"),
                    )

    def order(self, order: Order) -> Iterator[Diagnostic]:
        """Yield where stages wait for one another, and what never starts for it."""
        stages = self._spec.stages
        for stage, later in order.backward:
            where = "itself" if stage == later else f"{stages[later].id!r}, which comes after it"
            yield self._fault(
                "workflow-cycle",
                f"the stage {stages[stage].id!r} depends on {where}",
                self._dependency(stage, later),
                "in sequential mode the order of the stages is the order of the work: move the "
                "stage, or write mode: parallel",
            )
        for cycle in order.cycles:
            names = " → ".join(stages[index].id for index in (*cycle, cycle[0]))
            yield self._fault(
                "workflow-cycle",
                f"stages wait for one another: {names}",
                self._dependency(cycle[0], cycle[1 % len(cycle)]),
                "remove one of these dependencies",
            )
        for index in order.unreachable:
            yield self._fault(
                "workflow-stage-unreachable",
                f"the stage {stages[index].id!r} never starts: it waits for stages that wait for "
                "one another",
                self._place.at("stages", index, "id"),
                "break the circle that it waits for",
            )

    def _dependency(self, stage: int, needed: int) -> Place:
        names = self._spec.stages[stage].dependencies
        at = names.index(self._spec.stages[needed].id)
        return self._place.at("stages", stage, "dependencies", at)

    def operations(self, known: Operations) -> Iterator[Diagnostic]:
        """Yield operations that nobody registered."""
        for index, stage in enumerate(self._spec.stages):
            if stage.operation not in known:
                yield self._fault(
                    "workflow-operation-unknown",
                    f"there is no operation {stage.operation!r}",
                    self._place.at("stages", index, "operation"),
                    did_you_mean(
                        stage.operation,
                        known,
                        f"there is: {', '.join(sorted(known)) or 'none, no plugin registers any'}",
                    ),
                )
