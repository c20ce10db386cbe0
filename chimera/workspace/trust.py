"""The trust ref: whose keys, roles and gates count, whatever the tree at hand says.

It is named by the process environment, else `origin/HEAD`; never by the repository's own content or
configuration. Whoever owns the machine can name any.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from chimera.documents import open_commit
from chimera.gate import trust_root
from chimera.kinds import Loaded, load_snapshot, read_source
from chimera.model import RefError, TrustRoot

if TYPE_CHECKING:
    from chimera.workspace.workspace import Workspace

_DEFAULT = ("origin/HEAD", "refs/remotes/origin/HEAD")


@dataclass(frozen=True)
class Trust:
    """The tip of the trust ref, and what its documents say."""

    ref: str
    revision: str
    loaded: Loaded

    @cached_property
    def root(self) -> TrustRoot:
        """Whose keys count there, and for what."""
        return trust_root(self.loaded.snapshot, self.ref, self.revision)


def trust_of(workspace: Workspace) -> Trust | None:
    """Return the tip of the trust ref; `None` where none is named and there is no `origin/HEAD`.

    Raises `GitError` where one is named and is not there.
    """
    named = workspace.context.trust_ref
    ref, full = (named, named) if named else _DEFAULT
    try:
        tree = open_commit(workspace.root, full)
    except RefError as error:
        if not named:
            return None
        raise RefError(
            f"CHIMERA_TRUST_REF names {named!r}, and {error.message}", help=error.help
        ) from error
    loaded = load_snapshot(read_source(tree, workspace.cache), workspace.registry)
    return Trust(ref, tree.revision or "", loaded)
