"""Parts: files of a tree that are read together, and keys of what they contain.

Owns how files are parted, so that a change leaves all parts but one as they are, and how the
content of a part is known without reading it. Refuses to give a part a key where one of its files
cannot be read.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from chimera.documents import Listing, RawDocument, Tree, contents, parse
from chimera.kinds.kind import API_VERSION
from chimera.kinds.memo import store_key
from chimera.model import ChimeraError, Diagnostic, digest_bytes
from chimera.state import Store

GROUP = API_VERSION.partition("/")[0] + "/"
_MEAN = 64
"""Files in a part, more or less: what one edit makes us read again."""
_MOST = 512
_SPREAD = 0x9E3779B1
"""Knuth's factor: checksums of paths that are counted up lie close together."""
# An escape or folded line of double-quoted text, which may spell what is not there to be found.
_ESCAPE = re.compile(rb"\\[xuU\r\n]")


@dataclass
class Part:
    """Some files that stand next to one another in the order of paths.

    `key` is the digest of their paths and content, `None` where one cannot be read. `repositories`
    holds what stands in documents of the kind `Repository`, in order.
    """

    paths: tuple[str, ...]
    is_whole: bool
    key: str | None = None
    repositories: list[Any] = field(default_factory=list)
    unreadable: tuple[Diagnostic, ...] = ()
    contents: Mapping[str, str] = field(default_factory=dict)
    """The digest of each file's content, as long as `data` or who read it has use for it."""
    data: Mapping[str, bytes] | None = None
    """The files' content, where it has been read and may be kept."""

    def read(self, tree: Tree) -> Mapping[str, bytes]:
        """Return the files' content; raises `ChimeraError` where it is not what the key says."""
        if self.data is not None:
            return self.data
        found: list[Diagnostic] = []
        data = dict(contents(tree, list(self.paths), found))
        if self.key is None:
            self.unreadable = tuple(found)
        elif self._digest(data) != self.key:
            raise changed()
        return data

    def settle(self, tree: Tree) -> int:
        """Read the files, and find out what the part's facts are; return how long they are."""
        faults: list[Diagnostic] = []
        self.data = dict(contents(tree, list(self.paths), faults))
        self.unreadable = tuple(faults)
        self.key = self._digest(self.data)
        self.repositories = [
            raw.value
            for path, data in self.data.items()
            if b"Repository" in data or (b"\\" in data and _ESCAPE.search(data))
            for raw in parse(path, data)[0]
            if raw.value.get("kind") == "Repository" and (is_ours(raw) or not self.is_whole)
        ]
        return sum(map(len, self.data.values()))

    def _digest(self, data: Mapping[str, bytes]) -> str | None:
        if self.unreadable:
            return None
        self.contents = {path: digest_bytes(content) for path, content in data.items()}
        facts = repr((self.is_whole, list(self.contents.items())))
        return digest_bytes(facts.encode("utf-8", "surrogateescape"))


def changed() -> ChimeraError:
    """Return the refusal to go on with a tree of which parts are from different times."""
    return ChimeraError("the tree changed while it was read", help="run the command again")


def is_ours(raw: RawDocument) -> bool:
    """Tell whether a document is meant for Chimera."""
    version = raw.value.get("apiVersion")
    return isinstance(version, str) and version.startswith(GROUP)


def parted(listing: Listing) -> Iterator[slice]:
    """Yield where the files of a listing are parted: after paths that their checksum chooses.

    A file that comes or goes changes the part it is in, and no other.
    """
    start = 0
    for end, path in enumerate(listing.paths, 1):
        checksum = zlib.crc32(path.encode("utf-8", "surrogateescape"))
        is_last = not (checksum * _SPREAD >> 16) % _MEAN
        if is_last or end - start == _MOST:
            yield slice(start, end)
            start = end
    if start < len(listing.paths):
        yield slice(start, len(listing.paths))


def parts_of(
    tree: Tree, listing: Listing, store: Store, version: str | None, room: int, *, is_whole: bool
) -> Iterator[Part]:
    """Yield the parts of a listing, each with its key; up to `room` bytes of what is read stay.

    What the store tells of files by their stamps is not read.
    """
    for where in parted(listing):
        paths, stamps = listing.paths[where], listing.stamps[where]
        part = Part(paths, is_whole)
        known = None
        if version is not None and None not in stamps:
            facts = (str(tree.root), str(is_whole), *paths, *map(str, stamps))
            known = store_key("part/1", version, *facts)
        found = store.get(known) if known else None
        if found is not None:
            part.key, part.repositories = json.loads(found)
        else:
            room -= part.settle(tree)
            if room < 0:
                part.data, part.contents = None, {}
            if known and part.key is not None:
                store.put(known, json.dumps([part.key, part.repositories]).encode("ascii"))
        yield part
