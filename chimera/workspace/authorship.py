"""Who wrote a change: by the commits since it was last applied, and by who signed them.

Refuses to guess: an address that no identity of the trust ref names is somebody unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from chimera.documents import Commit, commits_of, has_commit, is_shallow
from chimera.gate import Author
from chimera.model import Address, Change, PathSet, TrustRoot
from chimera.plan import governed_globs
from chimera.signatures import SignatureError, is_armoured, verify_ssh
from chimera.state import StateReader

if TYPE_CHECKING:
    from chimera.workspace.workspace import Workspace

_COMMITS = "git"
"""The namespace in which Git has commits signed."""


def authors_of(
    workspace: Workspace, state: StateReader, environment: str
) -> Callable[[Change], tuple[Author, ...]]:
    """Return who wrote a change: the authors of the commits since its target was last applied.

    That is what commits say of themselves, and only a signature keeps anybody from saying it of
    another: the author of a signed commit is whose key it is.
    """
    applied = state.applied(environment)
    known: dict[str, tuple[Author, ...]] = {}

    def authors(change: Change) -> tuple[Author, ...]:
        target = str(change.target)
        if target not in known:
            entry = applied.get(target)
            globs = tuple(_globs(workspace, change, entry.path if entry else None))
            since = entry.revision if entry else None
            known[target] = tuple(_authors(workspace, globs, since))
        return known[target]

    return authors


def _globs(workspace: Workspace, change: Change, former: str | None) -> Iterator[str]:
    """Yield the globs of what a change is about: of a document its file, and what it declares."""
    if isinstance(change.target, PathSet):
        yield from change.target.globs
        return
    document = workspace.commit().snapshot.get(change.target)
    for path in {former, document.place.path if document else None} - {None}:
        yield "".join(f"[{char}]" if char in "*?[" else char for char in path or "")
    if document is not None and document.kind.executable:
        yield from governed_globs(document)


def _authors(workspace: Workspace, globs: tuple[str, ...], since: str | None) -> Iterator[Author]:
    trust = workspace.trust.root if workspace.trust else None
    if since is not None and not has_commit(workspace.root, since):
        since = None
    commits = commits_of(workspace.root, globs, since)
    if not commits:  # it goes back, or changed by where it stands: whoever wrote it all counts
        since = None
        commits = commits_of(workspace.root, globs, None)
    for commit in commits:
        yield _author(commit, trust)
    if not commits or (since is None and is_shallow(workspace.root)):
        yield Author("whoever wrote commits that this clone lacks", None)


def _author(commit: Commit, trust: TrustRoot | None) -> Author:
    named = f"{commit.author} <{commit.email}> ({commit.id[:12]})"
    if trust is None:
        return Author(named, None)
    return Author(named, _signer(commit, trust) or trust.emails.get(commit.email.lower()))


def _signer(commit: Commit, trust: TrustRoot) -> Address | None:
    """Return whose key signed a commit, if a known one did."""
    if not is_armoured(commit.signature):
        return None
    try:
        public = verify_ssh(commit.signature, commit.signed, _COMMITS)
    except SignatureError:
        return None
    key = trust.find(public.fingerprint)
    return key.identity if key is not None and key.revoked is None else None
