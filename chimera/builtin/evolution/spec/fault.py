"""One fault of a spec."""

from __future__ import annotations

from dataclasses import dataclass

from chimera.model import Route


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in a spec, where below `spec`, and what to do."""

    rule: str
    message: str
    route: Route
    help: str
