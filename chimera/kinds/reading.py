"""From the files of a part to documents, and to what is kept of them for the next time.

Owns which facts are kept and which are worked out again. Refuses documents of files that are no
longer what they were.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property, partial

from chimera.documents import RawDocument, Tree, contents, parse, without_collector
from chimera.kinds.document import Document, StoredDocument
from chimera.kinds.fields import Model
from chimera.kinds.memo import Memo, store_key
from chimera.kinds.parts import GROUP, Part, changed, is_ours
from chimera.kinds.registry import Registry
from chimera.kinds.shards import (
    Faults,
    LoadedShard,
    Outline,
    address_of,
    facts_json,
    outline,
    read_facts,
)
from chimera.kinds.validation import salvage
from chimera.model import Diagnostic, Digest, Place, digest_bytes
from chimera.state import Store

_HELD = 11 * 1024 * 1024
"""Bytes of files whose documents stay in memory once they have been read; of more, facts do."""
_RECENT = 512
"""Documents that were read again and stay in memory."""
_FEW = 4
"""Digests of one part that are worked out one by one."""


def read_part(part: Part, data: Mapping[str, bytes]) -> tuple[list[RawDocument], Faults]:
    """Read the documents of a part, and report what is wrong with its files."""
    documents: list[RawDocument] = []
    found = list(part.unreadable)
    strays: list[Diagnostic] = []
    foreign = 0
    for path, content in data.items():
        raw, faults = parse(path, content)
        if part.is_whole:
            foreign += sum(not is_ours(one) for one in raw)
            raw = list(filter(is_ours, raw))
        is_meant = not part.is_whole or f"apiVersion: {GROUP}".encode() in content
        (found if is_meant else strays).extend(faults)
        documents += raw
    return documents, Faults(tuple(found), tuple(strays), foreign=foreign)


class Reader:
    """Reads the shards of one tree, with one set of plugins."""

    def __init__(self, tree: Tree, registry: Registry, store: Store, memo: Memo) -> None:
        self.tree = tree
        self.registry = registry
        self.memo = memo
        self.recent: dict[tuple[str, int], Document[Model]] = {}
        """Documents that were read again lately, by file and index, the latest last."""
        self._store = store
        self._room = _HELD

    def shard(self, part: Part) -> LoadedShard:
        """Return the shard of a part; what the store tells of it is neither parsed nor judged."""
        key = self._key("outline/1", part)
        kept = self._store.get(key) if key else None
        if kept is None:
            return self._read(part, key)
        return self._shard(part, Outline.from_bytes(kept))

    def _key(self, what: str, part: Part) -> bytes | None:
        version = self.registry.version
        return store_key(what, version, part.key) if version and part.key else None

    def _shard(self, part: Part, known: Outline, facts: bytes | None = None) -> LoadedShard:
        key: Digest = part.key or ""
        stored = partial(self._stored, part, known.names, facts)
        return LoadedShard(known.names, lambda: key, lambda: known, stored)

    def _read(self, part: Part, key: bytes | None) -> LoadedShard:
        """Parse, validate and judge the documents of a part, and keep what was found."""
        data, part.data = part.read(self.tree), None
        contents, part.contents = part.contents, {}
        documents, files = self.validated(part, data)
        if part.key is None:
            return LoadedShard.of(documents, self.registry, files)
        known = outline(documents, self.registry, files)
        self._room -= sum(map(len, data.values()))
        if key:
            self._store.put(key, known.to_bytes())
        if self._room >= 0:
            digest: Digest = part.key
            keep = partial(self._keep, part, contents, documents)
            return LoadedShard(known.names, lambda: digest, lambda: known, lambda: documents, keep)
        facts = _facts_of(contents, documents)
        if key:
            self._store.put(self._facts_key(part), facts)
        return self._shard(part, known, None if key else facts)

    def _keep(
        self, part: Part, content: Mapping[str, str], documents: Sequence[Document[Model]]
    ) -> None:
        """Keep the facts of documents that are at hand; of most shards nobody asks for them."""
        if self._key("facts/1", part):
            self._store.put(self._facts_key(part), _facts_of(content, documents))

    def validated(
        self, part: Part, data: Mapping[str, bytes]
    ) -> tuple[list[Document[Model]], Faults]:
        """Return the valid documents of a part, and what is wrong with the others."""
        with without_collector():
            raw, files = read_part(part, data)
            documents, faults, invalid = [], list(files.found), []
            # What stands in for a number that could not be read is not judged once more.
            reported = {fault.where for fault in (*files.found, *files.strays)}
            for one in raw:
                document, found = salvage(one, self.registry)
                faults += (fault for fault in found if fault.where not in reported)
                if document is None:
                    invalid.append(claimed_address(one))
                else:
                    documents.append(document)
        return documents, Faults(tuple(faults), files.strays, tuple(invalid), files.foreign)

    def _facts_key(self, part: Part) -> bytes:
        return self._key("facts/1", part) or b""

    def _stored(
        self, part: Part, names: Sequence[str], facts: bytes | None
    ) -> Sequence[Document[Model]]:
        """Return the documents of a part by their facts; where those are lost, by its files."""
        facts = facts or self._store.get(self._facts_key(part))
        if facts is None:
            data = part.read(self.tree)
            facts = _facts_of(part.contents, self.validated(part, data)[0])
            self._store.put(self._facts_key(part), facts)
        digests, described = json.loads(facts)
        known = list(read_facts(described))
        origin = PartOrigin(self, part, digests, [fact.place for fact in known])
        kinds = self.registry.kinds
        return [
            StoredDocument(address, kinds[address.kind], fact, origin, row)
            for row, (address, fact) in enumerate(zip(map(address_of, names), known, strict=True))
        ]


class PartOrigin:
    """The files of one part, as where its stored documents come from."""

    def __init__(
        self, reader: Reader, part: Part, content: Mapping[str, str], places: Sequence[Place]
    ) -> None:
        self._reader = reader
        self._part = part
        self._content = content
        self._places = places
        self._asked: set[int] = set()

    def whole(self, row: int) -> Document[Model]:
        """Read a document again; raises `ChimeraError` where it is no longer what it was."""
        path, index = self._places[row].path, self._places[row].index
        recent = self._reader.recent
        if (path, index) not in recent:
            recent[path, index] = self._read(path, index)
            if len(recent) > _RECENT:
                del recent[next(iter(recent))]
        return recent[path, index]

    def _read(self, path: str, index: int) -> Document[Model]:
        data = dict(contents(self._reader.tree, [path], []))
        if path not in data or digest_bytes(data[path]) != self._content[path]:
            raise changed()
        raw = next(one for one in parse(path, data[path])[0] if one.index == index)
        document, _ = salvage(raw, self._reader.registry)
        if document is None:
            raise changed()
        return document

    @cached_property
    def _digests(self) -> Sequence[Digest]:
        """The digests of all documents of the part, which are remembered together."""
        key = f"digests/1 {self._part.key}"
        known: Sequence[Digest] | None = self._reader.memo.get(key)
        if known is None:
            part, tree = self._part, self._reader.tree
            known = [d.digest for d in self._reader.validated(part, part.read(tree))[0]]
            self._reader.memo.put(key, known)
        return known

    def digest(self, row: int) -> Digest:
        """Return the digest of what its author wrote; who asks for some will ask for all."""
        self._asked.add(row)
        return self.whole(row).digest if len(self._asked) <= _FEW else self._digests[row]


def _facts_of(content: Mapping[str, str], documents: Sequence[Document[Model]]) -> bytes:
    return json.dumps([content, facts_json(documents)], separators=(",", ":")).encode("ascii")


def claimed_address(raw: RawDocument) -> str:
    """Return the address that an invalid document would have: it is there, if not valid."""
    metadata = raw.value.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return f"{raw.value.get('kind')}/{name}"
