"""What a run's journal says: where each of its steps stands.

A pure fold; folding an event a second time changes nothing. Refuses to know a definition.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum

from chimera.state import Event, EventKind, Json


class StepStatus(Enum):
    """Where a step stands; one that the journal does not name has not been reached."""

    STARTED = "started"
    WAITING = "waiting"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
    ESCALATED = "escalated"

    @property
    def is_finished(self) -> bool:
        """Tell whether what depends on the step may start."""
        return self in {StepStatus.DONE, StepStatus.SKIPPED}


@dataclass(frozen=True, slots=True)
class StepState:
    """One step: `attempt` is the one that was made last or, while `WAITING`, the next.

    `in_doubt` says that an attempt was begun again without an end of it in the journal.
    """

    status: StepStatus
    attempt: int
    at: datetime
    in_doubt: bool = False
    output: Json = None
    error: str | None = None
    due: datetime | None = None


@dataclass(frozen=True, slots=True)
class RunState:
    """All steps that the journal names, by id, and the number of the last event that was folded."""

    steps: Mapping[str, StepState] = field(default_factory=dict)
    seq: int = 0


_STATUS = {
    EventKind.DONE: StepStatus.DONE,
    EventKind.SKIP: StepStatus.SKIPPED,
    EventKind.FAIL: StepStatus.FAILED,
    EventKind.ESCALATE: StepStatus.ESCALATED,
}


def fold(events: Iterable[Event], onto: RunState | None = None) -> RunState:
    """Return where the steps stand after `events`; those that `onto` has seen are passed over."""
    start = onto or RunState()
    steps, seq = dict(start.steps), start.seq
    for event in events:
        if event.seq <= seq:
            continue
        seq = event.seq
        if event.kind is EventKind.RESUME:
            # What failed is tried again, with all of its attempts; nothing else changes.
            steps = {id: s for id, s in steps.items() if s.status is not StepStatus.FAILED}
        elif event.step:
            steps[event.step] = _next(steps.get(event.step), event)
    return RunState(steps, seq)


def _next(before: StepState | None, event: Event) -> StepState:
    if before is not None and before.status.is_finished:
        return before  # a finished step stays finished, whatever a late writer adds
    doubt = before is not None and before.in_doubt
    match event.kind:
        case EventKind.START:
            again = before is not None and before.status is StepStatus.STARTED
            return StepState(StepStatus.STARTED, event.attempt, event.at, doubt or again)
        case EventKind.RETRY:
            state = StepState(StepStatus.WAITING, event.attempt + 1, event.at, doubt)
            return replace(state, error=event.data["error"], due=event.due)
        case EventKind.WAIT:
            return StepState(StepStatus.WAITING, event.attempt, event.at, doubt, due=event.due)
        case EventKind.COMP_START:
            return StepState(StepStatus.STARTED, event.attempt, event.at, doubt)
        case EventKind.DONE | EventKind.COMP_DONE:
            return StepState(StepStatus.DONE, event.attempt, event.at, doubt, output=event.data)
        case _:
            error = event.data["error"] if event.data else None
            return StepState(_STATUS[event.kind], event.attempt, event.at, doubt, error=error)
