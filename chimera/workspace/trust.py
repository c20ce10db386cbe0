"""The trust ref: whose keys, roles and gates count, whatever the tree at hand says.

It is named by the process environment, else `origin/HEAD`; never by the repository's own content or
configuration. Whoever owns the machine can name any.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from chimera.documents import RawDocument, Tree, head, is_contained, open_commit
from chimera.gate import ANYBODY, ApprovalSpec, human_signers, narrowed, trust_root
from chimera.kinds import Document, Loaded, Snapshot, load_values
from chimera.model import (
    Address,
    Change,
    Digest,
    Finding,
    GitError,
    Obligation,
    PathSet,
    RefError,
    TrustRoot,
    has_errors,
    in_order,
)
from chimera.plan import Baseline, compute_changes
from chimera.state import StateReader
from chimera.workspace.judging import Judgement

if TYPE_CHECKING:
    from chimera.workspace.workspace import Workspace

BINDING = frozenset(
    {
        *("Environment", "Gate", "Role", "Identity", "Proof", "LayerContract"),
        *("Policy", "Schema", "Waiver"),
    }
)
"""Kinds of which what the trust ref says binds besides what the applied commit does."""
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
    not there.
    """
    if head(workspace.root) is None:
        return None
    ref, full = _names(workspace)
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
    ref, _ = _names(workspace)
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


def _names(workspace: Workspace) -> tuple[str, str]:
    """Return what the trust ref is called, and its name in full."""
    named = workspace.context.trust_ref
    return (named, named) if named else _DEFAULT


@dataclass(frozen=True)
class Trusting:
    """What binds in a protected environment besides the tree at hand, and who signed what."""

    trust: Trust
    root: TrustRoot
    approvals: tuple[Document[ApprovalSpec], ...]
    spent: frozenset[tuple[Digest, str]]
    folder: Path
    applied: Mapping[str, str]
    """The commit that each target was applied from, where it was from one."""

    def signers(
        self, environment: str, changes: Iterable[Change], now: datetime
    ) -> Mapping[str, Address]:
        """Return by which person each change is signed that one did, by its target."""
        return human_signers(self.approvals, self.root, environment, changes, self.spent, now)

    def bind(self, snapshot: Snapshot) -> Snapshot | None:
        """Return the snapshot with the documents that bind as the trust ref has them.

        `None` where they are the same, as they are wherever the commit is the tip of that ref.
        """
        trusted = self.trust.loaded.snapshot
        if snapshot.tree.revision == self.trust.revision:
            return None
        ours, theirs = (one.of_kinds(BINDING) for one in (snapshot, trusted))
        if {d.address: d.digest for d in ours} == {d.address: d.digest for d in theirs}:
            return None
        others = (d for d in snapshot.documents.values() if d.address.kind not in BINDING)
        return Snapshot.of(snapshot.tree, snapshot.registry, (*others, *theirs))

    def governed(
        self, snapshot: Snapshot, baseline: Baseline, changes: Iterable[Change]
    ) -> tuple[Change, ...]:
        """Return what becomes of path sets that only documents of the trust ref govern."""
        bound = self.bind(snapshot)
        if bound is None:
            return ()
        known = {change.target for change in changes}
        return tuple(
            change
            for change in compute_changes(bound, baseline, {})
            if isinstance(change.target, PathSet) and change.target not in known
        )

    def returning(
        self, environment: str, changes: Iterable[Change], revision: str | None
    ) -> Iterator[Obligation]:
        """Yield that a person must agree to each change that goes back, whatever its gates ask.

        It does where what is applied came from a commit that is not in the present one.
        """
        for change in changes:
            applied = self.applied.get(str(change.target))
            if not change.changes or applied is None or revision is None:
                continue
            if not _contains(self.folder, applied, revision):
                yield Obligation(
                    "approval",
                    ANYBODY,
                    change.target,
                    Address("Environment", environment),
                    f"it goes back behind {applied[:12]}, and {environment} is protected",
                    (("count", "1"),),
                )

    def stricter(self, judgement: Judgement, other: Judgement) -> Judgement:
        """Return a judgement with the errors that another found by what the trust ref says."""
        known = {(fault.rule, fault.message) for fault in judgement.diagnostics}
        by = f"{self.trust.ref} ({self.trust.revision[:12]})"
        more = tuple(
            replace(fault, message=f"{fault.message}, by what {by} says")
            for fault in other.diagnostics
            if has_errors((fault,)) and (fault.rule, fault.message) not in known
        )
        said = tuple(
            verdict
            for verdict in other.verdicts
            if verdict.finding is Finding.FAIL and verdict not in judgement.verdicts
        )
        return replace(
            judgement,
            verdicts=(*judgement.verdicts, *said),
            diagnostics=in_order((*judgement.diagnostics, *more)),
        )


def _contains(folder: Path, commit: str, container: str) -> bool:
    try:
        return is_contained(folder, commit, container)
    except GitError:  # this clone lacks it, or its history is cut off: nobody can tell
        return False
