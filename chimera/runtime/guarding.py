"""Guards around the steps of runs: what stops a run between two steps, and what must hold.

Each turn asks once, for all runs, before anything starts. A run that is stopped lets what is in
flight come back, starts nothing more, and can be resumed. Owns what a stop does to a run; what
stops it is for plugins to say. Refuses to let a run go on: a guard may only stop.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from typing import TYPE_CHECKING, Literal, Protocol

from chimera.model import StateError
from chimera.runtime.steps import OperationStep, Step
from chimera.state import EventKind, Json, Run, RunStatus

if TYPE_CHECKING:
    from chimera.gate import Halt, Side
    from chimera.kinds import Subject
    from chimera.model import Change
    from chimera.runtime.course import Course
    from chimera.runtime.frontier import Node
    from chimera.runtime.services import Services

Phase = Literal["before", "after"]

_AT_ONCE = 512  # steps about which guards are asked together


@dataclass(frozen=True, slots=True)
class Seen:
    """What an invariant sees of a step: `inputs` as its author wrote them, `outputs` after it."""

    phase: Phase
    id: str
    operation: str
    inputs: Json
    outputs: Json = None


@dataclass(frozen=True, slots=True)
class Breach:
    """An invariant that did not hold: the expression, the values of its names, or what it erred of.

    `message` says all of it in a line.
    """

    guard: str
    invariant: str
    expression: str
    values: Mapping[str, Json]
    step: str
    phase: Phase
    message: str


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What was found of a step that is ready, before its turn: it counts for what it saw alone."""

    seen: Seen
    breach: Breach | None


class Invariants(Protocol):
    """What must hold around the steps of one run."""

    def selects(self, id: str, operation: str, phase: Phase) -> bool:
        """Tell whether any is about a step."""

    def judge(self, seen: Sequence[Seen]) -> Sequence[Breach | None]:
        """Return for each step the first invariant that does not hold; it never raises."""


class RunGuard(Protocol):
    """What a plugin gives an engine, to be asked between two steps.

    `know` is told what may be stopped, before it begins: changes with the subject that they were
    judged in, and the places whose guards bind them. What was never told of counts as in the scope
    of every switch.
    """

    def know(self, subject: Subject, changes: Iterable[Change], sides: Sequence[Side]) -> None:
        """Take in what is to be carried out."""

    def look(self, now: datetime) -> bool:
        """Tell whether anything may be stopped at `now`: asked each turn, and has to be quick."""

    def halt(self, environment: str, target: str) -> Halt | None:
        """Return what stops a target, as of the last look."""

    def invariants(self, run: Run) -> Invariants | None:
        """Return what must hold around the steps of a run; `None` where nothing must."""

    def close(self) -> None:
        """Give back what evaluating took."""


def halt_of(
    guards: Iterable[RunGuard], now: datetime, environment: str, target: str
) -> Halt | None:
    """Return what stops a target of an environment at `now`, if anything does."""
    for guard in guards:
        halt = guard.halt(environment, target) if guard.look(now) else None
        if halt is not None:
            return halt
    return None


