"""Runs an Evolution as durable steps, a checkpoint each, and records its champion.

A step covers `checkpointEvery` generations. Its output names a checkpoint, from which the next one
goes on, in this process or in another one after a crash: the way is always the same, so that a
resumed run cannot differ from an uninterrupted one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from chimera.builtin.evolution.kinds import EvolutionSpec
from chimera.kinds import Document
from chimera.model import ChimeraError, UsageError
from chimera.runtime import PermanentError, Step, StepCall

if TYPE_CHECKING:
    from chimera.builtin.evolution.search.checkpoints import CheckpointFolder
    from chimera.builtin.evolution.search.engine import Search, State
    from chimera.runtime import Outputs, ReconcileTask

MAX_CHECKPOINTS = 1000
FOLDER = ".chimera/checkpoints"


def reconcile(task: ReconcileTask) -> Mapping[str, Any] | None:
    """Run the evolution if its trigger is `apply`, else say that it is registered."""
    document = task.document
    if document is None:
        return {} if str(task.change.target).startswith("Evolution/") else None
    if not isinstance(document.spec, EvolutionSpec):
        return None
    return _run(task, document) if document.spec.trigger == "apply" else {"registered": True}


def execute(task: ReconcileTask, inputs: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Run the applied evolution now, whatever its trigger."""
    document = task.document
    if document is None or not isinstance(document.spec, EvolutionSpec):
        return None
    if inputs:
        raise UsageError(
            f"{document.address} takes no inputs",
            help="change its document and apply it: a run follows from the document alone",
        )
    return _run(task, document)


def _run(task: ReconcileTask, document: Document[Any]) -> Mapping[str, Any]:
    from chimera.builtin.evolution.search.checkpoints import CheckpointFolder

    folder = CheckpointFolder(task.root / FOLDER)
    definition = {
        "evolution": str(document.address),
        "document": document.digest,
        "spec": document.value["spec"],
    }
    outputs = task.execute(definition, lambda pinned, _: steps_of(pinned, folder))
    last = _last(outputs)
    genome = last["genome"]
    name = f"{document.metadata.name}-{genome['champion'].removeprefix('sha256:')[:12]}"
    task.record("Genome", name, genome)
    for digest in (last["superseded"], last["checkpoint"]):
        folder.drop(digest)
    return {"genome": f"Genome/{name}", "fitness": genome["fitness"], "stopped": genome["stopped"]}


def steps_of(definition: Mapping[str, Any], folder: CheckpointFolder) -> Iterator[Step]:
    """Yield the steps of a run: each goes on from the last until one of them says it stopped."""
    spec = EvolutionSpec.model_validate(definition["spec"])
    from chimera.builtin.evolution.search.engine import generations_of

    end = generations_of(spec)
    every = max(spec.checkpoint_every, -(-end // MAX_CHECKPOINTS))
    run = _Run(spec, definition, folder)
    before: str | None = None
    for until in (*range(every, end, every), end):
        yield run.step(until, before)
        before = f"generation-{until}"


class _Run:
    """One run's search, compiled when the first step needs it."""

    def __init__(
        self, spec: EvolutionSpec, definition: Mapping[str, Any], folder: CheckpointFolder
    ) -> None:
        self._spec = spec
        self._definition = definition
        self._folder = folder
        self._search: Search | None = None

    def step(self, until: int, before: str | None) -> Step:
        """Return the step that goes on to generation `until`."""

        def is_running(outputs: Outputs) -> bool:
            return before is None or (before in outputs and outputs[before]["stopped"] is None)

        def inputs(outputs: Outputs) -> Any:
            last = {} if before is None else outputs[before]
            return {"checkpoint": last.get("checkpoint"), "superseded": last.get("superseded")}

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
        from chimera.builtin.evolution.search.engine import Search, generations_of

        label = str(self._definition["evolution"])
        progress = call.context.progress
        progress.start(label, generations_of(self._spec))
        search = self._search = self._search or Search(self._spec)
        state = self._resumed(search, call)
        started, evaluated = call.context.clock.now(), state.evaluations

        def watch(state: State) -> None:
            seconds = (call.context.clock.now() - started).total_seconds()
            rate = (state.evaluations - evaluated) / seconds if seconds > 0 else 0.0
            note = f"best {search.best(state)}, {rate:,.0f} evaluations/s"
            progress.advance(label, state.generation, note)
            if call.cancelled():
                raise ChimeraError(f"{label} was stopped at generation {state.generation}")

        search.advance(state, until, watch)
        self._folder.drop(call.inputs["superseded"])
        output = {
            "generation": state.generation,
            "best": search.best(state),
            "evaluations": state.evaluations,
            "stopped": state.stopped,
            "checkpoint": self._folder.put(pack(state, search.identity)),
            "superseded": call.inputs["checkpoint"],
        }
        if state.stopped is not None:
            progress.finish(label, f"{state.stopped} at generation {state.generation}")
            output["genome"] = self._genome(search, state)
        return output

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

    def _genome(self, search: Search, state: State) -> dict[str, Any]:
        try:
            return genome_of(search, state, self._definition)
        except ChimeraError as error:
            raise PermanentError(error.message, help=error.help) from error


def genome_of(search: Search, state: State, definition: Mapping[str, Any]) -> dict[str, Any]:
    """Return the spec of the Genome record of a run that has stopped."""
    from chimera.builtin.evolution.search.engine import versions

    champion = search.champion(state)
    values, start = [], 0
    for gene in search.spec.genome.genes:
        found = champion.genes[start : start + gene.length].tolist()
        values.append({"name": gene.name, "values": found})
        start += gene.length
    return {
        "genes": values,
        "fitness": champion.fitness,
        "champion": champion.digest,
        "history": search.history_digest(state),
        "generation": champion.generation,
        "generations": state.generation,
        "evaluations": state.evaluations,
        "invalid": state.invalid,
        "stopped": state.stopped,
        "provenance": {
            "evolution": definition["evolution"],
            "document": definition["document"],
            "seed": search.spec.seed,
            **versions(),
        },
    }


def _last(outputs: Outputs) -> Mapping[str, Any]:
    """Return the output of the step that ended the run."""
    return next(output for output in outputs.values() if output and output["stopped"] is not None)
