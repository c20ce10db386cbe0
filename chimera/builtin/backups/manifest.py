"""The manifest of a backup: every file with its digest, when and by which version, and the runs.

It has one form only, and the backup is named by its digest, so that an edited one is known. Refuses
paths that lead out of the folder, and whatever else Chimera did not write: it may come from
elsewhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from chimera.builtin.backups.scanning import BEFORE, MARK
from chimera.model import ChimeraError, Digest, digest_bytes
from chimera.state.backing import RunEnd

FORMAT = 1
"""The number of the format that is written, and the highest that is read."""
DATABASE = "state.db"
BUNDLE = "refs/chimera/evidence.bundle"
"""The path at which a manifest names the ref of evidence, which is not below `.chimera/`."""
PIECE = 128 * 1024
"""Bytes of a piece: of a file that grew or changed in one place, the others are there already."""

_NAME = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{16}")
_HEX = re.compile(r"[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_NEVER = frozenset({"lock", "state.db-wal", "state.db-shm", "state.db-journal", ".gitignore"})


class BackupError(ChimeraError):
    """A backup is not what it should be, or cannot be made."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file: its path below `.chimera/`, its size, and the digests of its pieces in order."""

    path: str
    size: int
    mode: int
    modified: int
    pieces: tuple[Digest, ...]
    seen: tuple[int, int] = (0, 0)
    """Inode and time of its change where it was copied, which tell whether to read it again."""

    def value(self) -> list[Any]:
        """Return the file as it stands in a manifest."""
        times = [str(self.modified), *map(str, self.seen)]  # beyond what JSON holds as numbers
        return [self.path, self.size, self.mode, [d[7:] for d in self.pieces], times]


@dataclass(frozen=True, slots=True)
class Origin:
    """Which repository a backup is of, and where it lay.

    `began` are the first commits of its history: two clones have them in common.
    """

    path: str
    began: tuple[str, ...] = ()

    def is_same(self, other: Origin) -> bool:
        """Tell whether both are one repository; without a history, that is the place it lies at."""
        if self.began and other.began:
            return not set(self.began).isdisjoint(other.began)
        return self.path == other.path


@dataclass(frozen=True, slots=True)
class Manifest:
    """All that a backup says of itself."""

    at: str
    version: str
    origin: Origin
    format: int
    """The format of the database; 0 where there was none."""
    last_event: int
    runs: tuple[RunEnd, ...]
    files: tuple[Entry, ...]
    evidence: str | None = None
    """The commit that `refs/chimera/evidence` named, where there was that ref."""

    def encode(self) -> bytes:
        """Return the bytes of the manifest: the same for the same backup."""
        value = {
            "format": f"chimera-backup/{FORMAT}",
            "at": self.at,
            "chimera": self.version,
            "repository": {"path": self.origin.path, "began": list(self.origin.began)},
            "state": {"format": self.format, "lastEvent": self.last_event},
            "runs": [list(run) for run in self.runs],
            "evidence": self.evidence,
            "files": [entry.value() for entry in self.files],
        }
        # There may be a million files: canonical JSON would take twenty times as long.
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        return text.encode()

    def run(self, uid: str) -> RunEnd | None:
        """Return how the backup has a run."""
        return next((run for run in self.runs if run.uid == uid), None)

    @property
    def size(self) -> int:
        """The bytes of all files."""
        return sum(entry.size for entry in self.files)

    @property
    def pieces(self) -> frozenset[Digest]:
        """The digests of all pieces."""
        return frozenset(piece for entry in self.files for piece in entry.pieces)


def name_of(at: str, data: bytes) -> str:
    """Return the name of a backup: when it was made, and the beginning of its digest."""
    moment = re.sub(r"[^0-9T]", "", at[:19])
    return f"{moment}Z-{digest_bytes(data)[7:23]}"


def is_name(text: str) -> bool:
    """Tell whether a text is the name of a backup."""
    return _NAME.fullmatch(text) is not None


