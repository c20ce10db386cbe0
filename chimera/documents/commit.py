"""The tree of one commit, read from Git's objects: `ls-tree` and one long-lived `cat-file`.

Refuses refs that Git could read as options and paths that could leave the tree.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from chimera.documents.repository import resolve, run, start
from chimera.documents.trees import (
    SUBMODULE,
    SYMLINK,
    YAML_SUFFIXES,
    Entry,
    digest_contents,
    is_below,
    require_safe,
    root_names,
)
from chimera.model import ChimeraError, Digest, GitError

_BATCH = 256  # requests in flight: fewer bytes than any pipe holds, so writing never blocks


class _Blobs:
    """One `cat-file --batch`, started at the first question and ended with its owner."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._process: Any = None
        self._lock = threading.Lock()

    def contents(self, ids: Sequence[str], limit: int | None = None) -> Iterator[bytes]:
        """Yield the content of each blob, in order."""
        for first in range(0, len(ids), _BATCH):
            with self._lock:
                batch = self._batch(ids[first : first + _BATCH], limit)
            yield from batch

    def _batch(self, ids: Sequence[str], limit: int | None) -> list[bytes]:
        if self._process is None:
            self._process = start(self._root, "cat-file", "--batch")
        try:
            self._process.stdin.write("".join(f"{id}\n" for id in ids).encode("ascii"))
            self._process.stdin.flush()
            return [self._next(id, limit) for id in ids]
        except (OSError, GitError):
            self._process = None  # the conversation is lost; the next question starts another
            raise

    def _next(self, id: str, limit: int | None) -> bytes:
        stream = self._process.stdout
        header = stream.readline().split()
        if len(header) != 3 or header[1] != b"blob":
            raise GitError(
                f"git cannot read the blob {id}",
                help="the clone is partial or damaged: run `git fetch` or `git fsck` yourself",
            )
        size = int(header[2]) + 1  # a newline follows the content
        wanted = size if limit is None else min(size, limit + 2)
        data: bytes = stream.read(wanted)
        rest = size - len(data)
        while rest and (chunk := stream.read(min(rest, 1 << 20))):
            rest -= len(chunk)
        if rest:
            raise GitError(f"git stopped while reading the blob {id}", help="run `git fsck`")
        return data[:-1]


class CommitTree:
    """A commit as a `Tree`; paths are relative to `root`, which may be a folder below the top."""

    def __init__(self, root: Path, revision: str) -> None:
        self.root = root
        self.revision: str | None = revision
        self._commit = revision
        self._entries: tuple[Entry, ...] | None = None
        self._found: dict[str, Entry] = {}
        self._blobs = _Blobs(root)

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
            if any(is_below(entry.path, name) for name in names)
        )

    def _list(self, paths: Sequence[str]) -> list[Entry]:
        output = run(self.root, "ls-tree", "-r", "-z", "--", self._commit, *paths)
        entries = []
        for line in output.split(b"\0")[:-1]:
            facts, _, name = line.partition(b"\t")
            mode, _, id = facts.decode("ascii").split(" ")
            path = require_safe(os.fsdecode(name))
            if not path.startswith(".chimera/"):
                # Git itself has read 100664 as 100644 ever since the first trees.
                entries.append(Entry(path, "100644" if mode == "100664" else mode, id))
        entries.sort(key=lambda entry: entry.path)
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
        return digest_contents(modes, self._contents(chosen))

    def _contents(
        self, paths: Iterable[str], limit: int | None = None
    ) -> Iterator[tuple[str, bytes]]:
        found = [self._find(path) for path in paths]
        blobs = self._blobs.contents([e.id or "" for e in found if e.mode != SUBMODULE], limit)
        for entry in found:
            if entry.mode == SUBMODULE:
                yield entry.path, (entry.id or "").encode("ascii")
            else:
                yield entry.path, next(blobs)

    def _find(self, path: str) -> Entry:
        if path not in self._found:
            self.entries()
        if path not in self._found:
            raise ChimeraError(
                f"{path!r} is not in commit {self._commit[:12]}", help="check the path and the ref"
            )
        return self._found[path]


def open_commit(root: Path, ref: str) -> CommitTree:
    """Open the tree of the commit that `ref` names; raises `GitError` where there is none."""
    folder = root.absolute()
    return CommitTree(folder, resolve(folder, ref))
