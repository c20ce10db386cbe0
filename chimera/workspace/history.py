"""What a run did, step by step, for those who look: attempts, times, and why something waits.

A pure fold over the journal. Refuses to decide anything: what is executed goes by `runtime.fold`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from chimera.model import Actor, UsageError
from chimera.runtime import StepStatus
from chimera.state import Event, EventKind, Json

UNDO = "!undo"
_STANDING_IN = {"cached", "degraded", "alternative"}


@dataclass(frozen=True, slots=True)
class Question:
    """What a human is asked, and who can answer: anybody where nobody is named."""

    text: str
    approvers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StepHistory:
    """One step: `attempt` is the last that began, or while it waits the next one.

    `began` and `ended` are those of the whole step, waits between attempts included. `due` is when
    it goes on by itself, `signal` what it waits for instead, and `asks` what the signal answers.
    `flag` is what the journal calls a result that is not the step's own: `cached`, `degraded`,
    `alternative` or `probed`; `error` is then what it stands in for.
    """

    id: str
    status: StepStatus
    attempt: int
    began: datetime | None = None
    ended: datetime | None = None
    due: datetime | None = None
    signal: str | None = None
    asks: Question | None = None
    error: str | None = None
    output: Json = None
    flag: str | None = None
    is_undone: bool = False

    @property
    def duration(self) -> timedelta | None:
        """How long the step took, from its first attempt to its end."""
        if self.began is None or self.ended is None:
            return None
        return max(self.ended - self.began, timedelta())

    @property
    def parent(self) -> str | None:
        """The id of the step that this one is inside of."""
        return parent_of(self.id)


def parent_of(id: str) -> str | None:
    """Return the id of the step around one: `a/b` of `a/b[3]`, `a` of `a/b` and of `a!undo`."""
    about, mark, what = id.rpartition("!")
    if mark and "/" not in what:
        return about
    if id.endswith("]"):
        return id[: id.rindex("[")]
    above, slash, _ = id.rpartition("/")
    return above if slash else None


def is_within(id: str, step: str) -> bool:
    """Tell whether a step is `step`, is inside it, or undoes it."""
    return id == step or (id.startswith(step) and id[len(step)] in "/[!")


@dataclass(frozen=True, slots=True)
class Entry:
    """What happened to a run: paused, resumed, cancelled, signalled, moved, stopped by a guard."""

    what: str
    at: datetime
    actor: str = ""
    reason: str = ""
    about: str = ""


@dataclass(frozen=True)
class History:
    """The steps of a run by id, as they were reached, and what was asked of it."""

    steps: Mapping[str, StepHistory] = field(default_factory=dict)
    entries: tuple[Entry, ...] = ()

    def inside(self) -> dict[str | None, list[StepHistory]]:
        """Return the steps by that which they are inside of; `None` is the run."""
        found: dict[str | None, list[StepHistory]] = {}
        for step in self.steps.values():
            parent = step.parent
            found.setdefault(parent if parent in self.steps else None, []).append(step)
        return found


def history(events: Iterable[Event]) -> History:
    """Return what the events of one run tell."""
    steps: dict[str, StepHistory] = {}
    entries: list[Entry] = []
    for event in events:
        if not event.step:
            entries.extend(_entry(event))
            if event.kind is EventKind.RESUME:
                steps = _put_back(steps)
            continue
        before = steps.get(event.step, StepHistory(event.step, StepStatus.STARTED, 1))
        steps[event.step] = _next(before, event)
        undone = event.step.removesuffix(UNDO)
        if event.kind is EventKind.COMP_DONE and undone in steps:
            steps[undone] = replace(steps[undone], is_undone=True)
    return History(steps, tuple(entries))


def waits(events: Iterable[Event]) -> tuple[StepHistory, ...]:
    """Return the steps of a run that wait for a signal, or until a time."""
    waiting = (s for s in history(events).steps.values() if s.status is StepStatus.WAITING)
    return tuple(step for step in waiting if step.signal is not None or step.due is not None)


def refuse_answer(asked: Question, data: Json, actor: Actor) -> None:
    """Raise `UsageError` where what an actor would send does not answer a question."""
    if not isinstance(data, dict) or not isinstance(data.get("approved"), bool):
        raise UsageError(
            f"that is no answer to {asked.text!r}",
            help="""answer with --data '{"approved": true}', or false, and a comment if you like""",
        )
    if actor.kind != "human":
        raise UsageError(
            f"{actor.name} is automation, and a human is asked: {asked.text!r}",
            help="have a person answer, not a CI service",
        )
    if asked.approvers and actor.name not in asked.approvers:
        raise UsageError(
            f"{actor.name} was not asked {asked.text!r}",
            help=f"who can answer: {', '.join(asked.approvers)}; "
            f"you are {actor.name} by your login, or by CHIMERA_ACTOR",
        )


def _entry(event: Event) -> Iterator[Entry]:
    data: Mapping[str, Any] = event.data if isinstance(event.data, dict) else {}
    if event.kind is EventKind.HALT:
        guard, why = str(data.get("guard") or "a guard"), str(data.get("error", ""))
        yield Entry("stopped", event.at, guard, why.removeprefix(f"{guard} stops it").lstrip(": "))
    if "actor" not in data:
        return  # the engine's own: a process went on with it
    what, about = event.kind.value.lower(), str(data.get("name") or "")
    if event.kind is EventKind.RESUME and "steps" in data:
        what, about = "retry", ", ".join(data["steps"])
    yield Entry(what, event.at, data["actor"], data.get("reason", ""), about)


def _put_back(steps: dict[str, StepHistory]) -> dict[str, StepHistory]:
    """Return steps as a resumed run has them: what failed has all of its attempts again.

    Not so inside of what has finished: it went on without them.
    """

    def is_left(step: StepHistory) -> bool:
        around = step.parent
        while around in steps:
            if steps[around].status.is_finished:
                return True
            around = steps[around].parent
        return False

    return {
        id: step
        if step.status is not StepStatus.FAILED or is_left(step)
        else replace(step, status=StepStatus.WAITING, attempt=1, ended=None)
        for id, step in steps.items()
    }


def _next(before: StepHistory, event: Event) -> StepHistory:
    if before.status.is_finished:
        return before
    data: Mapping[str, Any] = event.data if isinstance(event.data, dict) else {}
    began = before.began or event.at
    match event.kind:
        case EventKind.START | EventKind.COMP_START:
            return replace(
                before,
                status=StepStatus.STARTED,
                attempt=event.attempt,
                began=began,
                due=None,
                signal=None,
            )
        case EventKind.RETRY:
            return replace(
                before,
                status=StepStatus.WAITING,
                attempt=event.attempt + 1,
                began=began,
                due=event.due,
                error=data.get("error"),
            )
        case EventKind.WAIT:
            return replace(
                before,
                status=StepStatus.WAITING,
                began=began,
                due=event.due,
                signal=data.get("signal"),
                asks=_question(data.get("asks")),
            )
        case EventKind.DONE | EventKind.COMP_DONE | EventKind.SKIP:
            return _finished(before, event)
        case EventKind.FAIL | EventKind.ESCALATE:
            failed = event.kind is EventKind.FAIL
            status = StepStatus.FAILED if failed else StepStatus.ESCALATED
            error = data.get("error")
            return replace(
                before, status=status, began=began, ended=event.at, error=error, due=None
            )
    return before


def _question(asks: Json) -> Question | None:
    if not isinstance(asks, dict):
        return None
    approvers = asks.get("approvers")
    named = tuple(map(str, approvers)) if isinstance(approvers, list) else ()
    return Question(str(asks.get("question", "")), named)


def _finished(before: StepHistory, event: Event) -> StepHistory:
    skipped = event.kind is EventKind.SKIP
    return replace(
        before,
        status=StepStatus.SKIPPED if skipped else StepStatus.DONE,
        attempt=event.attempt or before.attempt,
        began=None if skipped else before.began or event.at,
        ended=event.at,
        output=event.data,
        flag=event.flag,
        error=before.error if event.flag in _STANDING_IN else None,
        due=None,
        signal=None,
    )
