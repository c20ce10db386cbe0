"""A run as durable steps, a checkpoint each.

A step's output names a checkpoint, from which the next one goes on, in this process or in another
one after a crash: the way is always the same, so that a resumed run cannot differ from an
uninterrupted one. Outputs carry what was observed, as columns: they are the run's journal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from chimera.builtin.evolution.fitness.outside.failures import NUMBERS, Failures
from chimera.builtin.evolution.kinds import EvolutionSpec
from chimera.builtin.evolution.spec.defaults import share_of
from chimera.builtin.evolution.spec.values import MAX_GENERATIONS
from chimera.model import ChimeraError
from chimera.runtime import PermanentError, Step, StepCall

if TYPE_CHECKING:
    from chimera.builtin.evolution.search.checkpoints import CheckpointFolder
    from chimera.builtin.evolution.search.engine import RunState, Search
    from chimera.runtime import Outputs

MAX_CHECKPOINTS = 1000
_STEPS_OF_A_LENGTH = 16
_PARTS = 1000
"""Of a run, as progress counts them: by generations or by evaluations, whichever end it first."""

Opener = Callable[[EvolutionSpec, StepCall, Mapping[str, Any]], "AbstractContextManager[Search]"]
"""Opens what a step searches with, given what the run is pinned to, and closes it with the step."""

Keeper = Callable[["Search", "RunState", Mapping[str, Any], "str | None"], "str | None"]
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
    run = _Run(spec, definition, Passage(spec, definition, folder, keeper), opener)
    before: str | None = None
    for until in boundaries(spec):
        yield run.step(until, before)
        before = f"generation-{until}"


class Passage:
    """How the state of one run passes from step to step: what is resumed, and what is given."""

    def __init__(
        self,
        spec: EvolutionSpec,
        definition: Mapping[str, Any],
        folder: CheckpointFolder,
        keeper: Keeper,
    ) -> None:
        self._spec = spec
        self._definition = definition
        self._folder = folder
        self._keeper = keeper

    def resumed(self, search: Search, call: StepCall) -> RunState:
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

    def output(self, search: Search, state: RunState, call: StepCall, seconds: float) -> Any:
        """Return what the step gives: a checkpoint, what was seen, and at the end the genome."""
        from chimera.builtin.evolution.search.checkpoints import pack
        from chimera.builtin.evolution.search.measures import columns_of

        seconds += call.inputs["seconds"] or 0.0
        limit = self._spec.termination.time
        if state.stopped is None and limit is not None and timedelta(seconds=seconds) > limit:
            state.stopped = "time"
        self._folder.drop(call.inputs["superseded"])
        last = -1 if call.inputs["generation"] is None else call.inputs["generation"]
        failures = Failures.from_json(call.inputs["failures"])
        failures.add(search.failures)
        search.failures.clear()
        output = {
            "generation": state.generation,
            "best": search.best(state),
            "evaluations": state.evaluations,
            "invalid": state.invalid,
            "failures": failures.to_json(),
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
            output["genome"] = self._genome(search, state, failures, output["kept"])
            label = str(self._definition["evolution"])
            note = f"stopped by {state.stopped} at generation {state.generation:,}"
            call.context.progress.finish(label, note)
        return output

    def watching(
        self, search: Search, state: RunState, call: StepCall
    ) -> Callable[[RunState], None]:
        """Return what tells of progress, and ends the step by raising where it is cancelled."""
        label, progress = str(self._definition["evolution"]), call.context.progress
        progress.start(label, _PARTS)
        started, evaluated = call.context.clock.now(), state.evaluations

        def watch(state: RunState) -> None:
            seconds = (call.context.clock.now() - started).total_seconds()
            rate = (state.evaluations - evaluated) / seconds if seconds > 0 else 0.0
            share = share_of(self._spec, state.generation, state.evaluations)
            progress.advance(label, int(share * _PARTS), _note(search, state, rate))
            if call.cancelled():
                raise ChimeraError(f"{label} was stopped at generation {state.generation}")

        return watch

    def _genome(
        self, search: Search, state: RunState, failures: Failures, lineage: str | None
    ) -> dict[str, Any]:
        from chimera.builtin.evolution.search.outcome import genome_of

        try:
            genome = genome_of(search, state, self._definition, failures)
        except ChimeraError as error:
            raise PermanentError(error.message, help=error.help) from error
        return genome if lineage is None else genome | {"lineage": lineage}


class _Run:
    """The steps of a run that one process moves on."""

    def __init__(
        self, spec: EvolutionSpec, definition: Mapping[str, Any], passage: Passage, opener: Opener
    ) -> None:
        self._spec = spec
        self._definition = definition
        self._passage = passage
        self._opener = opener

    def step(self, until: int, before: str | None) -> Step:
        """Return the step that goes on to generation `until`."""
        return Step(
            f"generation-{until}",
            lambda call: self._work(call, until),
            needs=() if before is None else (before,),
            inputs=lambda outputs: passed_on({} if before is None else outputs[before]),
            effects=False,
            when=lambda outputs: before is None or is_open(outputs, before),
        )

    def _work(self, call: StepCall, until: int) -> Any:
        with self._opener(self._spec, call, self._definition) as search:
            state = self._passage.resumed(search, call)
            watch = self._passage.watching(search, state, call)
            started = call.context.clock.now()
            if state.generation < 0 and self._spec.fitness.is_outside:
                search.advance(state, 0, watch)
                refuse_barren(search.failures, state.evaluations)
            search.advance(state, until, watch)
            seconds = (call.context.clock.now() - started).total_seconds()
            return self._passage.output(search, state, call, seconds)


def passed_on(last: Any) -> dict[str, Any]:
    """Return what a step takes of the output of the one before it."""
    kept = ("generation", "checkpoint", "superseded", "kept", "seconds", "failures")
    return {name: last.get(name) for name in kept}


def is_open(outputs: Outputs, before: str) -> bool:
    """Tell whether the run went on after a step."""
    last: Any = outputs.get(before)
    return last is not None and last["stopped"] is None


def refuse_barren(failures: Failures, evaluations: int) -> None:
    """Raise `PermanentError` where all candidates of the first generation failed, and say why.

    Numbers that are NaN or infinite are no reason: a search may find its way to where others are.
    """
    if evaluations == 0 or failures.total < evaluations or not failures.counts.keys() - NUMBERS:
        return
    raise PermanentError(
        "all candidates of the first generation failed: " + "; ".join(failures.lines()),
        help="mend the fitness, and apply again",
    )


def _note(search: Search, state: RunState, rate: float) -> str:
    """Return what progress says of a generation."""
    row = state.observed[-1] if state.observed else {}
    best = search.best(state)
    parts = [f"generation {state.generation:,}"]
    if best is not None:
        parts.append(f"{'hypervolume' if search.spec.objectives else 'best'} {best:.6g}")
    for name in ("median", "diversity"):
        value = row.get(name)
        if value is not None:
            parts.append(f"{name} {value:.4g}")
    return ", ".join((*parts, f"{rate:,.0f} evaluations/s"))
