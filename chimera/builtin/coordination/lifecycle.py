"""The life of a module: initialized, configured, started, looked at; and shut down.

Each of these is a durable step in the store, so that a start that was interrupted goes on where it
was. Modules start after what they depend on, which is the order in which changes are applied, and
shut down before it. What was applied is in the collection `module`, by type: from there the
module's operations learn their configuration. Refuses to start a module whose dependencies have
not started in a version that fits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from chimera.builtin.coordination.declaring import MODULES
from chimera.builtin.coordination.health import look
from chimera.builtin.coordination.kinds import ModuleSpec
from chimera.builtin.coordination.orchestrating import orchestrator_of, settings_of, system_of
from chimera.builtin.coordination.ordering import dependents
from chimera.builtin.coordination.versions import exclusion
from chimera.kinds import Document, format_duration, parse_duration, validate_model
from chimera.model import ChimeraError, Place, digest_json
from chimera.runtime import Json, PermanentError, Step, StepCall
from chimera.runtime.system import DEFAULT_SYSTEM

if TYPE_CHECKING:
    from chimera.runtime import ModuleType, ReconcileTask

SUBSCRIPTIONS = "subscription"
"""Collection of who receives which messages: `module`, `topic` and `operation`."""

Types = Mapping[str, "ModuleType"]
Work = Callable[[StepCall], Json]


def reconcile(task: ReconcileTask) -> Mapping[str, Any] | None:
    """Start the module, start it anew as it is now, or shut it down."""
    types: Types = task.snapshot.registry.modules
    document = task.document
    if document is None:
        if not str(task.change.target).startswith("Module/"):
            return None
        return _shut_down(task)
    if not isinstance(document.spec, ModuleSpec):
        return None
    former = _type_of(task.before)
    definition = {
        "module": str(document.address),
        "document": task.change.after,
        "types": {str(d.address): d.spec.type for d in _modules(task)},
        "former": former if former != document.spec.type else None,
        "timeout": _timeout(task, document.spec).total_seconds(),
        "startupTimeout": _startup_timeout(task, document.spec),
        "spec": document.value["spec"],
    }
    outputs = task.execute(definition, lambda pinned, _: starting(pinned, types))
    return outputs["health"] if isinstance(outputs["health"], dict) else {}


def _timeout(task: ReconcileTask, spec: ModuleSpec) -> timedelta:
    """Return how long a step of the start may take: what the module says, else the orchestrator."""
    if spec.startup_timeout is not None:
        return spec.startup_timeout
    orchestrator = orchestrator_of(task.snapshot, task.environment.name)
    system = DEFAULT_SYSTEM if orchestrator is None else settings_of(orchestrator.spec).system
    return system.startup_timeout


def _modules(task: ReconcileTask) -> Iterator[Document[ModuleSpec]]:
    yield from task.snapshot.of_model(ModuleSpec)


def _startup_timeout(task: ReconcileTask, spec: ModuleSpec) -> str:
    """Return how long a step of the start may take: what the module says, or the orchestrator."""
    said = spec.startup_timeout
    if said is None:
        said = system_of(task.snapshot, task.environment.name).startup_timeout
    return format_duration(said)


def _type_of(value: Mapping[str, Any] | None) -> str | None:
    found = (value or {}).get("spec", {}).get("type")
    return found if isinstance(found, str) else None


def _shut_down(task: ReconcileTask) -> Mapping[str, Any]:
    type = _type_of(task.before)
    if type is None:
        return {}
    left = sorted(d.spec.type for d in _modules(task))
    definition = {"module": str(task.change.target), "stop": type, "left": left}
    outputs = task.execute(definition, lambda pinned, _: stopping(pinned))
    return {"state": "stopped", "stopped": outputs["stop"]}


def starting(pinned: Any, types: Types) -> Iterator[Step]:
    """Yield the steps of a start, as they were pinned."""
    start = _Start(pinned, types)
    timeout = parse_duration(pinned["startupTimeout"])
    before: tuple[str, ...] = ()
    for id, work in (
        ("initialize", start.initialize),
        ("configure", start.configure),
        ("start", start.start),
        ("health", start.health),
    ):
        yield Step(
            id,
            work,
            needs=before,
            effects=False,
            executor="inline",
            timeout=timeout,
        )
        before = (id,)


class _Start:
    """The start of one module: what each step of it does."""

    def __init__(self, pinned: Any, types: Types) -> None:
        spec, faults = validate_model(ModuleSpec, pinned["spec"], Place("spec"), pinned["module"])
        if spec is None:
            raise ChimeraError(
                f"the start of {pinned['module']} cannot go on: {faults[0].message}",
                help="cancel the run and apply again",
            )
        self.spec = spec
        self._pinned = pinned
        self._types = types

    def initialize(self, call: StepCall) -> Json:
        """Take the place of what was there, and say what is coming."""
        if self._pinned["former"] is not None:
            _stop(call, self._pinned["former"])
        before: Any = call.store.get(MODULES, self.spec.type)
        fresh = {} if before else {"configuration": {}, "digest": digest_json({})}
        self._keep(call, {"state": "initialized", **fresh})
        return {"state": "initialized"}

    def configure(self, call: StepCall) -> Json:
        """Validate the configuration against the model of the type, and keep it."""
        type = self._type()
        value, place = self.spec.configuration, Place("spec").at("configuration")
        faults = validate_model(type.configuration, value, place, self._pinned["module"])[1]
        if faults:
            raise PermanentError(faults[0].message, help=faults[0].help)
        digest = digest_json(value)
        self._keep(call, {"state": "configured", "configuration": value, "digest": digest})
        return {"state": "configured", "configuration": digest}

    def start(self, call: StepCall) -> Json:
        """See that what it depends on has started, open its collections, subscribe to topics."""
        type = self._type()
        for need in self.spec.dependencies:
            self._check_started(call, need.module, need.version)
        opened = {name: call.store.count(name) for name in type.collections}
        _unsubscribe(call, type.name)
        for topic, operation in sorted(type.subscriptions.items()):
            subscription = {"module": type.name, "topic": topic, "operation": operation}
            call.store.put(SUBSCRIPTIONS, f"{type.name}/{topic}", subscription)
        self._keep(call, {"state": "started", "since": call.now.isoformat()})
        call.publish("module.started", {"module": type.name, "version": self.spec.version})
        return {"state": "started", "collections": opened, "topics": sorted(type.subscriptions)}

    def health(self, call: StepCall) -> Json:
        """Look at the module that has started; raises `PermanentError` where it is not well."""
        found = look(call.store, self.spec.type, self._types)
        if found.status != "healthy":
            reasons = "; ".join(f"{check}: {said}" for check, said in found.checks.items() if said)
            raise PermanentError(
                f"{self._pinned['module']} started and is not well: {reasons}",
                help="`chimera health` says how the modules are",
            )
        kept: Any = call.store.get(MODULES, self.spec.type)
        return {
            "state": kept["state"],
            "type": self.spec.type,
            "version": self.spec.version,
            "configuration": kept["digest"],
            "health": found.status,
        }

    def _type(self) -> ModuleType:
        type = self._types.get(self.spec.type)
        if type is None:
            raise PermanentError(
                f"there is no type of module {self.spec.type!r}",
                help="bring back the plugin that registers it",
            )
        return type

    def _check_started(self, call: StepCall, module: str, range: str) -> None:
        other: Any = call.store.get(MODULES, self._pinned["types"].get(module, ""))
        if other is None or other["state"] != "started":
            raise PermanentError(
                f"{module}, on which {self._pinned['module']} depends, has not started",
                help=f"apply {module} first",
            )
        found = exclusion(range, other["version"])
        if found is not None:
            raise PermanentError(f"{module} is excluded: {found.reason}", help=found.help)

    def _keep(self, call: StepCall, more: Mapping[str, Any]) -> None:
        """Keep what is known of the module, and more."""
        before: Any = call.store.get(MODULES, self.spec.type) or {}
        about = {
            "module": self._pinned["module"],
            "document": self._pinned["document"],
            "version": self.spec.version,
            "dependencies": [
                {"module": need.module, "type": self._pinned["types"].get(need.module, "")}
                for need in self.spec.dependencies
            ],
            "checks": list(self.spec.health_check.checks),
        }
        call.store.put(MODULES, self.spec.type, {**before, **about, **more})


def stopping(pinned: Any) -> Iterator[Step]:
    """Yield the step that shuts a module down, those before it that depend on it and go as well."""

    def stop(call: StepCall) -> Json:
        needs = {
            type: [need["type"] for need in value["dependencies"]]
            for type, value in call.store.find(MODULES)
            if isinstance(value, dict)
        }
        first = dependents(pinned["stop"], needs)
        staying = [type for type in first if type in pinned["left"]]
        if staying:
            raise PermanentError(
                f"{', '.join(staying)} depends on {pinned['module']}, and stays",
                help="delete what depends on it as well, or remove the dependency",
            )
        stopped = [type for type in (*first, pinned["stop"]) if _stop(call, type)]
        return list(stopped)

    yield Step("stop", stop, effects=False, executor="inline")


def _stop(call: StepCall, type: str) -> bool:
    """Shut one module down; its objects stay. Tell whether it was there."""
    if call.store.get(MODULES, type) is None:
        return False
    _unsubscribe(call, type)
    call.store.delete(MODULES, type)
    call.publish("module.stopped", {"module": type})
    return True


def _unsubscribe(call: StepCall, type: str) -> None:
    for id, _ in tuple(call.store.find(SUBSCRIPTIONS, module=type)):
        call.store.delete(SUBSCRIPTIONS, id)
