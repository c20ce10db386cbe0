"""Protected environments: what they take, and what binds in them besides the tree at hand.

They take a commit that is in the trust ref, and nothing but that. Of what that commit and the trust
ref say both count, so that the stricter holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chimera.documents import Tree, head, is_contained, open_commit, parse
from chimera.gate import ANYBODY, ApprovalSpec, human_signers
from chimera.kinds import (
    Document,
    EnvironmentFacts,
    Loaded,
    RepositorySpec,
    Snapshot,
    read_source,
)
from chimera.model import (
    Address,
    Change,
    Digest,
    Finding,
    GateError,
    GitError,
    Obligation,
    Outcome,
    PathSet,
    StaleError,
    TrustRoot,
    has_errors,
    in_order,
)
from chimera.plan import Baseline, PlanItem, compute_changes
from chimera.plugin import DEFAULT, short_name
from chimera.state import StateReader
from chimera.workspace.judging import Judgement, facts_of
from chimera.workspace.trust import Trust, trust_for, trusted_tree

if TYPE_CHECKING:
    from chimera.workspace.workspace import Workspace

_MOST_NAMED = 5
BINDING = frozenset(
    {
        *("Environment", "Gate", "Role", "Identity", "Proof", "LayerContract"),
        *("Policy", "Schema", "Waiver"),
    }
)
"""Kinds of which what the trust ref says binds besides what the applied commit does."""


def is_protected_at(commit: Tree, environment: str, roots: Iterable[str]) -> bool:
    """Tell whether a commit has a document that protects an environment.

    Only files that can hold such a document are parsed, so that every plan can ask.
    """
    contents = commit.read_many(entry.path for entry in commit.under(roots))
    for path, data in contents.items():
        if b"Environment" not in data and b"\\" not in data:
            continue
        for raw in parse(path, data)[0]:
            metadata = raw.value.get("metadata")
            named = isinstance(metadata, dict) and metadata.get("name") == environment
            is_about = raw.value.get("kind") == "Environment" and named
            if is_about and not (raw.sound and _is_open(raw.value)):
                return True
    return False


def _is_open(document: Mapping[str, Any]) -> bool:
    """Tell whether an Environment document says that it is not protected."""
    spec = document.get("spec", {})
    return isinstance(spec, dict) and spec.get("protected") is False


def _is_held_protected(workspace: Workspace, environment: str) -> bool:
    """Tell whether an environment holds of itself that it is protected: it is until that changes.

    So that what unprotects it, merged or not, is applied as to a protected one.
    """
    with workspace.read_state() as state:
        held = state.held(environment, f"Environment/{environment}")
    return held is not None and held.value is not None and not _is_open(held.value)


def protects(workspace: Workspace, environment: str) -> bool:
    """Tell whether the work tree, the commit, the trust ref or what is applied protects it.

    No edit of the work tree opens one, and no branch of one's own.
    """
    if facts_of(workspace.loaded.snapshot, environment).protected:
        return True
    if _is_held_protected(workspace, environment):
        return True
    present = head(workspace.root)
    if present is None:
        return False
    trusted = trusted_tree(workspace)
    trees = [open_commit(workspace.root, present), *([trusted] if trusted is not None else [])]

    def roots(tree: Tree) -> set[str]:
        is_other = tree.revision != present
        named = read_source(tree, workspace.cache).roots if is_other else ()
        return {*workspace.source.roots, *named}

    each = {tree.revision: tree for tree in trees}.values()
    return any(is_protected_at(tree, environment, roots(tree)) for tree in each)


def environment_facts(workspace: Workspace, environment: str, loaded: Loaded) -> EnvironmentFacts:
    """Return what is known of an environment; raises `UsageError` where `loaded` has none."""
    facts = facts_of(loaded.snapshot, environment)
    return replace(facts, protected=facts.protected or protects(workspace, environment))


@dataclass(frozen=True)
class Protection:
    """What binds in one protected environment, and who signed what."""

    trust: Trust
    root: TrustRoot
    approvals: tuple[Document[ApprovalSpec], ...]
    spent: frozenset[tuple[Digest, str]]
    folder: Path
    applied: Mapping[str, str]
    """The commit that each target was applied from, where it was from one."""
    latest: str | None
    """The commit that was last permitted: what it deleted is not among `applied`."""

    def signers(
        self, environment: str, items: Iterable[PlanItem], now: datetime
    ) -> Mapping[str, Address]:
        """Return by which person each item is signed that one did, by its target."""
        about = (self.approvals, self.root, environment, items, self.spent, now)
        signed = human_signers(*about).items()
        return {target: by[0].key.identity for target, by in signed if by[0].key is not None}

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

        It does where what is applied, or was permitted last, came from a commit that is not in the
        present one.
        """
        for change in changes:
            if not change.changes or revision is None:
                continue
            known = {self.applied.get(str(change.target)): None, self.latest: None}
            applied = next((c for c in known if c and not _contains(self.folder, c, revision)), "")
            if applied:
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


