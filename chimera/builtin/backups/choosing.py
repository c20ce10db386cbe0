"""Where backups lie, which repository they are of, and which of them is meant.

Refuses a folder that is lost together with what it is to save, and to guess between two clones.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from chimera.builtin.backups.manifest import BackupError, Manifest, Origin
from chimera.builtin.backups.store import Store
from chimera.documents.bundles import first_commits
from chimera.model import UsageError
from chimera.state import RunStatus

LATEST = "latest"
_ENDED = {status.value for status in RunStatus if status.is_final} | {RunStatus.FAILED.value}


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup that can be read."""

    name: str
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Known:
    """The backups of a store, the oldest first, and why others cannot be read."""

    backups: tuple[Backup, ...]
    faults: Mapping[str, BackupError]

    def of(self, origin: Origin) -> tuple[Backup, ...]:
        """Return those of this repository, in this place."""
        return tuple(
            one
            for one in self.backups
            if one.manifest.origin.is_same(origin) and one.manifest.origin.path == origin.path
        )


def origin_of(root: Path) -> Origin:
    """Return which repository lies at `root`."""
    return Origin(str(root.resolve()), first_commits(root))


def store_at(root: Path, given: Path | None) -> Store:
    """Return the store in a folder, or in the user's own; raises `UsageError` for one in the tree.

    What removes the work tree, or cleans it as `git clean -fdx` does, would take it along.
    """
    folder = (given or _user_folder() / root.resolve().name).absolute()
    if folder.resolve().is_relative_to(root.resolve()):
        raise UsageError(
            f"{folder} is inside the repository: what removes that removes its backups",
            help="name a folder outside it, at best on another disk: --to DIR",
        )
    return Store(folder)


def _user_folder() -> Path:
    """Return the folder that the system keeps for what users do not want to lose."""
    named = os.environ.get("XDG_DATA_HOME", "")
    if Path(named).is_absolute():
        base = Path(named)
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library/Application Support"
    else:
        base = Path.home() / ".local/share"
    return base / "chimera" / "backups"


def look(store: Store) -> Known:
    """Read the manifests of a store."""
    backups: list[Backup] = []
    faults: dict[str, BackupError] = {}
    for name in store.names():
        try:
            backups.append(Backup(name, store.manifest(name)))
        except BackupError as error:
            faults[name] = error
    backups.sort(key=lambda one: (one.manifest.at, one.name))
    return Known(tuple(backups), faults)


def choose(store: Store, known: Known, name: str, origin: Origin, *, any_origin: bool) -> Backup:
    """Return the backup that a name, its beginning or `latest` means.

    Raises `UsageError` where that is none or several, `BackupError` where it is of another
    repository, which has to be meant, or cannot be read.
    """
    if name == LATEST:
        return _latest(store, known, origin)
    for broken, fault in known.faults.items():
        if broken.startswith(name):
            raise fault
    found = [one for one in known.backups if one.name.startswith(name)]
    if len(found) != 1:
        what = "several backups begin" if found else "no backup begins"
        raise UsageError(
            f"{what} with {name!r} in {store.folder}", help="`chimera backup list` names them"
        )
    if not (any_origin or found[0].manifest.origin.is_same(origin)):
        raise BackupError(
            f"the backup {found[0].name} is of another repository, which lay at"
            f" {found[0].manifest.origin.path}",
            help="restore it here all the same with --other-repository",
        )
    return found[0]


def _latest(store: Store, known: Known, origin: Origin) -> Backup:
    """Return the newest of this clone or, where it has none, of the only other one.

    A newer one that cannot be read is not passed over in silence.
    """
    own = known.of(origin)
    if not own:
        same = [one for one in known.backups if one.manifest.origin.is_same(origin)]
        places = {one.manifest.origin.path for one in same}
        if len(places) > 1:
            raise UsageError(
                f"the backups in {store.folder} are of {len(places)} clones: {_listed(places)}",
                help="`chimera backup list` names them; name the one that is meant",
            )
        own = tuple(same)
    if not own:
        raise UsageError(
            f"there is no backup of this repository in {store.folder}",
            help="name the folder that holds them: --from DIR",
        )
    newer = [name for name in known.faults if name > own[-1].name]
    if newer:
        raise known.faults[newer[-1]]
    return own[-1]


def full_run(backups: Iterable[Backup], uid: str) -> str:
    """Return the id of the one run in backups that begins so; raises `UsageError` for any other."""
    full = {run.uid for one in backups for run in one.manifest.runs if run.uid.startswith(uid)}
    if uid in full or len(full) == 1:
        return uid if uid in full else full.pop()
    what = "several runs begin" if full else "no backup has a run that begins"
    raise UsageError(f"{what} with {uid!r}", help="`chimera backup list -o json` names all runs")


def with_end_of(backups: Sequence[Backup], uid: str) -> Backup:
    """Return the first backup that was made after a run ended as it did last.

    Later ones hold more of what came after it. Raises `UsageError` where none has its end.
    """
    has = [(one, run) for one in backups if (run := one.manifest.run(uid)) is not None]
    ended = [(one, run) for one, run in has if run.status in _ENDED]
    if not ended:
        states = _listed(run.status for _, run in has)
        raise UsageError(
            f"no backup has run {uid} as it ended: it was {states}",
            help=f"name the one that is nearest: `chimera backup list --run {uid}` lists them",
        )
    last = max(run.event for _, run in ended)
    return next(one for one, run in ended if run.event == last)


def _listed(values: Iterable[str]) -> str:
    return ", ".join(sorted(set(values)))
