"""Protected environments take a commit that is in the trust ref, and nothing but that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from chimera.documents import Tree, is_contained, parse
from chimera.kinds import RepositorySpec
from chimera.model import GateError, StaleError, has_errors
from chimera.plugin import DEFAULT, short_name

if TYPE_CHECKING:
    from chimera.workspace.trust import Trust
    from chimera.workspace.workspace import Workspace

_MOST_NAMED = 5


def is_protected_at(commit: Tree, environment: str, roots: Iterable[str]) -> bool:
    """Tell whether a commit has a document that protects an environment.

    Only files that can hold such a document are parsed, so that every plan can ask.
    """
    contents = commit.read_many(entry.path for entry in commit.under(roots))
    for path, data in contents.items():
        if b"Environment" not in data and b"\\" not in data:
            continue
        for raw in parse(path, data)[0]:
            metadata, spec = raw.value.get("metadata"), raw.value.get("spec", {})
            named = isinstance(metadata, dict) and metadata.get("name") == environment
            if raw.value.get("kind") == "Environment" and named:
                is_open = isinstance(spec, dict) and spec.get("protected") is False
                return not (raw.sound and is_open)
    return False


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
