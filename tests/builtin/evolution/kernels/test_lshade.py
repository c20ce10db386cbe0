"""Compiled L-SHADE against a naive reference, bit for bit, and with the compiler off."""

import hashlib
import json
import math
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numba
import numpy as np
import pytest

from chimera.builtin.evolution.kernels import portable, randomness
from chimera.builtin.evolution.kernels.evaluating import FITNESS_SIGNATURE, INFEASIBLE
from chimera.builtin.evolution.kernels.genes import INTEGER, REAL
from chimera.builtin.evolution.kernels.recording import (
    COUNTERS,
    EVALUATIONS,
    EVALUATIONS_SPENT,
    GENERATION,
    INVALID,
    RUNNING,
    STOPPED,
    TARGET,
    Ending,
)
from chimera.builtin.evolution.kinds import EvolutionSpec
from chimera.builtin.evolution.search.algorithm import Problem
from chimera.builtin.evolution.search.lshade import LShadeSearch
from chimera.model import ChimeraError

ROOT = Path(__file__).parents[4]
FOREVER = 2**62


def spec_of(**parameters):
    return EvolutionSpec.model_validate(
        {
            "genome": {"genes": [{"name": "x", "min": 0, "max": 1}]},
            "fitness": {"function": "sphere"},
            "algorithm": {"type": "l-shade", **parameters},
            "seed": 0,
        }
    )


