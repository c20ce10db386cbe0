"""What holds for every algorithm: how a run was cut, resumed or spread leaves no trace in its bits.

One line for each algorithm. Fitnesses from outside are the same functions, computed in Python.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from chimera.builtin.evolution.kinds import EvolutionSpec
from chimera.builtin.evolution.search.checkpoints import pack, unpack
from chimera.builtin.evolution.search.engine import Search

ROOT = Path(__file__).parents[4]

REALS = [{"name": "x", "min": -3, "max": 5, "count": 6}]
MIXED = [
    {"name": "x", "min": -3, "max": 5, "count": 3},
    {"name": "rate", "min": 1e-4, "max": 10, "scale": "log"},
    {"name": "n", "type": "integer", "min": -2, "max": 9, "count": 2},
    {"name": "c", "type": "categorical", "values": ["a", "b", "c"]},
    {"name": "b", "type": "bit", "count": 5},
    {"name": "p", "type": "permutation", "length": 6},
]
MIXED_FITNESS = (
    "sum(g ** 2 for g in x) + abs(log(rate)) + sum(i * 0.5 for i in n) + (3 if c == 'b' else 0)"
    " + sum(b[i] for i in range(5)) + sum(abs(p[i] - i) for i in range(6))"
)
RASTRIGIN = {"function": "rastrigin"}

ALGORITHMS = {
    "genetic": {"algorithm": "genetic", "genes": REALS, "population": 24},
    "genetic-mixed": {
        "algorithm": "genetic",
        "genes": MIXED,
        "fitness": {"expression": MIXED_FITNESS},
        "constraints": [{"expression": "x[0] + x[1] >= 1"}, {"expression": "n[0] <= n[1]"}],
        "population": 24,
    },
    "genetic-rare": {  # most candidates are invalid
        "algorithm": "genetic",
        "genes": REALS,
        "fitness": {"expression": "sum(g ** 2 for g in x) if x[0] > 2 else log(-1)"},
        "population": 24,
    },
    "bits": {
        "algorithm": "genetic",
        "genes": [{"name": "b", "type": "bit", "count": 70}],
        "fitness": {"expression": "sum(g for g in b)"},
        "objective": "maximize",
        "population": 24,
    },
    "l-shade": {"algorithm": "l-shade", "genes": REALS, "evaluations": 2400},
    "cma-es": {"algorithm": "cma-es", "genes": REALS, "evaluations": 2400},
    "cma-es-separable": {
        "algorithm": {"type": "cma-es", "separable": True, "restarts": "ipop"},
        "genes": REALS,
        "evaluations": 2400,
    },
    "portfolio": {"algorithm": "portfolio", "genes": REALS, "evaluations": 6000},
    "nsga-2": {
        "algorithm": "nsga-2",
        "genes": REALS,
        "objectives": [
            {"name": "near", "expression": "sum(g ** 2 for g in x)"},
            {"name": "far", "expression": "sum((g - 2) ** 2 for g in x)"},
        ],
        "population": 24,
    },
}
OUTSIDE = [name for name in ALGORITHMS if name != "nsga-2"]
UNTIL = 60


def spec_of(name, **changes):
    given = dict(ALGORITHMS[name]) | changes
    genome = {"genes": given.pop("genes"), "constraints": given.pop("constraints", [])}
    termination = {"generations": UNTIL}
    if "evaluations" in given:
        termination["evaluations"] = given.pop("evaluations")
    if "objectives" not in given:
        given.setdefault("fitness", RASTRIGIN)
    return EvolutionSpec.model_validate(
        {"genome": genome, "termination": termination, "seed": "5eed"} | given
    )


def bits_of(search, state):
    """Return all that a run holds, its scratch left out."""
    return pack(state, search.identity)


def whole(name, **changes):
    search = Search(spec_of(name, **changes))
    state = search.start()
    search.finish(state)
    return bits_of(search, state)


@pytest.mark.parametrize("name", ALGORITHMS)
@pytest.mark.parametrize("islands", [1, 3])
def test_slices_make_the_whole(name, islands):
    changes = {"islands": {"count": islands, "every": 7, "migrants": 2}}
    search = Search(spec_of(name, **changes))
    state = search.start()
    for until in (-1, 0, 1, 2, 3, 7, 13, 14, 14, 30, 31, UNTIL, UNTIL):
        search.advance(state, until)
    assert bits_of(search, state) == whole(name, **changes)


@pytest.mark.parametrize("name", OUTSIDE)
def test_asking_and_telling_is_the_same_as_computing_inside(name):
    search = Search(spec_of(name))
    state = search.start()
    (island,), (own,) = search.islands, state.islands
    while state.stopped is None:
        island.ask(own)  # as often as one likes
        island.tell(own, island.values_of(island.ask(own)))
        search.settle(state, state.generation + 1, [island.watch(own)])
    assert bits_of(search, state) == whole(name)


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_fitness_from_outside_is_the_same_as_one_inside(name):
    inside = Search(spec_of(name))
    search = Search(spec_of(name), lambda island, rows: inside.islands[0].values_of(rows))
    state = search.start()
    search.finish(state)
    assert bits_of(search, state) == whole(name)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_threads_change_nothing(name):
    def on(workers):
        islands = {"count": 4, "every": 5, "topology": "full"}
        return whole(name, islands=islands, budget={"workers": workers})

    assert on(1) == on(2)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_run_observes_the_same_however_it_was_cut(name):
    def rows(*pieces):
        search = Search(spec_of(name, islands={"count": 2, "every": 10}))
        state = search.start()
        for until in (*pieces, UNTIL):
            search.advance(state, until)
        return state.observed

    assert rows() == rows(0, 5, 17, 33)
    assert [row["generation"] for row in rows()][:12] == [*range(11), 12]


def test_a_checkpoint_goes_on_in_another_process():
    """All algorithms in one process: it compiles nothing that this one has not compiled."""
    given = {}
    for name in ALGORITHMS:
        search = Search(spec_of(name))
        state = search.start()
        search.advance(state, 17)
        given[name] = [spec_of(name).model_dump(mode="json", by_alias=True), bits_of(search, state)]
    script = """
