"""What judges may remember between runs: answers that depend on nothing but their key.

Refuses to be relied on: whatever is missing, stale or damaged is worked out again.
"""

from __future__ import annotations

from typing import Any, Protocol

from chimera.model import Digest


class Memo(Protocol):
    """Values by a digest of everything that they depend on, besides the engine and its plugins."""

    def get(self, key: Digest) -> Any:
        """Return the JSON value kept under `key`, `None` where there is none."""

    def put(self, key: Digest, value: Any) -> None:
        """Keep a JSON value under `key`, if that can be done."""


class NoMemo:
    """Remembers nothing."""

    def get(self, key: Digest) -> Any:
        """Return `None`."""

    def put(self, key: Digest, value: Any) -> None:
        """Forget it."""
