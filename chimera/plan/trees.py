"""What changes between two trees of one repository, at a cost that grows with what differs.

Owns which documents and governed path sets a difference of trees is about. Reads no path set that
no differing path belongs to.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from chimera.documents import Globs, is_link
from chimera.kinds import Document, Model, Snapshot, change_of, documents_in
from chimera.model import (
    Action,
    Address,
    Category,
    Change,
    Digest,
    PathSet,
    Placement,
    digest_json,
    is_dormant,
)
from chimera.plan.building import Paths, as_dormant, as_moved, governed_globs

Desired = Document[Model] | None


@dataclass(frozen=True)
class Side:
    """One of the two trees: its documents, and where they stand."""

    snapshot: Snapshot
    placements: Mapping[Address, tuple[Placement, ...]]

    def layers(self, address: Address) -> tuple[str, ...]:
        """Return the layers in which a document stands."""
        return tuple(placement.layer for placement in self.placements.get(address, ()))

    def desired(self, address: Address) -> Document[Model] | None:
        """Return the document at `address`, unless it is a record."""
        document = self.snapshot.get(address)
        return None if document is None or document.kind.record else document

    def is_dormant(self, address: Address) -> bool:
        """Tell whether nothing may act for a document."""
        return is_dormant(self.placements.get(address, ()))


def compare_trees(
    before: Side,
    after: Side,
    differing: Collection[str],
    base: str,
    others: Collection[Address] = (),
) -> tuple[Change, ...]:
    """Return one change for each target that differs, documents first, then path sets, in order.

    `differing` holds every path whose content or mode is not the same in both trees, and `base` is
    what the tree from before is called. A document of a dormant layer counts as not being there;
    `others` are documents that came into such a layer or left it, whose files are the same. What
    nothing differs of is left out, and was not read. A `no-op` is a document that is only written
    otherwise, that moved to another file, or that is dormant.
    """
    comparing = _Comparing(before, after, differing, base)
    documents = [change for a in comparing.addresses(others) if (change := comparing.document(a))]
    changed = frozenset(p for c in documents if c.action is not Action.NO_OP for p in c.paths)
    return (
        *(change for change in documents if not _is_beside(change, changed)),
        *comparing.path_sets(),
    )


def _is_beside(change: Change, changed: frozenset[str]) -> bool:
    """Tell whether another document of the same file changes: no one can tell what differs here."""
    is_rewritten = change.category is Category.COSMETIC and len(change.paths) == 1
    return is_rewritten and not changed.isdisjoint(change.paths)


class _Comparing:
    """Two trees, what differs between them, and the content of what does."""

    def __init__(self, before: Side, after: Side, differing: Collection[str], base: str) -> None:
        self._before, self._after, self._base = before, after, base
        self._differing = sorted(differing)
        self._known = frozenset(differing)
        self._former, self._present = Paths(before.snapshot.tree), Paths(after.snapshot.tree)
        self._touched: dict[PathSet, tuple[str, ...]] = {}

    def touched(self, governed: PathSet) -> tuple[str, ...]:
        """Return the differing paths of a set."""
        if governed not in self._touched:
            globs = Globs(governed.globs)
            links = filter(self._is_link, filter(globs.leads_to, self._differing))
            self._touched[governed] = tuple(sorted({*globs.select(self._differing), *links}))
        return self._touched[governed]

    def _is_link(self, path: str) -> bool:
        """Tell whether a symlink or a submodule stands at a path, in either tree."""
        trees = (self._before.snapshot.tree, self._after.snapshot.tree)
        return any(is_link(entry) for tree in trees for entry in tree.under((path,), ()))

    def addresses(self, others: Collection[Address]) -> list[Address]:
        """Return the desired documents of which something differs: file, declared paths, layer."""
        before, after = self._before.snapshot, self._after.snapshot
        found = {
            *documents_in(self._known, before, after),
            *documents_in(self._known, after, before),
            *others,
        }
        for document in (*before.governing, *after.governing):
            declared = _declared(document)
            if declared is not None and self.touched(declared):
                found.add(document.address)
        return sorted(found)

    def document(self, address: Address) -> Change | None:
        """Return what becomes of a document, `None` where nothing does.

        What was dormant was not there, and a record never is.
        """
        former, present = (side.desired(address) for side in (self._before, self._after))
        if former is None and present is None:
            return None
        was = None if self._before.is_dormant(address) else former
        old, new = self._digests(was, present)
        change = change_of(address, old, new, self._base)
        if self._after.is_dormant(address):
            change = as_dormant(change)
        files = tuple(sorted({d.place.path for d in (former, present) if d is not None}))
        if change.action is not Action.NO_OP:
            return replace(change, paths=files)
        if present is None:
            return replace(change, reason="stood in a dormant layer", paths=files)
        if former is None or former.digest != present.digest:
            return replace(change, paths=files)
        if self._known.isdisjoint(files):
            return None
        return self._rewritten(change, former, present)

    def _digests(self, was: Desired, present: Desired) -> tuple[Digest | None, Digest | None]:
        """Return the digests before and after; of an executable document with its paths' content.

        That content is read only where the document or any of the paths differs.
        """
        old, new = (d.digest if d is not None else None for d in (was, present))
        sets = [_declared(was), _declared(present)]
        if not any(sets):
            return old, new
        if old == new and not any(self.touched(s) for s in sets if s is not None):
            return None, None
        return (
            _bound(old, sets[0], self._former),
            _bound(new, sets[1], self._present),
        )

    def _rewritten(
        self, change: Change, former: Document[Model], present: Document[Model]
    ) -> Change:
        """Return the change of a document that says what it said, where its file is another."""
        source, target = former.place.path, present.place.path
        if source == target:
            reason = f"says what it says in {self._base}"
            return replace(change, reason=reason, paths=(source,), category=Category.COSMETIC)
        files = tuple(sorted((source, target)))
        layers = [side.layers(present.address) for side in (self._before, self._after)]
        if layers[0] == layers[1]:
            reason = f"moved from {source} to {target}"
            return replace(change, reason=reason, paths=files, category=Category.COSMETIC)
        return as_moved(change, (source, target), *layers)

    def path_sets(self) -> Iterator[Change]:
        """Yield what becomes of each governed set of paths, once, whoever governs it."""
        were = set(_governed(self._before.snapshot.governing))
        are = set(_governed(self._after.snapshot.governing))
        for governed in sorted(were | are, key=str):
            paths = self.touched(governed)
            if governed in were and governed in are and not paths:
                continue
            before = self._former.digest(governed) if governed in were else None
            after = self._present.digest(governed) if governed in are else None
            if before is None and after is None:
                continue  # governed by name, and not a path of it in either tree
            change = change_of(governed, before, after, self._base)
            if change.action is Action.CREATE:
                change = replace(change, reason="is governed now")
            elif governed not in are:
                change = replace(change, reason="is no longer governed")
            yield replace(change, paths=paths)


def _declared(document: Desired) -> PathSet | None:
    """Return the paths to whose content an executable document is bound."""
    if document is None or not document.kind.executable:
        return None
    globs = governed_globs(document)
    return PathSet.of(globs) if globs else None


def _bound(document: Digest | None, declared: PathSet | None, paths: Paths) -> Digest | None:
    if document is None or declared is None:
        return document
    return digest_json({"document": document, "paths": paths.digest(declared)})


def _governed(documents: Iterable[Document[Model]]) -> Iterator[PathSet]:
    """Yield the path sets that are targets of their own."""
    for document in documents:
        if document.kind.record or document.kind.executable:
            continue
        if globs := governed_globs(document):
            yield PathSet.of(globs)
