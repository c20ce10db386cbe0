"""Protected environments take a commit; what only the work tree says of them counts for nothing."""

from __future__ import annotations

from collections.abc import Iterable

from chimera.documents import Tree, parse
from chimera.model import StaleError

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
