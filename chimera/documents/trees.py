"""Trees: one way to read a work tree and a commit.

Owns the `Tree` protocol, what a safe path is, the digest of a path set and export. Refuses paths
that could leave the tree, whatever Git's objects or index say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from posixpath import normpath
from typing import Protocol

from chimera.model import ChimeraError, Digest, digest_paths

FILE = "100644"
EXECUTABLE = "100755"
SYMLINK = "120000"
SUBMODULE = "160000"
MODES = frozenset((FILE, EXECUTABLE, SYMLINK, SUBMODULE))
YAML_SUFFIXES = (".yaml", ".yml")
_SUSPECT = re.compile(r"/(?=[./g])(?:\.{0,2}|\.git[ .]*|git~1)/", re.I)
_UNSAFE = re.compile(r"(?:\A|/)(?:\.{0,2}|\.git[ .]*|git~1)(?:/|\Z)|[\\\x00]|\A[a-z]:", re.I)


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """One path of a tree, '/'-separated and relative to its root.

    `mode` is Git's (`100644`, `100755`, `120000` a symlink, `160000` a submodule). `id` is the
    blob's id in a commit and `None` in a work tree; a submodule's is its commit in both. Where
    neither is `None`, equal ids mean equal content, in trees of whatever repositories have the
    same object format, and different ids mean different content.
    """

    path: str
    mode: str
    id: str | None = None


def is_link(entry: Entry) -> bool:
    """Tell whether an entry brings what is elsewhere: a symlink or a submodule."""
    return entry.mode in (SYMLINK, SUBMODULE)


class Tree(Protocol):
    """What is read: a work tree or a commit."""

    @property
    def root(self) -> Path:
        """The folder that every path is relative to."""

    @property
    def revision(self) -> str | None:
        """The full commit id, `None` for a work tree."""

    def entries(self) -> Sequence[Entry]:
        """Return every path, sorted: in a work tree what is tracked or untracked and not ignored.

        Chimera's own folder, `.chimera`, is never content.
        """

    def under(
        self, roots: Iterable[str], suffixes: tuple[str, ...] = YAML_SUFFIXES
    ) -> Sequence[Entry]:
        """Return the files under `roots` with one of `suffixes`, sorted; a root may be a file.

        Symlinks and submodules come too, and are never followed. Below a root, names that begin
        with a dot are passed over. A work tree is walked without Git: files it ignores count.
        """

    def read(self, path: str) -> bytes:
        """Return the content at `path`: a file's bytes, a symlink's target, a submodule's commit.

        Raises `ChimeraError` where there is nothing to read.
        """

    def read_many(self, paths: Iterable[str], *, limit: int | None = None) -> Mapping[str, bytes]:
        """Return the content at each of `paths`, as `read` does, in bulk.

        What is longer than `limit` bytes is cut to one byte more, so that it shows.
        """

    def digest(self, paths: Iterable[str]) -> Digest:
        """Return the digest of a path set; raises `ChimeraError` for a path that is absent."""


def is_safe(path: str) -> bool:
    """Tell whether `path` can only name something inside a tree and outside `.git`."""
    return _UNSAFE.search(path) is None


def require_safe(path: str) -> str:
    """Return `path`; raises `ChimeraError` where it could leave the tree."""
    if not is_safe(path):
        raise ChimeraError(
            f"the path {path!r} could leave the tree",
            help="use a path inside the repository, without '..', '.git' or a backslash",
        )
    return path


def require_safe_all(paths: Sequence[str]) -> None:
    """Do what `require_safe` does for many paths, nearly all of which are: look at them at once."""
    joined = "/".join(("", *paths, ""))
    if any(mark in joined for mark in "\\\0:") or _SUSPECT.search(joined):
        for path in paths:
            require_safe(path)


def leaves_tree(path: str, target: str) -> bool:
    """Tell whether the symlink at `path` with `target` points out of the tree."""
    if PurePosixPath(target).is_absolute() or "\\" in target or re.match(r"[A-Za-z]:", target):
        return True
    joined = normpath((PurePosixPath(path).parent / target).as_posix())
    return joined == ".." or joined.startswith("../") or joined.split("/")[0].lower() == ".git"


def is_below(path: str, root: str) -> bool:
    """Tell whether `path` is `root` or lies below it with no hidden name in between."""
    if root in ("", "."):
        rest = path
    elif path == root:
        return True
    elif path.startswith(root + "/"):
        rest = path[len(root) + 1 :]
    else:
        return False
    return not rest.startswith(".") and "/." not in rest


def root_names(roots: Iterable[str]) -> list[str]:
    """Return document roots as clean relative paths; '.' stands for the whole tree."""
    names = []
    for root in roots:
        name = root.rstrip("/") or "."
        while name.startswith("./"):
            name = name[2:].lstrip("/") or "."
        names.append(name if name == "." else require_safe(name))
    return sorted(set(names))


def is_root(root: str) -> bool:
    """Tell whether documents can be read from `root`, whether or not there is such a folder."""
    try:
        return bool(root and root_names((root,)))
    except ChimeraError:
        return False


def digest_contents(modes: Mapping[str, str], digests: Iterable[tuple[str, Digest]]) -> Digest:
    """Return the digest of a path set from the digests of its contents."""

    def triples() -> Iterator[tuple[str, str, Digest]]:
        for path, digest in digests:
            try:
                path.encode()
            except UnicodeEncodeError as error:
                raise ChimeraError(
                    f"the path {path!r} is not UTF-8 and cannot be part of a digest",
                    help="rename the file",
                ) from error
            yield path, modes[path], digest

    return digest_paths(triples())


def export(tree: Tree, paths: Iterable[str], into: Path) -> None:
    """Write the content at `paths` below `into`, by mode; submodules become empty folders.

    Raises `ChimeraError` for a path or a symlink that would leave `into`.
    """
    chosen = sorted(map(require_safe, set(paths)))
    modes = {entry.path: entry.mode for entry in tree.entries()}
    absent = [path for path in chosen if path not in modes]
    if absent:
        raise ChimeraError(f"{absent[0]!r} is not in the tree", help="check the path")
    into.mkdir(parents=True, exist_ok=True)
    contents = tree.read_many(chosen)
    # Links come last, so that no file is ever written through one.
    for path in sorted(chosen, key=lambda path: modes[path] == SYMLINK):
        target = into / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_symlink() or not target.parent.resolve().is_relative_to(into.resolve()):
            raise ChimeraError(
                f"{path!r} would be written through a symlink in {str(into)!r}",
                help="export into an empty folder",
            )
        if modes[path] == SYMLINK:
            _link(path, contents[path], into)
        elif modes[path] == SUBMODULE:
            target.mkdir(exist_ok=True)
        else:
            target.write_bytes(contents[path])
            target.chmod(0o755 if modes[path] == EXECUTABLE else 0o644)


def _link(path: str, content: bytes, into: Path) -> None:
    target = content.decode("utf-8", "surrogateescape")
    link = into / path
    inside = into.resolve()
    if leaves_tree(path, target) or not (link.parent / target).resolve().is_relative_to(inside):
        raise ChimeraError(
            f"the symlink {path!r} points out of the tree",
            help="point it at a file inside the repository, or leave it out of the inputs",
        )
    link.symlink_to(target)
