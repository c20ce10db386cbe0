"""Compilation: everything that is wrong with a workflow before anything of it runs.

Owns how stages fit together: what each of them does, their order, and what starts them; what flows
between them is judged in `flow`, predicates in `expressions`. Refuses to stop at the first fault.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from chimera.builtin.workflow.events import is_started_by
from chimera.builtin.workflow.expressions import predicates_of
from chimera.builtin.workflow.flow import Flow
from chimera.builtin.workflow.kinds import WorkflowSpec
from chimera.builtin.workflow.order import Order
from chimera.builtin.workflow.references import RESERVED, slots
from chimera.builtin.workflow.scope import Operations, Scope, Workflows
from chimera.builtin.workflow.wording import Suggestions
from chimera.builtin.workflow.work import Work
from chimera.model import Diagnostic, Finding, Place, Related, Verdict

if TYPE_CHECKING:
    from chimera.kinds import Document

Executors = Mapping[str, str]
_PUBLISHING = ("publish", "hub.publish")


def judge_alone(
    document: Document[WorkflowSpec], operations: Operations, executors: Executors
) -> Verdict | None:
    """Compile one workflow; `None` where that takes other documents, or CEL."""
    scope = scope_of(document.spec, operations, {})
    if not _stands_alone(scope):
        return None
    place, address = document.at("spec"), str(document.address)
    return verdict(address, tuple(compile_scope(scope, place, address, executors=executors)))


def _stands_alone(scope: Scope) -> bool:
    limits = scope.spec.limits.keys()
    return not any(
        stage.workflow or stage.when or stage.switch or not limits >= set(stage.limits)
        for plain, stage in zip(scope.plain, scope.spec.stages, strict=True)
        if plain is None
    )


def verdict(address: str, faults: tuple[Diagnostic, ...]) -> Verdict:
    """Return what is said of a workflow with these faults."""
    if not faults:
        return Verdict("workflow", address, Finding.PASS)
    return Verdict("workflow", address, Finding.FAIL, tuple(f.message for f in faults), faults)


def scope_of(spec: WorkflowSpec, operations: Operations, workflows: Workflows) -> Scope:
    """Return what the stages of a spec can refer to."""
    return Scope(spec, operations, Order.of(spec), workflows)


def compile_spec(
    spec: WorkflowSpec,
    operations: Operations,
    place: Place,
    address: str,
    workflows: Workflows | None = None,
) -> Iterator[Diagnostic]:
    """Yield the faults of a spec by itself, but for those of its predicates.

    Limits that it does not declare may be declared by documents that are not at hand.
    """
    scope = scope_of(spec, operations, workflows or {})
    yield from compile_scope(scope, place, address, limits=None)


def compile_scope(
    scope: Scope,
    place: Place,
    address: str,
    *,
    executors: Executors | None = None,
    limits: frozenset[str] | None = frozenset(),
) -> Iterator[Diagnostic]:
    """Yield all faults of a workflow but for those of its predicates.

    `limits` are declared elsewhere; where it is `None` nobody knows which are, and where
    `executors` is `None` nobody knows which there are.
    """
    faults = _Faults(scope, place, address)
    yield from faults.trigger()
    yield from faults.stages()
    yield from faults.order()
    yield from Work(scope, place, address, executors, limits).faults()
    yield from Flow(scope, place, address).faults()


class _Faults:
    """What is wrong with how stages stand to one another."""

    def __init__(self, scope: Scope, place: Place, address: str) -> None:
        self._scope = scope
        self._spec = scope.spec
        self._place = place
        self._address = address
        self._meant = Suggestions()

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
        if self._spec.trigger == "event":
            yield from self._circle()
        if self._spec.trigger != "human":
            for name, given in self._spec.inputs.items():
                if given.is_required and not (self._spec.trigger == "event" and name == "event"):
                    yield self._fault(
                        "workflow-input-unset",
                        f"nobody gives the input {name!r} when the trigger is {self._spec.trigger}",
                        self._place.at("inputs", name, on="key"),
                        "give it a default",
                    )

    def _circle(self) -> Iterator[Diagnostic]:
        """Yield what it publishes each time and is started by: it would never end."""
        for index, stage in enumerate(self._spec.stages):
            topic = stage.inputs.get("topic") if stage.operation_name in _PUBLISHING else None
            if not isinstance(topic, str) or slots(topic) or stage.when is not None:
                continue
            if is_started_by(self._spec.event or "", topic):
                yield self._fault(
                    "workflow-event-circle",
                    f"it is started by {topic}, which it publishes: it starts itself without end",
                    self._place.at("stages", index, "inputs", "topic"),
                    "publish under another topic, be started by others, or say when it goes on",
                )

    def stages(self) -> Iterator[Diagnostic]:
        """Yield ids that are taken and dependencies that do not exist."""
        first, plain = self._scope.position, self._scope.plain
        for index, stage in enumerate(self._spec.stages):
            id = stage.id
            if id in RESERVED:
                yield self._fault(
                    "workflow-stage-reserved",
                    f"no stage can be called {id!r}",
                    self._place.at("stages", index, "id"),
                    f"choose another id: ${{{id}.x}} means something else",
                )
            if first[id] != index:
                there = self._place.at("stages", first[id], "id")
                yield self._fault(
                    "workflow-stage-duplicate",
                    f"a second stage with the id {id!r}",
                    self._place.at("stages", index, "id"),
                    "give each stage its own id",
                    Related("the first one stands here", there),
                )
            variable = None if plain[index] else self._scope.variable(index)
            if variable in RESERVED or variable in first:
                yield self._fault(
                    "workflow-variable-taken",
                    f"an item cannot be called {variable!r}: that is "
                    f"{'a stage' if variable in first else 'a word of the grammar'}",
                    self._place.at("stages", index, "forEach", "as"),
                    "choose another name under as",
                )
        for index, stage in enumerate(self._spec.stages):
            for at, name in enumerate(stage.dependencies):
                if name not in first:
                    yield self._fault(
                        "workflow-dependency-unknown",
                        f"there is no stage {name!r}",
                        self._place.at("stages", index, "dependencies", at),
                        self._meant(name, first, "name the id of a stage of this workflow"),
                    )

    def order(self) -> Iterator[Diagnostic]:
        """Yield where stages wait for one another, and what never starts for it."""
        if not self._scope.order.is_sound:
            yield from self._circles()
        for index, stage in enumerate(self._spec.stages):
            if self._scope.plain[index]:
                continue
            for route, text, _ in predicates_of(stage, index):
                if text.strip() == "false":
                    yield self._fault(
                        "workflow-stage-unreachable",
                        f"the stage {stage.id!r} never goes this way: the predicate is false",
                        self._place.at(*route),
                        "remove the stage or the case, or write when it is wanted",
                    )

    def _circles(self) -> Iterator[Diagnostic]:
        stages, order = self._spec.stages, self._scope.order
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
            shown = [stages[index].id for index in (*cycle, cycle[0])]
            names = " → ".join(shown if len(shown) <= 12 else [*shown[:6], "…", *shown[-5:]])
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
