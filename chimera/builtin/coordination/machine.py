"""State machines: which status may follow which, as a table. Refuses every other way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chimera.runtime import PermanentError


@dataclass(frozen=True, slots=True)
class Machine:
    """What statuses a thing has, in which it may begin, and which may follow each.

    A status that nothing follows is final.
    """

    thing: str
    begins: tuple[str, ...]
    follows: Mapping[str, tuple[str, ...]]

    def begin(self, status: str) -> str:
        """Return `status`, in which a new thing may begin; raises `PermanentError` otherwise."""
        if status not in self.begins:
            raise PermanentError(
                f"no {self.thing} begins as {status}", help=f"begin as {_listed(self.begins)}"
            )
        return status

    def move(self, before: str, after: str, name: str) -> str:
        """Return `after`, which may follow `before`; raises `PermanentError` otherwise."""
        if after not in self.follows[before]:
            ways = self.follows[before]
            where = f"it can become {_listed(ways)}" if ways else "that is final"
            raise PermanentError(
                f"the {self.thing} {name} is {before} and cannot become {after}",
                help=f"from {before}, {where}",
            )
        return after

    def is_final(self, status: str) -> bool:
        """Tell whether nothing follows `status`."""
        return not self.follows[status]


def _listed(statuses: tuple[str, ...]) -> str:
    return " or ".join(statuses)
