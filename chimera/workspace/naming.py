"""What people call things by: a proof by its name, evidence and rulings by part of their digest."""

from __future__ import annotations

import re

from chimera.model import Address

_DIGEST = re.compile(r"(?:sha256:)?[0-9a-f]{4,64}")

LATEST = "latest"
"""The name of whichever ruling, or run, is the newest."""


def proof_named(name: str) -> Address:
    """Return the address of a proof, which may be written without its kind."""
    return Address.parse(name if "/" in name else f"Proof/{name}")


def is_digest_prefix(text: str) -> bool:
    """Tell whether a text can be the beginning of a digest: four characters of it or more."""
    return _DIGEST.fullmatch(text) is not None