class Guarding:
    """Asks the guards of an engine, on behalf of its scheduler."""

    def __init__(self, services: Services, touch: Callable[[Course], None]) -> None:
        self._services = services
        self._touch = touch
        self._guards = services.settings.guards
        self._gathered: list[tuple[Course, Seen]] | None = None

    def admit(self, course: Course) -> None:
        """Take in a run that begins or goes on: what stops it now, and what broke before.

        What broke after a step is asked again of the same result, so that resuming does not wash
        it away.
        """
        found = (guard.invariants(course.run) for guard in self._guards)
        course.invariants = tuple(one for one in found if one is not None)
        if course.invariants and not course.resets:  # those are asked once that is done
            for told in course.breaches.values():
                self._judge(course, [_seen_in(told)])
        run = course.run
        halt = halt_of(self._guards, self._services.journal.now, run.environment, run.target)
        if halt is not None:
            self._halt(course, halt)

    def look(self, courses: Collection[Course]) -> None:
        """Stop the runs that a guard stops by now; ask what must hold before what is ready."""
        now = self._services.journal.now
        for guard in self._guards:
            if guard.look(now):
                for course in list(courses):
                    halt = guard.halt(course.run.environment, course.run.target)
                    if halt is not None:
                        self._halt(course, halt)
        if any(course.invariants for course in courses):
            self._foresee(courses)

    def _foresee(self, courses: Collection[Course]) -> None:
        """Ask at once about the steps that come first: a question of its own each takes longer."""
        asked: dict[Course, list[tuple[Node, Seen]]] = {}
        held = (limit.queue for course in courses for limit in course.limits)
        for node in islice(chain(self._services.ready, *held), _AT_ONCE):
            if node.foreseen is not None and not asked:
                return  # those behind it were asked about with it
            if node.foreseen is None and node.digest is None and not node.is_stopped:
                seen = self._seen_ahead(node)
                if seen is not None:
                    asked.setdefault(node.course, []).append((node, seen))
        for course, these in asked.items():
            breaches = self._asked(course, [seen for _, seen in these])
            for (node, seen), breach in zip(these, breaches, strict=True):
                node.foreseen = Foreseen(seen, breach)

    def _seen_ahead(self, node: Node) -> Seen | None:
        """Return what would be seen before a step; `None` where that shows when it begins."""
        if not node.course.invariants or not self._is_about(node, "before"):
            return None
        outputs = node.scope.inputs_of(node)
        try:
            if node.step.when is not None and not node.step.when(outputs):
                return None
            inputs, _ = self._services.state.stored(node.step.inputs(outputs))
            return self._seen(node, "before", inputs, None)
        except StateError:
            raise
        except Exception:  # noqa: BLE001 - the author's expressions: it fails when it begins
            return None

    def gather(self) -> None:
        """Look at results together from now on, until `judge_gathered`."""
        self._gathered = []

    def judge_gathered(self) -> None:
        """Look at the results that were gathered: it is still the turn in which they came."""
        gathered, self._gathered = self._gathered or [], None
        asked: dict[Course, list[Seen]] = {}
        for course, seen in gathered:
            asked.setdefault(course, []).append(seen)
        for course, these in asked.items():
            self._judge(course, these)

    def before(self, node: Node) -> bool:
        """Tell whether a step may begin; one that may not is held until its run goes on."""
        if not self._is_about(node, "before"):
            return True
        if self._may_begin(node):
            return True
        self._services.ready.leave(node)
        node.digest = None  # all of it is asked again
        node.course.held.append(node)
        return False

    def after(self, node: Node, output: Json) -> None:
        """Look at the result of a step, which is recorded whatever is found."""
        if not self._is_about(node, "after"):
            return
        seen = self._seen_or_stopped(node, "after", node.inputs, output)
        if seen is not None and self._gathered is not None:
            self._gathered.append((node.course, seen))
        elif seen is not None:
            self._judge(node.course, [seen])

    def _is_about(self, node: Node, phase: Phase) -> bool:
        if node.is_undo or "!" in node.id:
            return False  # it takes something back, or tells somebody
        operation = _operation(node.step)
        return any(one.selects(node.id, operation, phase) for one in node.course.invariants)

    def _may_begin(self, node: Node) -> bool:
        seen = self._seen_or_stopped(node, "before", node.inputs, None)
        if seen is None:
            return False
        foreseen, node.foreseen = node.foreseen, None
        if foreseen is None or foreseen.seen != seen:
            return self._judge(node.course, [seen])
        if foreseen.breach is not None:
            self._pause(node.course, foreseen.breach, seen)
        return foreseen.breach is None

    def _seen_or_stopped(self, node: Node, phase: Phase, inputs: Json, output: Json) -> Seen | None:
        """Return what is seen of a step; where that cannot be told, the run pauses."""
        try:
            return self._seen(node, phase, inputs, output)
        except Exception as error:  # noqa: BLE001 - the author's expressions: nothing is known
            seen = Seen(phase, node.id, _operation(node.step), None, output)
            why = f"the inputs of the step {node.id} cannot be told to guards: {error}"
            self._pause(node.course, Breach("", "", "", {}, node.id, phase, why), seen)
            return None

    def _seen(self, node: Node, phase: Phase, inputs: Json, output: Json) -> Seen:
        given = node.step.given if isinstance(node.step, OperationStep) else None
        known = inputs if given is None else given(inputs)
        return Seen(phase, node.id, _operation(node.step), known, output)

    def _judge(self, course: Course, seen: Sequence[Seen]) -> bool:
        """Tell whether all holds of some steps; pause the run where something does not."""
        breaches = self._asked(course, seen)
        for one, breach in zip(seen, breaches, strict=True):
            if breach is not None:
                self._pause(course, breach, one)
        return not any(breaches)

    def _asked(self, course: Course, seen: Sequence[Seen]) -> list[Breach | None]:
        """Return for each step what first did not hold."""
        found: list[Breach | None] = [None] * len(seen)
        for invariants in course.invariants:
            found = [a or b for a, b in zip(found, invariants.judge(seen), strict=True)]
        return found

    def _pause(self, course: Course, breach: Breach, seen: Seen) -> None:
        """Have a run pause that an invariant stops: a person has to look."""
        told: dict[str, Json] = {
            "guard": breach.guard,
            "invariant": breach.invariant,
            "expression": breach.expression,
            "values": dict(breach.values),
            "step": breach.step,
            "phase": breach.phase,
            "error": breach.message,
        }
        if breach.phase == "after":
            told["seen"] = {"operation": seen.operation, "inputs": seen.inputs}
            told["seen"]["outputs"] = seen.outputs
        self._services.journal.note_run(course, EventKind.HALT, told)
        self._end(course, RunStatus.PAUSED, breach.message, _AFTER_BREACH)

    def _halt(self, course: Course, halt: Halt) -> None:
        """Have a run end that a guard stops: it goes on when that is over."""
        if course.ending is not None:
            return
        message = f"{halt.guard} stops it: {halt.said}"
        told: dict[str, Json] = {**halt.to_json(), "error": message}
        self._services.journal.note_run(course, EventKind.HALT, told)
        help = f"{halt.lift}; then `chimera runs resume {{run}}` goes on where it stopped"
        self._end(course, RunStatus.INTERRUPTED, message, help)

    def _end(self, course: Course, status: RunStatus, message: str, help: str) -> None:
        is_by_guard = bool(course.halted)
        if course.ending is None or (is_by_guard and status is RunStatus.PAUSED):
            course.ending = status
            course.error = course.error or self._services.masked(message)
            course.halted = course.halted or help.format(run=course.run.uid)
            if status is RunStatus.PAUSED:
                self._services.journal.set_status(course, RunStatus.PAUSING)
        course.is_breached |= status is RunStatus.PAUSED
        self._touch(course)


_AFTER_BREACH = (
    "mend what is wrong, or the guard and apply that; then `chimera runs resume {run}` asks again,"
    " and `chimera runs retry {run} --from STAGE` does a stage anew"
)


def _operation(step: Step) -> str:
    return step.operation if isinstance(step, OperationStep) else ""


def _seen_in(told: Json) -> Seen:
    """Return what an invariant saw that broke after a step, as the journal has it."""
    data: Mapping[str, Json] = told if isinstance(told, dict) else {}
    seen = data.get("seen")
    values: Mapping[str, Json] = seen if isinstance(seen, dict) else {}
    operation = values.get("operation")
    return Seen(
        "after",
        str(data.get("step", "")),
        operation if isinstance(operation, str) else "",
        values.get("inputs"),
        values.get("outputs"),
    )