def problem_of(
    fitness=None,
    genes=5,
    bounds=(-5.0, 4.0),
    population=23,
    evaluations=600,
    generations=10**6,
    target=-math.inf,
    kind=REAL,
):
    width = -(-genes // 8) * 8
    lower, upper = np.zeros(width), np.zeros(width)
    lower[:genes], upper[:genes] = bounds
    return Problem(
        seed=0xC0FFEE,
        island=3,
        genes=genes,
        segments=np.array([[kind, 0, genes]]),
        lower=lower,
        upper=upper,
        sign=1.0,
        population=population,
        ending=Ending(generations, evaluations, target, 0, 0.0),
        fitness=fitness,
    )


def draw(key, j):
    return np.uint64(randomness.draw(key, j))  # a compiled function returns Python's integers


class Reference:
    """L-SHADE on lists of floats, one candidate after another; draws are `randomness`'s own."""

    def __init__(self, problem, memory=6, archive=2.6, best=0.11):
        self.problem, self.archive_share, self.best_share = problem, archive, best
        self.low, self.high = problem.lower.tolist(), problem.upper.tolist()
        self.size = self.largest = problem.population or 18 * problem.genes
        self.factors, self.rates, self.place = [0.5] * memory, [0.5] * memory, 0
        self.rows, self.costs, self.archive = [], [], []
        self.generation, self.evaluations = -1, 0

    def key(self, block, phase):
        seed, generation = np.uint64(self.problem.seed), self.generation + 1
        key = randomness.block_key(seed, generation, block, phase, self.problem.island)
        return np.uint64(key)

    def ask(self):
        make = self.first if self.generation < 0 else self.trial
        self.tried = [make(row) for row in range(self.size)]
        return [trial for trial, _, _ in self.tried]

    def first(self, row):
        key, genes = self.key(row // 32, randomness.INITIALISE), self.problem.genes
        units = [randomness.unit(draw(key, row % 32 * genes + j)) for j in range(genes)]
        spans = zip(units, self.low, self.high, strict=False)
        drawn = [min(max(low + u * (high - low), low), high) for u, low, high in spans]
        return drawn + [0.0] * (len(self.low) - genes), None, None

    def trial(self, row):
        key = draw(self.key(row // 32, randomness.RECOMBINE), row % 32)

        def below(j, count):
            return randomness.below(draw(key, j), count)

        slot = below(0, len(self.factors))
        rate = self.draw_rate(self.rates[slot], draw(key, 1))
        factor = self.draw_factor(self.factors[slot], draw(key, 6))
        wanted = max(2, int(self.size * self.best_share + 0.5))
        ranked = sorted(range(self.size), key=lambda i: (self.costs[i], i))
        best = self.rows[sorted(ranked[:wanted])[below(2, wanted)]]
        one = [i for i in range(self.size) if i != row][below(3, self.size - 1)]
        others = [r for i, r in enumerate(self.rows) if i not in {row, one}] + self.archive
        other, one = others[below(4, len(others))], self.rows[one]
        forced, made, half = below(5, self.problem.genes), [], len(self.low) // 2
        for j, x in enumerate(self.rows[row]):
            bits = int(draw(key, 7 + j % half))
            u = (bits % 2**32 if j < half else bits >> 32) / 2**32
            v = x + factor * (best[j] - x) + factor * (one[j] - other[j])
            v = 0.5 * (x + self.low[j]) if v < self.low[j] else v
            v = 0.5 * (x + self.high[j]) if v > self.high[j] else v
            made.append(v if u < rate or j == forced else x)
        return made, factor, rate

    def draw_rate(self, mean, bits):
        if mean < 0:
            return 0.0
        return min(max(mean + 0.1 * portable.normal(randomness.open_unit(bits)), 0.0), 1.0)

    def draw_factor(self, mean, key):
        for step in range(1000):
            bits = int(draw(key, step))
            x, y = (bits >> 32) / 2**31 - 1, (bits % 2**32 + 0.5) / 2**31 - 1
            factor = mean + 0.1 * (x / y)
            if factor > 0 and x * x + y * y <= 1:
                return min(factor, 1.0)
        raise AssertionError("no positive factor")

    def tell(self, costs):
        select = self.key(0, randomness.SELECT)
        evaluated = self.size
        if self.generation < 0:
            self.rows, self.costs = [trial for trial, _, _ in self.tried], list(costs)
        else:
            self.replace(costs, select)
        self.generation += 1
        self.evaluations += evaluated
        self.reduce(select)

    def replace(self, costs, select):
        wins, capacity = [], int(self.archive_share * self.size + 0.5)
        for row, (cost, (trial, factor, rate)) in enumerate(zip(costs, self.tried, strict=True)):
            before = self.costs[row]
            if cost < before:
                wins.append((before, before - cost, factor, rate))
                if len(self.archive) < capacity:
                    self.archive.append(self.rows[row])
                elif capacity:
                    place = randomness.below(draw(select, row), capacity)
                    self.archive[place] = self.rows[row]
            if cost <= before:
                self.rows[row], self.costs[row] = trial, cost
        if wins:
            self.learn(wins)

    def learn(self, wins):
        is_measured = all(before < INFEASIBLE for before, _, _, _ in wins)
        weights = [gain if is_measured else 1.0 for _, gain, _, _ in wins]
        factors, rates = [f for _, _, f, _ in wins], [r for _, _, _, r in wins]
        self.factors[self.place] = self.lehmer(weights, factors)
        self.rates[self.place] = self.lehmer(weights, rates) if any(rates) else -1.0
        self.place = (self.place + 1) % len(self.factors)

    def lehmer(self, weights, values):
        above = below = 0.0
        for weight, value in zip(weights, values, strict=True):
            above += weight * value * value
            below += weight * value
        return above / below

    def reduce(self, select):
        end = self.problem.ending
        spent = max(self.evaluations / end.evaluations, self.generation / end.generations)
        planned = int(self.largest + (4 - self.largest) * min(spent, 1.0) + 0.5)
        self.size = min(self.size, max(planned, 4))
        while len(self.rows) > self.size:
            worst = max(range(len(self.rows)), key=lambda i: (self.costs[i], i))
            self.rows[worst], self.costs[worst] = self.rows[-1], self.costs[-1]
            self.rows.pop()
            self.costs.pop()
        while len(self.archive) > int(self.archive_share * self.size + 0.5):
            last = len(self.archive) - 1
            bits = draw(select, self.largest + last)
            self.archive[randomness.below(bits, last + 1)] = self.archive[last]
            self.archive.pop()


def sphere(row):
    total = 0.0
    for gene in row:
        total += gene * gene
    return total


def partly_invalid(row):
    """Infinite where the first gene is negative, infeasible where the second is."""
    if row[0] < 0:
        return math.inf
    return INFEASIBLE * (1 - row[1] / (1 - row[1])) if row[1] < 0 else sphere(row)


CASES = {
    "defaults": ({}, {}, sphere),
    "several blocks": ({"population": 71, "evaluations": 2000}, {}, sphere),
    "sixteen wide": ({"genes": 11}, {}, sphere),
    "partly invalid": ({}, {}, partly_invalid),
    "all invalid": ({}, {}, lambda row: math.inf),
    "all equal": ({}, {}, lambda row: 1.0),
    "planned by generations": ({"generations": 25, "evaluations": FOREVER}, {}, sphere),
    "optimum on a corner": ({"bounds": (0.0, 4.0)}, {}, sphere),
    "no archive": ({}, {"archive": 0}, sphere),
    "other parameters": ({}, {"memory": 1, "archive": 1, "best": 0.5}, sphere),
    "smallest population": ({"population": 4, "evaluations": 100}, {}, sphere),
    "population by genes": ({"genes": 2, "population": 0}, {}, sphere),
}


@pytest.mark.parametrize("case", CASES)
def test_kernels_agree_with_the_reference_bit_for_bit(case):
    changes, parameters, fitness = CASES[case]
    problem = problem_of(**changes)
    search, reference = LShadeSearch(problem, spec_of(**parameters)), None
    reference = Reference(problem, **parameters)
    state = search.start(200)
    while state["counters"][STOPPED] == RUNNING and state["counters"][GENERATION] < 40:
        candidates = search.ask(state)
        assert candidates.tolist() == reference.ask()
        costs = [fitness(row) for row in candidates.tolist()]
        search.tell(state, np.array(costs))
        reference.tell(costs)
        rows, kept = search.population(state)
        assert rows.tolist() == reference.rows
        assert kept.tolist() == reference.costs
        archived = state["pool"][reference.largest :][: state["sizes"][1]]
        assert archived.tolist() == reference.archive
        assert state["memory"].tolist() == [reference.factors, reference.rates]
    assert state["counters"][GENERATION] > 5
    assert state["counters"][EVALUATIONS] == reference.evaluations <= problem.ending.evaluations


@numba.njit(FITNESS_SIGNATURE)
def fill_sphere(rows, first, last, values):
    for row in range(first, last):
        total = 0.0
        for j in range(rows.shape[1]):
            total += rows[row, j] * rows[row, j]
        values[row] = total if rows[row, 0] > -4.0 else math.nan


def digest_of(state):
    found = hashlib.sha256()
    for name in sorted(state):
        found.update(name.encode() + state[name].tobytes())
    return found.hexdigest()


def digests():
    """Return what a state is after a run in one go, in slices, and by ask and tell."""
    problem = problem_of(fill_sphere, population=40)
    found = []
    for how in ("whole", "slices", "asked"):
        search = LShadeSearch(problem, spec_of())
        state = search.start(200)
        while state["counters"][STOPPED] == RUNNING:
            if how == "asked":
                candidates = search.ask(state)
                costs = np.zeros(len(candidates))
                fill_sphere(candidates, 0, len(candidates), costs)
                search.tell(state, np.where(np.isnan(costs), np.inf, costs))
            else:
                pace = 10**6 if how == "whole" else 3
                search.advance(state, int(state["counters"][GENERATION]) + pace)
        assert state["counters"][INVALID] > 0
        found.append(digest_of(state))
    return found


def test_slices_and_asking_leave_the_same_bits():
    assert len(set(digests())) == 1


SCRIPT = """
import json
import numpy as np
np.seterr(all="ignore")  # without the compiler NumPy warns where it wraps
from tests.builtin.evolution.kernels.test_lshade import digests
print(json.dumps(digests()))
"""


def test_the_compiler_off_and_another_process_change_nothing():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=os.environ | {"PYTHONPATH": str(ROOT), "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == digests()


def test_the_population_shrinks_to_four_as_evaluations_are_spent():
    search = LShadeSearch(problem_of(fill_sphere, population=60, evaluations=5000), spec_of())
    state, sizes = search.start(1000), []
    while state["counters"][STOPPED] == RUNNING:
        search.advance(state, int(state["counters"][GENERATION]) + 1)
        sizes.append(len(search.population(state)[1]))
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] == 4
    assert state["counters"][STOPPED] == EVALUATIONS_SPENT
    assert 5000 - 4 < state["counters"][EVALUATIONS] <= 5000


def test_a_target_stops_the_run():
    search = LShadeSearch(problem_of(fill_sphere, evaluations=50_000, target=1e-8), spec_of())
    state = search.start(20_000)
    search.advance(state, 10**6)
    assert state["counters"][STOPPED] == TARGET
    assert sphere(state["champion"].tolist()) <= 1e-8


def test_counters_shared_with_others_do_not_disturb_the_plan():
    """A member of a portfolio begins after others have spent evaluations and generations."""
    problem = problem_of(fill_sphere, population=40, evaluations=3000)
    search = LShadeSearch(problem, spec_of())
    state = search.start(1000)
    state["counters"][[GENERATION, EVALUATIONS]] = 99, 2000
    state["history"][99] = math.inf
    search.advance(state, 100)
    assert len(search.population(state)[1]) == 39, "of 1000 evaluations 40 are spent"
    search.advance(state, 10**6)
    assert len(search.population(state)[1]) == 4
    assert state["counters"][EVALUATIONS] <= 3000


def test_immigrants_take_the_places_of_the_worst_but_of_the_best():
    search = LShadeSearch(problem_of(fill_sphere), spec_of())
    state = search.start(100)
    search.advance(state, 3)
    rows, costs = search.population(state)
    before, best = sorted(costs.tolist()), rows[costs.argmin()].copy()
    search.immigrate(state, np.ones((2, 8)), np.array([0.25, 0.5]))
    rows, costs = search.population(state)
    assert sorted(costs.tolist()) == sorted([*before[:-2], 0.25, 0.5])
    assert rows[costs == 0.25].tolist() == [[1.0] * 8]
    search.immigrate(state, np.zeros((500, 8)), np.full(500, 100.0))
    rows, costs = search.population(state)
    assert (costs == 100.0).sum() == len(costs) - 1
    assert rows[costs != 100.0].tolist() in ([best.tolist()], [[1.0] * 8])


def test_genes_that_are_not_real_are_refused():
    with pytest.raises(ChimeraError, match="real genes alone"):
        LShadeSearch(problem_of(kind=INTEGER), spec_of())


def test_a_generation_allocates_nothing():
    search = LShadeSearch(problem_of(fill_sphere, population=500, evaluations=10**6), spec_of())
    state = search.start(501)
    search.advance(state, 5)
    tracemalloc.start()
    search.advance(state, 500)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert state["counters"].shape == (COUNTERS,)
    assert peak < state["pool"].nbytes / 10
