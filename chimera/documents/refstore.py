"""Files under a ref of their own: read and committed without a work tree or an index.

What a ref from elsewhere holds is hostile: a listing is bounded, and only plain files are in it
that the caller's rule lets in. Refuses to rewrite: a commit follows the one that it adds to.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from chimera.documents.objects import Objects
from chimera.documents.repository import ask, failure, run, run_bounded
from chimera.documents.trees import FILE
from chimera.model import GitError

_LISTING_BYTES = 64 << 20
_TOGETHER = 32 << 20  # bytes of content that are held at once
_AUTHOR = b"chimera <chimera@localhost>"


@dataclass(frozen=True, slots=True)
class RefFile:
    """A file in a commit of the ref: its path, the id of its blob, and its size in bytes."""

    path: str
    id: str
    size: int


@dataclass(frozen=True, slots=True)
class RefListing:
    """What a commit holds: the files that were let in, and why each other path was not."""

    files: tuple[RefFile, ...] = ()
    refused: tuple[str, ...] = ()


class RefStore:
    """The files of one ref of the repository at `root`."""

    def __init__(self, root: Path, ref: str) -> None:
        self.root = root
        self.ref = ref
        self._objects = Objects(root)

    def tip(self) -> str | None:
        """Return the commit that the ref names here, if there is one."""
        return tip(self.root, self.ref)

    def list(self, commit: str | None, limit_of: Callable[[str], int], most: int) -> RefListing:
        """List a commit's files; `limit_of` gives the most bytes that a path may have, 0 for none.

        Raises `GitError` for more than `most` paths.
        """
        if commit is None:
            return RefListing()
        arguments = ("ls-tree", "-r", "-z", "-l", "--full-tree", commit)
        lines = run_bounded(self.root, *arguments, limit=_LISTING_BYTES).split(b"\0")[:-1]
        if len(lines) > most:
            raise GitError(
                f"{self.ref} holds {len(lines)} files, and {most} at most are read",
                help="begin the ref anew with what is still needed",
            )
        files: list[RefFile] = []
        refused: list[str] = []
        for line in lines:
            found, reason = _entry(line, limit_of)
            if reason:
                refused.append(f"{found.path!r} {reason}")
            else:
                files.append(found)
        return RefListing(tuple(files), tuple(refused))

    def read(self, files: Sequence[RefFile]) -> Iterator[tuple[RefFile, bytes]]:
        """Yield the content of each file, in order, a bounded number of bytes at a time."""
        for together in _portions(files):
            contents = self._objects.blobs([file.id for file in together])
            yield from zip(together, contents, strict=True)

    def commit(
        self,
        parent: str | None,
        kept: Iterable[RefFile],
        added: Mapping[str, bytes],
        message: str,
        at: datetime,
    ) -> str:
        """Commit `kept`, files of the parent, with `added`; set the ref to it and return its id."""
        stream = b"".join(_import(self.ref, parent, kept, added, message, at))
        answer = ask(self.root, "fast-import", "--quiet", "--force", "--done", stdin=stream)
        if answer.code != 0:
            raise failure("fast-import", answer.complaint)
        return answer.output.decode("ascii").strip()


def tip(root: Path, ref: str) -> str | None:
    """Return the commit that a full ref names, if there is one."""
    answer = ask(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    return answer.output.decode("ascii").strip() if answer.code == 0 else None


def blob_id(data: bytes, like: str) -> str:
    """Return the id that Git gives to content, in a repository where another id is `like`."""
    name = "sha1" if len(like) == 40 else "sha256"
    return hashlib.new(name, b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def remotes(root: Path) -> tuple[str, ...]:
    """Return the names of the remotes that the repository knows."""
    return tuple(os.fsdecode(run(root, "remote")).split())


def _entry(line: bytes, limit_of: Callable[[str], int]) -> tuple[RefFile, str]:
    """Read a line of `ls-tree -l`; return the file, and why it is not let in."""
    facts, _, path = os.fsdecode(line).partition("\t")
    mode, _, id, size = facts.split()
    file = RefFile(path, id, int(size) if size.isdecimal() else 0)
    limit = limit_of(path)
    if limit == 0:
        return file, "has a name that nothing here has"
    if mode != FILE:
        return file, "is not a plain file"
    if file.size > limit:
        return file, f"has {file.size} bytes, more than {limit}"
    return file, ""


def _portions(files: Sequence[RefFile]) -> Iterator[list[RefFile]]:
    together: list[RefFile] = []
    size = 0
    for file in files:
        if together and size + file.size > _TOGETHER:
            yield together
            together, size = [], 0
        together.append(file)
        size += file.size
    if together:
        yield together


def _import(
    ref: str,
    parent: str | None,
    kept: Iterable[RefFile],
    added: Mapping[str, bytes],
    message: str,
    at: datetime,
) -> Iterator[bytes]:
    """Yield what `git fast-import` is told: one commit, of which it says the id."""
    yield b"commit %s\nmark :1\n" % ref.encode()
    yield b"committer %s %d +0000\n" % (_AUTHOR, int(at.timestamp()))
    yield b"data %d\n%s\n" % (len(message.encode()), message.encode())
    if parent is not None:
        yield b"from %s\ndeleteall\n" % parent.encode()
    for file in kept:
        if file.path not in added:
            yield b"M 100644 %s %s\n" % (file.id.encode(), file.path.encode())
    for path, data in sorted(added.items()):
        yield b"M 100644 inline %s\ndata %d\n" % (path.encode(), len(data))
        yield data
        yield b"\n"
    yield b"get-mark :1\ndone\n"