def decode(name: str, data: bytes) -> Manifest:
    """Read a manifest of which nothing is believed; raises `BackupError` that says what is wrong.

    One of a later format is refused whatever it holds, edited or not.
    """
    try:
        value = json.loads(data)
        format = value["format"]
    except (ValueError, RecursionError, TypeError, KeyError) as error:
        raise _edited(name, "it is no manifest") from error
    known, _, number = str(format).partition("/")
    if known == "chimera-backup" and number.isdecimal() and int(number) > FORMAT:
        raise BackupError(
            f"the backup {name} has format {number}, and this version of Chimera knows {FORMAT}",
            help="use the version of Chimera that wrote it, or a later one",
        )
    try:
        manifest = _manifest(value)
        if manifest.encode() != data:
            raise ValueError("it is not written as Chimera writes one")
    except (ValueError, TypeError, KeyError, AttributeError, ChimeraError) as error:
        raise _edited(name, str(error) or "it is no manifest") from error
    if name_of(manifest.at, data) != name:
        raise _edited(name, "it is not what the name of the backup says")
    return manifest


def _edited(name: str, why: str) -> BackupError:
    return BackupError(
        f"the manifest of {name} was changed after it was written: {why}",
        help="restore another backup: nothing of this one can be relied on",
    )


def _manifest(value: Mapping[str, Any]) -> Manifest:
    repository, state = value["repository"], value["state"]
    files = tuple(_entry(*item) for item in value["files"])
    _refuse_clashes(entry.path for entry in files)
    commit = value["evidence"]
    if commit is not None and not _COMMIT.fullmatch(commit):
        raise ValueError(f"{commit!r} is no commit")
    if (commit is not None) != any(entry.path == BUNDLE for entry in files):
        raise ValueError("the ref of evidence and its bundle do not belong together")
    return Manifest(
        at=_text(value["at"]),
        version=_text(value["chimera"]),
        origin=Origin(_text(repository["path"]), tuple(map(_text, repository["began"]))),
        format=_number(state["format"]),
        last_event=_number(state["lastEvent"]),
        runs=tuple(_run(*row) for row in value["runs"]),
        files=files,
        evidence=commit,
    )


def _run(uid: str, environment: str, target: str, status: str, event: int, at: str) -> RunEnd:
    texts = (_text(uid), _text(environment), _text(target), _text(status))
    return RunEnd(*texts, _number(event), _text(at))


def _entry(path: str, size: int, mode: int, pieces: list[str], times: list[str]) -> Entry:
    if not all(_HEX.fullmatch(piece) for piece in pieces):
        raise ValueError(f"a piece of {path!r} has no digest")
    modified, inode, changed = map(int, times)
    if -(-_number(size) // PIECE) != len(pieces):
        raise ValueError(f"{path!r} has another size than its pieces")
    digests = tuple(f"sha256:{piece}" for piece in pieces)
    return Entry(_safe(path), size, _number(mode) & 0o777, modified, digests, (inode, changed))


def _safe(path: str) -> str:
    """Return a path that stays below the folder; raises `ValueError` for any other."""
    parts = _text(path).split("/")
    is_plain = path.isprintable() and "\\" not in path and len(path) <= 4096
    if not is_plain or any(part in {"", ".", ".."} for part in parts):
        raise ValueError(f"{path!r} is no path that a backup may have")
    if path.lower() in _NEVER or parts[0].lower() in {BEFORE, MARK}:
        raise ValueError(f"{path!r} is none of the files that a backup has")
    return path


def _refuse_clashes(paths: Iterable[str]) -> None:
    """Raise `ValueError` where two paths are one file somewhere, or one is the other's folder."""
    found = sorted(path.casefold() for path in paths)
    files = set(found)
    if len(files) != len(found):
        raise ValueError("a path stands in it twice")
    for path in found:
        parts = path.split("/")
        if any("/".join(parts[:n]) in files for n in range(1, len(parts))):
            raise ValueError(f"{path!r} is below a file")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")
    return value


def _number(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} is no number")
    return value
