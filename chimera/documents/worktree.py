"""The tree that lies on disk, read without any of Git's conversions.

Owns the walk, the modes and the warning about attributes that convert. Refuses to follow a
symlink, so that nothing outside the tree is ever read.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, TypeVar

from chimera.documents.repository import enclosing, is_bare, run
from chimera.documents.trees import (
    EXECUTABLE,
    FILE,
    SUBMODULE,
    SYMLINK,
    YAML_SUFFIXES,
    Entry,
    Tree,
    digest_contents,
    is_safe,
    require_safe,
    require_safe_all,
    root_names,
)
from chimera.model import (
    ChimeraError,
    Diagnostic,
    Digest,
    Severity,
    Span,
    UsageError,
    digest_chunks,
)

T = TypeVar("T")
_CHUNK = 1 << 20

Stamp = str
"""What stands for a file's content: a blob's id, or inode, size and times of change."""

_RACY = 2_000_000_000
"""Nanoseconds within which two changes of a file can bear the same time: FAT counts by 2 s."""

# Neither follows a link nor waits for the other end of a pipe.
_PLAINLY = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK if hasattr(os, "O_NOFOLLOW") else None

_OWN = (".git", ".chimera")
_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")
_ATTRIBUTES = ("text", "eol", "filter", "ident", "working-tree-encoding")


class WorkTree:
    """A folder as a `Tree`. What Git lists is what counts, where there is Git."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.revision: str | None = None
        self._entries: tuple[Entry, ...] | None = None
        self._folders: dict[str, bool] = {"": True}

    def entries(self) -> Sequence[Entry]:
        """Return every path that Git would track (without Git: every file), sorted."""
        if self._entries is None:
            listed = self._tracked() if _is_top(self.root) else self._walk("", hidden=True)
            self._entries = tuple(sorted(listed, key=lambda entry: entry.path))
        return self._entries

    def under(
        self, roots: Iterable[str], suffixes: tuple[str, ...] = YAML_SUFFIXES
    ) -> Sequence[Entry]:
        """Return the files under `roots` with one of `suffixes`, sorted."""
        found: dict[str, Entry] = {}
        for name in root_names(roots):
            entry = None if name == "." else self._entry(name)
            if entry is not None:
                found[name] = entry
            elif self._is_folder("" if name == "." else name):
                below = self._walk("" if name == "." else name + "/", hidden=False)
                found.update((entry.path, entry) for entry in below)
        return tuple(
            entry
            for _, entry in sorted(found.items())
            if entry.mode in (SYMLINK, SUBMODULE) or entry.path.endswith(suffixes)
        )

    def stamped(
        self, roots: Iterable[str], suffixes: tuple[str, ...] = YAML_SUFFIXES
    ) -> tuple[dict[str, Stamp | None], list[Entry]]:
        """Return the stamps of the files that `under` returns, and the entries never read.

        Git's rule for its index: a time of change that is too close to now is no proof that
        nothing changes any more, so that such a file has no stamp. (A time of modification can be
        forged, a time of change cannot.)
        """
        before = time.time_ns() - _RACY
        files: dict[str, Stamp | None] = {}
        links: dict[str, Entry] = {}
        for name in root_names(roots):
            entry = None if name == "." else self._entry(name)
            if entry is not None and entry.mode == SYMLINK:
                links[name] = entry
            elif entry is not None and name.endswith(suffixes):
                files[name] = None
            elif entry is None and self._is_folder("" if name == "." else name):
                for here, items in self._visible("" if name == "." else name + "/"):
                    for item in items:
                        path = here + item.name
                        status = _status(item) if path.endswith(suffixes) else None
                        if status is not None and stat.S_ISREG(status.st_mode):
                            files[path] = _stamp(status, before)
                        elif item.is_symlink():
                            links[path] = Entry(path, SYMLINK)
                        elif item.is_dir(follow_symlinks=False):
                            links[path] = Entry(path, SUBMODULE)
        return files, [entry for _, entry in sorted(links.items())]

    def read(self, path: str) -> bytes:
        """Return the content at `path`."""
        return self._content(path)[1]

    def read_many(self, paths: Iterable[str], *, limit: int | None = None) -> Mapping[str, bytes]:
        """Return the content at each of `paths`, cut to one byte more than `limit`."""
        every = tuple(paths)
        require_safe_all(every)
        return {path: self._plain(path, limit) or self._content(path, limit)[1] for path in every}

    def _plain(self, path: str, limit: int | None) -> bytes:
        """Return the content of a regular file; nothing where that takes a closer look.

        It takes half the time, which counts over thousands of files. The path is known to be safe.
        """
        if _PLAINLY is None or not self._is_folder(path.rpartition("/")[0]):
            return b""
        try:
            file = os.open(f"{self.root}/{path}", _PLAINLY)
        except OSError:
            return b""
        try:
            status = os.fstat(file)
            size = status.st_size if limit is None else min(status.st_size, limit)
            data = os.read(file, size + 1) if stat.S_ISREG(status.st_mode) else b""
            return data if len(data) == status.st_size else b""
        finally:
            os.close(file)

    def digest(self, paths: Iterable[str]) -> Digest:
        """Return the digest of a path set."""
        modes: dict[str, str] = {}

        def digests() -> Iterator[tuple[str, Digest]]:
            for path in sorted(set(paths)):
                modes[path], digest = self._take(path, _digest)
                yield path, digest

        return digest_contents(modes, digests())

    def blob_id(self, path: str, *, sha256: bool) -> str:
        """Return the id that Git gives the content at `path`, as it lies there."""

        def identify(file: BinaryIO) -> str:
            hasher = hashlib.sha256() if sha256 else hashlib.sha1(usedforsecurity=False)
            hasher.update(b"blob %d\0" % file.seek(0, os.SEEK_END))
            file.seek(0)
            for chunk in iter(partial(file.read, _CHUNK), b""):
                hasher.update(chunk)
            return hasher.hexdigest()

        return self._take(path, identify)[1]

    def _content(self, path: str, limit: int | None = None) -> tuple[str, bytes]:
        most = -1 if limit is None else limit + 1
        return self._take(path, lambda file: file.read(most))

    def _take(self, path: str, take: Callable[[BinaryIO], T]) -> tuple[str, T]:
        """Return the mode at `path`, and what is made of the content there."""
        entry = self._entry(require_safe(path))
        try:
            if entry is not None and entry.mode == SYMLINK:
                return SYMLINK, take(BytesIO(os.fsencode((self.root / path).readlink())))
            if entry is not None:
                # Half the time of `Path.open`, which counts over thousands of files.
                with open(f"{self.root}/{path}", "rb") as file:  # noqa: PTH123
                    return entry.mode, take(file)
        except OSError as error:
            raise _unreadable(path, error) from error
        for listed in self.entries() if self._is_folder(path) else ():
            if listed.path == path:
                return SUBMODULE, take(BytesIO((listed.id or "").encode("ascii")))
        raise ChimeraError(f"{path!r} is not in the work tree", help="check the path")

    def _entry(self, path: str) -> Entry | None:
        """Return the file or symlink at `path`, `None` for anything else or behind a symlink."""
        if not self._is_folder(path.rpartition("/")[0]):
            return None
        mode = self._mode(path)
        return None if mode is None else _entry(path, mode)

    def _is_folder(self, path: str) -> bool:
        """Tell whether `path` is a real folder, reached through real folders only."""
        known = self._folders.get(path)
        if known is None:
            known = self._is_folder(path.rpartition("/")[0])
            if known:
                mode = self._mode(path)
                known = mode is not None and stat.S_ISDIR(mode)
            self._folders[path] = known
        return known

    def _mode(self, path: str) -> int | None:
        """Return the type and permissions of what lies at `path`, `None` where nothing does."""
        try:
            return os.lstat(f"{self.root}/{path}").st_mode
        except PermissionError as error:
            raise _unreadable(path, error) from error
        except OSError:
            return None

    def _tracked(self) -> Iterator[Entry]:
        index = run(self.root, "ls-files", "-z", "--stage")
        links: dict[str, str] = {}
        paths = set()
        for line in index.split(b"\0")[:-1]:
            facts, _, name = line.partition(b"\t")
            path = require_safe(os.fsdecode(name))
            paths.add(path)
            if facts.startswith(b"160000 "):
                links[path] = facts.split(b" ")[1].decode("ascii")
        others = run(self.root, "ls-files", "-z", "--others", "--exclude-standard")
        # A name that ends in '/' is an untracked repository inside this one: not its content.
        paths.update(
            name for name in map(os.fsdecode, others.split(b"\0")[:-1]) if not name.endswith("/")
        )
        for path in paths:
            if path.startswith(".chimera/"):
                continue
            entry = self._entry(path)
            if entry is not None:
                yield entry
            elif path in links and self._is_folder(path):
                yield Entry(path, SUBMODULE, links[path])

    def _walk(self, prefix: str, *, hidden: bool) -> Iterator[Entry]:
        """Yield what lies below `prefix`, which is empty or ends in '/'; folders are descended."""
        for here, items in self._visible(prefix, hidden=hidden):
            for item in items:
                path = here + item.name
                if item.is_dir(follow_symlinks=False):
                    yield Entry(path, SUBMODULE)
                elif (status := _status(item)) is not None:
                    entry = _entry(path, status.st_mode)
                    if entry is not None:
                        yield entry

    def _visible(
        self, prefix: str, *, hidden: bool = False
    ) -> Iterator[tuple[str, list[os.DirEntry[str]]]]:
        """Yield each folder from `prefix` down, and what shows; folders there are submodules."""
        pending, is_plain = [prefix], _PLAIN.fullmatch
        while pending:
            here = pending.pop()
            visible = []
            for item in self._items(here):
                name = item.name
                if name.startswith(".") and (not hidden or name in _OWN):
                    continue
                if item.is_dir(follow_symlinks=False):
                    if self._mode(f"{here}{name}/.git") is not None:
                        visible.append(item)
                    else:
                        pending.append(f"{here}{name}/")
                # In a folder that is safe no other name can be unsafe.
                elif is_plain(name) or is_safe(here + name):
                    visible.append(item)
            yield here, visible

    def _items(self, folder: str) -> list[os.DirEntry[str]]:
        """Return what lies in a folder; nothing in one that went away.

        One that may not be read could hold a policy: raises `ChimeraError`, so that none is missed.
        """
        try:
            with os.scandir(self.root / folder) as items:
                return list(items)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise _unreadable(folder or ".", error) from error


