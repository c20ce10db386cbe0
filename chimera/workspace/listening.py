"""Listening to what is published by the runs that a workspace executes, while they go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chimera.runtime.listening import Listener, Listeners
from chimera.runtime.settings import settings_of

if TYPE_CHECKING:
    from chimera.workspace.workspace import Workspace


def listen(workspace: Workspace, pattern: str = "#", environment: str = "local") -> Listener:
    """Return a listener to what is published by runs that are executed from now on.

    It is over when the workspace's `listeners` are closed. Raises `UsageError` for no pattern of
    topics.
    """
    if workspace.listeners is None:
        settings = settings_of(workspace.plugins, workspace.loaded.snapshot, environment)
        workspace.listeners = Listeners(settings.system.queue_size)
    return workspace.listeners.listen(pattern)
