"""Looking again and again, as often as the environment's orchestrator says, until interrupted.

Refuses to look in the background: it is done by the command that somebody runs, and ends with it.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic, sleep
from typing import TYPE_CHECKING, TypeVar

from chimera.runtime.settings import settings_of

if TYPE_CHECKING:
    from chimera.runtime.system import SystemSettings
    from chimera.workspace import Workspace

T = TypeVar("T")


def system_of(workspace: Workspace, environment: str) -> SystemSettings:
    """Return what the parts beside the engine go by in an environment."""
    return settings_of(workspace.plugins, workspace.loaded.snapshot, environment).system


def follow(look: Callable[[], T], every: float, pause: Callable[[float], None] = sleep) -> T:
    """Look every so many seconds until the user interrupts it; return what was found last.

    The first look is not interrupted: without one there is nothing to return.
    """
    began = monotonic()
    found = look()
    try:
        while True:
            pause(max(0.0, every - (monotonic() - began)))
            began = monotonic()
            found = look()
    except KeyboardInterrupt:
        return found
