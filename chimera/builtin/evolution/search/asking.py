"""A run whose fitness is an operation or a workflow: asking and searching take turns, as steps.

A step `search-N` goes on from its checkpoint as far as it knows the fitnesses of candidates, and
gives those that it needs next; `evaluate-N` has them computed, each as a step of its own. So a
candidate that is known is never computed again, and what a search asks for, immigrants and all, is
what it asks for inside. Refuses more turns than a graph can hold: `checks` tells of that before.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from chimera.builtin.evolution.fitness.outside.candidates import candidate_of, layout_of
from chimera.builtin.evolution.fitness.outside.failures import Failures
from chimera.builtin.evolution.fitness.outside.pinning import code_of
from chimera.builtin.evolution.search.engine import RunState, Search
from chimera.builtin.evolution.search.island import is_running
from chimera.builtin.evolution.search.problem import numbers_of
from chimera.builtin.evolution.search.steps import is_open, passed_on, refuse_barren
from chimera.model import ChimeraError
from chimera.runtime import PermanentError, Step, StepCall

if TYPE_CHECKING:
    from chimera.builtin.evolution.fitness.outside.steps import Outside
    from chimera.builtin.evolution.kinds import EvolutionSpec
    from chimera.builtin.evolution.search.algorithm import Floats
    from chimera.builtin.evolution.search.steps import Passage
    from chimera.runtime import Outputs

MAX_TURNS = 2000
"""Turns that one run can take: generations, twice as many where immigrants are let in."""


class _MissingError(ChimeraError):
    """An island needs fitnesses that nobody has computed yet."""

    def __init__(self, rows: Floats) -> None:
        super().__init__("fitnesses are missing")
        self.rows = rows


class Known:
    """Fitnesses of candidates by their rows; it is what a search asks."""

    def __init__(self) -> None:
        self._values: dict[bytes, float] = {}
        self._used: dict[bytes, None] = {}

    def learn(self, rows: Any, values: Any) -> None:
        """Take in the values of rows; `None` is of one that failed."""
        for row, value in zip(rows, values, strict=True):
            self._values[_key(row)] = math.nan if value is None else float(value)

    def __call__(self, island: int, rows: Floats) -> Floats:
        """Return the fitnesses of rows; raises `_MissingError` where one is not known."""
        keys = [_key(row) for row in rows]
        found = [self._values.get(key) for key in keys]
        self._used.update((key, None) for key in keys if key in self._values)
        missing = [row for row, value in zip(rows, found, strict=True) if value is None]
        if missing:
            raise _MissingError(np.array(missing))
        return np.array(found, np.float64)

    def begin(self) -> None:
        """Take note anew of what is used."""
        self._used.clear()

    def used(self) -> dict[str, Any]:
        """Return the rows and values that were asked for and known, as JSON can hold them."""
        values = [self._values[key] for key in self._used]
        return {
            "rows": [np.frombuffer(key, "<f8").tolist() for key in self._used],
            "values": [None if math.isnan(value) else value for value in values],
        }


def _key(row: Any) -> bytes:
    return (np.asarray(row, np.float64) + 0.0).astype("<f8").tobytes()


class Turns:
    """The steps of one run."""

    def __init__(self, spec: EvolutionSpec, outside: Outside, passage: Passage) -> None:
        self._spec = spec
        self._outside = outside
        self._passage = passage

    def steps(self) -> Iterator[Step]:
        """Yield the steps: each search goes on from the one before, with what it asked for."""
        yield self._search(0)
        for turn in range(1, turns_of(self._spec)):
            yield self._evaluate(turn)
            yield self._search(turn)

    def _evaluate(self, turn: int) -> Step:
        before = f"search-{turn - 1}"

        def candidates(outputs: Outputs) -> list[Mapping[str, Any]]:
            genome, asked = self._spec.genome, outputs[before]
            layout = layout_of(genome.genes)
            rows = [np.array(row) for row in asked["asks"]]
            return [candidate_of(layout, numbers_of(genome, row).tolist()) for row in rows]

        return self._outside.evaluation(
            f"evaluate-{turn}", (before,), candidates, lambda outputs: is_open(outputs, before)
        )

    def _search(self, turn: int) -> Step:
        before, found = f"search-{turn - 1}", f"evaluate-{turn}"

        def inputs(outputs: Outputs) -> Any:
            if turn == 0:
                return {**passed_on({}), "rows": [], "values": [], "at": None}
            last: Any = outputs[before]
            told: Any = outputs[found]
            failures = Failures.from_json(last["failures"])
            failures.add(Failures.from_json(told["failures"]))
            return {
                **passed_on(last),
                "at": last["at"],
                "failures": failures.to_json(),
                "rows": [*last["known"]["rows"], *last["asks"]],
                "values": [*last["known"]["values"], *told["values"]],
            }

        return Step(
            f"search-{turn}",
            lambda call: self._work(call, is_last=turn + 1 == turns_of(self._spec)),
            needs=() if turn == 0 else (before, found),
            inputs=inputs,
            effects=False,
            when=None if turn == 0 else lambda outputs: is_open(outputs, before),
        )

    def _work(self, call: StepCall, *, is_last: bool) -> Any:
        given: Any = call.inputs
        known = Known()
        known.learn(given["rows"], given["values"])
        search = Search(self._spec, known, code=code_of(self._outside.pinned))
        state = self._passage.resumed(search, call)
        watch = self._passage.watching(search, state, call)
        asks = asked_by(search, state, known)
        while state.stopped is None and not asks:
            search.advance(state, state.generation + 1, watch)
            if state.generation == 0:
                refuse_barren(Failures.from_json(given["failures"]), state.evaluations)
            asks = asked_by(search, state, known)
        if asks and is_last:
            raise PermanentError(
                f"after {turns_of(self._spec)} turns the search is at generation "
                f"{state.generation}, and the run has no steps for more",
                help="write termination.generations, or a larger population",
            )
        now = call.context.clock.now()
        began = now if given["at"] is None else datetime.fromisoformat(given["at"])
        output = self._passage.output(search, state, call, (now - began).total_seconds())
        if state.generation < 0:
            del output["observations"]  # there is no generation yet that could be watched
        return {**output, "asks": asks, "known": known.used(), "at": now.isoformat()}


def asked_by(search: Search, state: RunState, known: Known) -> list[list[float]]:
    """Return the candidates that the next generation needs and nobody has computed, each once."""
    known.begin()
    found: dict[bytes, list[float]] = {}
    for island, own in zip(search.islands, state.islands, strict=True):
        if not is_running(own):
            continue
        copy = {name: array.copy() for name, array in own.items()}
        try:
            island.advance(copy, state.generation + 1)
        except _MissingError as missing:
            for row in missing.rows + 0.0:
                found.setdefault(_key(row), row.tolist())
    return list(found.values())


def turns_of(spec: EvolutionSpec) -> int:
    """Return how many turns a run can take."""
    end = spec.termination.generations
    if end is None:
        return MAX_TURNS
    return min(MAX_TURNS, (end + 1) * (1 if spec.diversity is None else 2) + 1)
