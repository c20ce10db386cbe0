"""Values as text: JSON, masked, and in a file of its own where it is large.

A large value's file is named by the digest of its content and is on disk before its name is handed
out. Refuses a file whose content does not have its digest.
"""

from __future__ import annotations

import json
from collections.abc import Container
from contextlib import suppress
from pathlib import Path

from chimera.context import write_whole
from chimera.model import StateError, digest_bytes
from chimera.state.records import Json

LARGEST_INLINE = 64 * 1024
_FILE = "@"  # no JSON text starts with it


class Objects:
    """The folder of large values."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def encode(self, value: Json) -> str | None:
        """Return the text that stands for `value` in the database; `None` for `None`.

        Raises `StateError` where the file of a large value cannot be written.
        """
        if value is None:
            return None
        return self.keep(
            json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        )

    def keep(self, text: str) -> str:
        """Return what stands in the database for a JSON text."""
        if len(text) * 4 <= LARGEST_INLINE:  # no character takes more than four bytes
            return text
        data = text.encode()
        return text if len(data) <= LARGEST_INLINE else _FILE + self._write(data)

    def decode(self, text: str | None) -> Json:
        """Return the value that `encode` turned into `text`."""
        if text is None:
            return None
        return json.loads(self._read(text[1:]) if text.startswith(_FILE) else text)

    def remove_except(self, used: Container[str]) -> int:
        """Remove the files of values whose names are not `used`; return how many there were."""
        removed = 0
        for path in sorted(self._folder.glob("??/*")):
            if f"{_FILE}sha256:{path.parent.name}{path.name}" not in used:
                with suppress(OSError):
                    path.unlink()
                    removed += 1
        return removed

    def _path(self, digest: str) -> Path:
        name = digest.removeprefix("sha256:")
        return self._folder / name[:2] / name[2:]

    def _write(self, data: bytes) -> str:
        digest = digest_bytes(data)
        path = self._path(digest)
        try:
            if not path.exists():
                write_whole(path, data)
        except OSError as error:
            raise StateError(
                f"{path} cannot be written: {error.strerror}",
                help="make room on the disk and apply again: what was committed is not lost",
            ) from error
        return digest

    def _read(self, digest: str) -> bytes:
        path = self._path(digest)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise StateError(
                f"{path} cannot be read: {error.strerror}",
                help="restore .chimera/objects from a backup",
            ) from error
        if digest_bytes(data) != digest:
            raise StateError(f"{path} is damaged", help="restore .chimera/objects from a backup")
        return data
