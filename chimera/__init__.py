"""Chimera: operations contracts in Git that a pull request can break.

`from chimera import Workspace` opens a repository from Python.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chimera.workspace import Workspace

__all__ = ["Workspace"]


def __getattr__(name: str) -> Any:
    """Load `Workspace` when it is first used: importing the package costs nothing."""
    if name == "Workspace":
        from chimera.workspace import Workspace

        return Workspace
    raise AttributeError(f"module 'chimera' has no attribute {name!r}")
