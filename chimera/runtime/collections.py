"""The store of a run's environment as the work of a step sees it: collections of JSON by id.

Reads see the attempt's own writes, then what is not committed yet, then the database. Writes join
the transaction of the result: an attempt that fails or is interrupted wrote nothing, but for what
a `KeepingError` keeps. Refuses to be used by work that is not executed inline.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NoReturn, Protocol

from chimera.model import StateError
from chimera.runtime.recovery import PermanentError, StepError
from chimera.state import ItemKey, Json, StateWriter


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


class KeepingError(StepError):
    """A failure of which something stays in the store, although nothing else of its attempt does.

    `keep` writes that: it gets the store and when the step is tried again, or `None` where it is
    not.
    """

    def __init__(
        self, message: str, keep: Callable[[Collections, datetime | None], None], **how: Any
    ) -> None:
        super().__init__(message, **how)
        self.keep = keep


class Shelves:
    """What the collections hold, with what is not committed yet on top.

    Knows how often each value, and each collection, was written since the process began.
    """

    def __init__(
        self, state: StateWriter, pending: Callable[[], dict[ItemKey, str | None]]
    ) -> None:
        self._state = state
        self._pending = pending
        self._revisions: dict[tuple[str, ...], int] = {}

    def revision(self, key: tuple[str, ...]) -> int:
        """Return how often a value, or a collection, was written."""
        return self._revisions.get(key, 0)

    def read(self, key: ItemKey) -> Json | None:
        """Return one value as it will be once all is committed."""
        pending = self._pending()
        if key in pending:
            return self._state.decode(pending[key])
        item = self._state.item(*key)
        return item.value if item is not None else None

    def list(self, environment: str, collection: str) -> dict[str, Json]:
        """Return a collection as it will be once all is committed."""
        values = {item.id: item.value for item in self._state.items(environment, collection)}
        for (where, name, id), text in self._pending().items():
            if (where, name) == (environment, collection):
                _lay(values, id, self._state.decode(text))
        return values

    def write(self, key: ItemKey, text: str | None) -> None:
        """Write a value, as the database will have it, with the next commit."""
        self._pending()[key] = text
        for part in (key, key[:2]):
            self._revisions[part] = self._revisions.get(part, 0) + 1


class Attempt:
    """The store as one attempt sees it: its writes are its own until its result is recorded."""

    def __init__(self, shelves: Shelves, state: StateWriter, environment: str) -> None:
        self._shelves = shelves
        self._state = state
        self._environment = environment
        self._writes: dict[tuple[str, str], Json | None] = {}
        self._seen: dict[tuple[str, ...], int] = {}
        self.broken: StateError | None = None  # why the state could not be read

    def get(self, collection: str, id: str) -> Json | None:
        """Return one value, or `None` where there is none."""
        if (collection, id) in self._writes:
            return self._own(collection, id)
        key = (self._environment, collection, id)
        self._see(key)
        with self._reading():
            return self._shelves.read(key)

    def find(self, collection: str, **equal: Json) -> list[tuple[str, Json]]:
        """Return ids and values, in order of ids, of those whose fields have these values."""
        self._see((self._environment, collection))
        with self._reading():
            values = self._shelves.list(self._environment, collection)
        for name, id in self._writes:
            if name == collection:
                _lay(values, id, self._own(name, id))
        return [
            (id, value)
            for id, value in sorted(values.items())
            if not equal or (isinstance(value, dict) and _has(value, equal))
        ]

    def count(self, collection: str, **equal: Json) -> int:
        """Return how many values have fields with these values."""
        return len(self.find(collection, **equal))

    def put(self, collection: str, id: str, value: Json) -> None:
        """Keep a value; raises `ValueError` or `TypeError` for what is not JSON."""
        if value is None:
            raise ValueError("a collection keeps no null: delete the value")
        self._writes[collection, id] = self._state.stored(value)[1]

    def delete(self, collection: str, id: str) -> None:
        """Forget a value; one that is not there is none to forget."""
        self._writes[collection, id] = None

    @property
    def is_stale(self) -> bool:
        """Tell whether something that was read has been written by another attempt since."""
        return any(self._shelves.revision(key) != seen for key, seen in self._seen.items())

    def write(self) -> None:
        """Let the writes join the transaction of the turn."""
        for (collection, id), text in self._writes.items():
            key = (self._environment, collection, id)
            self._shelves.write(key, self._state.kept(text))

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Remember that the state could not be read, whatever the work makes of it."""
        try:
            yield
        except StateError as error:
            self.broken = error
            raise

    def _own(self, collection: str, id: str) -> Json | None:
        text = self._writes[collection, id]
        return None if text is None else json.loads(text)

    def _see(self, key: tuple[str, ...]) -> None:
        self._seen.setdefault(key, self._shelves.revision(key))


def _has(value: dict[str, Json], equal: Mapping[str, Json]) -> bool:
    return all(name in value and value[name] == wanted for name, wanted in equal.items())


def _lay(values: dict[str, Json], id: str, value: Json | None) -> None:
    if value is None:
        values.pop(id, None)
    else:
        values[id] = value


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
