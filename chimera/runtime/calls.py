"""What the work of an operation is given. Refuses to say what there is to call."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from chimera.context import Context
from chimera.runtime.collections import NO_COLLECTIONS, Collections
from chimera.runtime.steps import EPOCH, derived_uuid
from chimera.state import Json

if TYPE_CHECKING:  # the models of `kinds` bring pydantic, which readers of runs do without
    from chimera.kinds import Model

I = TypeVar("I", bound="Model")  # noqa: E741 - inputs


@dataclass(frozen=True, slots=True)
class OperationCall(Generic[I]):
    """What an operation is given: its inputs, and everything else that a step's work gets.

    `root` is the work tree that relative paths are meant in; the rest is as in `StepCall`.
    """

    inputs: I
    key: str
    attempt: int
    in_doubt: bool
    context: Context
    root: Path
    cancelled: Callable[[], bool]
    log: Callable[[str], None]
    now: datetime = EPOCH
    store: Collections = NO_COLLECTIONS
    publish: Callable[[str, Json], None] = lambda topic, payload: None
    run: str = ""
    ids: Iterator[int] = field(default_factory=itertools.count, repr=False, compare=False)

    def new_id(self) -> str:
        """Return another id of the form of a UUID (version 4), the same ones in every attempt."""
        return derived_uuid(self.key, next(self.ids))
