"""What a run's journal says: where each of its steps stands.

A pure fold; folding an event a second time changes nothing. Refuses to know a definition.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import Enum

from chimera.state import Event, EventKind, Json

UNDO = "!undo"
"""What the id of a step that undoes another ends with."""


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
        return self is StepStatus.DONE or self is StepStatus.SKIPPED


@dataclass(frozen=True, slots=True)
class StepState:
    """One step: `attempt` is the one that was made last or, while `WAITING`, the next.

    `in_doubt` says that an attempt was begun again without an end of it in the journal. `due` is
    when the next attempt may start, or when the wait is over; `signal` is what is waited for.
    `begun` is when the first attempt was, and `key` its idempotency key. `tried` counts the
    fallbacks that were used up. `flag` is as in `Event`; `notice` is what somebody is to be told.
    """

    status: StepStatus
    attempt: int
    at: datetime
    in_doubt: bool = False
    output: Json = None
    error: str | None = None
    due: datetime | None = None
    begun: datetime | None = None
    key: str | None = None
    signal: str | None = None
    tried: int = 0
    flag: str | None = None
    notice: Json = None


@dataclass(frozen=True, slots=True)
class RunState:
    """All steps that the journal names, by id, and the number of the last event that was folded.

    `signals` are those that no wait has taken, by name in the order in which they came.
    `generations` count how often a step was reset, to run anew although it had finished. `since`
    is when the run was last taken up after it had failed. `requests` are those that were taken.
    `breaches` are the invariants that broke after steps that stand, with what they saw.
    """

    steps: Mapping[str, StepState] = field(default_factory=dict)
    seq: int = 0
    signals: Mapping[str, tuple[Json, ...]] = field(default_factory=dict)
    generations: Mapping[str, int] = field(default_factory=dict)
    since: datetime | None = None
    requests: frozenset[str] = frozenset()
    breaches: Mapping[str, Json] = field(default_factory=dict)

    @property
    def is_compensating(self) -> bool:
        """Tell whether undoing what was done has begun."""
        return any(id.endswith(UNDO) for id in self.steps)

    def generation_of(self, id: str) -> int:
        """Return how often a step, or what it is inside of, was reset."""
        return self.generations.get(id.partition("[")[0].partition("/")[0], 0)

    def retried(self) -> RunState:
        """Return where the steps stand once a run that failed is taken up again."""
        return replace(self, steps=_put_back(self.steps, ()))


_STATUS = {
    EventKind.SKIP: StepStatus.SKIPPED,
    EventKind.FAIL: StepStatus.FAILED,
    EventKind.ESCALATE: StepStatus.ESCALATED,
}


def fold(
    events: Iterable[Event], onto: RunState | None = None, *, is_brief: bool = False
) -> RunState:
    """Return where the steps stand after `events`; those that `onto` has seen are passed over.

    Of finished steps a brief one knows nothing but their outputs: there may be a million of them.
    """
    folding = _Folding(onto or RunState(), is_brief=is_brief)
    for event in events:
        if event.seq > folding.seq:
            folding.take(event)
    return folding.state()


class _Folding:
    """A state while events are folded onto it."""

    def __init__(self, start: RunState, *, is_brief: bool) -> None:
        self.seq = start.seq
        self._is_brief = is_brief
        self._steps = dict(start.steps)
        self._signals = dict(start.signals)
        self._generations = dict(start.generations)
        self._since = start.since
        self._requests = set(start.requests)
        self._breaches = dict(start.breaches)

    def state(self) -> RunState:
        """Return what came of it."""
        return RunState(
            *(self._steps, self.seq, self._signals, self._generations),
            *(self._since, frozenset(self._requests), self._breaches),
        )

    def take(self, event: Event) -> None:
        """Fold one event."""
        self.seq = event.seq
        if event.step:
            before = self._steps.get(event.step)
            if event.kind is EventKind.DONE and before is not None and before.signal is not None:
                self._take_signal(before)
            after = _next(before, event)
            if self._is_brief and after.status.is_finished:
                after = _in_brief(after)
            self._steps[event.step] = after
            return
        if (request := _told(event, "request")) is not None:
            self._requests.add(request)
        if event.kind is EventKind.RESUME:
            self._take_up(event)
        elif event.kind is EventKind.SIGNAL and (name := _told(event, "name")) is not None:
            self._signals[name] = (*self._signals.get(name, ()), _told(event, "data"))
        elif event.kind is EventKind.HALT and _told(event, "phase") == "after":
            about = (_told(event, name) for name in ("guard", "invariant", "step"))
            self._breaches[" ".join(map(str, about))] = event.data

    def _take_up(self, event: Event) -> None:
        reset = _told(event, "steps") or ()
        if _is_retry(event):
            self._steps = dict(_put_back(self._steps, reset))
        for step in reset:
            self._generations[step] = self._generations.get(step, 0) + 1
        if reset:
            self._breaches = {
                k: v for k, v in self._breaches.items() if _top_of(v["step"]) not in reset
            }
        if _told(event, "was") == "failed":
            self._since = event.at

    def _take_signal(self, before: StepState) -> None:
        """A wait is over: the first signal of its name is used up."""
        name = before.signal
        if before.status is StepStatus.WAITING and name is not None and name in self._signals:
            left = self._signals[name][1:]
            if left:
                self._signals[name] = left
            else:
                del self._signals[name]


_LONG_AGO = datetime.fromtimestamp(0, UTC)
_BARE = {
    status: StepState(status, 1, _LONG_AGO) for status in (StepStatus.DONE, StepStatus.SKIPPED)
}


def _in_brief(state: StepState) -> StepState:
    """Return a finished step without anything but its output."""
    if state.output is None:
        return _BARE[state.status]
    return StepState(state.status, 1, _LONG_AGO, output=state.output)


def _told(event: Event, name: str) -> Json:
    return event.data.get(name) if isinstance(event.data, dict) else None


def _is_retry(event: Event) -> bool:
    """Tell whether what failed is tried again: a run that waited or was stopped only goes on.

    Before a run told how it stood, it was taken up for that alone.
    """
    was = _told(event, "was")
    is_asked = _told(event, "from") is not None
    return is_asked or was == "failed" or (was is None and _told(event, "request") is None)


def _put_back(steps: Mapping[str, StepState], reset: Iterable[str]) -> Mapping[str, StepState]:
    """Return the steps without those that failed and those that are reset, which run again.

    What failed inside of a step that has finished stays: that went on without it.
    """
    kept, wanted = steps, set(reset)
    if any(state.status is StepStatus.FAILED for state in steps.values()):
        kept = {
            id: state
            for id, state in steps.items()
            if state.status is not StepStatus.FAILED or is_inside_finished(id, steps)
        }
    if not wanted:
        return kept
    return {id: s for id, s in kept.items() if _top_of(id) not in wanted}


def _top_of(id: str) -> str:
    """Return the step of the graph that a step is, is inside of, or undoes."""
    return id.partition("[")[0].partition("/")[0].partition("!")[0]


def is_inside_finished(id: str, steps: Mapping[str, StepState]) -> bool:
    """Tell whether a step is inside one that has finished, so that nobody asks for it any more."""
    if "!" in id:
        return False
    while id := id[: max(id.rfind("/"), id.rfind("["), 0)]:
        around = steps.get(id)
        if around is not None and around.status.is_finished:
            return True
    return False


def _next(before: StepState | None, event: Event) -> StepState:
    if before is not None and before.status.is_finished:
        return before  # a finished step stays finished, whatever a late writer adds
    doubt = before is not None and before.in_doubt
    attempt, at = event.attempt, event.at
    match event.kind:
        case EventKind.START | EventKind.COMP_START:
            again = before is not None and before.status is StepStatus.STARTED
            begun = before.begun if before is not None and before.begun is not None else at
            return StepState(
                *(StepStatus.STARTED, attempt, at, doubt or again),
                begun=begun,
                key=_told(event, "key"),
                tried=before.tried if before is not None else 0,
                notice=before.notice if before is not None else None,
            )
        case EventKind.RETRY:
            tried = _told(event, "tried") or 0
            state = before or StepState(StepStatus.WAITING, attempt, at)
            state = replace(state, status=StepStatus.WAITING, attempt=attempt + 1, at=at)
            notice = _told(event, "notice") or state.notice
            error = _told(event, "error")
            return replace(state, error=error, due=event.due, tried=tried, notice=notice)
        case EventKind.WAIT:
            return StepState(
                *(StepStatus.WAITING, attempt, at, doubt),
                due=event.due,
                begun=at,
                signal=_told(event, "signal"),
            )
        case EventKind.DONE | EventKind.COMP_DONE:
            if before is None:
                return StepState(StepStatus.DONE, attempt, at, output=event.data, flag=event.flag)
            return StepState(
                *(StepStatus.DONE, attempt, at, doubt, event.data),
                begun=before.begun,
                key=before.key,
                tried=before.tried,
                flag=event.flag,
            )
        case _:
            state = before or StepState(StepStatus.FAILED, attempt, at)
            state = replace(state, status=_STATUS[event.kind], attempt=attempt, at=at)
            return replace(state, error=_told(event, "error"), due=None)
