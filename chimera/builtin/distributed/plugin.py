"""Registers the executor `ray`; Ray itself is imported when the first stage asks for it."""

from __future__ import annotations

from collections.abc import Mapping

from chimera.plugin import hookimpl


@hookimpl
def chimera_register_executors() -> Mapping[str, str]:
    """Register `ray`."""
    return {"ray": "chimera.builtin.distributed.executor:RayExecutor"}
