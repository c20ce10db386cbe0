"""Who acts: a person, or automation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Actor:
    """Who runs a command. What this says is recorded and never proves anything."""

    name: str
    kind: Literal["human", "automation"]
