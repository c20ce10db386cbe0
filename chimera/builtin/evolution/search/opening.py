"""What a run searches with: the compiled problem, and for a fitness from outside its workers.

Refuses to know when a search is opened: that is `steps` and `proving`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from chimera.builtin.evolution.fitness.outside.failures import SAYS, Failures
from chimera.builtin.evolution.fitness.outside.pinning import verify
from chimera.builtin.evolution.kinds import EvolutionSpec
from chimera.builtin.evolution.search.building import form_of
from chimera.builtin.evolution.search.engine import RunState, Search
from chimera.builtin.evolution.search.keeping import keep_champion
from chimera.builtin.evolution.search.problem import numbers_of
from chimera.builtin.evolution.search.scoring import violations_of
from chimera.builtin.evolution.spec.choosing import choose
from chimera.model import ChimeraError
from chimera.runtime import PermanentError, StepCall

if TYPE_CHECKING:
    from chimera.builtin.evolution.search.algorithm import Floats
    from chimera.context import Context


class Searches:
    """Opens searches below `root`; what one needs stays for all steps of a run, until it is closed.

    Refuses to go on with another module than the run began with.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._made: Search | None = None
        self._call: StepCall | None = None
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    @contextmanager
    def open(
        self, spec: EvolutionSpec, call: StepCall, definition: Mapping[str, Any]
    ) -> Iterator[Search]:
        """Open what a step of a run searches with."""
        self._call = call
        if self._made is None or self._made.spec is not spec:
            verify(spec, definition.get("fitness", {}), self._root)
            self._made = self._opened.enter_context(
                open_search(
                    spec,
                    self._root,
                    call.context,
                    cancelled=lambda: self._call is not None and self._call.cancelled(),
                    log=lambda text: self._call.log(text) if self._call is not None else None,
                )
            )
        yield self._made

    def keep(
        self, search: Search, state: RunState, definition: Mapping[str, Any], previous: str | None
    ) -> str | None:
        """Keep the champion so far in the genome store, with what it descends from."""
        return keep_champion(self._root, search, state, definition, previous)


@contextmanager
def open_search(
    spec: EvolutionSpec,
    root: Path,
    context: Context,
    *,
    cancelled: Callable[[], bool] = lambda: False,
    log: Callable[[str], None] = lambda text: None,
) -> Iterator[Search]:
    """Open a search; a fitness from outside has its workers until this is closed."""
    if not spec.fitness.is_outside:
        yield search_inside(spec, root)
        return
    if spec.fitness.python is None:
        raise ChimeraError(
            f"a fitness by {spec.fitness.ways[0]} is computed in steps of a run",
            help="run the evolution with `chimera run`",
        )
    from chimera.builtin.evolution.fitness.outside.modules import digest_of
    from chimera.builtin.evolution.fitness.outside.pool import open_pool

    with open_pool(spec, root, context, cancelled=cancelled, log=log) as pool:

        def evaluate(island: int, rows: Floats) -> Floats:
            numbers = np.zeros((len(rows), spec.genome.length))
            for place, row in enumerate(rows):
                numbers[place] = numbers_of(spec.genome, row)
            found = pool.evaluate(numbers)
            _note(found.failures, search, log)
            return found.values

        code = digest_of(root, spec.fitness.python.module)
        search = Search(spec, evaluate, code=code)
        yield search


def _note(found: Failures, search: Search, log: Callable[[str], None]) -> None:
    """Count failures, and log the first of each cause; raise where one is to stop the run."""
    for cause, message in found.first.items():
        if search.spec.fitness.on_failure == "stop":
            raise PermanentError(
                f"a candidate {SAYS[cause]}: {message}",
                help="mend the fitness, or write onFailure: worst",
            )
        if cause not in search.failures.counts:
            log(f"a candidate {SAYS[cause]}: {message}")
    search.failures.add(found)


def search_inside(spec: EvolutionSpec, root: Path) -> Search:
    """Return the search for a fitness that runs inside of the kernels."""
    python = spec.fitness.python
    if python is None:
        return Search(spec)
    from chimera.builtin.evolution.fitness.outside.compiled import compile_python
    from chimera.builtin.evolution.fitness.outside.modules import digest_of

    genes, violations = spec.genome.genes, violations_of(spec)
    form = form_of(spec, choose(spec).islands[0].algorithm)
    compiled = compile_python(python, root, genes, violations, form)
    return Search(spec, fitness=compiled, code=digest_of(root, python.module))
