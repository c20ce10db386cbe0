"""Health: what is looked at besides the parts that plugins own, and alerts.

Looks at memory, disk, the state and its journal. Refuses to call well what could not be looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chimera.builtin.monitoring.keeping import STANDING
from chimera.builtin.monitoring.kinds import AlertSpec
from chimera.builtin.monitoring.measures import (
    CARRIED,
    Metrics,
    gather,
    interrupted,
    storage_of,
)
from chimera.builtin.monitoring.vouching import is_vouched_for
from chimera.context.machine import measure, used_by_group
from chimera.kinds import Snapshot
from chimera.model import ChimeraError, StateError
from chimera.runtime.health import Health, HealthCheck, HealthTask, worst
from chimera.runtime.looks import check_json
from chimera.state import Json, StateReader
from chimera.state.measuring import faults, run_tallies

if TYPE_CHECKING:
    from chimera.workspace import Workspace

_TIGHT, _FULL = 0.9, 0.98
_LEAST_FREE = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Alert:
    """A threshold that a measure is past."""

    name: str
    severity: str
    text: str
    message: str

    @property
    def health(self) -> Health:
        """How bad it is to be past it."""
        is_grave = self.severity in {"high", "critical"}
        return Health.UNHEALTHY if is_grave else Health.DEGRADED


@dataclass(frozen=True, slots=True)
class Report:
    """All that was looked at of one environment, and what it comes to.

    `quiet` are the alerts that were looked at, too, and whose thresholds nothing is past. Of a
    `partial` one only some documents were looked at.
    """

    environment: str
    at: str
    checks: tuple[HealthCheck, ...]
    alerts: tuple[Alert, ...]
    quiet: tuple[str, ...] = ()
    partial: bool = False

    @property
    def status(self) -> Health:
        """The worst of the checks and of the alerts."""
        return worst([*self.checks, *(HealthCheck(a.name, a.health) for a in self.alerts)])

    def standing(self) -> dict[str, Json]:
        """Return what checks want to know at the next look, by subject."""
        return {check.subject: check.kept for check in self.checks if check.kept is not None}

    def to_json(self) -> dict[str, Any]:
        """Return the report as it is kept and shown."""
        return {
            "format": "chimera-health/1",
            "environment": self.environment,
            "at": self.at,
            "status": self.status.value,
            "checks": [check_json(check) for check in self.checks],
            "alerts": [
                {"alert": a.name, "severity": a.severity, "reason": a.text, "message": a.message}
                for a in self.alerts
            ],
        }


def examine(
    workspace: Workspace,
    environment: str,
    thresholds: Iterable[AlertSpec] = (),
    *,
    only: frozenset[str] = frozenset(),
    standing: Mapping[str, Json] | None = None,
) -> Report:
    """Look at everything once, or `only` at some documents; `standing` is what is known of before.

    `thresholds` stand beside the Alerts of the tree.
    """
    now = workspace.context.clock.now().isoformat()
    with workspace.read_state() as state:
        task = task_of(workspace, state, environment, only=only, standing=standing)
        checks = tuple(observe(workspace, task))
        if only:
            return Report(environment, now, checks, (), partial=True)
        metrics = gather(state, workspace.registry, environment, checks)
    alerts = [*_documents(workspace.loaded.snapshot), *_given(thresholds)]
    fired = tuple(filter(None, (_alert(name, spec, metrics) for name, spec in alerts)))
    quiet = tuple(sorted({name for name, _ in alerts} - {alert.name for alert in fired}))
    return Report(environment, now, checks, fired, quiet)


def task_of(
    workspace: Workspace,
    state: StateReader,
    environment: str,
    *,
    only: frozenset[str] = frozenset(),
    standing: Mapping[str, Json] | None = None,
    asks: bool = True,
) -> HealthTask:
    """Return what plugins are given that look at their parts."""
    if standing is None:
        standing = {item.id: item.value for item in state.items(environment, STANDING)}
    return HealthTask(
        environment,
        workspace.loaded.snapshot,
        state,
        workspace.context,
        workspace.root,
        standing,
        only,
        asks,
        lambda document: is_vouched_for(workspace, state, environment, document),
    )


def observe(workspace: Workspace, task: HealthTask) -> Iterator[HealthCheck]:
    """Yield how the system is, then its parts in order of their names; or `only` some parts."""
    if not task.only:
        yield from system(task.state, task.environment)
    found: list[HealthCheck] = []
    for hook in workspace.plugins.hook.chimera_observe_health.get_hookimpls():
        try:
            answer: Any = hook.function(task)
            found += answer
        except ChimeraError as error:
            found.append(_unknown(hook.plugin_name, str(error)))
        except Exception as error:  # noqa: BLE001 - a plugin that fails is a finding, and not ours
            found.append(_unknown(hook.plugin_name, repr(error)))
    if task.only:
        kinds = {address.partition("/")[0] for address in task.only}
        found = [check for check in found if check.subject.partition("/")[0] in kinds]
    yield from sorted(found, key=lambda check: check.subject.split("/"))


def _unknown(plugin: str, error: str) -> HealthCheck:
    return HealthCheck(
        f"plugin {plugin}",
        Health.UNHEALTHY,
        f"it cannot say how its parts are: {error}",
        "fix the plugin, or leave it out",
    )


def system(state: StateReader, environment: str) -> Iterator[HealthCheck]:
    """Yield how memory, disk, state, lock and journal are."""
    yield _memory()
    yield _disk(state)
    yield _state(state)
    holder = state.writer()
    told = "nobody is writing" if holder is None else f"{holder} is writing"
    yield HealthCheck("lock", Health.HEALTHY, told)
    yield _journal(state, environment)


def _memory() -> HealthCheck:
    used, limit = used_by_group().memory, measure().memory
    if used is None:
        return HealthCheck("memory", Health.HEALTHY, "nothing here says how much is in use")
    share = used / limit
    return HealthCheck(
        "memory",
        _by(share),
        f"{share:.0%} of {limit / 2**30:.1f} GiB are in use",
        None if share <= _TIGHT else "run less at once, or allow more memory",
        {"usage": share},
    )


def _disk(state: StateReader) -> HealthCheck:
    storage = storage_of(state.layout.folder)
    status = Health.UNHEALTHY if storage.free < _LEAST_FREE else _by(storage.usage)
    return HealthCheck(
        "disk",
        status,
        f"{storage.free / 2**30:.1f} GiB are free, {storage.usage:.0%} are in use",
        None if status is Health.HEALTHY else "make room, or forget old runs",
        {"usage": storage.usage, "free": storage.free, "state": sum(storage.parts.values())},
    )


def _by(share: float) -> Health:
    if share > _FULL:
        return Health.UNHEALTHY
    return Health.DEGRADED if share > _TIGHT else Health.HEALTHY


def _state(state: StateReader) -> HealthCheck:
    if not state.layout.database.exists():
        return HealthCheck("state", Health.HEALTHY, "there is none yet")
    try:
        found = faults(state)
    except StateError as error:
        found = (error.message,)
    if found:
        help = "restore a copy of .chimera/state.db, or see what wrote to it"
        return HealthCheck("state", Health.UNHEALTHY, "; ".join(found), help)
    return HealthCheck("state", Health.HEALTHY, "every page and every large value is there")


def _journal(state: StateReader, environment: str) -> HealthCheck:
    tallies = run_tallies(state)
    left = interrupted(tallies, environment) if state.writer() is None else 0
    here = [one for one in tallies if one.environment == environment]
    measures = {
        "runs": sum(one.runs for one in here),
        "going": sum(one.runs for one in here if one.status in CARRIED) if not left else 0,
        "interrupted": left,
    }
    if left:
        text = f"{left} run{'s were' if left > 1 else ' was'} interrupted, and nothing goes on"
        help = "`chimera runs list` shows them; apply or run again to go on with them"
        return HealthCheck("journal", Health.DEGRADED, text, help, measures)
    return HealthCheck("journal", Health.HEALTHY, "no run was left behind", measures=measures)


def _documents(snapshot: Snapshot) -> list[tuple[str, AlertSpec]]:
    if "Alert" not in snapshot.kinds:
        return []
    return [(str(alert.address), alert.spec) for alert in snapshot.of_model(AlertSpec)]


def _given(thresholds: Iterable[AlertSpec]) -> list[tuple[str, AlertSpec]]:
    return [(spec.message, spec) for spec in thresholds]


def _alert(name: str, spec: AlertSpec, metrics: Metrics) -> Alert | None:
    """Return an alert whose threshold is passed; what was not measured passes none."""
    value = metrics.values()[spec.measure]
    if value is None:
        return None
    if value <= spec.threshold if spec.when == "above" else value >= spec.threshold:
        return None
    text = f"{spec.measure} is {value:g}, {spec.when} {spec.threshold:g}"
    return Alert(name, spec.severity, text, spec.message)