def _digest(file: BinaryIO) -> Digest:
    return digest_chunks(iter(partial(file.read, _CHUNK), b""))


def _stamp(status: os.stat_result, before: int) -> Stamp | None:
    """Return what stands for the content of a file that was last changed `before` some time."""
    changed, modified = status.st_ctime_ns, status.st_mtime_ns
    if changed >= before or modified >= before:
        return None
    return f"{status.st_ino}.{status.st_size}.{modified}.{changed}"


def _status(item: os.DirEntry[str]) -> os.stat_result | None:
    """Return what the file system says of a file; `None` where it went away."""
    try:
        return item.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(item.path, error) from error


def _unreadable(path: str, error: OSError) -> ChimeraError:
    return ChimeraError(
        f"{path!r} cannot be read: {error.strerror}",
        help="check its permissions and those of its folder",
    )


def _is_top(root: Path) -> bool:
    """Tell whether `root` is a repository's top folder.

    A folder further down may be one that the repository ignores (an exported tree, a build), of
    which Git would list nothing.
    """
    return enclosing(root) == root


def _entry(path: str, mode: int) -> Entry | None:
    if stat.S_ISLNK(mode):
        return Entry(path, SYMLINK)
    if stat.S_ISREG(mode):
        return Entry(path, EXECUTABLE if mode & stat.S_IXUSR else FILE)
    return None  # folders, and sockets, pipes and devices, which Git does not know


