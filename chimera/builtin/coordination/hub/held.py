"""A store that holds writes back until they are wanted, so that work that fails wrote nothing.

Needed where a failure of the work is no failure of the step that does it. Refuses to outlive it.
"""

from __future__ import annotations

from collections.abc import Iterable

from chimera.runtime import Collections, Json


class Held:
    """Collections with writes of their own in front of others."""

    def __init__(self, behind: Collections) -> None:
        self._behind = behind
        self._writes: dict[tuple[str, str], Json | None] = {}

    def get(self, collection: str, id: str) -> Json | None:
        """Return one value, or `None` where there is none."""
        if (collection, id) in self._writes:
            return self._writes[collection, id]
        return self._behind.get(collection, id)

    def find(self, collection: str, **equal: Json) -> Iterable[tuple[str, Json]]:
        """Return ids and values, in order of ids, of those whose fields have these values."""
        found = dict(self._behind.find(collection, **equal))
        for (name, id), value in self._writes.items():
            if name != collection:
                continue
            found.pop(id, None)
            if isinstance(value, dict) and all(
                field in value and value[field] == wanted for field, wanted in equal.items()
            ):
                found[id] = value
        return sorted(found.items())

    def count(self, collection: str, **equal: Json) -> int:
        """Return how many values have fields with these values."""
        return len(list(self.find(collection, **equal)))

    def put(self, collection: str, id: str, value: Json) -> None:
        """Hold a value."""
        self._writes[collection, id] = value

    def delete(self, collection: str, id: str) -> None:
        """Hold that a value is to be forgotten."""
        self._writes[collection, id] = None

    def release(self) -> None:
        """Write what was held."""
        for (collection, id), value in self._writes.items():
            if value is None:
                self._behind.delete(collection, id)
            else:
                self._behind.put(collection, id, value)
        self._writes.clear()
