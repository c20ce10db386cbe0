"""The parent's side of validation: a child that is started when first needed and ended when late.

Refuses to wait for longer than its bounds, and to answer for a schema that took its child along.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from chimera.context import ProcessEndedError, Processes, ProcessTimeoutError, Running
from chimera.model import ChimeraError
from chimera.policy.isolation import Bounds, isolated
from chimera.policy.schemas.definition import Definition

_SCRIPT = Path(__file__).with_name("child.py")
_BATCH = 50  # documents on their way at once
_ROOM = 8 * 1024 * 1024  # bytes of schemas that one child has in use

Json = Any
Fact = dict[str, Json]
"""One error, as `child` tells it."""


class UndecidedError(ChimeraError):
    """A schema asks for more time or memory than there is."""


@dataclass(frozen=True, slots=True)
class Found:
    """What is wrong with one document, and whether there is more than is told."""

    errors: tuple[Fact, ...]
    more: bool


class Checker:
    """Takes schemas into use, and applies them to documents.

    What a child had in use when it was ended is taken into use again by the next, where it is
    asked for.
    """

    def __init__(self, processes: Processes, bounds: Bounds) -> None:
        self._processes = processes
        self._bounds = bounds
        self._running: Running | None = None
        self._losses = 0
        self._used: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the child, if there is one."""
        if self._running is not None:
            running, self._running = self._running, None
            self._used = {}
            running.close()

    def compile(self, definition: Definition) -> tuple[Fact, ...]:
        """Take a schema into use and return what is wrong with it; raises `UndecidedError`."""
        if self._used and sum(self._used.values()) + definition.size > _ROOM:
            self.close()
        request = {
            "ask": "compile",
            "name": definition.digest,
            "root": definition.root,
            "files": dict(definition.files),
            "dialect": definition.dialect,
        }
        (faults,) = self._ask([request])
        self._used[definition.digest] = definition.size
        return tuple(faults)

    def judge(self, definition: Definition, instances: Sequence[Json]) -> Iterator[Found]:
        """Yield what a schema that has no faults finds in each instance.

        Raises `UndecidedError` in the place of the first that cannot be decided: those after it
        cannot either.
        """
        for start in range(0, len(instances), _BATCH):
            batch = instances[start : start + _BATCH]
            if definition.digest not in self._used:
                self.compile(definition)
            ask = {"ask": "judge", "name": definition.digest}
            for answer in self._ask([{**ask, "instance": one} for one in batch]):
                yield Found(tuple(answer["errors"]), answer["more"])

    def _ask(self, requests: Sequence[Json]) -> Iterator[Json]:
        running = self._running or self._start()
        try:
            for request in requests:
                running.write_line(json.dumps(request, separators=(",", ":")).encode())
            for _ in requests:
                yield json.loads(running.read_line(self._bounds.seconds))
        except (ProcessTimeoutError, ProcessEndedError) as error:
            self.close()
            self._losses += 1
            late = isinstance(error, ProcessTimeoutError)
            raise UndecidedError(
                f"it took longer than {self._bounds.seconds:g} seconds and was ended"
                if late
                else "the process that validates died of it"
            ) from error

    def _start(self) -> Running:
        if self._losses >= self._bounds.losses:
            raise UndecidedError("too many processes were lost to validate anything more")
        command = isolated(_SCRIPT, "jsonschema_rs", self._bounds.memory_bytes)
        self._running = self._processes.start(command)
        return self._running
