"""Putting a run back: what has finished is undone, in the reverse order of its completion.

The order is read from the journal, and each undoing is a durable step, `ID!undo`, so that a run
that is killed meanwhile goes on where it was. Refuses to undo anything twice.
"""

from __future__ import annotations

from dataclasses import replace

from chimera.runtime.course import Course, undo_step
from chimera.runtime.fold import UNDO, RunState, StepStatus, fold
from chimera.runtime.frontier import Line
from chimera.runtime.locating import locate
from chimera.runtime.services import Services
from chimera.runtime.steps import Step
from chimera.state import Json, RunStatus

_NOT_ITS_OWN = ("cached", "degraded")  # results for which nothing was done
_ROLLBACK = f"rollback{UNDO}"


def begin_undoing(course: Course, services: Services) -> None:
    """Let the steps that undo the others be executed, one after another.

    All that happened is on disk by then. Those that were undone before are passed over.
    """
    course.status = RunStatus.COMPENSATING
    services.journal.set_status(course, RunStatus.COMPENSATING)
    services.journal.commit()
    state = fold(services.state.iterate_events(course.run.uid))
    line = Line(course, course.root.offer_to)
    rollback = _rollback(course, state, services)
    if rollback is not None:
        _add(course, line, state, _ROLLBACK, rollback)
    else:
        _add_all(course, line, state, services)
    course.undoing = line
    line.begin()


def _rollback(course: Course, state: RunState, services: Services) -> Step | None:
    """Return the step that takes the place of the others: that of whichever was given up last.

    It is read from the journal like the rest, and gets the inputs of the step that was given up.
    """
    given_up = [
        (known.at, id) for id, known in state.steps.items() if known.status is StepStatus.FAILED
    ]
    for _, id in sorted(given_up, reverse=True):
        step, inputs = locate(course.graph, state, id)
        declared = services.recovery_of(step).rollback if step is not None else None
        if declared is not None:
            return _given(declared.step, inputs)
    return None


def _given(step: Step | None, inputs: Json) -> Step | None:
    if step is None:
        return None
    return replace(step, needs=(), when=None, inputs=lambda outputs: inputs)


def _add_all(course: Course, line: Line, state: RunState, services: Services) -> None:
    order = dict.fromkeys(reversed(services.state.completions(course.run.uid)))
    for id in order:
        done = state.steps.get(id)
        if done is None or done.status is not StepStatus.DONE or id.endswith(UNDO):
            continue
        if done.flag in _NOT_ITS_OWN:
            continue
        step, inputs = locate(course.graph, state, id)
        if step is not None and step.compensate is not None:
            undo = undo_step(step, inputs, done.output)
            _add(course, line, state, id + UNDO, undo)


def _add(course: Course, line: Line, state: RunState, id: str, step: Step) -> None:
    known = state.steps.get(id)
    if known is not None and known.status.is_finished:
        return
    if known is not None:
        course.past[id] = known
    node = course.node(line, id, id, replace(step, id=id))
    node.is_undo = True
    course.total += 1
    line.add(node)
