"""The road itself: a workspace is opened, then checked, planned, proven and applied.

Each piece of work returns a `Result`. Refuses to print, and to choose an exit code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chimera.workspace.checking import CheckReport
from chimera.workspace.judging import Judgement
from chimera.workspace.planning import PlanReport
from chimera.workspace.workspace import Workspace

if TYPE_CHECKING:
    from chimera.workspace.applying import ApplyReport
    from chimera.workspace.proving import ProveReport

__all__ = [
    "ApplyReport",
    "CheckReport",
    "Judgement",
    "PlanReport",
    "ProveReport",
    "Workspace",
]

_LATER = {
    "ApplyReport": "chimera.workspace.applying",
    "ProveReport": "chimera.workspace.proving",
}


def __getattr__(name: str) -> Any:
    """Load what only proving and applying need when it is first used."""
    if name in _LATER:
        from importlib import import_module

        return getattr(import_module(_LATER[name]), name)
    raise AttributeError(f"module 'chimera.workspace' has no attribute {name!r}")
