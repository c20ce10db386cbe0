"""A tree of which some paths are listed, and the others are passed over. Refuses to hide content:
what is named is read, listed or not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from chimera.documents.trees import YAML_SUFFIXES, Entry, Tree
from chimera.model import Digest


@dataclass(frozen=True)
class PartialTree:
    """Another tree, as if it held nothing but some of its paths; itself a `Tree`."""

    whole: Tree
    paths: Collection[str]

    @property
    def root(self) -> Path:
        """The folder that every path is relative to."""
        return self.whole.root

    @property
    def revision(self) -> str | None:
        """The commit of the whole."""
        return self.whole.revision

    def entries(self) -> Sequence[Entry]:
        """Return those of the paths that are there, sorted."""
        return self._listed(self.whole.entries())

    def under(
        self, roots: Iterable[str], suffixes: tuple[str, ...] = YAML_SUFFIXES
    ) -> Sequence[Entry]:
        """Return those of the paths that the whole finds under `roots`."""
        return self._listed(self.whole.under(roots, suffixes))

    def read(self, path: str) -> bytes:
        """Return the content at `path`."""
        return self.whole.read(path)

    def read_many(self, paths: Iterable[str], *, limit: int | None = None) -> Mapping[str, bytes]:
        """Return the content at each of `paths`."""
        return self.whole.read_many(paths, limit=limit)

    def digest(self, paths: Iterable[str]) -> Digest:
        """Return the digest of a path set."""
        return self.whole.digest(paths)

    def _listed(self, entries: Iterable[Entry]) -> Sequence[Entry]:
        return tuple(entry for entry in entries if entry.path in self.paths)
