"""What single stages do: whether each does one thing, and whether that can be done.

Owns the operations, limits and executors that stages name, and what waits, confirmations,
compensations and caches make sense on. Refuses to judge values: that is `flow`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from chimera.builtin.workflow.escalating import delivery_faults
from chimera.builtin.workflow.handling import ErrorHandlingSpec, InsteadSpec
from chimera.builtin.workflow.references import slots
from chimera.builtin.workflow.scope import Scope
from chimera.builtin.workflow.stages import StageSpec, WaitSpec, full_name
from chimera.builtin.workflow.wording import Suggestions, names
from chimera.model import Diagnostic, Place, Route

if TYPE_CHECKING:
    from chimera.kinds import Model
    from chimera.runtime import Operation

WORK = ("operation", "workflow", "wait", "confirm", "switch")
_FOR_OPERATIONS = (
    *("module", "executor", "on_interrupt", "compensate", "cache", "retry_policy"),
    *("error_handling", "limits"),
)
_UNFIT = {
    "workflow": ("module", "executor", "on_interrupt", "compensate", "cache", "retry_policy"),
    "wait": ("inputs", *_FOR_OPERATIONS),
    "confirm": ("inputs", *_FOR_OPERATIONS),
    "switch": ("inputs", "timeout", *_FOR_OPERATIONS),
}
"""What stages that do something else than an operation have no use for."""
_NAMED = {
    "workflow": "runs a workflow", "wait": "waits", "confirm": "asks a human",
    "switch": "chooses a case",
}  # fmt: skip


class Work:
    """What is wrong with single stages."""

    def __init__(
        self,
        scope: Scope,
        place: Place,
        address: str,
        executors: Mapping[str, str] | None,
        limits: frozenset[str] | None,
    ) -> None:
        self._spec = scope.spec
        self._plain = scope.plain
        self._operations = scope.operations
        self._workflows = scope.workflows
        self._place = place
        self._address = address
        self._executors = executors
        self._limits = limits
        self._meant = Suggestions()

    def _fault(self, rule: str, message: str, route: Route, help: str) -> Diagnostic:
        return Diagnostic(rule, message, self._place.at(*route), help, address=self._address)

    def faults(self) -> Iterator[Diagnostic]:
        """Yield every fault, stage by stage."""
        if self._spec.error_handling is not None:
            yield from self._handling(self._spec.error_handling, ("errorHandling",))
        for index, stage in enumerate(self._spec.stages):
            plain = self._plain[index]
            if plain is None:
                yield from self._stage(stage, ("stages", index))
            elif plain not in self._operations:
                yield from self._operation(stage.module, stage.operation, ("stages", index))

    def _stage(self, stage: StageSpec, route: Route) -> Iterator[Diagnostic]:
        works = [word for word in WORK if getattr(stage, word) is not None]
        if len(works) != 1:
            yield self._no_work(stage, works, route)
        elif works[0] == "operation":
            yield from self._operation(stage.module, stage.operation, route)
        else:
            yield from self._unfit(stage, works[0], route)
        yield from self._rest(stage, route)

    def _no_work(self, stage: StageSpec, works: list[str], route: Route) -> Diagnostic:
        if not works:
            message = f"the stage {stage.id!r} does nothing"
            help = "give it an operation; or workflow, wait, confirm or switch"
            return self._fault("workflow-stage-work", message, route, help)
        message = f"the stage {stage.id!r} does {len(works)} things: {' and '.join(works)}"
        help = "make one stage of each"
        return self._fault("workflow-stage-work", message, (*route, works[1]), help)

    def _operation(
        self, module: str | None, operation: str | None, route: Route
    ) -> Iterator[Diagnostic]:
        name = full_name(module, operation)
        if operation is None or name is None or name in self._operations:
            return
        modules = {known.partition(".")[0] for known in self._operations if "." in known}
        if module is not None and module not in modules:
            yield self._fault(
                "workflow-module-unknown",
                f"there is no module {module!r}",
                (*route, "module"),
                self._meant(module, modules, _missing_plugin(f"operations of {module}", modules)),
            )
            return
        known = [one.removeprefix(f"{module}.") for one in self._operations if _of(one, module)]
        yield self._fault(
            "workflow-operation-unknown",
            f"there is no operation {name!r}",
            (*route, "operation"),
            self._meant(operation, known, _missing_plugin(name, known)),
        )

    def _unfit(self, stage: StageSpec, word: str, route: Route) -> Iterator[Diagnostic]:
        """Yield fields that mean nothing beside what the stage does."""
        for name in _UNFIT[word]:
            if name in stage.model_fields_set:
                field = type(stage).model_fields[name].alias or name
                yield self._fault(
                    "workflow-field-unfit",
                    f"{field} has no use in a stage that {_NAMED[word]}",
                    (*route, _camel(name)),
                    "remove it, or do that in a stage with an operation",
                )
        if stage.wait is not None:
            yield from self._wait(stage.wait, (*route, "wait"))
        for at, case in enumerate(stage.switch or ()):
            yield from self._case(stage, at, case.case, is_open=case.when is None, route=route)

    def _wait(self, wait: WaitSpec, route: Route) -> Iterator[Diagnostic]:
        given = [w for w in ("for", "until", "signal") if getattr(wait, _FIELDS.get(w, w))]
        if len(given) != 1:
            what = f"{' and '.join(given)} at once" if given else "nothing"
            yield self._fault(
                "workflow-wait-invalid",
                f"it waits for {what}",
                (*route, given[1]) if given else route,
                "write one of for: 10m, until: 2026-12-01T06:00:00Z, and signal: NAME",
            )
        elif wait.timeout is not None and given != ["signal"]:
            yield self._fault(
                "workflow-wait-invalid",
                f"a wait {given[0]} a time needs no timeout",
                (*route, "timeout"),
                "remove it: only a signal may fail to come",
            )
        if wait.until is not None and not slots(wait.until) and not is_moment(wait.until):
            yield self._fault(
                "workflow-wait-invalid",
                f"{wait.until!r} is no moment with a time zone",
                (*route, "until"),
                "write it as 2026-12-01T06:00:00Z",
            )

    def _case(
        self, stage: StageSpec, at: int, name: str, *, is_open: bool, route: Route
    ) -> Iterator[Diagnostic]:
        assert stage.switch is not None
        if any(case.case == name for case in stage.switch[:at]):
            yield self._fault(
                "workflow-case-duplicate",
                f"a second case {name!r}",
                (*route, "switch", at, "case"),
                "give each case its own name; `||` joins predicates",
            )
        if is_open and at < len(stage.switch) - 1:
            yield self._fault(
                "workflow-stage-unreachable",
                f"no case after {name!r} is ever chosen: it has no predicate",
                (*route, "switch", at),
                "write it as the last one, or give it a when",
            )

    def _rest(self, stage: StageSpec, route: Route) -> Iterator[Diagnostic]:
        """Yield what is wrong with what a stage says of how it is done."""
        operation = self._operations.get(stage.operation_name) if stage.operation_name else None
        if stage.compensate is not None:
            undo = stage.compensate
            yield from self._operation(undo.module, undo.operation, (*route, "compensate"))
            if operation is not None and not operation.effects:
                yield self._fault(
                    "workflow-compensation-pointless",
                    f"{operation.name} has no effects: there is nothing to undo",
                    (*route, "compensate"),
                    "remove it",
                )
        if stage.cache and operation is not None and (does := _does(operation)):
            yield self._fault(
                "workflow-cache-unfit",
                f"{operation.name} {does}: an earlier output does not stand for that",
                (*route, "cache"),
                "remove it, or cache a stage that only works something out",
            )
        if stage.on_interrupt == "probe" and operation is not None and operation.probe is None:
            yield self._fault(
                "workflow-probe-missing",
                f"{operation.name} cannot tell whether an interrupted attempt took effect",
                (*route, "onInterrupt"),
                "write retry, or escalate",
            )
        if stage.error_handling is not None:
            yield from self._handling(stage.error_handling, (*route, "errorHandling"))
        yield from self._named(stage, route)

    def _named(self, stage: StageSpec, route: Route) -> Iterator[Diagnostic]:
        """Yield limits and executors that nobody knows."""
        if self._executors is not None and stage.executor is not None:
            known = self._executors
            if stage.executor not in known:
                yield self._fault(
                    "workflow-executor-unknown",
                    f"there is no executor {stage.executor!r}",
                    (*route, "executor"),
                    self._meant(stage.executor, known, _missing_plugin(stage.executor, known)),
                )
        if self._limits is not None:
            limits = {*self._spec.limits, *self._limits}
            for at, name in enumerate(stage.limits):
                if name not in limits:
                    yield self._fault(
                        "workflow-limit-unknown",
                        f"nobody declares the limit {name!r}",
                        (*route, "limits", at),
                        self._meant(name, limits, f"write limits: {{{name}: 4}} in the spec"),
                    )

    def _handling(self, handling: ErrorHandlingSpec, route: Route) -> Iterator[Diagnostic]:
        for at, fallback in enumerate(handling.fallback_actions):
            here = (*route, "fallbackActions", at)
            if fallback.type == "alternative":
                yield from self._instead(fallback, here)
            elif fallback.operation or fallback.inputs:
                yield self._fault(
                    "workflow-fallback-invalid",
                    f"{fallback.type} does no other work",
                    here,
                    "write type: alternative",
                )
            if fallback.outputs is not None and fallback.type != "degrade_gracefully":
                yield self._fault(
                    "workflow-fallback-invalid",
                    f"{fallback.type} has outputs of its own",
                    (*here, "outputs"),
                    "remove them, or write type: degrade_gracefully",
                )
        for at, rule in enumerate(handling.escalation_rules):
            if rule.notify:
                place = self._place.at(*route, "escalationRules", at, "notify")
                notify = self._operations.get("notify")
                inputs = notify.inputs if notify is not None else None
                yield from delivery_faults(rule, inputs, self._spec.secrets, place, self._address)
        if handling.rollback_procedure is not None:
            yield from self._instead(handling.rollback_procedure, (*route, "rollbackProcedure"))

    def _instead(self, instead: InsteadSpec, route: Route) -> Iterator[Diagnostic]:
        if instead.operation is None:
            yield self._fault(
                "workflow-fallback-invalid", "it does nothing", route, "name an operation"
            )
        yield from self._operation(instead.module, instead.operation, route)


_FIELDS = {"for": "for_"}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _of(name: str, module: str | None) -> bool:
    return module is None or name.startswith(f"{module}.")


def _missing_plugin(what: str, known: Any) -> str:
    return f"there is {names(known)}; the plugin that brings {what} is missing or disabled"


def is_moment(text: str) -> bool:
    """Tell whether text is a moment, with a time zone."""
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def operation_of(
    stage: StageSpec, operations: Mapping[str, Operation[Model, Model]]
) -> Operation[Model, Model] | None:
    """Return the operation of a stage, if it has one that somebody registered."""
    return operations.get(stage.operation_name) if stage.operation_name else None


def _does(operation: Operation[Any, Any]) -> str | None:
    """Say what an operation does that its output is not all of; `None` where that is nothing."""
    if operation.cacheable:
        return None
    if operation.effects:
        return "acts on the world"
    if operation.executor == "inline":
        return "uses what the environment keeps"
    return "is made of steps of its own" if operation.expand is not None else None
