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
from pathlib import Path
from typing import Any

from chimera.documents.repository import start
from chimera.documents.trees import EXECUTABLE, FILE, SUBMODULE, SYMLINK
from chimera.model import GitError

FOLDER = "040000"
_BATCH = 256  # requests in flight: fewer bytes than any pipe holds, so writing never blocks
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
            yield from (data for _, data in self._ask(ids[first : first + _BATCH], b"blob", limit))

    def folders(self, names: Sequence[str]) -> Iterator[Folder]:
        """Yield the tree object of each name: its id, or `COMMIT^{tree}`."""
        for first in range(0, len(names), _BATCH):
            for id, data in self._ask(names[first : first + _BATCH], b"tree", None):
                yield Folder(id, _items(id, data))

    def _ask(self, names: Sequence[str], type: bytes, limit: int | None) -> list[tuple[str, bytes]]:
        with self._lock:
            if self._process is None:
                self._process = start(self.folder, "cat-file", "--batch")
                self._end = weakref.finalize(self, _end, self._process)
            try:
                self._process.stdin.write("".join(f"{name}\n" for name in names).encode("ascii"))
                self._process.stdin.flush()
                return [self._next(name, type, limit) for name in names]
            except (OSError, GitError):
                self._end()  # the conversation is lost; the next question starts another
                self._process = None
                raise

    def _next(self, name: str, type: bytes, limit: int | None) -> tuple[str, bytes]:
        stream = self._process.stdout
        header = stream.readline().split()
        if len(header) != 3 or header[1] != type:
            raise GitError(f"git cannot read the {type.decode()} {name}", help=INCOMPLETE)
        size = int(header[2]) + 1  # a newline follows the content
        wanted = size if limit is None else min(size, limit + 2)
        data: bytes = stream.read(wanted)
        rest = size - len(data)
        while rest and (chunk := stream.read(min(rest, 1 << 20))):
            rest -= len(chunk)
        if rest:
            raise GitError(
                f"git stopped while reading the {type.decode()} {name}", help="run `git fsck`"
            )
        return header[0].decode("ascii"), data[:-1]


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
