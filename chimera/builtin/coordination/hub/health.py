"""How the hub is: what waits beside what its queue holds, and what could not be delivered.

Refuses to call well what nobody will deliver without being told.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chimera.builtin.coordination.hub.waiting import HUB, LETTERS, WAITING
from chimera.runtime.health import Health, HealthCheck, HealthTask
from chimera.runtime.system import DEFAULT_SYSTEM, SETTINGS, SYSTEM

_TIGHT = 0.8
"""Share of the queue from which on it is said to be nearly full."""


def observe(task: HealthTask) -> Iterator[HealthCheck]:
    """Yield how the hub is, where anything was ever sent."""
    dead = task.state.items(task.environment, LETTERS)
    counts = task.state.item(task.environment, HUB, WAITING)
    if not dead and counts is None:
        return
    known: Any = {"count": 0} if counts is None else counts.value
    settings: Any = task.state.item(task.environment, SETTINGS, SYSTEM)
    size = DEFAULT_SYSTEM.queue_size if settings is None else settings.value["messageQueueSize"]
    waiting = known["count"]
    measures = {"waiting": waiting, "queueSize": size, "deadLetters": len(dead)}
    told = f"{waiting} of at most {size} messages wait, {len(dead)} could not be delivered"
    status, help = Health.HEALTHY, None
    if dead:
        status = Health.DEGRADED
        help = "hub.deadLetters says why; hub.replay sends one again, hub.discard forgets it"
    if waiting >= _TIGHT * size:
        status = Health.UNHEALTHY if waiting >= size else Health.DEGRADED
        help = "see what delivers so slowly, or raise the Orchestrator's messageQueueSize"
    yield HealthCheck("hub", status, told, help, measures)
