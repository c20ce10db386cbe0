"""The genetic algorithm against a naive reference, bit for bit, and with the compiler off."""

import json
import math
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from chimera.builtin.evolution.kernels.recording import GENERATION
from chimera.builtin.evolution.kinds import EvolutionSpec
from chimera.builtin.evolution.search.engine import Search
from chimera.builtin.evolution.search.genetic import GeneticSearch
from chimera.builtin.evolution.search.problem import problem_of
from chimera.builtin.evolution.search.scoring import compiled
from chimera.builtin.evolution.spec.defaults import operators_of
from tests.builtin.evolution.kernels.genetic_reference import Reference, order_crossover, pmx

ROOT = Path(__file__).parents[4]

REALS = [{"name": "x", "min": -5.12, "max": 5.12, "count": 4}]
MIXED = [
    {"name": "p", "type": "permutation", "length": 7},
    {"name": "x", "min": -3, "max": 5, "count": 3},
    {"name": "n", "type": "integer", "min": -2, "max": 9, "count": 3},
    {"name": "q", "type": "permutation", "length": 2},
    {"name": "c", "type": "categorical", "values": ["a", "b", "c"], "count": 2},
    {"name": "b", "type": "bit", "count": 5},
]
PERMUTATIONS = [{"name": "p", "type": "permutation", "length": 9}]
INTEGERS = [{"name": "n", "type": "integer", "min": -3, "max": 40, "count": 9}]


def weighed(candidate):
    """A fitness for genes of all types."""
    total = 0.0
    for j, gene in enumerate(candidate):
        total += (gene - 0.25 * j) * (gene - 0.25 * j)
    return total


def partly_invalid(candidate):
    """Infinite where the first gene is negative, infeasible far from the origin."""
    if candidate[0] < 0:
        return math.inf
    return 1.5e300 if weighed(candidate) > 60 else weighed(candidate)


def none_feasible(candidate):
    return 1e300 * (1 + weighed(candidate) / 1e6)


def flat(candidate):
    return 3.0


GAUSSIAN = {"type": "gaussian", "rate": 0.3, "sigma": 0.2}
POLYNOMIAL = {"type": "polynomial", "rate": 0.5, "eta": 7}
RESET = {"type": "reset", "rate": 0.2}
CASES = {
    "defaults": ({}, weighed),
    "gaussian": ({"operators": {"mutation": GAUSSIAN}}, weighed),
    "polynomial": ({"operators": {"mutation": POLYNOMIAL}}, weighed),
    "reset": ({"operators": {"mutation": RESET}}, weighed),
    "any eta": ({"operators": {"crossover": {"eta": 4.5, "probability": 1}}}, weighed),
    "eta of zero": ({"operators": {"crossover": {"eta": 0}}}, weighed),
    "blend": ({"operators": {"crossover": {"type": "blend"}}}, weighed),
    "uniform": ({"operators": {"crossover": {"type": "uniform"}}}, weighed),
    "one point": ({"operators": {"crossover": {"type": "one-point"}}}, weighed),
    "two points": ({"operators": {"crossover": {"type": "two-point"}}}, weighed),
    "every gene mutated": ({"operators": {"mutation": GAUSSIAN | {"rate": 1}}}, weighed),
    "no gene mutated": ({"operators": {"mutation": GAUSSIAN | {"rate": 0}}}, weighed),
    "no pair recombined": ({"operators": {"crossover": {"probability": 0}}}, weighed),
    "several blocks, odd rows": ({"population": 900, "elites": 3}, weighed),
    "no elites, no pressure": ({"elites": 0, "operators": {"selection": {"size": 1}}}, weighed),
    "partly invalid": ({}, partly_invalid),
    "none feasible": ({}, none_feasible),
    "smallest population": ({"population": 2, "elites": 1}, weighed),
    "wide seed": ({"seed": "ffffffffffffffff"}, weighed),
    "mixed": ({"genes": MIXED, "population": 50}, weighed),
    "integers": ({"genes": INTEGERS, "operators": {"mutation": GAUSSIAN}}, weighed),
    "integers blended": ({"genes": INTEGERS, "operators": {"crossover": {"type": "blend"}}}, flat),
    "permutations": ({"genes": PERMUTATIONS}, weighed),
}
for kind in ("rank", "roulette", "truncation"):
    for fitness in (weighed, partly_invalid, none_feasible, flat):
        CASES[f"{kind}, {fitness.__name__}"] = (
            {"operators": {"selection": {"type": kind}}, "population": 37},
            fitness,
        )
