"""One folder put in the place of another in one step, and the old one kept.

    .chimera.restoring/.chimera     what is to be, until the two change places; then the old one
    .chimera/restore.json           beside it: what has yet to be done, once it is in place
    .chimera/before-restore/<time>  the old one, for good
    .chimera.replaced               the old one, for a moment, on systems that cannot exchange

A process that is killed leaves one of these, and `settle` brings it to an end: what had not changed
places never was, and what had is finished. Refuses to remove what may be somebody's state.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from chimera.builtin.backups.manifest import BackupError
from chimera.builtin.backups.scanning import BEFORE, MARK
from chimera.builtin.backups.staging import REF, make_root
from chimera.context import exchange, sync_folder, write_whole
from chimera.documents import tracked_below
from chimera.documents.bundles import ref_tip, set_ref
from chimera.model import StateError
from chimera.state import Layout

_KEPT_REFS = "refs/chimera/before-restore"
_NAME = re.compile(r"[0-9]{8}T[0-9]{6}Z(-[0-9]+)*")


def make_draft(layout: Layout, evidence: str | None) -> Layout:
    """Make the folder that is to be the state, and what the ref of evidence is to name then.

    It says that it is a draft from the first moment at which it has its name.
    """
    ready = make_root(layout.restoring)
    draft = ready.root / "draft"
    ready.folder.rename(draft)
    write_whole(draft / MARK, json.dumps({"draft": True, "evidence": evidence}).encode())
    draft.rename(ready.folder)
    return ready


def mark_kept(folder: Path, evidence: str | None) -> None:
    """Say the same in a folder that was the state, and is kept whatever becomes of this."""
    value = {"draft": False, "evidence": evidence, "name": folder.name}
    write_whole(folder / MARK, json.dumps(value).encode())


def put_in_place(layout: Layout) -> None:
    """Have the folder that is ready and the present one change places.

    Raises `BackupError` where the system refuses, as it does to move what is mounted.
    """
    ready = Layout(layout.restoring).folder
    try:
        if not exchange(ready, layout.folder):
            # For a moment there is none: `Layout` refuses to make an empty one then.
            layout.folder.rename(layout.replaced)
            sync_folder(layout.root)
            ready.rename(layout.folder)
        sync_folder(layout.root)
    except OSError as error:
        raise BackupError(
            f"{layout.folder} cannot be replaced: {error.strerror}",
            help="see whether it is a mount point, and who may write to the folder around it",
        ) from error


def is_unfinished(layout: Layout) -> bool:
    """Tell whether a restore was killed, and left something to be brought to an end."""
    marks = (layout.restoring, layout.replaced, layout.folder / MARK)
    return any(path.exists() for path in marks)


def rescue(layout: Layout) -> None:
    """Put the old folder back where a restore died between two names."""
    refuse_tracked(layout)
    if layout.replaced.is_dir() and not layout.folder.exists():
        layout.replaced.rename(layout.folder)
        sync_folder(layout.root)


def settle(layout: Layout, now: datetime) -> Path | None:
    """Bring to an end what was begun, under the apply lock; return where the old state is kept."""
    rescue(layout)
    name = _free_name(layout, now)
    if _finish_mark(layout, name) is None and not _leftovers(layout):
        return None
    kept = None
    for old in _leftovers(layout):
        found = _put_aside(layout, old, name)
        kept = found or kept
    if layout.restoring.exists():
        shutil.rmtree(layout.restoring)
    (layout.folder / MARK).unlink(missing_ok=True)
    sync_folder(layout.folder)
    sync_folder(layout.root)
    return kept


def _leftovers(layout: Layout) -> list[Path]:
    """Return the folders that are not in place, and the one that held them."""
    found = (Layout(layout.restoring).folder, layout.replaced)
    there = [path for path in found if path.is_dir() and not path.is_symlink()]
    return there or ([layout.restoring] if layout.restoring.is_dir() else [])


def _put_aside(layout: Layout, old: Path, name: str) -> Path | None:
    """Keep an old state; remove what only was to be one, and what holds nothing."""
    said = _read_mark(old) or {}
    folder = layout.folder / BEFORE
    _carry(old / BEFORE, folder)
    if old == layout.restoring or said.get("draft") is True or _is_empty(old):
        shutil.rmtree(old)
        return None
    if _NAME.fullmatch(str(said.get("name"))):
        name = said["name"]
    (old / MARK).unlink(missing_ok=True)
    folder.mkdir(exist_ok=True)
    target = _free(folder, name)
    old.rename(target)
    sync_folder(folder)
    return target


def _carry(before: Path, folder: Path) -> None:
    """Have what earlier restores replaced stay where they said that it is."""
    if not before.is_dir() or before.is_symlink():
        return
    folder.mkdir(exist_ok=True)
    for path in sorted(before.iterdir()):
        path.rename(_free(folder, path.name))
    sync_folder(folder)
    before.rmdir()


def _is_empty(folder: Path) -> bool:
    """Tell whether a state holds nothing that anybody could miss."""
    return {path.name for path in folder.iterdir()} <= {".gitignore", "lock"}


def _finish_mark(layout: Layout, name: str) -> Mapping[str, Any] | None:
    """Set the ref of evidence as the folder in place asks for it; the old one is kept as a ref."""
    said = _read_mark(layout.folder)
    if said is None:
        return None
    commit = said.get("evidence")
    present = ref_tip(layout.root, REF)
    if isinstance(commit, str) and commit != present:
        if present is not None:
            set_ref(layout.root, f"{_KEPT_REFS}/{name}", present)
        set_ref(layout.root, REF, commit)
    return said


def kept_ref(layout: Layout, name: str) -> str | None:
    """Return the commit that the ref of evidence named before a restore, if that moved it."""
    return ref_tip(layout.root, f"{_KEPT_REFS}/{name}")


def _read_mark(folder: Path) -> dict[str, Any] | None:
    try:
        value = json.loads((folder / MARK).read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _free_name(layout: Layout, now: datetime) -> str:
    taken = [one / BEFORE for one in (layout.folder, Layout(layout.restoring).folder)]
    name = first = f"{now:%Y%m%dT%H%M%SZ}"
    number = 1
    while any((place / name).exists() for place in taken):
        number += 1
        name = f"{first}-{number}"
    return name


def _free(folder: Path, name: str) -> Path:
    target = folder / name
    while target.exists():
        target = target.with_name(f"{target.name}-2")
    return target


def refuse_tracked(layout: Layout) -> None:
    """Raise `StateError` where the repository brought what only a restore may leave."""
    for path in (layout.restoring, layout.replaced):
        if path.is_symlink() or tracked_below(layout.root, path.name):
            raise StateError(
                f"{path} came with the repository, or is a symbolic link",
                help="remove it: only `chimera restore` makes it",
            )


def last_kept(layout: Layout) -> Path:
    """Return the state that the last restore replaced; raises `BackupError` without one."""
    folder = layout.folder / BEFORE
    found = sorted(path for path in folder.glob("*") if path.is_dir() and not path.is_symlink())
    if not found:
        raise BackupError(
            f"there is nothing to go back to below {folder}",
            help="nothing was restored here yet: `chimera backup list` names backups",
        )
    return found[-1]
