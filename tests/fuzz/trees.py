"""A tree that is made of bytes: what the fuzzer writes, without a disk in between."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from chimera.documents.trees import (
    FILE,
    YAML_SUFFIXES,
    Entry,
    digest_contents,
    is_below,
    root_names,
)
from chimera.model import ChimeraError, digest_bytes


@dataclass(frozen=True)
class MemoryTree:
    """Files by path, all of them plain."""

    files: Mapping[str, bytes]
    root: Path = Path("/nonexistent")
    revision: str | None = None

    def entries(self) -> Sequence[Entry]:
        return tuple(Entry(p, FILE, digest_bytes(data)) for p, data in sorted(self.files.items()))

    def under(
        self, roots: Iterable[str], suffixes: tuple[str, ...] = YAML_SUFFIXES
    ) -> Sequence[Entry]:
        names = root_names(roots)
        return tuple(
            entry
            for entry in self.entries()
            if entry.path.endswith(suffixes) and any(is_below(entry.path, n) for n in names)
        )

    def read(self, path: str) -> bytes:
        if path not in self.files:
            raise ChimeraError(f"{path!r} is not in the tree")
        return self.files[path]

    def read_many(self, paths: Iterable[str], *, limit: int | None = None) -> Mapping[str, bytes]:
        end = None if limit is None else limit + 1
        return {path: self.read(path)[:end] for path in paths}

    def digest(self, paths: Iterable[str]) -> str:
        chosen = sorted(set(paths))
        return digest_contents(
            dict.fromkeys(chosen, FILE), ((path, digest_bytes(self.read(path))) for path in chosen)
        )
