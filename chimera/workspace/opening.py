"""What is needed before a repository can be read or written: its plugins' names, its own folder.

Refuses a folder that came with the repository: what is in it would be somebody else's word.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chimera.documents import tracked_below
from chimera.kinds import Source
from chimera.model import StateError
from chimera.state import Layout


def prepare_folder(root: Path) -> None:
    """Make `.chimera`, which the owner of this machine answers for and no repository may bring.

    Raises `StateError` where Git tracks any of it: evidence and state would be somebody else's.
    """
    layout = Layout(root)
    tracked = tracked_below(root, layout.folder.name)
    if tracked:
        raise StateError(
            f"git tracks {tracked[0]!r}: evidence and state cannot come with the repository",
            help="remove it with `git rm -r --cached .chimera`, and delete the folder unless"
            " you made it",
        )
    layout.create()


def plugin_names(source: Source) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Read the plugins of the Repository document before there is a registry to validate it."""
    for value in source.repositories:
        spec = value.get("spec")
        plugins = spec.get("plugins") if isinstance(spec, dict) else None
        if isinstance(plugins, dict):
            return _names(plugins.get("disable")), _names(plugins.get("require"))
    return (), ()


def _names(value: Any) -> tuple[str, ...]:
    """Return a list of names; anything else is reported when the document is validated."""
    return tuple(v for v in value if isinstance(v, str)) if isinstance(value, list) else ()
