"""Registers services, judges them, and looks whether they are well."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from chimera.kinds import Document, Kind, Model, Registry, Subject
from chimera.model import Verdict
from chimera.plugin import hookimpl

if TYPE_CHECKING:
    from chimera.runtime.health import HealthCheck, HealthTask


@hookimpl
def chimera_register_kinds() -> Iterable[Kind]:
    """Register the kinds of the room."""
    from chimera.builtin.services.kinds import KINDS

    return KINDS


@hookimpl
def chimera_check_document(document: Document[Model], registry: Registry) -> Iterable[Verdict]:
    """Judge one service by itself."""
    if document.address.kind != "Service":
        return ()
    from typing import cast

    from chimera.builtin.services.checking import judge_document
    from chimera.builtin.services.spec.service import ServiceSpec

    return (judge_document(cast("Document[ServiceSpec]", document)),)


@hookimpl
def chimera_check_snapshot(subject: Subject) -> Iterable[Verdict]:
    """Judge what services need of one another."""
    if "Service" not in subject.snapshot.kinds:
        return ()
    from chimera.builtin.services.checking import judge

    return tuple(judge(subject.snapshot))


@hookimpl
def chimera_observe_health(task: HealthTask) -> Iterable[HealthCheck]:
    """Look at the services of an environment, all at once."""
    if "Service" not in task.snapshot.kinds:
        return ()
    from chimera.builtin.services.health.observing import observe

    return tuple(observe(task))
