"""The tree of one commit, read from Git's objects: `ls-tree` for lists, `cat-file` for the rest.

Refuses paths that could leave the tree.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from chimera.documents.objects import FOLDER, Folder, Objects, canonical_mode
from chimera.documents.refs import resolve
from chimera.documents.repository import enclosing, run, run_bounded
from chimera.documents.trees import (
    MODES,
    SUBMODULE,
    SYMLINK,
    YAML_SUFFIXES,
    Entry,
    digest_contents,
    is_below,
    require_safe,
    require_safe_all,
    root_names,
)
from chimera.model import ChimeraError, Digest, GitError, digest_bytes

_LISTING_BYTES = 256 << 20  # some two million paths


class CommitTree:
    """A commit, or any tree object, as a `Tree`.

    Paths are relative to `root`, which may be a folder below the top. `revision` names a commit or
    a tree object that `objects` hold.
    """

    def __init__(self, root: Path, revision: str, objects: Objects | None = None) -> None:
        self.root = root
        self.revision: str | None = revision
        self.objects = objects or Objects(root)
        self._name = revision
        self._entries: tuple[Entry, ...] | None = None
        self._found: dict[str, Entry] = {}
        self._folders: dict[str, Folder] = {}

    @cached_property
    def tree_id(self) -> str | None:
        """The id of the tree object at `root`: equal ids mean equal paths, modes and content.

        `None` where the commit has no such folder.
        """
        id = next(self.objects.folders([f"{self._name}^{{tree}}"])).id
        for name in _prefix(self.root):
            mode, id = self._folder(id).get(name) or ("", "")
            if mode != FOLDER:
                return None
        return id

    def entries(self) -> Sequence[Entry]:
        """Return every path of the commit, sorted."""
        if self._entries is None:
            self._entries = tuple(self._list(()))
        return self._entries

    def under(
        self, roots: Iterable[str], suffixes: tuple[str, ...] = YAML_SUFFIXES
    ) -> Sequence[Entry]:
        """Return the files under `roots` with one of `suffixes`, sorted."""
        names = root_names(roots)
        if not names:
            return ()
        return tuple(
            entry
            for entry in self._list(() if "." in names else names)
            if entry.mode in (SYMLINK, SUBMODULE) or entry.path.endswith(suffixes)
            # Git has listed nothing else than what is below: only hidden names are left to see.
            if "/." not in "/" + entry.path or any(is_below(entry.path, name) for name in names)
        )

    def _list(self, paths: Sequence[str]) -> list[Entry]:
        if self.tree_id is None:
            return []
        output = run_bounded(
            self.objects.folder,
            *("ls-tree", "-r", "-z", "--full-tree", "--", self.tree_id, *paths),
            limit=_LISTING_BYTES,
        )
        entries = _read_listing(output)
        self._found.update((entry.path, entry) for entry in entries)
        return entries

    def read(self, path: str) -> bytes:
        """Return the content at `path`."""
        return next(data for _, data in self._contents([path]))

    def read_many(self, paths: Iterable[str], *, limit: int | None = None) -> Mapping[str, bytes]:
        """Return the content at each of `paths`, cut to one byte more than `limit`."""
        return dict(self._contents(paths, limit))

    def digest(self, paths: Iterable[str]) -> Digest:
        """Return the digest of a path set."""
        chosen = sorted(set(paths))
        modes = {path: self._find(path).mode for path in chosen}
        return digest_contents(modes, zip(chosen, self._digests(chosen), strict=True))

    def _digests(self, paths: Sequence[str]) -> Iterator[Digest]:
        found = [self._find(path) for path in paths]
        blobs = self.objects.digests([e.id or "" for e in found if e.mode != SUBMODULE])
        for entry in found:
            if entry.mode == SUBMODULE:
                yield digest_bytes((entry.id or "").encode("ascii"))
            else:
                yield next(blobs)

    def _contents(
        self, paths: Iterable[str], limit: int | None = None
    ) -> Iterator[tuple[str, bytes]]:
        found = [self._find(path) for path in paths]
        blobs = self.objects.blobs([e.id or "" for e in found if e.mode != SUBMODULE], limit)
        for entry in found:
            if entry.mode == SUBMODULE:
                yield entry.path, (entry.id or "").encode("ascii")
            else:
                yield entry.path, next(blobs)

    def _find(self, path: str) -> Entry:
        """Return the entry at `path`, reading no more of the tree than the folders on the way."""
        found = self._found.get(path) or self._look_up(path)
        if found is None:
            raise ChimeraError(
                f"{path!r} is not in commit {self._name[:12]}", help="check the path and the ref"
            )
        self._found[path] = found
        return found

    def _look_up(self, path: str) -> Entry | None:
        if self._entries is not None or self.tree_id is None or path.startswith(".chimera/"):
            return None
        mode, id = FOLDER, self.tree_id
        for name in os.fsencode(require_safe(path)).split(b"/"):
            if mode != FOLDER:
                return None
            mode, id = self._folder(id).get(name) or ("", "")
        return Entry(path, mode, id) if mode not in ("", FOLDER) else None

    def _folder(self, id: str) -> Folder:
        if id not in self._folders:
            self._folders[id] = next(self.objects.folders([id]))
        return self._folders[id]


def _prefix(root: Path) -> list[bytes]:
    """Return the folders that lead from the top of the repository to `root`."""
    if enclosing(root) in (root, None):
        return []
    prefix = run(root, "rev-parse", "--show-prefix").removesuffix(b"\n")
    return [name for name in prefix.split(b"/") if name]


def _read_listing(output: bytes) -> list[Entry]:
    """Read what `ls-tree -r -z` wrote, in the order of paths; Chimera's own folder is left out."""
    listing = os.fsdecode(output)
    entries = [
        Entry(path, facts[:6], facts.rpartition(" ")[2])
        for facts, _, path in (line.partition("\t") for line in listing.split("\0")[:-1])
        if not path.startswith(".chimera/")
    ]
    paths = [entry.path for entry in entries]
    require_safe_all(paths)
    if len(set(paths)) < len(paths):
        raise GitError("a folder of the commit names a file twice", help="run `git fsck`")
    if not {entry.mode for entry in entries} <= MODES:
        entries = [replace(entry, mode=canonical_mode(int(entry.mode, 8))) for entry in entries]
    if not listing.isascii():  # Git sorts bytes
        entries.sort(key=lambda entry: entry.path)
    return entries


def open_commit(root: Path, ref: str) -> CommitTree:
    """Open the tree of the commit that `ref` names; raises `GitError` where there is none."""
    folder = root.absolute()
    return CommitTree(folder, resolve(folder, ref))
