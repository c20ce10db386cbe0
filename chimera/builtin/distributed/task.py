"""What a Ray worker does: attempts, one after another, and what they logged.

What work prints is logged as in any other process. Refuses to raise: how an attempt failed is its
answer.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from io import TextIOBase

from chimera.context import Context, Secrets
from chimera.runtime.executors.lines import Lines
from chimera.runtime.executors.remote import Surroundings, answer


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one attempt, and how long it took, in seconds."""

    line: bytes
    log: tuple[str, ...]
    secrets: tuple[str, ...]
    seconds: float


def execute(requests: Sequence[bytes]) -> list[Answer]:
    """Answer the requests in their order."""
    return [_execute(request) for request in requests]


def _execute(request: bytes) -> Answer:
    log: list[str] = []
    secrets = _Gathered()
    context = replace(Context.system(), secrets=secrets)
    lines = Lines(lambda text: log.append(secrets.mask(text)))
    printed = _Printed(lines)
    began = time.perf_counter()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        line = answer(request, Surroundings(context, _is_cancelled(), lines.log))
    seconds = time.perf_counter() - began
    lines.end()
    return Answer(line, tuple(log), tuple(secrets.values), seconds)


def _is_cancelled() -> Callable[[], bool]:
    """Return what tells whether this task was cancelled: work that does not ask is interrupted."""
    import ray

    told: Callable[[], bool] = ray.get_runtime_context().is_canceled
    return told


class _Gathered(Secrets):
    """Secrets that the coordinator has to know of, too."""

    def __init__(self) -> None:
        self.values: list[str] = []
        super().__init__()

    def add(self, value: str) -> None:
        """Mask `value` here, and tell of it."""
        super().add(value)
        self.values.append(value)


class _Printed(TextIOBase):
    """What work prints to."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    def writable(self) -> bool:
        """Say that it can be printed to."""
        return True

    def write(self, text: str) -> int:
        """Take some of a line, or several."""
        self._lines.hear("printed", text.encode(errors="replace"))
        return len(text)
