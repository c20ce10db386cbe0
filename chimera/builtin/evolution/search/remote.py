"""Islands in other processes, on this machine or on a cluster: a step for each island and epoch.

Between two migrations islands know nothing of one another: each is moved on by whatever process
takes its step, which reads the run's checkpoint and writes the island's own. Migration and criteria
are judged here, when all have come back. A worker that is lost is replaced by another one that does
the same again. Refuses machines that do not share the folder of the checkpoints.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chimera.builtin.evolution.kinds import EvolutionSpec
from chimera.builtin.evolution.search.checkpoints import (
    CheckpointFolder,
    pack_island,
    unpack,
    unpack_island,
)
from chimera.builtin.evolution.search.island import is_running
from chimera.builtin.evolution.search.opening import Searches, search_inside
from chimera.builtin.evolution.search.steps import is_open, passed_on
from chimera.builtin.evolution.spec.values import MAX_GENERATIONS
from chimera.model import canonical_json
from chimera.runtime import Expansion, PermanentError, RemoteWork, Step, StepCall

if TYPE_CHECKING:
    from chimera.builtin.evolution.search.engine import Search
    from chimera.builtin.evolution.search.steps import Passage
    from chimera.runtime import Json, Outputs

MAX_EPOCHS = 2000
"""Epochs in which islands are moved on elsewhere; what is left after them is done here."""

EXECUTORS = {"processes": "process", "ray": "ray"}


class Spread:
    """The steps of one run whose islands are moved on elsewhere."""

    def __init__(
        self,
        spec: EvolutionSpec,
        definition: Mapping[str, Any],
        passage: Passage,
        folder: CheckpointFolder,
        searches: Searches,
        root: Path,
    ) -> None:
        self._spec = spec
        self._definition = definition
        self._passage = passage
        self._folder = folder
        self._searches = searches
        self._root = root

    def steps(self) -> Iterator[Step]:
        """Yield the steps: all islands of an epoch, then what joins them, and so on."""
        before: str | None = None
        every, end = self._spec.islands.every, self._spec.termination.generations or MAX_GENERATIONS
        last = min(end, MAX_EPOCHS * every)
        for until in (*range(every, last, every), last):
            yield self._islands(until, before)
            yield self._join(until, before)
            before = f"generation-{until}"
        if last < end:
            yield self._rest(end, before)

    def _islands(self, until: int, before: str | None) -> Step:
        def expand(given: Json) -> Expansion:
            assert isinstance(given, dict)
            count = self._spec.islands.count
            return Expansion(
                count=count,
                make=lambda n: self._island(n, until, given["checkpoint"]),
                collect=lambda outputs: {"islands": [outputs[str(n)] for n in range(count)]},
                concurrency=self._spec.budget.workers,
            )

        return Step(
            f"islands-{until}",
            needs=() if before is None else (before,),
            inputs=lambda outputs: {"checkpoint": _last(outputs, before).get("checkpoint")},
            expand=expand,
            effects=False,
            when=lambda outputs: before is None or is_open(outputs, before),
        )

    def _island(self, island: int, until: int, checkpoint: Json) -> Step:
        argument: Json = {
            "spec": self._definition["spec"],
            "root": str(self._root),
            "island": island,
            "until": until,
        }
        return Step(
            str(island),
            inputs=lambda outputs: {"checkpoint": checkpoint},
            effects=False,
            executor=EXECUTORS[self._spec.budget.executor],
            remote=RemoteWork(f"{__name__}:advance_island", argument),
        )

    def _join(self, until: int, before: str | None) -> Step:
        islands = f"islands-{until}"

        def inputs(outputs: Outputs) -> Any:
            return {**passed_on(_last(outputs, before)), **outputs[islands]}

        return Step(
            f"generation-{until}",
            lambda call: self._joined(call, until),
            needs=(islands,) if before is None else (islands, before),
            inputs=inputs,
            effects=False,
            when=lambda outputs: before is None or is_open(outputs, before),
        )

    def _joined(self, call: StepCall, until: int) -> Any:
        with self._searches.open(self._spec, call, self._definition) as search:
            started = call.context.clock.now()
            state = self._passage.resumed(search, call)
            watch = self._passage.watching(search, state, call)
            known = [self._known(search, n, one) for n, one in enumerate(call.inputs["islands"])]
            if all(own is not None for own in known):
                state.islands = [own for own in known if own is not None]
                rows = [one["observed"] for one in call.inputs["islands"]]
                search.settle(state, until, rows)
            else:
                call.log("a checkpoint of an island is missing or damaged: all islands again")
                search.advance(state, until, watch)
            watch(state)
            seconds = (call.context.clock.now() - started).total_seconds()
            output = self._passage.output(search, state, call, seconds)
            for one in call.inputs["islands"]:
                self._folder.drop(one["checkpoint"])
            return output

    def _known(self, search: Search, island: int, told: Mapping[str, Any]) -> Any:
        data = self._folder.get(told["checkpoint"])
        return None if data is None else unpack_island(data, search, island)

    def _rest(self, end: int, before: str | None) -> Step:
        def work(call: StepCall) -> Any:
            with self._searches.open(self._spec, call, self._definition) as search:
                state = self._passage.resumed(search, call)
                search.advance(state, end, self._passage.watching(search, state, call))
                return self._passage.output(search, state, call, 0.0)

        assert before is not None
        return Step(
            f"generation-{end}",
            work,
            needs=(before,),
            inputs=lambda outputs: passed_on(_last(outputs, before)),
            effects=False,
            when=lambda outputs: is_open(outputs, before),
        )


def advance_island(argument: Json, call: StepCall) -> Json:
    """Move one island on by an epoch, in whatever process this is.

    Returns the digest of its checkpoint, in the folder of the run's, and what was observed.
    """
    asked: Any = argument
    given: Any = call.inputs
    root, island = Path(asked["root"]), asked["island"]
    search = _search(canonical_json(asked["spec"]), asked["root"])
    folder = CheckpointFolder.of(root)
    own = _begun(search, folder, island, given["checkpoint"])
    rows = search.islands[island].advance(own, asked["until"]) if is_running(own) else []
    digest = folder.put(pack_island(own, search, island))
    return {"checkpoint": digest, "observed": [dict(row) for row in rows]}


def _begun(search: Search, folder: CheckpointFolder, island: int, checkpoint: str | None) -> Any:
    if checkpoint is None:
        return search.islands[island].start()
    data = folder.get(checkpoint)
    if data is None:
        raise PermanentError(
            f"the checkpoint {checkpoint} is not there, where island {island} was to go on",
            help="have all machines share the folder of the repository, or write executor: threads",
        )
    state = unpack(data, search)
    if state is None:
        raise PermanentError(
            f"the checkpoint {checkpoint} is of another version than the worker of island {island}",
            help="have the same version of Chimera everywhere, and apply again",
        )
    return state.islands[island]


@lru_cache(maxsize=4)
def _search(spec: bytes, root: str) -> Search:
    """Return a search, compiled once for all epochs that this process takes part in."""
    return search_inside(EvolutionSpec.model_validate_json(spec), Path(root))


def _last(outputs: Outputs, before: str | None) -> Any:
    return {} if before is None else outputs[before]
