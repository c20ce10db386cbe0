"""Why a candidate has no fitness. Without models, because workers import it."""

from __future__ import annotations

from typing import Literal, get_args

Cause = Literal[
    "nan", "infinite", "exception", "type", "count", "timeout", "worker", "memory", "failed"
]
CAUSES: tuple[Cause, ...] = get_args(Cause)
