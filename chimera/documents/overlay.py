"""A tree in which some paths are another's: what would be there if only those went back.

Refuses to write: the two trees stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from chimera.documents.trees import YAML_SUFFIXES, Entry, Tree, digest_contents
from chimera.model import ChimeraError, Digest, digest_bytes


class OverlayTree:
    """`base`, but with what `other` has, or has not, at each path that `is_other` is true of.

    Itself a `Tree`. Its `revision` is the commit of `other`: what it is asked for is from there;
    `base_revision` is that of `base`. What reads files of it below `root` must be given a folder
    that holds them.
    """

    def __init__(self, base: Tree, other: Tree, is_other: Callable[[str], bool]) -> None:
        self.root: Path = base.root
        self.revision: str | None = other.revision
        self.base_revision: str | None = base.revision
        self._base, self._other, self._is_other = base, other, is_other
        self._entries: tuple[Entry, ...] | None = None

    def entries(self) -> Sequence[Entry]:
        """Return every path, sorted."""
        if self._entries is None:
            self._entries = self._united(self._base.entries(), self._other.entries())
        return self._entries

    def under(
        self, roots: Iterable[str], suffixes: tuple[str, ...] = YAML_SUFFIXES
    ) -> Sequence[Entry]:
        """Return the files under `roots` with one of `suffixes`, sorted."""
        roots = tuple(roots)
        return self._united(self._base.under(roots, suffixes), self._other.under(roots, suffixes))

    def read(self, path: str) -> bytes:
        """Return the content at `path`."""
        return self._of(path).read(path)

    def read_many(self, paths: Iterable[str], *, limit: int | None = None) -> Mapping[str, bytes]:
        """Return the content at each of `paths`, cut to one byte more than `limit`."""
        every = tuple(paths)
        found: dict[str, bytes] = {}
        for tree in (self._base, self._other):
            mine = [path for path in every if self._of(path) is tree]
            found.update(tree.read_many(mine, limit=limit) if mine else {})
        return {path: found[path] for path in every}

    def digest(self, paths: Iterable[str]) -> Digest:
        """Return the digest of a path set; raises `ChimeraError` for a path that is absent."""
        chosen = sorted(set(paths))
        modes = {entry.path: entry.mode for entry in self.entries()}
        absent = next((path for path in chosen if path not in modes), None)
        if absent is not None:
            raise ChimeraError(f"{absent!r} is not in the tree", help="check the path")
        return digest_contents(modes, ((path, digest_bytes(self.read(path))) for path in chosen))

    def _of(self, path: str) -> Tree:
        return self._other if self._is_other(path) else self._base

    def _united(self, base: Iterable[Entry], other: Iterable[Entry]) -> tuple[Entry, ...]:
        found = [entry for entry in base if not self._is_other(entry.path)]
        found += (entry for entry in other if self._is_other(entry.path))
        return tuple(sorted(found, key=lambda entry: entry.path))
