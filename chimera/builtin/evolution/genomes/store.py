"""The genome store: entries as files that are named by their digest, a folder for each run.

A file is written whole and read with suspicion: one that is damaged is named, and never used.
Refuses to grow without end: of each run `KEPT` entries stay.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from chimera.builtin.evolution.genomes.entries import Entry, faults, read_entry, write_entry
from chimera.context import write_whole
from chimera.model import ChimeraError, Digest, UsageError, digest_bytes
from chimera.workspace.naming import LATEST, is_digest_prefix

FOLDER = ".chimera/genomes"
"""Where it lies, below the root of a work tree."""

KEPT = 256
"""Entries of a run that stay; of more, the oldest from which the newest does not descend go first,
then the oldest of all."""

_NAME = re.compile(r"[0-9a-f]{64}\.json")


@dataclass(frozen=True, slots=True)
class Kept:
    """A sound entry, by its digest."""

    digest: Digest
    entry: Entry
    path: Path


@dataclass(frozen=True, slots=True)
class Damaged:
    """A file of the store that cannot be used, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Found:
    """What a look into the store met."""

    kept: tuple[Kept, ...]
    damaged: tuple[Damaged, ...] = ()


class GenomeStore:
    """The genomes that lie in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @staticmethod
    def of(root: Path) -> GenomeStore:
        """Return the store of the work tree at `root`."""
        return GenomeStore(root / FOLDER)

    def put(self, entry: Entry) -> Digest:
        """Keep an entry durably and return its digest.

        To keep what is there already changes nothing. Raises `ChimeraError` for one that
        contradicts itself, and where it cannot be written.
        """
        for fault in faults(entry):
            raise ChimeraError(f"a genome of {entry.provenance.evolution} is not kept: {fault}")
        data = write_entry(entry)
        digest = digest_bytes(data)
        path = self._folder / entry.run / f"{digest.removeprefix('sha256:')}.json"
        for folder in (self._folder, path.parent):
            if folder.is_symlink():
                raise ChimeraError(
                    f"{folder} is a symbolic link", help="make it a folder of this work tree"
                )
        try:
            if not path.exists() or path.read_bytes() != data:
                write_whole(path, data)
            self._trim(path.parent, digest)
        except OSError as error:
            raise ChimeraError(
                f"a genome cannot be written to {self._folder}: {error.strerror}",
                help="make room or change the folder's permissions, and run it again",
            ) from error
        return digest

    def get(self, digest: Digest) -> Entry:
        """Return the entry of a digest; raises `ChimeraError` where it is missing or damaged."""
        name = f"{digest.removeprefix('sha256:')}.json"
        path = min(self._folder.glob(f"*/{name}"), default=None) if _NAME.fullmatch(name) else None
        if path is None:
            raise ChimeraError(
                f"there is no genome {digest} in {self._folder}", help="run its evolution again"
            )
        return _read(path)

    def champion_of(self, digest: Digest) -> Digest | None:
        """Return the champion's digest of an entry; `None` where it is missing or damaged."""
        try:
            return self.get(digest).champion
        except ChimeraError:
            return None

    def find(
        self,
        *,
        evolution: str | None = None,
        since: int = 0,
        best: int | None = None,
        ancestors: bool = False,
    ) -> Found:
        """Return the champions of `evolution`, or of all, from a generation on, in order of those.

        With `best`, so many of each evolution, the best first; champions that meet their
        constraints come before others, and of several objectives the latest is taken for the best.
        """
        found = _look(self._paths())

        def is_meant(entry: Entry) -> bool:
            return (
                evolution in (None, entry.provenance.evolution)
                and since <= entry.generation
                and (ancestors or entry.role == "champion")
            )

        kept = [one for one in found.kept if is_meant(one.entry)]
        kept.sort(key=_age)
        return Found(tuple(kept if best is None else _best(kept, best)), found.damaged)

    def named(self, name: str) -> Kept:
        """Return what `search` finds; raises `UsageError` where that is nothing."""
        found = self.search(name)
        if found is None:
            raise UsageError(
                f"there is no genome {name}", help="`chimera evolve genomes` lists what there is"
            )
        return found

    def search(self, name: str) -> Kept | None:
        """Return the entry whose digest, or whose champion's, begins like that, or `latest`.

        The latest is the champion that was written last. Raises `UsageError` where there is more
        than one or it is no digest, `ChimeraError` where it is damaged.
        """
        if name == LATEST:
            champions = self.find().kept
            times = {one.digest: one.path.stat().st_mtime_ns for one in champions}
            return max(champions, key=lambda one: (times[one.digest], _age(one)), default=None)
        if not is_digest_prefix(name):
            raise UsageError(
                f"{name!r} is not the digest of a genome",
                help="give four of its first characters or more, or latest",
            )
        start = name.removeprefix("sha256:")
        found = self.find(ancestors=True)
        meant = [one for one in found.kept if _begins(one, start)]
        meant = [one for one in meant if one.entry.role == "champion"] or meant
        if len({one.entry.champion for one in meant}) > 1:
            listed = ", ".join(sorted(one.digest[7:23] for one in meant[:5]))
            raise UsageError(
                f"{len(meant)} genomes begin with {name}", help=f"give more of it: {listed}"
            )
        for broken in found.damaged if not meant else ():
            if broken.path.stem.startswith(start):
                help = "`chimera evolve verify` lists all that is damaged"
                raise ChimeraError(broken.reason, help=help)
        return max(meant, key=_age, default=None)

    def _paths(self) -> Iterator[Path]:
        folders = sorted(self._folder.glob("*")) if self._folder.is_dir() else []
        for folder in folders:
            if folder.is_dir() and not folder.is_symlink():
                yield from _files(folder)

    def _trim(self, folder: Path, newest: Digest) -> None:
        paths = list(_files(folder))
        if len(paths) <= KEPT:
            return
        sound = {one.digest: one for one in _look(paths).kept}
        champions = [one for one in sound.values() if one.entry.role == "champion"]
        ends = {newest, *(one.digest for one in sorted(champions, key=_age)[-1:])}
        line = _ancestry(ends, sound)
        order = sorted(sound.values(), key=lambda one: (one.digest in line, _age(one)))
        for one in [one for one in order if one.digest not in ends][: len(paths) - KEPT]:
            one.path.unlink(missing_ok=True)


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files of a run in order; what has another name is none of them."""
    return (path for path in sorted(folder.glob("*.json")) if _NAME.fullmatch(path.name))


def _look(paths: Iterable[Path]) -> Found:
    kept: list[Kept] = []
    damaged: list[Damaged] = []
    for path in paths:
        try:
            kept.append(Kept(_digest_of(path), _read(path), path))
        except ChimeraError as error:
            damaged.append(Damaged(path, error.message))
    return Found(tuple(kept), tuple(damaged))


def _ancestry(digests: Iterable[Digest], known: dict[Digest, Kept]) -> set[Digest]:
    """Return entries and those that they descend from, as far as they are known."""
    found: set[Digest] = set()
    open_ends = list(digests)
    while open_ends:
        one = open_ends.pop()
        if one in known and one not in found:
            found.add(one)
            open_ends += known[one].entry.parents
    return found


def _read(path: Path) -> Entry:
    """Return the entry of a file; raises `ChimeraError` that names a damaged one."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ChimeraError(f"{path} cannot be read: {error.strerror}") from error
    help = "remove it: nothing uses it, and its evolution, run again, writes it anew"
    if digest_bytes(data) != _digest_of(path):
        raise ChimeraError(f"{path} is damaged: it is not what its name says", help=help)
    try:
        entry = read_entry(json.loads(data))
    except (ValueError, RecursionError) as error:
        raise ChimeraError(f"{path} is damaged: it is no JSON", help=help) from error
    except ChimeraError as error:
        raise ChimeraError(f"{path} is damaged: {error.message}", help=help) from error
    if entry.run != path.parent.name:
        raise ChimeraError(f"{path} is damaged: it lies in the folder of another run", help=help)
    return entry


def _digest_of(path: Path) -> Digest:
    return f"sha256:{path.stem}"


def _begins(one: Kept, start: str) -> bool:
    digests = (one.digest, one.entry.champion)
    return any(digest.removeprefix("sha256:").startswith(start) for digest in digests)


def _age(one: Kept) -> tuple[str, str, int, int, str]:
    entry = one.entry
    return (entry.provenance.evolution, entry.run, entry.generation, entry.island, one.digest)


def _best(kept: Iterable[Kept], count: int) -> list[Kept]:
    found: list[Kept] = []
    taken: dict[str, int] = {}
    for one in sorted(kept, key=_rank):
        evolution = one.entry.provenance.evolution
        taken[evolution] = taken.get(evolution, 0) + 1
        if taken[evolution] <= count:
            found.append(one)
    return found


def _rank(one: Kept) -> tuple[str, bool, float, int, str]:
    entry = one.entry
    cost = 0.0 if entry.cost is None else entry.cost
    return (
        entry.provenance.evolution,
        not entry.feasible,
        cost,
        -entry.generation if entry.cost is None else entry.generation,
        one.digest,
    )
