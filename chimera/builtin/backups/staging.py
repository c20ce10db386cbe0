"""A backup written out as files, and looked through before anybody relies on it.

Refuses to write below anything but a new folder, and to leave out a check that failed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from chimera.builtin.backups.manifest import BUNDLE, DATABASE, BackupError, Manifest
from chimera.builtin.backups.store import Store
from chimera.context import Progress, sync_file, sync_folder
from chimera.documents.bundles import bundle_fault
from chimera.model import ChimeraError, StateError
from chimera.state import Holding, Layout
from chimera.state.backing import facts_of, newest_format, settle_copy

REF = "refs/chimera/evidence"


@dataclass(frozen=True, slots=True)
class Staged:
    """A backup as files: `root` stands for a work tree and holds nothing but its `.chimera`."""

    root: Path
    manifest: Manifest

    @property
    def layout(self) -> Layout:
        """The paths of the state in it."""
        return Layout(self.root)

    @property
    def bundle(self) -> Path:
        """The bundle of the ref of evidence."""
        return self.root / "evidence.bundle"


def require_known(name: str, manifest: Manifest) -> None:
    """Raise `BackupError` for a database of a later format than this version knows."""
    if manifest.format > newest_format():
        raise BackupError(
            f"the database of the backup {name} has format {manifest.format}, and this version of"
            f" Chimera knows {newest_format()}",
            help="use the version of Chimera that wrote it, or a later one",
        )


def make_root(root: Path) -> Layout:
    """Make a folder that stands for a work tree, with an empty state, out of Git's sight."""
    root.mkdir(mode=0o700)
    (root / ".gitignore").write_text("*\n", encoding="utf-8")
    layout = Layout(root)
    layout.create()
    return layout


def write_out(
    store: Store, manifest: Manifest, root: Path, progress: Progress, *, lasts: bool
) -> Staged:
    """Write a backup into the empty state of `root`; where it `lasts`, on disk when this returns.

    Raises `BackupError` that names the piece that is missing or damaged, or that there is no room.
    """
    staged = Staged(root, manifest)
    free = shutil.disk_usage(root.parent).free
    if free < manifest.size:
        raise BackupError(
            f"{root.parent} has {free >> 20} MiB free, and the backup takes {manifest.size >> 20}",
            help="make room on the disk, and run the same command again",
        )
    folders = {root, staged.layout.folder}
    written: list[Path] = []
    progress.start("restored files", len(manifest.files))
    for number, entry in enumerate(manifest.files):
        progress.advance("restored files", number)
        path = staged.bundle if entry.path == BUNDLE else staged.layout.folder / entry.path
        path.parent.mkdir(parents=True, exist_ok=True)
        folders.update(path.parents[: len(path.relative_to(root).parts) - 1])
        with path.open("xb") as file:
            for data in store.content(entry):
                file.write(data)
        path.chmod(entry.mode | 0o600)
        os.utime(path, ns=(entry.modified, entry.modified))
        written.append(path)
    if lasts:  # all of it at once: the disk orders it
        for path in written:
            sync_file(path)
        for folder in sorted(folders, reverse=True):
            sync_folder(folder)
    progress.finish("restored files")
    return staged


def faults_of(staged: Staged, scratch: Path) -> Iterator[str]:
    """Yield what is wrong with the core of a backup that was written out, a line each.

    Its database is opened, brought to the present format and checked to the last page; the ref of
    evidence is unpacked. `scratch` is a new folder for what that takes.
    """
    manifest = staged.manifest
    if manifest.format:
        yield from _database_faults(staged)
    if manifest.evidence is not None:
        scratch.mkdir()
        fault = bundle_fault(staged.bundle, REF, manifest.evidence, scratch)
        if fault is not None:
            yield f"{REF}: {fault}"


def complaints(staged: Staged, holdings: Iterable[Holding]) -> Iterator[str]:
    """Yield what the rooms that keep files say of those that were written out, a line each.

    They are what they were when the backup was made: whatever is wrong was wrong then.
    """
    for holding in sorted(holdings, key=lambda one: one.path):
        if holding.verify is not None and (staged.layout.folder / holding.path).exists():
            try:
                for line in holding.verify(staged.root):
                    yield f"{holding.path}: {line}"
            except (ChimeraError, OSError, ValueError) as error:
                yield f"{holding.path} cannot be verified: {error}"


def _database_faults(staged: Staged) -> Iterator[str]:
    manifest, database = staged.manifest, staged.layout.database
    if not database.is_file():
        yield f"{DATABASE} is not in it, and the manifest says that there was one"
        return
    try:
        facts = facts_of(database)
    except StateError as error:
        yield error.message
        return
    if (facts.format, facts.last_event, facts.runs) != (
        *(manifest.format, manifest.last_event),
        manifest.runs,
    ):
        yield f"{DATABASE} holds other runs or events than the manifest says"
    yield from settle_copy(staged.layout)
