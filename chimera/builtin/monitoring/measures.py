"""The system metrics of seed 003, measured: from the journal, the cgroup, /proc and the disk.

Durations are seconds, usage is a share from 0 to 1. What was measured nowhere is `None`: a network
latency without a request, the average of no workflow.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from chimera.context.machine import Machine, Used, measure, used_by_group, used_by_process
from chimera.runtime.health import Health, HealthCheck
from chimera.state import Json, RunStatus, StateReader
from chimera.state.measuring import (
    RunTally,
    StepTally,
    definitions,
    run_tallies,
    step_tallies,
)

if TYPE_CHECKING:
    from chimera.kinds import Registry

ACTIVE = frozenset(
    {RunStatus.RUNNING, RunStatus.PAUSING, RunStatus.WAITING, RunStatus.COMPENSATING}
)
CARRIED = ACTIVE - {RunStatus.WAITING}
"""What only a process can carry on: without one such a run was interrupted."""
ENDED = frozenset(
    {RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.COMPENSATED}
)


@dataclass(frozen=True, slots=True)
class Performance:
    """How attempts of one operation went; seconds are of those that ended."""

    done: int = 0
    failed: int = 0
    retried: int = 0
    ended: int = 0
    seconds: float = 0.0
    longest: float = 0.0

    def __add__(self, other: Performance | StepTally) -> Performance:
        return Performance(
            self.done + other.done,
            self.failed + other.failed,
            self.retried + other.retried,
            self.ended + other.ended,
            self.seconds + other.seconds,
            max(self.longest, other.longest),
        )

    @property
    def average(self) -> float | None:
        """The average duration of an attempt; `None` where none has ended."""
        return self.seconds / self.ended if self.ended else None


@dataclass(frozen=True, slots=True)
class Storage:
    """Bytes on the disk: of the state by part, and what the disk has and has left."""

    parts: Mapping[str, int]
    total: int
    free: int

    @property
    def usage(self) -> float:
        """The share of the disk that is in use."""
        return 1 - self.free / self.total if self.total else 0.0


@dataclass(frozen=True, slots=True)
class Metrics:
    """What was measured of one environment and of the machine, at one moment."""

    environment: str
    runs: tuple[RunTally, ...]
    interrupted: int
    operations: Mapping[str, Performance]
    modules: tuple[str, ...]
    health: tuple[HealthCheck, ...]
    machine: Machine
    used: Used
    cpu_usage: float | None
    writer: Used | None
    storage: Storage

    def count(self, *statuses: RunStatus) -> int:
        """Return how many runs of workflows stand in one of these ways."""
        return sum(one.runs for one in self._workflows() if one.status in statuses)

    @property
    def active(self) -> int:
        """How many runs of workflows somebody or a timer carries on."""
        return max(0, self.count(*ACTIVE) - self.interrupted)

    @property
    def average_duration(self) -> float | None:
        """How long a run of a workflow took that has ended, on average."""
        ended = [one for one in self._workflows() if one.status in ENDED]
        count = sum(one.runs for one in ended)
        return sum(one.seconds for one in ended) / count if count else None

    @property
    def memory_usage(self) -> float | None:
        """The share of the memory that is in use."""
        return None if self.used.memory is None else self.used.memory / self.machine.memory

    @property
    def network(self) -> Performance:
        """How requests of the `http` operations went."""
        requests = [p for n, p in self.operations.items() if n == "http" or n.startswith("http.")]
        return sum(requests, Performance())

    def by_module(self) -> dict[str, Performance]:
        """Return how the operations of each module went."""
        found: dict[str, Performance] = {}
        for name, performance in self.operations.items():
            module = name.partition(".")[0]
            if module in self.modules:
                found[module] = found.get(module, Performance()) + performance
        return found

    def module_health(self) -> dict[str, str]:
        """Return how each module is, by name."""
        kind = "Module/"
        return {
            check.subject.removeprefix(kind): check.status.value
            for check in self.health
            if check.subject.startswith(kind)
        }

    def values(self) -> dict[str, float | None]:
        """Return what alerts can be about, by the names of the seed."""
        failed = self.count(RunStatus.FAILED)
        ended = self.count(*ENDED)
        unwell = [s for s in self.module_health().values() if s != Health.HEALTHY.value]
        return {
            "activeWorkflows": self.active,
            "completedWorkflows": self.count(RunStatus.SUCCEEDED),
            "failedWorkflows": failed,
            "failedWorkflowShare": failed / ended if ended else None,
            "averageWorkflowDuration": self.average_duration,
            "interruptedRuns": self.interrupted,
            "unhealthyModules": len(unwell),
            "cpuUsage": self.cpu_usage,
            "memoryUsage": self.memory_usage,
            "networkLatency": self.network.average,
            "storageUsage": self.storage.usage,
        }

    def _workflows(self) -> list[RunTally]:
        return [
            one
            for one in self.runs
            if one.kind == "Workflow" and one.environment == self.environment
        ]


def gather(
    state: StateReader,
    registry: Registry,
    environment: str,
    health: Sequence[HealthCheck],
    *,
    newest: int | None = None,
    interval: float = 0.1,
) -> Metrics:
    """Measure; `interval` is how long, in seconds, the use of the CPU is watched."""
    before, began = used_by_group(), monotonic()
    runs = run_tallies(state)
    writer = state.writer()
    steps = [s for s in step_tallies(state, newest) if s.environment == environment]
    storage = storage_of(state.layout.folder)
    sleep(max(0.0, interval - (monotonic() - began)))
    after, seconds = used_by_group(), monotonic() - began
    machine = measure()
    return Metrics(
        environment,
        runs,
        interrupted(runs, environment) if writer is None else 0,
        performance(steps, definitions(state, {s.definition for s in steps}), registry),
        tuple(registry.modules),
        tuple(health),
        machine,
        after,
        _share(before, after, seconds, machine),
        None if writer is None else used_by_process(writer.pid),
        storage,
    )


def interrupted(runs: Iterable[RunTally], environment: str) -> int:
    """Return how many runs a process began and no process carries on, when none does any."""
    left = CARRIED | {RunStatus.INTERRUPTED}
    return sum(one.runs for one in runs if one.environment == environment and one.status in left)


def performance(
    steps: Iterable[StepTally], definitions: Mapping[str, Json], registry: Registry
) -> dict[str, Performance]:
    """Return how each operation went, by name; steps that perform none are left out."""
    found: dict[str, Performance] = {}
    for step in steps:
        name = operation_of(step.step, definitions.get(step.definition))
        if name is not None:
            operation = registry.operations.get(name)
            name = operation.name if operation is not None else name
            found[name] = found.get(name, Performance()) + step
    return dict(sorted(found.items()))


def operation_of(step: str, definition: Json) -> str | None:
    """Return the operation that a step performs by the definition that its run is pinned to.

    `deploy/build` is the stage `build` of the workflow that the stage `deploy` runs.
    """
    if not isinstance(definition, Mapping) or not isinstance(definition.get("spec"), Mapping):
        return None
    spec: Mapping[str, Any] = definition["spec"]
    *outer, last = step.partition("!")[0].split("/")
    for id in outer:
        inner = _stage(spec, id).get("workflow")
        spec = definition.get("workflows", {}).get(inner, {})
    stage = _stage(spec, last)
    if not isinstance(stage.get("operation"), str):
        return None
    module = stage.get("module")
    return f"{module}.{stage['operation']}" if module else str(stage["operation"])


def _stage(spec: Mapping[str, Any], id: str) -> Mapping[str, Any]:
    stages = spec.get("stages") or ()
    return next((s for s in stages if isinstance(s, Mapping) and s.get("id") == id), {})


def storage_of(folder: Path) -> Storage:
    """Return what the state takes on its disk, and how the disk stands."""
    parts: dict[str, int] = {}
    for entry in sorted(folder.iterdir()) if folder.is_dir() else ():
        name = "database" if entry.name.startswith("state.db") else entry.name
        parts[name] = parts.get(name, 0) + _size(entry)
    disk = shutil.disk_usage(folder if folder.is_dir() else folder.parent)
    return Storage(parts, disk.total, disk.free)


def _size(entry: Path) -> int:
    if not entry.is_dir() or entry.is_symlink():
        return entry.lstat().st_size
    files = (Path(top) / name for top, _, names in os.walk(entry) for name in names)
    return sum(file.lstat().st_size for file in files)


def _share(before: Used, after: Used, seconds: float, machine: Machine) -> float | None:
    if before.cpu_seconds is None or after.cpu_seconds is None:
        return None
    spent = after.cpu_seconds - before.cpu_seconds
    return min(1.0, max(0.0, spent / seconds / (machine.cpu / 1000)))
