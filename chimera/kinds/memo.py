"""What judges may remember between runs: answers that depend on nothing but their key.

Refuses to be relied on: whatever is missing, stale or damaged is worked out again.
"""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import Any, Protocol

from chimera.model import Digest
from chimera.state import Store


class Memo(Protocol):
    """Values by a digest of everything that they depend on, besides the engine and its plugins."""

    def get(self, key: Digest) -> Any:
        """Return the JSON value kept under `key`, `None` where there is none."""

    def put(self, key: Digest, value: Any) -> None:
        """Keep a JSON value under `key`, if that can be done."""

    def flush(self) -> None:
        """Write what was put so far."""


class NoMemo:
    """Remembers nothing."""

    def get(self, key: Digest) -> Any:
        """Return `None`."""

    def put(self, key: Digest, value: Any) -> None:
        """Forget it."""

    def flush(self) -> None:
        """Do nothing."""


class StoredMemo:
    """Remembers in a store what one version of the engine and its plugins said."""

    def __init__(self, store: Store, version: str) -> None:
        self._store = store
        self._version = version

    def get(self, key: Digest) -> Any:
        """Return the JSON value kept under `key`, `None` where there is none."""
        data = self._store.get(store_key("memo", self._version, key))
        return None if data is None else json.loads(data)

    def put(self, key: Digest, value: Any) -> None:
        """Keep a JSON value under `key`."""
        data = json.dumps(value, separators=(",", ":")).encode("ascii")
        self._store.put(store_key("memo", self._version, key), data)

    def flush(self) -> None:
        """Write what was put so far."""
        self._store.flush()


def store_key(*parts: str) -> bytes:
    """Return the key of something that depends on `parts`, the first of which says what it is."""
    data = "\0".join(parts).encode("utf-8", "surrogateescape")
    return blake2b(data, digest_size=20).digest()
