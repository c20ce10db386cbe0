"""What a change does to foreign documents: which are new, which differ, and which are gone.

Only files that differ are read. A document is the one before of the same value, else of the same
kind, namespace and name; one without a name is the one at its position. What moves to another file
is gone and new.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from chimera.documents import Globs, contents
from chimera.kinds import Snapshot, Subject, change_of
from chimera.model import Action, Diagnostic, Digest, PathSet, digest_bytes
from chimera.policy.foreign import ForeignDocument, ForeignFile, claims_of

_BASE = "before the change"


def with_changes(
    subject: Subject, documents: Sequence[ForeignDocument], globs: Sequence[Globs]
) -> tuple[ForeignDocument, ...]:
    """Return documents with what changes in them, and those that are gone.

    `documents` are all that `globs` match. Nothing changes where no tree is compared with.
    """
    targets = [c for c in subject.changes or () if isinstance(c.target, PathSet)]
    changed = {path for change in targets for path in change.paths}
    paths = sorted(path for path in changed if any(one.matches(path) for one in globs))
    if subject.former is None or not paths:
        return tuple(documents)
    inside = set(paths)
    by_path: dict[str, list[ForeignDocument]] = {path: [] for path in paths}
    for document in documents:
        if document.path in inside:
            by_path[document.path].append(document)
    compared = [
        document
        for file in _before(subject.snapshot, subject.former, paths)
        for document in _compared(file.documents, by_path.pop(file.path))
    ]
    compared += (document for after in by_path.values() for document in _compared((), after))
    every = [*(d for d in documents if d.path not in inside), *compared]
    return tuple(sorted(every, key=lambda d: (d.path, d.index, d.is_gone)))


def _before(snapshot: Snapshot, former: Snapshot, paths: Iterable[str]) -> Iterator[ForeignFile]:
    """Yield the files as they were, read as today's Schemas have them read where any claims them.

    One that was not there, or could not be read, is left out.
    """
    now, then = claims_of(snapshot), claims_of(former)
    there = {entry.path for entry in former.tree.entries()}
    claimed = now.schemas.keys() | then.schemas.keys()
    chosen = [path for path in paths if path in there & claimed and path not in then.links]
    unreadable: list[Diagnostic] = []
    for path, data in contents(former.tree, chosen, unreadable):
        yield (now if path in now.schemas else then).read(path, data)


def _compared(
    before: Sequence[ForeignDocument], after: Sequence[ForeignDocument]
) -> Iterator[ForeignDocument]:
    """Yield the documents of one file with what becomes of each."""
    earlier, later = list(before), list(after)
    for same in (_digest, _identity, _position):
        for old, new in _pairs(earlier, later, same):
            earlier = [one for one in earlier if one is not old]
            later = [one for one in later if one is not new]
            yield compared_document(old, new)
    yield from (compared_document(None, new) for new in later)
    yield from (compared_document(old, None) for old in earlier)


def _pairs(
    before: Sequence[ForeignDocument],
    after: Sequence[ForeignDocument],
    key: Callable[[ForeignDocument], Any],
) -> list[tuple[ForeignDocument, ForeignDocument]]:
    """Return the documents of which one before and one after have the same key."""
    found: list[tuple[ForeignDocument, ForeignDocument]] = []
    waiting: dict[Any, list[ForeignDocument]] = {}
    for old in reversed(before):
        waiting.setdefault(key(old), []).append(old)
    for new in after:
        name = key(new)
        if name is not None and waiting.get(name):
            found.append((waiting[name].pop(), new))
    return found


def compared_document(old: ForeignDocument | None, new: ForeignDocument | None) -> ForeignDocument:
    """Return the document after, or the one that is gone, with what becomes of it."""
    document = new if new is not None else old
    assert document is not None
    target = PathSet.of([document.path])
    change = change_of(target, _digest(old), _digest(new), _BASE)
    if change.action is Action.NO_OP:
        return document
    before = None if old is None else old.value
    return replace(document, change=replace(change, paths=(document.path,)), before=before)


def _digest(document: ForeignDocument | None) -> Digest | None:
    if document is None:
        return None
    return digest_bytes(json.dumps(document.value, sort_keys=True).encode("ascii"))


def _identity(document: ForeignDocument) -> tuple[str, ...] | None:
    """Return what an object of Kubernetes is known by; nothing for what is none."""
    value = document.value if isinstance(document.value, dict) else {}
    metadata = value.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    known = [value.get("kind"), metadata.get("namespace", ""), metadata.get("name")]
    return tuple(known) if all(isinstance(text, str) for text in known) else None


def _position(document: ForeignDocument) -> int | None:
    return document.index if _identity(document) is None else None