def open_work_tree(root: Path) -> WorkTree:
    """Open the folder `root` as a tree; raises `ChimeraError` where there is none."""
    folder = root.absolute()
    if not folder.is_dir():
        raise ChimeraError(f"{str(root)!r} is not a folder", help="check the path")
    if is_bare(folder):
        raise UsageError(
            f"{str(root)!r} is a bare repository: it has no work tree",
            help="name two commits, as in `--base main --head topic`",
        )
    return WorkTree(folder)


def conversions(tree: Tree, paths: Iterable[str]) -> tuple[Diagnostic, ...]:
    """Warn of work tree files that Git would store otherwise: their digests differ in a commit."""
    chosen = sorted(set(paths))
    if tree.revision is not None or not chosen or not _is_top(tree.root):
        return ()
    asked = b"".join(os.fsencode(path) + b"\0" for path in chosen)
    answer = run(tree.root, "check-attr", "-z", "--stdin", *_ATTRIBUTES, stdin=asked)
    fields = list(map(os.fsdecode, answer.split(b"\0")[:-1]))
    attributes: dict[str, dict[str, str]] = {}
    for path, name, value in zip(fields[::3], fields[1::3], fields[2::3], strict=True):
        attributes.setdefault(path, {})[name] = value
    return tuple(
        Diagnostic(
            "git-converted-path",
            f"git stores this file otherwise than it lies here (attribute {cause})",
            Span(path),
            "its digest will differ in a commit: store it as it is, or drop the attribute",
            Severity.WARNING,
        )
        for path in chosen
        if (cause := _conversion(tree, path, attributes.get(path, {})))
    )


def _conversion(tree: Tree, path: str, values: Mapping[str, str]) -> str | None:
    """Return the attribute that makes Git convert the file's content, if one does."""
    for name in ("filter", "ident", "working-tree-encoding"):
        if values.get(name, "unspecified") not in ("unspecified", "unset"):
            return name
    text, eol = values.get("text", "unspecified"), values.get("eol", "unspecified")
    if text == "unset" or (text == "unspecified" and eol not in ("lf", "crlf")):
        return None
    content = tree.read(path)
    if b"\r\n" not in content or (text == "auto" and b"\0" in content[:8000]):
        return None
    return "eol" if text == "unspecified" else "text"