for kind in ("blend", "uniform", "one-point", "two-point"):
    CASES[f"mixed, {kind}"] = (
        {"genes": MIXED, "operators": {"crossover": {"type": kind}, "mutation": POLYNOMIAL}},
        weighed,
    )
for kind, change in (("order", "swap"), ("pmx", "inversion"), ("pmx", "swap")):
    CASES[f"permutations, {kind} and {change}"] = (
        {
            "genes": PERMUTATIONS,
            "operators": {"permutation": {"crossover": kind, "mutation": change, "rate": 0.7}},
        },
        weighed,
    )


@pytest.fixture
def make(make_spec):
    """Make the algorithm of an island of its own, and the spec that it is from."""

    def make(**changes):
        if genes := changes.pop("genes", None):
            changes["genome"] = {"genes": genes}
        spec = make_spec(algorithm={"type": "genetic"}, **changes)
        return GeneticSearch(problem_of(spec, 3, 1.0, None), spec), spec

    return make


def told(algorithm, state, fitness):
    """Finish a generation with a fitness in Python."""
    asked = algorithm.ask(state)
    algorithm.tell(state, np.array([fitness(row) for row in asked.tolist()]))


@pytest.mark.parametrize("case", CASES)
def test_kernels_agree_with_the_reference_bit_for_bit(case, make):
    changes, fitness = CASES[case]
    algorithm, spec = make(**changes)
    problem = problem_of(spec, 3, 1.0, None)
    genes = problem.genes

    def of_genes(row):
        return fitness(row[:genes])

    state = algorithm.start(20)
    told(algorithm, state, of_genes)
    reference = Reference(problem, operators_of(spec), spec.elites, of_genes)
    for generation in range(9):
        if generation > 0:
            told(algorithm, state, of_genes)
            reference.step()
        population, costs = algorithm.population(state)
        assert population[:, :genes].tolist() == reference.population
        assert not population[:, genes:].any(), "the rest of a row stays zero"
        assert costs.tolist() == reference.costs
        assert state["origins"].tolist() == reference.origins
        assert state["history"][generation].tolist() == reference.history[-1]
        assert state["champion"][:genes].tolist() == reference.champion
        assert state["parents"][:, :genes].tolist() == reference.parents


SCRIPT = """
import json, sys
import numpy as np
from chimera.builtin.evolution.search.engine import Search
from chimera.builtin.evolution.kinds import EvolutionSpec
np.seterr(all="ignore")  # without the compiler NumPy warns where it wraps or divides by zero
found = []
for value in json.load(sys.stdin):
    search = Search(EvolutionSpec.model_validate(value))
    state = search.start()
    search.advance(state, 6)
    found.append([search.champion(state).digest, search.history_digest(state)])
print(json.dumps(found))
"""


