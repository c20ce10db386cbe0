"""The faults that are found in one document, gathered with the places where they stand.

Refuses to judge anything.
"""

from __future__ import annotations

from collections.abc import Iterable

from chimera.builtin.workflow.wording import Suggestions, names
from chimera.model import Diagnostic, Place, Route


class Faults:
    """Gathers the faults of the document at `address`, whose spec is at `place`."""

    def __init__(self, place: Place, address: str) -> None:
        self.place = place
        self.address = address
        self.found: list[Diagnostic] = []
        self._meant = Suggestions()

    def report(self, rule: str, message: str, route: Route, help: str) -> None:
        """Note a fault at a route below the spec: no place is made where nothing is wrong."""
        where = self.place.at(*route)
        self.found.append(Diagnostic(rule, message, where, help, address=self.address))

    def meant(self, name: str, known: Iterable[str]) -> str:
        """Return the help for a name that is none of those that are known."""
        return self._meant(name, known, f"there is: {names(known)}")
