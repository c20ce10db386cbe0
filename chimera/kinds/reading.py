"""From the files of a part to documents, and to what is kept of them for the next time.

Owns which facts are kept and which are worked out again. Refuses documents of files that are no
longer what they were.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from chimera.documents import RawDocument, Tree, contents, parse, without_collector
from chimera.kinds.document import Document, StoredDocument
from chimera.kinds.fields import Model
from chimera.kinds.memo import Memo, store_key
from chimera.kinds.parts import GROUP, Part, changed, content_digest, is_ours
from chimera.kinds.registry import Registry
from chimera.kinds.shards import Faults, LoadedShard, Outline, facts_json, outline, read_facts
from chimera.kinds.validation import salvage
from chimera.model import Address, Diagnostic, Digest
from chimera.state import Store

_HELD = 8_192
"""Documents that stay in memory once they have been read; of more, facts do."""


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
        self._tree = tree
        self._registry = registry
        self._store = store
        self._memo = memo
        self._room = _HELD

    def shard(self, part: Part) -> LoadedShard:
        """Return the shard of a part; what the store tells of it is neither parsed nor judged."""
        key = self._key("outline/1", part)
        kept = self._store.get(key) if key else None
        if kept is None:
            return self._read(part, key)
        known = Outline.from_bytes(kept)
        return self._shard(part, known, partial(self._stored, part, known))

    def _key(self, what: str, part: Part) -> bytes | None:
        version = self._registry.version
        return store_key(what, version, part.key) if version and part.key else None

    def _shard(
        self, part: Part, known: Outline, documents: Callable[[], Sequence[Document[Model]]]
    ) -> LoadedShard:
        if part.key is None:
            return LoadedShard.of(documents(), self._registry, known.files)
        key: Digest = part.key
        return LoadedShard(known.names, lambda: key, lambda: known, documents)

    def _read(self, part: Part, key: bytes | None) -> LoadedShard:
        """Parse, validate and judge the documents of a part, and keep what was found."""
        data = part.data if part.key is None and part.data is not None else part.read(self._tree)
        part.data = None
        documents, files = self._validated(part, data)
        known = outline(documents, self._registry, files)
        facts = _facts(data, documents)
        if key:
            self._store.put(key, known.to_bytes())
            self._store.put(self._facts_key(part), facts)
        self._room -= len(documents)
        if self._room >= 0 or part.key is None:
            return self._shard(part, known, lambda: documents)
        kept = None if key else facts
        return self._shard(part, known, partial(self._stored, part, known, kept))

    def _validated(
        self, part: Part, data: Mapping[str, bytes]
    ) -> tuple[list[Document[Model]], Faults]:
        with without_collector():
            raw, files = read_part(part, data)
            documents, faults, invalid = [], list(files.found), []
            # What stands in for a number that could not be read is not judged once more.
            reported = {fault.where for fault in (*files.found, *files.strays)}
            for one in raw:
                document, found = salvage(one, self._registry)
                faults += (fault for fault in found if fault.where not in reported)
                if document is None:
                    invalid.append(claimed_address(one))
                else:
                    documents.append(document)
        return documents, Faults(tuple(faults), files.strays, tuple(invalid), files.foreign)

    def _facts_key(self, part: Part) -> bytes:
        return self._key("facts/1", part) or b""

    def _stored(
        self, part: Part, known: Outline, facts: bytes | None = None
    ) -> list[Document[Model]]:
        """Return the documents of a part by their facts; where those are lost, by its files."""
        facts = facts or self._store.get(self._facts_key(part))
        if facts is None:
            data = part.read(self._tree)
            documents, _ = self._validated(part, data)
            self._store.put(self._facts_key(part), _facts(data, documents))
            return documents
        digests, described = json.loads(facts)
        found: list[Document[Model]] = []
        for row, (name, fact) in enumerate(zip(known.names, read_facts(described), strict=True)):
            kind, _, label = name.partition("/")
            read = partial(self._document, part, fact.place.path, fact.place.index, digests)
            digest = partial(self._digest, part, row, found)
            found.append(
                StoredDocument(Address(kind, label), self._registry.kinds[kind], fact, read, digest)
            )
        return found

    def _document(
        self, part: Part, path: str, index: int, digests: Mapping[str, str]
    ) -> Document[Model]:
        """Read one document again."""
        data = dict(contents(self._tree, [path], []))
        if path not in data or content_digest(data[path]) != digests[path]:
            raise changed()
        raw = next(one for one in parse(path, data[path])[0] if one.index == index)
        document, _ = salvage(raw, self._registry)
        if document is None:
            raise changed()
        return document

    def _digest(self, part: Part, row: int, documents: Sequence[Document[Model]]) -> Digest:
        """Return the digest of one document; those of its part are remembered together."""
        key = f"digests/1 {part.key}"
        digests = self._memo.get(key)
        if digests is None:
            whole, _ = self._validated(part, part.read(self._tree))
            digests = [document.digest for document in whole]
            self._memo.put(key, digests)
        for document, digest in zip(documents, digests, strict=True):
            document.__dict__.setdefault("digest", digest)
        found: Digest = digests[row]
        return found


def _facts(data: Mapping[str, bytes], documents: Sequence[Document[Model]]) -> bytes:
    digests = {path: content_digest(content) for path, content in data.items()}
    return json.dumps([digests, facts_json(documents)], separators=(",", ":")).encode("ascii")


def claimed_address(raw: RawDocument) -> str:
    """Return the address that an invalid document would have: it is there, if not valid."""
    metadata = raw.value.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return f"{raw.value.get('kind')}/{name}"