def run_elsewhere(values, **environment):
    """Run searches in another process and return their digests."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        input=json.dumps(values),
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_the_compiler_off_other_processes_and_hash_seeds_change_nothing(value_of):
    mixed = {"expression": "sum(g * g for g in x) + sum(i * 0.5 for i in n) + abs(p[0] - p[3])"}
    values = [
        value_of(),
        value_of(population=200, operators=CASES["any eta"][0]["operators"], elites=3),
        value_of(fitness={"function": "ackley"}, operators={"mutation": GAUSSIAN}),
        value_of(genome={"genes": MIXED}, fitness=mixed),
    ]
    here = []
    for value in values:
        search = Search(EvolutionSpec.model_validate(value))
        state = search.start()
        search.advance(state, 6)
        here.append([search.champion(state).digest, search.history_digest(state)])
    assert run_elsewhere(values, PYTHONHASHSEED="1") == here
    assert run_elsewhere(values, NUMBA_DISABLE_JIT="1", PYTHONHASHSEED="2") == here


def test_a_generation_allocates_nothing(make_spec):
    import tracemalloc

    spec = make_spec(population=500)
    problem = problem_of(spec, 0, 1.0, compiled(spec, "fitness"))
    algorithm = GeneticSearch(
        replace(problem, ending=problem.ending._replace(generations=400)), spec
    )
    state = algorithm.start(401)
    algorithm.advance(state, 10)
    tracemalloc.start()
    algorithm.advance(state, 400)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert state["counters"][GENERATION] == 400
    assert peak < 10_000


def test_immigrants_take_the_place_of_the_worst(make):
    algorithm, _ = make(population=9)
    state = algorithm.start(5)
    told(algorithm, state, weighed)
    population, costs = algorithm.population(state)
    kept = sorted(costs.tolist())[:7]
    strangers = np.zeros((2, population.shape[1]))
    algorithm.immigrate(state, strangers, np.array([0.0, 0.5]))
    assert sorted(costs.tolist()) == sorted([0.0, 0.5, *kept])
    told(algorithm, state, weighed)
    assert state["history"][1, 0] == 0.0, "an immigrant can be the champion"


def test_a_restored_state_goes_on_with_the_same_bits(make):
    algorithm, _ = make(genes=MIXED)
    state = algorithm.start(9)
    for _ in range(4):
        told(algorithm, state, weighed)
    other, _ = make(genes=MIXED)
    restored = {name: array.copy() for name, array in state.items()}
    for _ in range(4):
        told(algorithm, state, weighed)
        told(other, restored, weighed)
    assert all(np.array_equal(state[name], restored[name]) for name in state)
    assert restored["counters"][GENERATION] == 7


@pytest.mark.parametrize("crossover", ["sbx", "blend"])
def test_integers_reach_their_bounds_as_often_as_what_lies_between(make, crossover):
    genes = [{"name": "n", "type": "integer", "min": 0, "max": 3, "count": 8}]
    algorithm, _ = make(
        genes=genes,
        population=4000,
        elites=0,
        operators={
            "selection": {"size": 1},
            "crossover": {"type": crossover},
            "mutation": {"type": "reset", "rate": 0.3},
        },
    )
    state = algorithm.start(9)
    for _ in range(6):
        told(algorithm, state, flat)
    counts = Counter(algorithm.population(state)[0].ravel().tolist())
    assert set(counts) == {0.0, 1.0, 2.0, 3.0}
    assert counts[0.0] == pytest.approx(counts[3.0], rel=0.1)


def test_permutations_are_recombined_as_the_literature_has_it():
    """Worked by hand from Davis 1985 and Goldberg and Lingle 1985."""
    a, b = [0, 1, 2, 3, 4, 5, 6, 7, 8], [8, 2, 6, 7, 1, 5, 4, 0, 3]
    assert order_crossover(a, b, 3, 7) == [2, 7, 1, 3, 4, 5, 6, 0, 8]
    assert pmx(a, b, 3, 7) == [8, 2, 1, 3, 4, 5, 6, 0, 7]


def test_truncation_and_roulette_choose_none_of_the_worst(make):
    for kind in ("truncation", "roulette"):
        algorithm, _ = make(population=40, operators={"selection": {"type": kind}})
        state = algorithm.start(4)
        told(algorithm, state, partly_invalid)
        costs = algorithm.population(state)[1].copy()
        algorithm.ask(state)
        parents = costs[state["origins"][1:].ravel()]
        feasible = costs[costs < 1e300]
        assert parents.max() < (1e300 if kind == "truncation" else feasible.max())


FIRST_RELEASE = ["0x1.88b7edc105b3cp+1", "0x1.f606bc81c4aeap-7", "0x1.5924a3a556864p-9"]


def test_numbers_that_the_kernels_were_first_released_with(make):
    """Held so that a change of any number is seen, and `SCHEME` raised on purpose."""
    algorithm, _ = make()
    state = algorithm.start(31)
    for _ in range(31):
        told(algorithm, state, lambda row: weighed(row[:4]))
    assert [best.hex() for best in state["history"][[0, 10, 30], 0]] == FIRST_RELEASE
