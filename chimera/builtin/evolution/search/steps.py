"""A run as durable steps, a checkpoint each.

A step's output names a checkpoint, from which the next one goes on, in this process or in another
one after a crash: the way is always the same, so that a resumed run cannot differ from an
uninterrupted one. Outputs carry what was observed, as columns: they are the run's journal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from chimera.builtin.evolution.kinds import EvolutionSpec
from chimera.builtin.evolution.spec.values import MAX_GENERATIONS
from chimera.model import ChimeraError
from chimera.runtime import PermanentError, Step, StepCall

if TYPE_CHECKING:
    from chimera.builtin.evolution.search.checkpoints import CheckpointFolder
    from chimera.builtin.evolution.search.engine import Search, State
    from chimera.runtime import Outputs

MAX_CHECKPOINTS = 1000
_STEPS_OF_A_LENGTH = 16

Opener = Callable[[EvolutionSpec, StepCall], "AbstractContextManager[Search]"]
"""Opens what a step searches with, and closes it with the step."""

Keeper = Callable[["Search", "State", Mapping[str, Any], "str | None"], "str | None"]
"""Keeps the champion of a checkpoint, given the digest of the last one; returns its digest."""


def boundaries(spec: EvolutionSpec) -> Iterator[int]:
    """Yield the generations of checkpoints, the last being the last that the run can have.

    Where evaluations alone end the run nobody knows how many generations there will be: then
    checkpoints come ever more rarely, so that a crash costs no more than a sixteenth of the work.
    """
    end = spec.termination.generations
    every = spec.checkpoint_every
    if spec.islands.count > 1:
        every = -(-every // spec.islands.every) * spec.islands.every
    if end is not None:
        every = max(every, -(-end // MAX_CHECKPOINTS))
        yield from (*range(every, end, every), end)
        return
    until = steps = 0
    while until < MAX_GENERATIONS:
        until = min(until + every, MAX_GENERATIONS)
        yield until
        steps += 1
        if steps % _STEPS_OF_A_LENGTH == 0:
            every *= 2


def steps_of(
    definition: Mapping[str, Any], folder: CheckpointFolder, opener: Opener, keeper: Keeper
) -> Iterator[Step]:
    """Yield the steps of a run: each goes on from the last until one of them says it stopped."""
    spec = EvolutionSpec.model_validate(definition["spec"])
    run = _Run(spec, definition, folder, opener, keeper)
    before: str | None = None
    for until in boundaries(spec):
        yield run.step(until, before)
        before = f"generation-{until}"


class _Run:
    """What the steps of one run share."""

    def __init__(
        self,
        spec: EvolutionSpec,
        definition: Mapping[str, Any],
        folder: CheckpointFolder,
        opener: Opener,
        keeper: Keeper,
    ) -> None:
        self._spec = spec
        self._definition = definition
        self._folder = folder
        self._opener = opener
        self._keeper = keeper

    def step(self, until: int, before: str | None) -> Step:
        """Return the step that goes on to generation `until`."""

        def is_running(outputs: Outputs) -> bool:
            return before is None or (before in outputs and outputs[before]["stopped"] is None)

        def inputs(outputs: Outputs) -> Any:
            last = {} if before is None else outputs[before]
            kept = ("generation", "checkpoint", "superseded", "kept", "seconds")
            return {name: last.get(name) for name in kept}

        return Step(
            f"generation-{until}",
            lambda call: self._work(call, until),
            needs=() if before is None else (before,),
            inputs=inputs,
            effects=False,
            when=is_running,
        )

    def _work(self, call: StepCall, until: int) -> Any:
        from chimera.builtin.evolution.search.checkpoints import pack
        from chimera.builtin.evolution.search.measures import columns_of
        from chimera.builtin.evolution.search.outcome import genome_of

        with self._opener(self._spec, call) as search:
            state = self._resumed(search, call)
            seconds = self._advance(search, state, until, call)
            self._folder.drop(call.inputs["superseded"])
            last = -1 if call.inputs["generation"] is None else call.inputs["generation"]
            output = {
                "generation": state.generation,
                "best": search.best(state),
                "evaluations": state.evaluations,
                "invalid": state.invalid,
                "stopped": state.stopped,
                "seconds": round(seconds, 3),
                "observations": columns_of(
                    row for row in state.observed if (row["generation"] or 0) > last
                ),
                "checkpoint": self._folder.put(pack(state, search.identity)),
                "superseded": call.inputs["checkpoint"],
                "kept": self._keeper(search, state, self._definition, call.inputs["kept"]),
            }
            if state.stopped is not None:
                try:
                    genome = genome_of(search, state, self._definition, caveat_of(self._spec))
                except ChimeraError as error:
                    raise PermanentError(error.message, help=error.help) from error
                lineage = output["kept"]
                output["genome"] = genome if lineage is None else genome | {"lineage": lineage}
            return output

    def _advance(self, search: Search, state: State, until: int, call: StepCall) -> float:
        """Move on to generation `until`; return for how long the run has gone on so far."""
        label, progress = str(self._definition["evolution"]), call.context.progress
        progress.start(label, self._spec.termination.generations)
        started, evaluated = call.context.clock.now(), state.evaluations
        before = call.inputs["seconds"] or 0.0

        def elapsed() -> float:
            return (call.context.clock.now() - started).total_seconds()

        def watch(state: State) -> None:
            seconds = elapsed()
            rate = (state.evaluations - evaluated) / seconds if seconds > 0 else 0.0
            progress.advance(label, state.generation, _note(search, state, rate))
            if call.cancelled():
                raise ChimeraError(f"{label} was stopped at generation {state.generation}")

        search.advance(state, until, watch)
        seconds = before + elapsed()
        limit = self._spec.termination.time
        if state.stopped is None and limit is not None and timedelta(seconds=seconds) > limit:
            state.stopped = "time"
        if state.stopped is not None:
            progress.finish(label, f"{state.stopped} at generation {state.generation}")
        return seconds

    def _resumed(self, search: Search, call: StepCall) -> State:
        """Return the state that the step goes on from, computed again if its checkpoint is lost."""
        from chimera.builtin.evolution.search.checkpoints import unpack

        digest = call.inputs["checkpoint"]
        if digest is None:
            return search.start()
        data = self._folder.get(digest)
        state = None if data is None else unpack(data, search)
        if state is None:
            call.log("the checkpoint is missing, damaged or of another version: from the start")
            return search.start()
        return state


def _note(search: Search, state: State, rate: float) -> str:
    """Return what progress says of a generation."""
    row = state.observed[-1] if state.observed else {}
    parts = [f"best {search.best(state)}"]
    for name in ("median", "diversity"):
        value = row.get(name)
        if value is not None:
            parts.append(f"{name} {value:.4g}")
    return ", ".join((*parts, f"{rate:,.0f} evaluations/s"))


def caveat_of(spec: EvolutionSpec) -> str | None:
    """Return why nobody can vouch that another run gives the same bits, if so."""
    if not spec.fitness.is_outside:
        return None
    way = spec.fitness.ways[0]
    return f"its fitness comes from outside ({way}), and is the same again only if that is"


def plain_search(spec: EvolutionSpec, call: StepCall) -> AbstractContextManager[Search]:
    """Open a search whose fitness is an expression."""
    from chimera.builtin.evolution.search.engine import Search

    return nullcontext(Search(spec))