import json, sys
from chimera.builtin.evolution.kinds import EvolutionSpec
from chimera.builtin.evolution.search.checkpoints import pack, unpack
from chimera.builtin.evolution.search.engine import Search
found = {}
for name, (value, data) in json.load(sys.stdin).items():
    search = Search(EvolutionSpec.model_validate(value))
    state = unpack(bytes.fromhex(data), search)
    search.finish(state)
    found[name] = pack(state, search.identity).hex()
print(json.dumps(found))
"""
    sent = {name: [value, data.hex()] for name, (value, data) in given.items()}
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=json.dumps(sent),
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    found = json.loads(done.stdout)
    assert found == {name: whole(name).hex() for name in ALGORITHMS}


@pytest.mark.parametrize("name", ALGORITHMS)
def test_another_bit_of_the_seed_is_another_run(name):
    search, other = Search(spec_of(name)), Search(spec_of(name, seed="5eec"))
    states = search.start(), other.start()
    search.finish(states[0])
    other.finish(states[1])
    assert search.history_digest(states[0]) != other.history_digest(states[1])


@pytest.mark.parametrize("name", ALGORITHMS)
def test_no_run_takes_more_evaluations_than_it_may(name):
    for limit in (120, 157):
        spec = spec_of(name, evaluations=limit)
        search = Search(spec)
        state = search.start()
        search.finish(state)
        assert 0 < state.evaluations <= limit
        assert state.stopped in ("evaluations", "generations")


@pytest.mark.parametrize("name", ALGORITHMS)
def test_candidates_stay_where_genes_can_be(name):
    search = Search(spec_of(name))
    state = search.start()
    search.finish(state)
    island = search.islands[0]
    rows, _ = island.algorithm.population(state.islands[0])
    problem, genes = island.problem, island.problem.genes
    assert (rows[:, :genes] >= problem.lower[:genes]).all()
    assert (rows[:, :genes] <= problem.upper[:genes]).all()
    for kind, first, last in problem.segments.tolist():
        if kind > 0:
            assert (rows[:, first:last] == np.floor(rows[:, first:last])).all()
        if kind == 4:
            assert (np.sort(rows[:, first:last]) == np.arange(last - first)).all()


def test_unpacking_needs_the_search_that_it_was_packed_for():
    search = Search(spec_of("genetic"))
    state = search.start()
    search.advance(state, 3)
    data = bits_of(search, state)
    assert unpack(data, Search(spec_of("l-shade"))) is None
    assert unpack(data, Search(spec_of("genetic", population=25))) is None
