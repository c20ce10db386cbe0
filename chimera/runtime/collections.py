"""The store of a run's environment as the work of a step sees it: collections of JSON by id.

Reads see the attempt's own writes, then what is not committed yet, then the database. Writes join
the transaction of the result: an attempt that fails or is interrupted wrote nothing. Refuses to be
used by work that is not executed inline.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NoReturn, Protocol

from chimera.runtime.recovery import PermanentError
from chimera.state import Json


class Collections(Protocol):
    """Values by collection and id; ids are listed in order."""

    def get(self, collection: str, id: str) -> Json | None:
        """Return one value, or `None` where there is none."""
        ...

    def find(self, collection: str, **equal: Json) -> Iterable[tuple[str, Json]]:
        """Return ids and values, in order of ids, of those whose fields have these values."""
        ...

    def count(self, collection: str, **equal: Json) -> int:
        """Return how many values have fields with these values."""
        ...

    def put(self, collection: str, id: str, value: Json) -> None:
        """Keep a value, in place of the one that has the id."""
        ...

    def delete(self, collection: str, id: str) -> None:
        """Forget a value; one that is not there is none to forget."""
        ...


class NoCollections:
    """The store of work that has none: it runs at the same time as other work."""

    def get(self, collection: str, id: str) -> Json | None:
        """Refuse."""
        _refuse()

    def find(self, collection: str, **equal: Json) -> Iterable[tuple[str, Json]]:
        """Refuse."""
        _refuse()

    def count(self, collection: str, **equal: Json) -> int:
        """Refuse."""
        _refuse()

    def put(self, collection: str, id: str, value: Json) -> None:
        """Refuse."""
        _refuse()

    def delete(self, collection: str, id: str) -> None:
        """Refuse."""
        _refuse()


NO_COLLECTIONS = NoCollections()


def _refuse() -> NoReturn:
    raise PermanentError(
        "only work that is executed inline can use the store", help="say `executor: inline`"
    )
