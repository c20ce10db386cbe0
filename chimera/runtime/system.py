"""How the parts beside the engine are set where something is applied: modules, messages, resources.

A value that a plugin gives with `RunSettings`, so that rooms that do not know each other go by the
same settings. Refuses to know what any part does with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

LogLevel = Literal["debug", "info", "warn", "error"]
Strategy = Literal["fair", "priority", "performance"]

SETTINGS = "settings"
"""Collection in which what was applied stands, so that the work of steps finds it."""

SYSTEM = "system"
"""Its one item: what operations go by of the fields below, named as in a document."""


@dataclass(frozen=True, slots=True)
class SystemSettings:
    """What modules, messages, resources and monitoring go by, unless a document says otherwise.

    A module has `startup_timeout` to start, and its health is looked at every `health_interval`.
    At most `queue_size` messages wait for delivery; a request that says no deadline has
    `message_timeout`. Claims are served by `strategy`, and of a pool no more than the share
    `utilisation` is promised. Metrics are collected every `metrics_interval`; of logs what is less
    grave than `log_level` is left out; `tracing` says whether traces are sent.
    """

    startup_timeout: timedelta = timedelta(seconds=30)
    health_interval: timedelta = timedelta(seconds=30)
    queue_size: int = 10_000
    message_timeout: timedelta = timedelta(seconds=30)
    strategy: Strategy = "fair"
    utilisation: float = 1.0
    metrics_interval: timedelta = timedelta(seconds=15)
    log_level: LogLevel = "info"
    tracing: bool = False


DEFAULT_SYSTEM = SystemSettings()
