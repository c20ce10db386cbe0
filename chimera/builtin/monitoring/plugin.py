"""Registers alerts and notifications, and the commands that measure, look and trace."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from chimera.kinds import Document, Kind, Model, Registry
from chimera.model import Verdict
from chimera.plugin import hookimpl

if TYPE_CHECKING:
    from chimera.runtime.reporting import ReportTask, Section
    from chimera.runtime.settings import Watcher
    from chimera.runtime.system import SystemSettings

_COMMANDS = "chimera.builtin.monitoring.commands"


@hookimpl
def chimera_register_kinds() -> list[Kind]:
    """Register `Alert` and `Notification`."""
    return [
        Kind(
            "Alert",
            "chimera.builtin.monitoring.kinds:AlertSpec",
            "A measure, a threshold, and what it means to be past it; `chimera health` tells.",
        ),
        Kind(
            "Notification",
            "chimera.builtin.monitoring.notification:NotificationSpec",
            "Who is told, and how, when something is no longer well, or well again.",
        ),
    ]


@hookimpl
def chimera_register_commands() -> Mapping[str, str]:
    """Register the commands; `runs top` is the command `top` of the group `runs`."""
    return {
        "metrics": f"{_COMMANDS}:metrics",
        "health": f"{_COMMANDS}:health",
        "runs top": f"{_COMMANDS}:top",
        "runs trace": f"{_COMMANDS}:trace",
    }


@hookimpl
def chimera_check_document(document: Document[Model], registry: Registry) -> Iterable[Verdict]:
    """Judge the threshold of an alert, and the channel of a notification."""
    if document.address.kind not in {"Alert", "Notification"}:
        return ()
    from typing import Any, cast

    from chimera.builtin.monitoring.checking import judge, judge_notification

    one = cast("Any", document)
    return (judge(one) if document.address.kind == "Alert" else judge_notification(one),)


@hookimpl
def chimera_watch_runs(system: SystemSettings) -> Watcher | None:
    """Send traces of runs, where the orchestrator wants them."""
    if not system.tracing:
        return None
    from chimera.builtin.monitoring.sending import send

    return send


@hookimpl
def chimera_contribute_report(task: ReportTask) -> Iterable[Section]:
    """Say how full disk and memory were, and when the disk is exhausted."""
    from chimera.builtin.monitoring.reporting import sections

    return tuple(sections(task))
