"""One run as this process executes it: its steps, what is in flight, and how it is to end.

Refuses to write anything down, and to decide when a step starts.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from chimera.model import ChimeraError
from chimera.runtime.elements import Elements
from chimera.runtime.fold import RunState, StepStatus, is_inside_finished
from chimera.runtime.frontier import Loose, Node, Scope, Steps
from chimera.runtime.ready import Limit, Ready
from chimera.runtime.result import RunResult
from chimera.runtime.steps import Expansion, Graph, Recovery, Retry, Step, Work
from chimera.state import Json, Run, RunStatus

if TYPE_CHECKING:
    from chimera.runtime.control import Request
    from chimera.runtime.flights import Flight
    from chimera.runtime.frontier import Line, Offer
    from chimera.runtime.guarding import Invariants
    from chimera.runtime.timers import Timer

_ENDED = frozenset((StepStatus.DONE, StepStatus.SKIPPED, StepStatus.FAILED, StepStatus.ESCALATED))


_HELD = frozenset((RunStatus.INTERRUPTED, RunStatus.PAUSED))
_PATIENT = Recovery(Retry(3))
"""How often somebody is tried to be told."""


class Course:
    """A run under way. `ending` is what it is to end as although something is left of it.

    `queued` counts the steps that wait for their turn or for a limit, `retrying` and `waiting` hold
    those that wait for a time or a signal, `held` those that came up while it was to start nothing.
    """

    def __init__(self, run: Run, graph: Graph, past: RunState, ready: Ready) -> None:
        self.run = run
        self.number = run.number
        self.graph = graph
        # Taken over, and taken apart as steps are recalled: there may be a million of them.
        self.past = past.steps if isinstance(past.steps, dict) else dict(past.steps)
        self.signals = {name: deque(data) for name, data in past.signals.items()}
        self.generations = past.generations
        self.requests = set(past.requests)
        is_retried = run.status is RunStatus.FAILED
        self.begins = run.updated if is_retried else past.since or run.created
        self.status = RunStatus.RUNNING
        self.ending: RunStatus | None = None
        self.error = ""
        self.flights: dict[str, Flight] = {}
        self.scopes: dict[str, Scope] = {}
        self.retrying: dict[Node, None] = {}
        self.waiting: dict[Node, None] = {}
        self.listeners: dict[str, deque[Node]] = {}
        self.held: list[Node] = []
        self.unended: set[str] = set()  # how the attempt ended is not known
        self.resets: list[Request] = []
        self.owes_undo = graph.on_failure == "compensate"
        self.invariants: tuple[Invariants, ...] = ()
        self.breaches = past.breaches
        self.halted = ""  # how it goes on, once a guard has stopped it
        self.is_breached = False  # by an invariant: it is not over, whatever is left of it
        self.is_told = False
        self.undoing: Line | None = None
        self.timers: list[Timer] = []
        self.notices: set[str] = set()
        self.is_parking = False
        self.is_timed_out = False
        self.queued = 0
        self.total = len(graph.steps)
        self.done = 0
        self.failed = 0
        self._ready = ready
        self._limits = {key: Limit(most) for key, most in graph.limits.items()}
        self._usual = (Limit(graph.concurrency),)
        self._rank = (0, -(graph.priority or run.priority))

    def lay_out(self, offer: Offer) -> None:
        """Make the scopes that are there from the beginning."""
        self._offer = offer
        self.root = Steps(self, None, offer, self.graph.steps, self.has_ended)
        self.loose = Loose(self, None, offer)

    def begin(self) -> None:
        """Take in what had ended, and offer what waits for nothing."""
        inside = [id for id in self.past if is_inside_finished(id, self.past)]
        self.root.begin()
        self._count(inside)
        for id in [id for id in self.past if "!escalate[" in id]:
            state = self.past[id]
            self.notices.add(id)
            if state.notice is not None and self.graph.notify and not self.has_ended(id):
                self.loose.offer(self.notice(id, self.graph.notify, state.notice))

    def _count(self, inside: Iterable[str]) -> None:
        """Count what is inside of steps that have finished."""
        for id in inside:
            state = self.past.pop(id)
            self.total += 1
            self.done += state.status.is_finished
            self.failed += state.status is StepStatus.FAILED

    def notice(self, id: str, notify: Work, inputs: Json) -> Node:
        """Return the step that tells somebody of a failure."""
        step = Step(id, notify, inputs=lambda outputs: inputs, recovery=_PATIENT)
        return self.node(self.loose, id, id, step)

    def has_ended(self, id: str) -> bool:
        """Tell whether the journal knew that a step had ended."""
        state = self.past.get(id)
        return state is not None and state.status in _ENDED

    def recall(self, scope: Scope, key: str, id: str) -> None:
        """Take in a step that had ended before this process."""
        state = self.past.pop(id)
        scope.ended += 1
        if state.status.is_finished:
            self.done += 1
            scope.take(key, state.output, is_skipped=state.status is StepStatus.SKIPPED)
        else:
            self.failed += 1
            scope.has_failed(id, state.error or "it failed")

    def node(self, scope: Scope, key: str, id: str, step: Step) -> Node:
        """Return a step at its place, as far as the journal knows it."""
        node = Node(scope, key, id, step)
        node.rank = self._rank if not step.priority else (-step.priority, self._rank[1])
        node.limits = self._limits_of(step)
        if self.generations:
            node.generation += self.generations.get(id, 0)
        state = self.past.pop(id, None) if self.past else None
        if state is not None:
            node.past = state
            node.attempt = state.attempt
            node.is_unended = state.status is StepStatus.STARTED
            node.doubtful = state.in_doubt or node.is_unended
            node.begun = state.begun
            node.tried = state.tried
            node.due = state.due
        return node

    @property
    def limits(self) -> tuple[Limit, ...]:
        """The limits that are this run's own."""
        return (*self._usual, *self._limits.values())

    def _limits_of(self, step: Step) -> tuple[Limit, ...]:
        is_work = step.expand is None and step.wait is None
        usual = self._usual if is_work else ()
        if not step.keys:
            return usual
        own = tuple(self._limits[key] for key in step.keys if key in self._limits)
        return (*usual, *own, *self._ready.limits_of(step.keys))

    def expand(self, owner: Node, expansion: Expansion) -> Scope:
        """Make the scope of what is inside a step."""
        scope: Scope
        if expansion.make is not None:
            count = expansion.count or 0
            elements = Elements(
                *(self, owner, self._offer, count, expansion.make, expansion.concurrency),
                self.has_ended,
            )
            elements.is_to_go_on = expansion.keep_going
            scope = elements
            self.total += count
        else:
            Graph(None, expansion.steps)  # refuses what cannot be scheduled
            scope = Steps(self, owner, self._offer, expansion.steps, self.has_ended)
            self.total += len(expansion.steps)
        scope.expansion = expansion
        self.scopes[owner.id] = scope
        return scope

    def within(self, scope: Scope) -> Iterator[Flight]:
        """Yield what is in flight of a scope, and inside it."""
        for flight in list(self.flights.values()):
            if flight.node.is_within(scope):
                yield flight

    @property
    def starts_nothing(self) -> bool:
        """Tell whether it is to start no step, for now or for good."""
        return bool(self.ending or self.resets)

    @property
    def is_idle(self) -> bool:
        """Tell whether nothing of it happens, or will within moments, by itself."""
        return not (self.flights or self.queued or self.retrying)

    @property
    def is_over(self) -> bool:
        """Tell whether nothing is left that could start."""
        scope = self.undoing or self.root
        return self.is_idle and not self.waiting and scope.is_over and self.loose.is_over

    @property
    def is_something_left(self) -> bool:
        """Tell whether something could go on another time, once nothing is in flight."""
        is_waiting = self.held or self.queued or self.retrying or self.waiting or self.resets
        return bool(is_waiting or self.unended or self.scopes or self.is_breached)

    @property
    def due(self) -> datetime | None:
        """When the first of its waits is over."""
        return min((node.due for node in self.waiting if node.due is not None), default=None)

    def row(self, status: RunStatus | None) -> tuple[str | None, int, int, int, str | None]:
        """Return what the state keeps of it."""
        due = self.due if status is RunStatus.WAITING else None
        value = status.value if status is not None else None
        return value, self.total, self.done, self.failed, due.isoformat() if due else None

    def result(self, status: RunStatus) -> RunResult:
        """Return how it ended."""
        root = self.root
        failed = {**root.failed, **(self.undoing.failed if self.undoing else {})}
        for scope in self.scopes.values():
            failed.update(scope.failed)
        order = (*root.in_order(set(root.failed)), *failed)
        return RunResult(
            run=self.run.uid,
            status=status,
            outputs=dict(root.outputs_so_far()),
            failed={id: failed[id] for id in dict.fromkeys(order)},
            skipped=root.in_order(root.skipped),
            blocked=root.blocked(),
            message="" if status is RunStatus.SUCCEEDED else self.error,
            held=self.halted if status in _HELD else "",
        )


def undo_step(step: Step, inputs: Json, output: Json) -> Step:
    """Return the step that undoes a finished one."""
    assert step.compensate is not None
    given = {"inputs": inputs, "outputs": output}
    return replace(
        step,
        work=step.compensate,
        needs=(),
        inputs=lambda outputs: given,
        when=None,
        executor="thread",
        remote=None,
        expand=None,
        wait=None,
        compensate=None,
        cache=None,
        probe=None,
        effects=True,
        on_interrupt="retry",
    )


def refuse_other(run: Run, graph: Graph) -> None:
    """Raise `ChimeraError` for a graph of another definition than the run is pinned to."""
    if run.digest != graph.digest:
        raise ChimeraError(
            f"run {run.uid} is pinned to the definition {run.digest}, not {graph.digest}",
            help="build the steps from the definition of the run, or move it there with"
            " `chimera runs migrate`",
        )
