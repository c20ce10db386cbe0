"""The module of a Python fitness: where it lies in the tree, and what its numbers follow from.

A run is pinned to the digest of the module and of all modules of the tree that it imports by name.
Refuses a path that leaves the tree or passes through a symlink, and to execute anything.
"""

from __future__ import annotations

import ast
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from chimera.documents.trees import is_safe
from chimera.model import Digest, digest_bytes, digest_json
from chimera.runtime import PermanentError

MAX_BYTES = 4 << 20


def source_at(root: Path, path: str) -> bytes:
    """Return the source of the module at `path`, walked from `root` without following symlinks.

    Raises `PermanentError` where there is none that may be read.
    """
    parts = PurePosixPath(path).parts
    if not parts or "\0" in path or not is_safe(path) or parts[0].lower() == ".chimera":
        raise PermanentError(
            f"{path!r} is no path inside the tree", help="write it from the root of the tree"
        )
    try:
        return _read(root, parts)
    except OSError as error:
        raise PermanentError(
            f"the module {path!r} cannot be read: {(error.strerror or str(error)).lower()}",
            help="write its path from the root of the tree; symlinks are not followed",
        ) from error


def _read(root: Path, parts: tuple[str, ...]) -> bytes:
    *above, last = parts
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in above:
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            inner = os.open(part, flags, dir_fd=folder)
            os.close(folder)
            folder = inner
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with os.fdopen(os.open(last, flags, dir_fd=folder), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise OSError(errno.EINVAL, "it is no regular file")
            data = file.read(MAX_BYTES + 1)
    finally:
        os.close(folder)
    if len(data) > MAX_BYTES:
        raise PermanentError(f"a module of more than {MAX_BYTES} bytes is no source")
    return data


def sources_of(root: Path, path: str) -> dict[str, bytes]:
    """Return the sources of a module and of all modules of the tree that it imports, by path.

    They are found by their names from the root of the tree, as `from tools.model import load` is.
    """
    found: dict[str, bytes] = {}
    waiting = [path]
    while waiting:
        one = waiting.pop()
        if one in found:
            continue
        found[one] = source_at(root, one)
        waiting += [
            candidate
            for name in _imported(one, found[one])
            for candidate in _paths_of(name)
            if candidate not in found and (root / candidate).is_file()
        ]
    return dict(sorted(found.items()))


def digest_of(root: Path, path: str) -> Digest:
    """Return the digest of everything in `sources_of`."""
    return digest_json(
        [[name, digest_bytes(data)] for name, data in sources_of(root, path).items()]
    )


def _paths_of(name: str) -> tuple[str, ...]:
    """Return where a module can lie, the packages above it included."""
    parts = name.split(".")
    packages = tuple("/".join((*parts[:n], "__init__.py")) for n in range(1, len(parts) + 1))
    return (*packages, "/".join(parts) + ".py")


def _imported(path: str, source: bytes) -> Iterator[str]:
    """Yield the names that a module imports, and those that may be modules or names in them."""
    try:
        tree = ast.parse(source, path)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise PermanentError(
            f"the module {path!r} is no Python: {error}", help="run it with `python` to see where"
        ) from error
    package = list(PurePosixPath(path).parts[:-1])
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join((*above, *([node.module] if node.module else [])))
            if base:
                yield base
            yield from (".".join(filter(None, (base, alias.name))) for alias in node.names)
