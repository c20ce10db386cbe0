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
from chimera.state import RunStatus

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
    if course.rollback is not None:
        _add(course, line, state, _ROLLBACK, replace(course.rollback, needs=(), when=None))
    else:
        _add_all(course, line, state, services)
    course.undoing = line
    line.begin()


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
