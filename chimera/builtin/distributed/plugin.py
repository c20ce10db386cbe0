"""Registers the executor `ray`; Ray itself is imported when the first stage asks for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from chimera.plugin import hookimpl

if TYPE_CHECKING:
    from chimera.runtime.reporting import ReportTask, Section


@hookimpl
def chimera_register_executors() -> Mapping[str, str]:
    """Register `ray`."""
    return {"ray": "chimera.builtin.distributed.executor:RayExecutor"}


@hookimpl
def chimera_contribute_report(task: ReportTask) -> Iterable[Section]:
    """Say what ran with stages on Ray."""
    if not task.kind.is_periodic:
        return ()
    from chimera.builtin.distributed.reporting import sections

    return tuple(sections(task))
