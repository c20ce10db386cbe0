"""How far the steps that were made together have come, and what that makes ready.

A *scope* is the steps of a graph, or those inside a step that was expanded. It counts the unmet
needs of each, so that a finished step costs no more than its dependents. Refuses to know why a
step finished or when a ready one starts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from chimera.runtime.ready import Limit, Rank
from chimera.runtime.steps import Expansion, Outputs, Step
from chimera.state import Json

if TYPE_CHECKING:
    from chimera.runtime.course import Course
    from chimera.runtime.flights import Flight
    from chimera.runtime.fold import StepState
    from chimera.runtime.guarding import Foreseen

_NO_OUTPUTS: Outputs = {}


class Node:
    """One step at its place in a run, from when it is ready until it has ended.

    `key` is its id within its scope. `attempt` is the one to make next, or in flight. `doubtful`
    says that an earlier attempt was interrupted, `generation` how often it was reset, `tried` how
    many fallbacks were used up, and `failure` why, `lost` how many attempts an executor lost.
    `text` is the idempotency key, `digest` that of the inputs; `past` is what the journal knew.
    """

    # Defaults of the class: most steps never differ from them, and many are made in a moment.
    attempt = 1
    doubtful = False
    tried = 0
    failure = ""
    lost = 0
    begun: datetime | None = None
    due: datetime | None = None
    inputs: Json = None
    digest: str | None = None
    text = ""
    flight: Flight | None = None
    timer: list[Any] | None = None
    past: StepState | None = None
    is_undo = False
    is_unended = False
    is_fresh = True
    is_probed = False
    is_inside = False
    is_timed_out = False
    foreseen: Foreseen | None = None
    limits: tuple[Limit, ...]
    rank: Rank

    def __init__(self, scope: Scope, key: str, id: str, step: Step) -> None:
        self.course: Course = scope.course
        self.scope = scope
        self.key = key
        self.id = id
        self.step = step
        self.generation: int = scope.generation

    @property
    def is_stopped(self) -> bool:
        """Tell whether it is not to start: its run ends or pauses, or nobody wants it any more."""
        return self.course.starts_nothing or self.scope.is_closed

    def is_within(self, scope: Scope) -> bool:
        """Tell whether the step is one of `scope`, or inside one of it."""
        at: Scope | None = self.scope
        while at is not None:
            if at is scope:
                return True
            at = at.owner.scope if at.owner is not None else None
        return False


class Offer(Protocol):
    """Hears of a step that waits for nothing but its turn."""

    def __call__(self, node: Node) -> None: ...


class Scope:
    """What all scopes have in common: how many of their steps are begun, and how they ended.

    `open` counts steps that were offered and have not ended, `ended` those that the journal knows
    the end of. Once it `is_closed`, nothing more is offered.
    """

    size = 0
    """How many steps there are."""

    def __init__(self, course: Course, owner: Node | None, offer: Offer) -> None:
        self.course = course
        self.owner = owner
        self.generation: int = owner.generation if owner is not None else 0
        self.open = 0
        self.ended = 0
        self.failed: dict[str, str] = {}
        self.failures = 0
        self.is_closed = False
        self.expansion: Expansion | None = None
        self.offer_to = offer

    @property
    def is_over(self) -> bool:
        """Tell whether nothing of it is under way or can start."""
        return self.open == 0

    def inputs_of(self, node: Node) -> Outputs:
        """Return the outputs of what a step needs."""
        return _NO_OUTPUTS

    def outputs_so_far(self) -> Outputs:
        """Return the outputs of the steps that finished with one, by their ids in the scope."""
        raise NotImplementedError

    def begin(self) -> None:
        """Offer what needs nothing."""
        raise NotImplementedError

    def take(self, key: str, output: Json, *, is_skipped: bool) -> None:
        """A step has finished."""
        raise NotImplementedError

    def done(self, node: Node, output: Json) -> None:
        """A step has finished with `output`."""
        self.open, self.ended = self.open - 1, self.ended + 1
        self.take(node.key, output, is_skipped=False)

    def skip(self, node: Node) -> None:
        """A step has finished without an output."""
        self.open, self.ended = self.open - 1, self.ended + 1
        self.take(node.key, None, is_skipped=True)

    def fail(self, node: Node, message: str) -> None:
        """A step has failed: what needs it stays where it is."""
        self.open, self.ended = self.open - 1, self.ended + 1
        self.has_failed(node.id, message)

    def has_failed(self, id: str, message: str) -> None:
        """Remember that a step failed; of many, the first are enough to say so."""
        self.failures += 1
        if len(self.failed) < 100 or self.owner is None:
            self.failed[id] = message

    def close(self) -> None:
        """Offer nothing more."""
        self.is_closed = True

    def pump(self) -> None:
        """Offer what there is room for."""

    def has_begun(self) -> None:
        """A step that was offered has had its turn."""

    def offer(self, node: Node) -> None:
        """Let a step have its turn."""
        self.open += 1
        self.offer_to(node)


class Steps(Scope):
    """Steps that may need one another: those of a graph, or of a workflow inside a step."""

    def __init__(
        self,
        course: Course,
        owner: Node | None,
        offer: Offer,
        steps: Sequence[Step],
        past: Callable[[str], bool],
    ) -> None:
        super().__init__(course, owner, offer)
        self.steps = steps
        self.size = len(steps)
        self.by_id = {step.id: step for step in steps}
        self.outputs: dict[str, Json] = {}
        self.skipped: set[str] = set()
        self._prefix = f"{owner.id}/" if owner is not None else ""
        self._dependents: dict[str, list[str]] = {}
        self._unmet: dict[str, int] = {}
        for step in steps:
            if step.needs:
                needs = dict.fromkeys(step.needs)
                self._unmet[step.id] = len(needs)
                for need in needs:
                    self._dependents.setdefault(need, []).append(step.id)
        self._past = past
        self._ended: set[str] = set()

    def name(self, key: str) -> str:
        """Return the id in the run of the step with an id in the scope."""
        return self._prefix + key if self._prefix else key

    def begin(self) -> None:
        """Take in what had ended before this process, then offer what waits for nothing."""
        self._ended = {step.id for step in self.steps if self._past(self.name(step.id))}
        roots = [step.id for step in self.steps if step.id not in self._unmet]
        for key in self.in_order(self._ended) if self._ended else ():
            self.course.recall(self, key, self.name(key))
        for key in roots:
            if key not in self._ended:
                self._begin(key)

    def inputs_of(self, node: Node) -> Outputs:
        """Return the outputs of what a step needs."""
        needs = node.step.needs
        if not needs:
            return _NO_OUTPUTS
        return {need: self.outputs[need] for need in needs if need in self.outputs}

    def outputs_so_far(self) -> Outputs:
        """Return the outputs by the steps' own ids, in the order in which they are written."""
        return {step.id: self.outputs[step.id] for step in self.steps if step.id in self.outputs}

    def take(self, key: str, output: Json, *, is_skipped: bool) -> None:
        """A step has finished: what needed nothing else any more has its turn."""
        if is_skipped:
            self.skipped.add(key)
        else:
            self.outputs[key] = output
        for dependent in self._dependents.get(key, ()):
            left = self._unmet[dependent] - 1
            if left:
                self._unmet[dependent] = left
            else:
                del self._unmet[dependent]
                if dependent not in self._ended:
                    self._begin(dependent)

    def in_order(self, ids: set[str]) -> tuple[str, ...]:
        """Return `ids` in the order of the graph, whatever the order in which they ended."""
        return tuple(step.id for step in self.steps if step.id in ids)

    def blocked(self) -> tuple[str, ...]:
        """Return the steps that cannot be reached because one that they need failed."""
        lost = [id for id in self.failed if id in self.by_id]
        seen = set(lost)
        for id in lost:
            fresh = [d for d in self._dependents.get(id, ()) if d not in seen]
            seen.update(fresh)
            lost.extend(fresh)
        return self.in_order(seen - self.failed.keys())

    def _begin(self, key: str) -> None:
        if not self.is_closed:
            self.offer(self.course.node(self, key, self.name(key), self.by_id[key]))


class Line(Scope):
    """Steps one after another, whether they fail or not: those that undo others."""

    def __init__(self, course: Course, offer: Offer) -> None:
        super().__init__(course, None, offer)
        self._left: list[Node] = []

    def add(self, node: Node) -> None:
        """Put a step behind the others."""
        self._left.append(node)

    def begin(self) -> None:
        """Offer the first."""
        self._left.reverse()
        self._offer_next()

    def take(self, key: str, output: Json, *, is_skipped: bool) -> None:
        """The step before has finished."""
        self._offer_next()

    def has_failed(self, id: str, message: str) -> None:
        """The step before has failed."""
        super().has_failed(id, message)
        self._offer_next()

    def _offer_next(self) -> None:
        if self._left and not self.is_closed:
            self.offer(self._left.pop())


class Loose(Scope):
    """Steps that were added on the way, on which nothing depends: notices of failures."""

    def begin(self) -> None:
        """Do nothing: each is offered when it is added."""

    def take(self, key: str, output: Json, *, is_skipped: bool) -> None:
        """Do nothing: nobody needs it."""
