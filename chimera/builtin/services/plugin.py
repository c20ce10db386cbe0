"""Registers services, judges them, and looks whether they are well."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from chimera.kinds import Document, Kind, Model, Registry, Subject
from chimera.model import Verdict
from chimera.plugin import hookimpl

if TYPE_CHECKING:
    from chimera.runtime.health import HealthCheck, HealthTask
    from chimera.runtime.reporting import ReportTask, Section


@hookimpl
def chimera_register_kinds() -> Iterable[Kind]:
    """Register the kinds of the room."""
    from chimera.builtin.services.kinds import KINDS

    return KINDS


@hookimpl
def chimera_register_commands() -> Mapping[str, str]:
    """Register the groups `objective` and `runbook`."""
    commands = "chimera.builtin.services.commands"
    return {
        "objective": f"{commands}.objective:objective",
        "runbook": f"{commands}.runbook:runbook",
    }


@hookimpl
def chimera_check_document(document: Document[Model], registry: Registry) -> Iterable[Verdict]:
    """Judge one service, objective or runbook by itself."""
    found: Any = document
    match document.address.kind:
        case "Service":
            from chimera.builtin.services.checking import judge_document as judge_service

            return (judge_service(found),)
        case "Objective":
            from chimera.builtin.services.objectives.checking import judge_document

            return (judge_document(found),)
        case "Runbook":
            from chimera.builtin.services.runbooks.checking import judge_runbook

            return (judge_runbook(found),)
    return ()


@hookimpl
def chimera_check_snapshot(subject: Subject) -> Iterable[Verdict]:
    """Judge what services need of one another, and what objectives were measured by."""
    found: list[Verdict] = []
    if "Service" in subject.snapshot.kinds:
        from chimera.builtin.services.checking import judge as judge_services

        found += judge_services(subject.snapshot)
    if "Objective" in subject.snapshot.kinds:
        from chimera.builtin.services.objectives.checking import judge as judge_objectives

        found += judge_objectives(subject.snapshot)
    return tuple(found)


@hookimpl
def chimera_observe_health(task: HealthTask) -> Iterable[HealthCheck]:
    """Look at the services of an environment, all at once."""
    if "Service" not in task.snapshot.kinds:
        return ()
    from chimera.builtin.services.health.observing import observe

    return tuple(observe(task))


@hookimpl
def chimera_contribute_report(task: ReportTask) -> Iterable[Section]:
    """Say how available services were, how quickly they answered, and what was promised."""
    if not task.kind.is_periodic:
        return ()
    from chimera.builtin.services.objectives.reporting import sections as objectives
    from chimera.builtin.services.reporting import sections as services

    return (*services(task), *objectives(task))
