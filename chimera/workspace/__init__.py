"""The road itself: a workspace is opened, then checked, planned, proven and applied.

Each piece of work returns a `Result`. Refuses to print, and to choose an exit code.
"""

from typing import TYPE_CHECKING

from chimera.model.lazily import import_lazily

if TYPE_CHECKING:
    from chimera.workspace.applying import ApplyReport
    from chimera.workspace.checking import CheckReport
    from chimera.workspace.judging import Judgement
    from chimera.workspace.planning import PlanReport
    from chimera.workspace.proving import ProveReport
    from chimera.workspace.workspace import Workspace

__all__ = [
    "ApplyReport",
    "CheckReport",
    "Judgement",
    "PlanReport",
    "ProveReport",
    "Workspace",
]

import_lazily(
    __name__,
    {
        ".applying": "ApplyReport",
        ".checking": "CheckReport",
        ".judging": "Judgement",
        ".planning": "PlanReport",
        ".proving": "ProveReport",
        ".workspace": "Workspace",
    },
)
