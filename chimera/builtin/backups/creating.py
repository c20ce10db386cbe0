"""Making a backup while runs go on in other processes.

The order is what makes it one moment. First all files, which takes the time; then the database is
pinned, which takes none; then the files that are new or changed since; then the database as it was
pinned. A large value's file is there before the database names it, and so among the files, unless
old runs were forgotten meanwhile: then the database is pinned again. A file that went between the
two looks at them is in the backup: it may have been needed when the database was pinned.

Refuses to call a backup what cannot be restored: one that lacks a value that its database names,
or whose database is damaged, is not made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from chimera.builtin.backups.choosing import Known, look, origin_of
from chimera.builtin.backups.copying import Copier
from chimera.builtin.backups.manifest import (
    BUNDLE,
    DATABASE,
    BackupError,
    Entry,
    Manifest,
    Origin,
)
from chimera.builtin.backups.scanning import Found, Listing, found_of, open_plainly, scan
from chimera.builtin.backups.staging import REF
from chimera.builtin.backups.store import Store
from chimera.context import Context, Progress
from chimera.documents.bundles import ref_tip, write_bundle
from chimera.model import Digest, UsageError
from chimera.state import Layout
from chimera.state.backing import DatabaseFacts, facts_of, pin

_TRIES = 5
_EMPTY = DatabaseFacts(0, 0, (), frozenset())


@dataclass(frozen=True, slots=True)
class Created:
    """A backup that was made: its name and manifest, and what that took."""

    name: str
    manifest: Manifest
    store: Path
    written: int
    """Bytes that were not in the store before."""
    left_out: tuple[str, ...]
    removed: tuple[str, ...] = ()
    """Older backups that were not to be kept."""
    freed: int = 0
    """Bytes that their removal gave back."""
    doubts: tuple[str, ...] = ()
    """Why some were not removed."""


def create(root: Path, context: Context, store: Store, version: str) -> Created:
    """Make a backup of what is kept below `root` now; raises `BackupError` where that cannot be.

    Raises `UsageError` where there is nothing to save, `StateError` for a damaged database.
    """
    layout = Layout(root)
    if not layout.folder.is_dir() or layout.folder.is_symlink():
        layout.refuse_unfinished()
        raise UsageError(f"there is nothing to save: {layout.folder} is not there")
    with store.writing(context):
        making = _Making(layout, context, store, origin_of(root), version)
        for _ in range(_TRIES):
            made = making.attempt()
            if made is not None:
                return made
        raise BackupError(
            f"values were forgotten {_TRIES} times while they were copied",
            help="try again once `chimera runs prune` has ended",
        )


class _Making:
    """One backup while it is made."""

    def __init__(
        self, layout: Layout, context: Context, store: Store, origin: Origin, version: str
    ) -> None:
        self._layout = layout
        self._context = context
        self._progress: Progress = context.progress
        self._store = store
        self._origin = origin
        self._version = version
        newest = _newest(look(store), origin)
        known = {} if newest is None else {entry.path: entry for entry in newest.files}
        since = None if newest is None else datetime.fromisoformat(newest.at)
        self._bundled = (newest.evidence, known.get(BUNDLE)) if newest else (None, None)
        self._copier = Copier(store, known, since)

    def attempt(self) -> Created | None:
        """Make the backup; `None` where a value was forgotten before it could be copied."""
        began = self._context.clock.now()
        self._take("files", scan(self._layout))
        self._copier.trust(began)
        with pin(self._layout) as pinned:
            at = self._context.clock.now()
            left_out = self._take("files that are new", scan(self._layout))
            entries = dict(self._copier.entries)
            facts = _EMPTY
            if pinned is not None:
                draft = self._store.drafts / DATABASE
                draft.unlink(missing_ok=True)
                self._progress.start("database")
                pinned.copy_to(draft, self._told)
                self._progress.finish("database")
                facts = facts_of(draft)
                entries[DATABASE] = self._read(DATABASE, draft, modified=_moment(at))
        if not self._has_all(facts.large, entries):
            return None
        entries = _needed(entries, facts.large)
        commit = self._bundle(entries)
        manifest = Manifest(
            *(at.isoformat(), self._version, self._origin, facts.format, facts.last_event),
            *(facts.runs, tuple(entries[path] for path in sorted(entries)), commit),
        )
        name = self._store.add(manifest)
        return Created(name, manifest, self._store.folder, self._store.written, left_out)

    def _take(self, label: str, listing: Listing) -> tuple[str, ...]:
        """Take in what was listed; raises `BackupError` for a file that is there and unreadable."""
        faults = self._copier.take(self._layout.folder, listing.files, self._progress, label)
        if faults:
            more = f", and {len(faults) - 1} more" if faults[1:] else ""
            raise BackupError(
                f"{faults[0]}{more}: no backup was made",
                help="make it readable, or remove it: a backup has all or is none",
            )
        return listing.left_out

    def _told(self, done: int, total: int) -> None:
        self._progress.start("database", total)
        self._progress.advance("database", done)

    def _read(self, path: str, draft: Path, *, modified: int) -> Entry:
        """Take in a file that was made for the backup."""
        with open_plainly(draft) as file:
            found: Found = found_of(path, file)
            entry = self._copier.read(found, file)
        draft.unlink()
        return replace(entry, modified=modified, mode=0o644, seen=(0, 0))

    def _has_all(self, large: frozenset[Digest], entries: Mapping[str, Entry]) -> bool:
        return all(_path_of(digest) in entries for digest in large)

    def _bundle(self, entries: dict[str, Entry]) -> str | None:
        """Add the ref of evidence, where there is one; the bundle of a commit serves again."""
        commit = ref_tip(self._layout.root, REF)
        if commit is None:
            return None
        before, entry = self._bundled
        if before == commit and entry is not None and self._copier.holds(entry):
            entries[BUNDLE] = entry
            return commit
        draft = self._store.drafts / "evidence.bundle"
        write_bundle(self._layout.root, REF, draft)
        if ref_tip(self._layout.root, REF) != commit:  # somebody pushed between the two
            draft.unlink()
            return self._bundle(entries)
        entries[BUNDLE] = self._read(BUNDLE, draft, modified=0)
        return commit


def _path_of(digest: Digest) -> str:
    return f"objects/{digest[7:9]}/{digest[9:]}"


def _needed(entries: Mapping[str, Entry], large: frozenset[Digest]) -> dict[str, Entry]:
    """Return the files without the large values that the database does not name (yet, or again)."""
    named = set(map(_path_of, large))
    return {
        path: entry
        for path, entry in entries.items()
        if not path.startswith("objects/") or path in named
    }


def _moment(at: datetime) -> int:
    return int(at.timestamp()) * 10**9


def _newest(known: Known, origin: Origin) -> Manifest | None:
    own = known.of(origin)
    return own[-1].manifest if own else None


def keep(store: Store, context: Context, root: Path, number: int) -> tuple[tuple[str, ...], int]:
    """Remove the backups of this clone but the newest `number`; return their names, bytes freed.

    Raises `BackupError` where a manifest cannot be read: its pieces are not to be lost.
    """
    with store.writing(context):
        known = look(store)
        for fault in known.faults.values():
            raise fault
        old = tuple(one.name for one in known.of(origin_of(root))[:-number])
        if old:
            store.remove(old)
        return old, store.collect()


def version() -> str:
    """Return the version of Chimera that is installed."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as version_of

    try:
        return version_of("chimera")
    except PackageNotFoundError:
        return "unknown"
