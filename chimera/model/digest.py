"""Digests: SHA-256 over bytes, canonical JSON or a set of paths, written `sha256:<hex>`.

The only owner of canonical JSON (RFC 8785) in the project.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

import rfc8785

from chimera.model.errors import ChimeraError

Digest = str
"""`sha256:` and 64 hexadecimal digits."""


def digest_bytes(data: bytes) -> Digest:
    """Return the digest of `data` as it stands."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def digest_chunks(chunks: Iterable[bytes]) -> Digest:
    """Return the digest of what is too large to be held at once."""
    hasher = hashlib.sha256()
    for chunk in chunks:
        hasher.update(chunk)
    return "sha256:" + hasher.hexdigest()


def canonical_json(value: Any) -> bytes:
    """Return `value` as canonical JSON (RFC 8785).

    Raises `ChimeraError` for what it cannot hold: integers beyond 2**53, infinities, NaN, and what
    is nested too deeply to be read.
    """
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, RecursionError) as error:
        raise ChimeraError(
            f"this value has no canonical JSON form: {error}",
            help="write large integers as strings of hexadecimal digits, and no .inf or .nan",
        ) from error


def digest_json(value: Any) -> Digest:
    """Return the digest of the canonical JSON of `value`."""
    return digest_bytes(canonical_json(value))


def digest_paths(entries: Iterable[tuple[str, str, Digest]]) -> Digest:
    """Return the digest of a path set: sorted `(path, mode, content digest)` (DESIGN §4).

    Of lists of strings, Python's own JSON without spaces is canonical, in a tenth of the time.
    """
    text = json.dumps(sorted(entries), ensure_ascii=False, separators=(",", ":"))
    try:
        return digest_bytes(text.encode())
    except UnicodeEncodeError as error:
        raise ChimeraError(
            "a path that is not UTF-8 cannot be part of a digest", help="rename the file"
        ) from error
