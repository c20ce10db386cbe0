"""JSON that came from outside, read for a stage. Refuses what canonical JSON cannot hold."""

from __future__ import annotations

import json
from typing import Any

from chimera.model import ChimeraError, canonical_json
from chimera.runtime import PermanentError


def parse_json(text: str, what: str) -> Any:
    """Return what `text` says; raises `PermanentError` that names `what` where it says nothing."""
    try:
        value = json.loads(text)
        canonical_json(value)
    except (ValueError, RecursionError, ChimeraError) as error:
        raise PermanentError(
            f"{what} is not JSON: {error}", help="leave jsonOutput out to take it as text"
        ) from error
    return value