def protection_in(
    workspace: Workspace, facts: EnvironmentFacts, loaded: Loaded, state: StateReader
) -> Protection | None:
    """Return what binds in a protected environment besides the documents of `loaded`."""
    if not facts.protected or workspace.trust is None:
        return None
    from chimera.workspace.approving import approvals_of

    applied = state.applied(facts.name).items()
    return Protection(
        workspace.trust,
        trust_for(workspace, state, facts.name) or workspace.trust.root,
        approvals_of(workspace, loaded),
        state.spent(facts.name),
        workspace.root,
        {target: entry.revision for target, entry in applied if entry.revision is not None},
        _last_permitted(state, facts.name),
    )


def _last_permitted(state: StateReader, environment: str) -> str | None:
    """Return the commit of the last ruling that let a change of the environment through.

    Of a rollback that is the one from which it went back: nothing else went back with it.
    """
    for record in state.rulings(environment):
        ruling = record.ruling
        if isinstance(ruling, dict) and ruling.get("outcome") == Outcome.PASSED.value:
            revision = ruling.get("present") or ruling.get("revision")
            if isinstance(revision, str):  # a run has none
                return revision
    return None


def protect(workspace: Workspace, commit: Tree) -> None:
    """Raise unless a commit may be applied to a protected environment, whatever is approved.

    It must be in the trust ref, whose documents bind besides its own, and the work tree must hold
    exactly it.
    """
    _refuse_untrusted(workspace, commit.revision or "")
    refuse_dirty(commit, workspace.tree)


def _refuse_untrusted(workspace: Workspace, revision: str) -> None:
    trust = workspace.trust
    if trust is None:
        raise GateError(
            "a protected environment needs a ref to trust, and none is named",
            help="set CHIMERA_TRUST_REF in the environment of this command, as in origin/main; a"
            " clone of a remote has origin/HEAD without it",
        )
    tip = f"{trust.ref} ({trust.revision[:12]})"
    if not is_contained(workspace.root, revision, trust.revision):
        raise GateError(
            f"the commit {revision[:12]} is not in {tip}, and a protected environment takes what"
            " is merged",
            help="merge it, fetch, and apply what the merge left",
        )
    if revision == trust.revision:
        return
    faults = [d for d in trust.loaded.diagnostics if has_errors((d,))]
    if faults:
        raise GateError(
            f"the documents of {tip} have faults, so that what they ask for cannot be told:"
            f" {faults[0].message}",
            help="run `chimera check` there, and mend it",
        )
    missing = [name for name in _plugins(trust) if not workspace.plugins.has_plugin(name)]
    if missing:
        raise GateError(
            f"{tip} has the plugin {missing[0]}, and this commit does without it",
            help="apply a commit that has it, or change that ref first",
        )


def _plugins(trust: Trust) -> Iterator[str]:
    """Yield the plugins that the trust ref requires, and the default ones that it leaves in."""
    plugins = [d.spec.plugins for d in trust.loaded.snapshot.of_model(RepositorySpec)]
    yield from (name for named in plugins for name in named.require)
    without = {name for named in plugins for name in named.disable}
    yield from (name for name in DEFAULT if not {name, short_name(name)} & without)


def refuse_dirty(commit: Tree, work: Tree) -> None:
    """Raise `StaleError` unless the work tree holds exactly the commit.

    What is executed runs in the work tree and may read any of its files, declared or not.
    """
    differing = _differing(_contents(commit), _contents(work))
    if differing:
        named = ", ".join(differing[:_MOST_NAMED])
        more = len(differing) - _MOST_NAMED
        named += f" and {more} more" if more > 0 else ""
        raise StaleError(
            f"the work tree is not the commit {(commit.revision or '')[:12]}: {named}",
            help="commit or remove what differs: a protected environment takes a commit only",
        )


def _contents(tree: Tree) -> dict[str, tuple[str, bytes]]:
    modes = {entry.path: entry.mode for entry in tree.entries() if entry.mode != "160000"}
    return {path: (modes[path], data) for path, data in tree.read_many(modes).items()}


def _differing(
    first: dict[str, tuple[str, bytes]], second: dict[str, tuple[str, bytes]]
) -> list[str]:
    paths = first.keys() | second.keys()
    return sorted(path for path in paths if first.get(path) != second.get(path))
