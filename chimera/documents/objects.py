"""Git's objects by id, through one long-lived `cat-file`.

Refuses tree objects that no Git would write: an entry that is named twice.
"""

from __future__ import annotations

import contextlib
import re
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from chimera.documents.repository import start
from chimera.documents.trees import EXECUTABLE, FILE, SUBMODULE, SYMLINK
from chimera.model import Digest, GitError, digest_chunks

T = TypeVar("T")

FOLDER = "040000"
_BATCH = 256  # requests in flight: fewer bytes than any pipe holds, so writing never blocks
_CHUNK = 1 << 20
INCOMPLETE = (
    "the clone is partial (`--filter`) or damaged: fetch what it lacks with"
    " `git fetch --refetch --no-filter`, leave `filter` out of actions/checkout, or run `git fsck`"
)


@dataclass(frozen=True, slots=True)
class Folder:
    """One tree object: its id, and by name the mode and id of what it holds, as Git writes them."""

    id: str
    items: Mapping[bytes, tuple[bytes, bytes]]

    def get(self, name: bytes) -> tuple[str, str] | None:
        """Return the canonical mode and the id of what is called `name`."""
        found = self.items.get(name)
        return found and (canonical_mode(int(found[0], 8)), found[1].hex())


class _Content:
    """What Git sends of one object: `left` bytes are still to come."""

    def __init__(self, stream: Any, size: int) -> None:
        self._stream = stream
        self.left = size

    def read(self, most: int) -> bytes:
        """Return the next bytes, `most` at most."""
        data: bytes = self._stream.read(min(most, self.left))
        self.left -= len(data)
        return data

    def skip(self) -> None:
        """Pass over what is left."""
        while self.read(_CHUNK):
            pass


_Take = Callable[[_Content], T]
"""What is made of the content of an object; the rest of it is passed over."""


def _head(limit: int | None, content: _Content) -> bytes:
    return content.read(content.left if limit is None else limit + 1)


def _digest(content: _Content) -> Digest:
    return digest_chunks(iter(partial(content.read, _CHUNK), b""))


class Objects:
    """The objects that Git finds from a folder; `cat-file` starts at the first question."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: Any = None
        self._end: Callable[[], object]
        self._lock = threading.Lock()

    def blobs(self, ids: Sequence[str], limit: int | None = None) -> Iterator[bytes]:
        """Yield the content of each blob, in order, cut to one byte more than `limit`."""
        for first in range(0, len(ids), _BATCH):
            asked = ids[first : first + _BATCH]
            yield from (data for _, data in self._ask(asked, b"blob", partial(_head, limit)))

    def digests(self, ids: Sequence[str]) -> Iterator[Digest]:
        """Yield the digest of each blob's content, in order, of which little is held at once."""
        for first in range(0, len(ids), _BATCH):
            asked = ids[first : first + _BATCH]
            yield from (digest for _, digest in self._ask(asked, b"blob", _digest))

    def folders(self, names: Sequence[str]) -> Iterator[Folder]:
        """Yield the tree object of each name: its id, or `COMMIT^{tree}`."""
        for first in range(0, len(names), _BATCH):
            for id, data in self._ask(names[first : first + _BATCH], b"tree", partial(_head, None)):
                yield Folder(id, _items(id, data))

    def _ask(self, names: Sequence[str], type: bytes, take: _Take[T]) -> list[tuple[str, T]]:
        with self._lock:
            if self._process is None:
                self._process = start(self.folder, "cat-file", "--batch")
                self._end = weakref.finalize(self, _end, self._process)
            try:
                self._process.stdin.write("".join(f"{name}\n" for name in names).encode("ascii"))
                self._process.stdin.flush()
                return [self._next(name, type, take) for name in names]
            except (OSError, GitError):
                self._end()  # the conversation is lost; the next question starts another
                self._process = None
                raise

    def _next(self, name: str, type: bytes, take: _Take[T]) -> tuple[str, T]:
        stream = self._process.stdout
        header = stream.readline().split()
        if len(header) != 3 or header[1] != type:
            raise GitError(f"git cannot read the {type.decode()} {name}", help=INCOMPLETE)
        content = _Content(stream, int(header[2]))
        taken = take(content)
        content.skip()
        if content.left or stream.read(1) != b"\n":
            raise GitError(
                f"git stopped while reading the {type.decode()} {name}", help="run `git fsck`"
            )
        return header[0].decode("ascii"), taken


def _end(process: Any) -> None:
    """Hang up, whereupon Git ends."""
    for stream in (process.stdin, process.stdout, process.stderr):
        with contextlib.suppress(OSError):
            stream.close()
    process.proc.wait()


def canonical_mode(mode: int) -> str:
    """Return the mode that Git reads: it has taken 100664 for 100644 ever since the first trees."""
    kind = mode & 0o170000
    if kind == 0o100000:
        return EXECUTABLE if mode & 0o100 else FILE
    return {0o120000: SYMLINK, 0o040000: FOLDER}.get(kind, SUBMODULE)


def _items(id: str, data: bytes) -> dict[bytes, tuple[bytes, bytes]]:
    """Read a tree object: `mode name NUL id`, again and again."""
    width = len(id) // 2
    found = re.findall(rb"([0-7]{5,6}) ([^\0]+)\0(.{%d})" % width, data, re.DOTALL)
    items = {name: (mode, id) for mode, name, id in found}
    if sum(len(mode) + len(name) + width + 2 for mode, name, _ in found) != len(data):
        raise GitError(f"the tree {id} is damaged", help="run `git fsck`")
    if len(items) != len(found):
        raise GitError(f"the tree {id} names an entry twice", help="run `git fsck`")
    return items
