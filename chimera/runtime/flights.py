"""Steps in flight: attempts that were started and have not come back.

An attempt keeps what its work says, publishes and writes until it is settled. Refuses to judge
what work returns or raises.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from chimera.runtime.recovery import Category, StepError
from chimera.runtime.steps import Step, StepCall
from chimera.state import Json

if TYPE_CHECKING:
    from chimera.runtime.collections import Attempt
    from chimera.runtime.executors import Executor
    from chimera.runtime.frontier import Node
    from chimera.runtime.journal import Journal

LONGEST_LINE = 64 * 1024
"""Characters of a log line that are kept."""


class AttemptLostError(StepError):
    """An executor lost an attempt, such as one whose worker died: nobody knows how it ended.

    It uses up no retry; what becomes of it is for the step's `on_interrupt` to say.
    """

    def __init__(self, message: str, *, help: str | None = None) -> None:
        super().__init__(message, category=Category.SYSTEM, transient=True, help=help)


class Flight:
    """One attempt of one step. `is_told` is what its work hears as `cancelled()`.

    `handle` belongs to the executor; `call`, `node` and `journal` are set by whoever makes it, once
    it is known what the work is given. `kind` tells the work itself from a look whether an
    interrupted attempt took effect.
    """

    call: StepCall
    node: Node
    journal: Journal
    kind: Literal["work", "probe"] = "work"
    handle: Any = None
    executor: Executor | None = None  # once it has departed
    is_told = False
    is_timed_out = False
    published: list[tuple[str, Json]] | None = None
    store: Attempt | None = None
    timer: list[Any] | None = None
    _lines = 0
    _dropped = 0

    def __init__(self, step: Step, attempt: int) -> None:
        self.step = step
        self.attempt = attempt

    def cancelled(self) -> bool:
        """Tell the work whether it is to stop."""
        return self.is_told

    def log(self, text: str) -> None:
        """Keep a line of the work, up to a bound; any thread may."""
        self._lines += 1
        if self._lines > self.journal.max_log_lines:
            self._dropped += 1
            return
        if len(text) > LONGEST_LINE:
            text = f"{text[:LONGEST_LINE]} ({len(text) - LONGEST_LINE} characters dropped)"
        self.journal.log(self.node.course.number, self.node.id, self.attempt, text)

    def publish(self, topic: str, payload: Json) -> None:
        """Keep a message until the result is recorded; any thread may."""
        if self.published is None:
            self.published = []
        self.published.append((topic, payload))

    def hear_no_more(self) -> None:
        """Let go of the call, which holds the flight in its turn: a cycle is freed late."""
        call = self.call
        call.cancelled, call.log, call.publish = _is_over, _unheard, _unsent

    def say_what_was_dropped(self) -> None:
        """Close the log: once the attempt is over."""
        if self._dropped:
            text = f"{self._dropped} lines dropped"
            self.journal.log(self.node.course.number, self.node.id, self.attempt, text)
            self._dropped = 0


def _is_over() -> bool:
    return True


def _unheard(text: str) -> None:
    pass


def _unsent(topic: str, payload: Json) -> None:
    pass
