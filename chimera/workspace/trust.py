"""The trust ref: whose keys, roles and gates count, whatever the tree at hand says.

It is named by the process environment, else `origin/HEAD`; never by the repository's own content or
configuration. Whoever owns the machine can name any.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from chimera.documents import RawDocument, Tree, head, is_there, open_commit
from chimera.gate import narrowed, trust_root
from chimera.kinds import Loaded, load_values
from chimera.model import RefError, TrustRoot
from chimera.state import StateReader

if TYPE_CHECKING:
    from chimera.workspace.workspace import Workspace

_PEOPLE = ("Identity", "Role")
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


def trusted_tree(workspace: Workspace) -> Tree | None:
    """Return the tip of the trust ref; `None` where none is named and there is no `origin/HEAD`.

    Nothing is trusted in a folder without commits. Raises `GitError` where a ref is named and is
    not there, or a tag has that name.
    """
    if head(workspace.root) is None:
        return None
    ref, full = trust_names(workspace)
    if is_there(workspace.root, f"refs/tags/{full}"):
        raise RefError(
            f"{ref!r}, the ref to trust, is what a tag is called, and tags come along with a fetch",
            help="write CHIMERA_TRUST_REF whole, as in refs/remotes/origin/main",
        )
    try:
        return open_commit(workspace.root, full)
    except RefError as error:
        if workspace.context.trust_ref is None:
            return None
        raise RefError(
            f"CHIMERA_TRUST_REF names {ref!r}, and {error.message}", help=error.help
        ) from error


def trust_of(workspace: Workspace) -> Trust | None:
    """Return what the documents at the tip of the trust ref say, where there is one."""
    tree = trusted_tree(workspace)
    if tree is None or tree.revision is None:
        return None
    ref, _ = trust_names(workspace)
    return Trust(ref, tree.revision, workspace.commit(tree.revision))


def trust_for(workspace: Workspace, state: StateReader, environment: str) -> TrustRoot | None:
    """Return whose keys count for an environment: in the trust ref, and in what is applied there.

    Before anybody was applied there, the trust ref alone says so.
    """
    if workspace.trust is None:
        return None
    applied = tuple(
        RawDocument(entry.path or "", 0, dict(entry.value))
        for target, entry in state.applied(environment).items()
        if entry.value is not None and target.partition("/")[0] in _PEOPLE
    )
    if not any(raw.value.get("kind") == "Identity" for raw in applied):
        return workspace.trust.root
    there = load_values(workspace.tree, applied, workspace.registry).snapshot
    return narrowed(workspace.trust.root, trust_root(there, f"what {environment} holds", ""))


def trust_names(workspace: Workspace) -> tuple[str, str]:
    """Return what the trust ref is called, and its name in full."""
    named = workspace.context.trust_ref
    return (named, named) if named else _DEFAULT
