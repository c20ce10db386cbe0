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
from chimera.runtime.executors.remote import LogBudget, Surroundings, answer


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
    budget = LogBudget(lambda text: log.append(secrets.mask(text)))
    began = time.perf_counter()
    with _Lines(budget) as lines:
        line = answer(request, Surroundings(context, _is_cancelled(), lines.log))
    seconds = time.perf_counter() - began
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


class _Lines(TextIOBase):
    """Takes what work prints, and logs it by whole lines."""

    _LONGEST = 1 << 16

    def __init__(self, log: LogBudget) -> None:
        self._log = log
        self._unread = ""
        self._redirected = contextlib.ExitStack()

    def __enter__(self) -> _Lines:
        self._redirected.enter_context(contextlib.redirect_stdout(self))
        self._redirected.enter_context(contextlib.redirect_stderr(self))
        return self

    def __exit__(self, *_: object) -> None:
        self._redirected.close()
        if self._unread:
            self._log(self._unread)

    def log(self, text: str) -> None:
        """Log a line of the work's own, after what it printed before."""
        if self._unread:
            self._log(self._unread)
            self._unread = ""
        self._log(text)

    def writable(self) -> bool:
        """Say that it can be printed to."""
        return True

    def write(self, text: str) -> int:
        """Take some of a line, or several."""
        *lines, self._unread = (self._unread + text).split("\n")
        if len(self._unread) > self._LONGEST:
            lines.append(self._unread)
            self._unread = ""
        for line in lines:
            self._log(line)
        return len(text)
