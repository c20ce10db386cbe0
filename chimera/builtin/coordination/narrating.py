"""Telling people what happens to runs while they go on, as much of it as the log level asks for.

One line on standard error for each thing that happened, once it is on disk. Refuses to tell what a
terminal would obey, and outputs, which belong to the run alone.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from chimera.runtime.system import LogLevel
from chimera.state import EventKind, Run

if TYPE_CHECKING:
    from chimera.state import EventRow

_DONE: Final = EventKind.DONE.value
LEVELS: Final[tuple[LogLevel, ...]] = ("debug", "info", "warn", "error")

_WORDS: Final[dict[str, tuple[LogLevel, str]]] = {
    EventKind.START.value: ("debug", "begins"),
    EventKind.DONE.value: ("debug", "is done"),
    EventKind.SKIP.value: ("debug", "is skipped"),
    EventKind.WAIT.value: ("debug", "waits"),
    EventKind.COMP_START.value: ("info", "is being undone"),
    EventKind.COMP_DONE.value: ("info", "is undone"),
    EventKind.PAUSE.value: ("info", "is asked to pause"),
    EventKind.RESUME.value: ("info", "goes on"),
    EventKind.CANCEL.value: ("info", "is asked to end"),
    EventKind.SIGNAL.value: ("info", "has got a signal"),
    EventKind.MIGRATE.value: ("info", "has got another definition"),
    EventKind.HALT.value: ("warn", "is stopped by a guard"),
    EventKind.RETRY.value: ("warn", "is tried again"),
    EventKind.ESCALATE.value: ("error", "needs somebody to look"),
    EventKind.FAIL.value: ("error", "failed"),
}
_STAND_INS: Final = {"degraded": "goes on without its result", "alternative": "is done otherwise"}


@dataclass(frozen=True, slots=True)
class Narrator:
    """Tells what is as grave as `level`, or graver."""

    level: LogLevel

    def __call__(self, runs: Mapping[int, Run], events: Sequence[EventRow]) -> None:
        """Tell what has happened."""
        least = LEVELS.index(self.level)
        for number, kind, step, _, at, data, due, flag, _ in events:
            level, words = _WORDS[kind]
            if flag in _STAND_INS:
                level, words = "warn", _STAND_INS[flag]
            if LEVELS.index(level) >= least:
                when = f" at {due}" if due is not None else ""
                said = None if kind == _DONE else _error(data)
                _write(at, level, runs[number], step, f"{words}{when}", said)


def _error(data: str | None) -> str | None:
    """Return what an event says went wrong."""
    if data is None or not data.startswith("{"):
        return None
    found = json.loads(data).get("error")
    return found if isinstance(found, str) else None


def _write(at: str, level: LogLevel, run: Run, step: str, words: str, error: str | None) -> None:
    from chimera.render.paint import harmless, unbroken

    who = f"{run.target} {step}" if step else run.target
    why = f": {error}" if error else ""
    print(unbroken(harmless(f"{at} {level} {who} {words}{why}")), file=sys.stderr)
