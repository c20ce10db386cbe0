"""What is wrong with the paths of a tree, whatever their files say.

Owns two faults: Chimera's own folder among what Git keeps, and paths that are two files here and
one on another system. Refuses to read content.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Iterator

from chimera.documents import Tree, own_files
from chimera.kinds import Loaded, Source
from chimera.model import Diagnostic, Related, Severity, Span
from chimera.plan import governed_paths


def path_faults(source: Source, loaded: Loaded | None = None) -> Iterator[Diagnostic]:
    """Yield what is wrong with the paths of a tree; those of governed files with `loaded` only.

    Listing them costs more than a check of unchanged documents may.
    """
    yield from _own(own_files(source.tree))
    paths = {path for part in source.parts for path in part.paths}
    if loaded is not None and loaded.snapshot.governing and _any_alike(source.tree):
        paths.update(governed_paths(loaded.snapshot))
    for first, second in _alike(paths):
        yield Diagnostic(
            "path-ambiguous",
            f"{second!r} and {first!r} differ only in the case or the composition of letters, and "
            "are one file on other systems",
            Span(second),
            "rename one of them: macOS and Windows would check out either in the place of both",
            Severity.WARNING,
            related=(Related("the other one is here", Span(first)),),
        )


def _own(paths: Iterable[str]) -> Iterator[Diagnostic]:
    found = sorted(paths)
    if found:
        more = f", and {len(found) - 1} more" if found[1:] else ""
        yield Diagnostic(
            "own-folder-tracked",
            f"{found[0]!r}{more} would come with the repository: evidence and state belong to the "
            "machine that made them, and nothing could be proven or applied",
            Span(found[0]),
            "remove it with `git rm -r --cached .chimera`, and let .gitignore name .chimera/",
        )


def _any_alike(tree: Tree) -> bool:
    return any(_alike({entry.path for entry in tree.entries()}))


def _alike(paths: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield each path that another, which comes before it, is alike; with that one first.

    Each is given once.
    """
    together = "\0".join(paths)
    if together.isascii() and len(set(together.lower().split("\0"))) == len(paths):
        return  # a twentieth of the time of sorting them
    known: dict[str, str] = {}
    for path in sorted(paths):
        first = known.setdefault(_folded(path), path)
        if first != path:
            yield first, path


def _folded(path: str) -> str:
    """Return what is the same of two paths that a system may hold to be one."""
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", path).casefold())
