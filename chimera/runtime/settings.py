"""How the engine of one process treats its runs, as a value.

A plugin gives it through `chimera_configure_runs`; refuses nothing by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from chimera.runtime.recovery import DEFAULT_RECOVERY, BreakerRule, BulkheadRule, Recovery
from chimera.runtime.system import DEFAULT_SYSTEM, SystemSettings
from chimera.state import Json, Run, StateReader

if TYPE_CHECKING:
    from chimera.kinds import Snapshot
    from chimera.plugin import PluginManager
    from chimera.runtime.guarding import RunGuard
    from chimera.state import EventRow

NO_RECOVERY = Recovery()
"""A step is attempted once, and a failure is one."""

Watcher = Callable[[StateReader, Sequence[str]], None]
"""Is told of runs, by uid, with the state that has their journals; fails no run."""


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What holds for all runs that one engine executes; `system` is for the parts beside it.

    At most `max_runs` are executed at once. `default_timeout` is that of graphs that say none.
    `retention` is how long finished runs are kept. `limits` bound the steps in flight by key,
    across runs. `recovery` is that of steps whose author says nothing. `durability` `normal` may
    lose the last results when the machine loses power, and never when a process is killed.
    A run in which only waits are left is held for `patience`, then parked as `waiting`; `None`
    holds it until they are over; one whose next timer is due within `short_wait` is held for that.
    A result of more than `max_result` characters of JSON is refused,
    and of a step's log no more than `max_log_lines` an attempt are kept. `breakers` and `bulkheads`
    are the rules of those that recoveries name; one without a rule has the usual one. `bus` hears
    what steps published, each by topic and payload, once that is on disk. `narrate` is given what
    happened, for people to follow, and the runs by their numbers, once that is. `watchers` are told
    of runs that went as far as they could, by uid, when the engine has nothing else to do.
    `guards` are asked between steps, and may only stop.
    """

    system: SystemSettings = DEFAULT_SYSTEM
    max_runs: int = 100
    default_timeout: timedelta | None = None
    retention: timedelta | None = None
    limits: Mapping[str, int] = field(default_factory=dict)
    recovery: Recovery = NO_RECOVERY
    durability: Literal["full", "normal"] = "full"
    patience: timedelta | None = timedelta()
    short_wait: timedelta = timedelta()
    max_result: int = 16 * 1024 * 1024
    max_log_lines: int = 10_000
    breakers: Mapping[str, BreakerRule] = field(default_factory=dict)
    bulkheads: Mapping[str, BulkheadRule] = field(default_factory=dict)
    bus: Callable[[Sequence[tuple[str, Json]]], None] | None = None
    narrate: Callable[[Mapping[int, Run], Sequence[EventRow]], None] | None = None
    watchers: tuple[Watcher, ...] = ()
    guards: tuple[RunGuard, ...] = ()


DEFAULT_SETTINGS = RunSettings()
"""What an engine goes by that nobody told anything."""

SHIPPED = RunSettings(recovery=DEFAULT_RECOVERY)
"""What holds where no document says otherwise."""


def settings_of(plugins: PluginManager, snapshot: Snapshot, environment: str) -> RunSettings:
    """Return how runs are executed where `snapshot` is applied, as the plugins say."""
    settings: RunSettings = plugins.hook.chimera_configure_runs(
        snapshot=snapshot, environment=environment
    )
    settings = settings or SHIPPED
    limits = dict(settings.limits)
    for more in plugins.hook.chimera_limit_steps(snapshot=snapshot):
        for key, limit in more.items():
            limits[key] = min(limit, limits.get(key, limit))
    watchers = plugins.hook.chimera_watch_runs(system=settings.system)
    return replace(settings, limits=limits, watchers=(*settings.watchers, *watchers))
