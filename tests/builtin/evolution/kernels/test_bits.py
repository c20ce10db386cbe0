"""The genetic algorithm over packed bits against a naive reference, and with the compiler off."""

import hashlib
import math
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from chimera.builtin.evolution.fitness.compile import compile_packed
from chimera.builtin.evolution.fitness.expressions import read_constraint, read_expression
from chimera.builtin.evolution.kernels import portable
from chimera.builtin.evolution.kernels.evaluating import INFEASIBLE
from chimera.builtin.evolution.kernels.genes import BIT
from chimera.builtin.evolution.kernels.recording import (
    CHAMPION_GENERATION,
    EVALUATIONS,
    INVALID,
    Ending,
)
from chimera.builtin.evolution.kinds import EvolutionSpec
from chimera.builtin.evolution.search.algorithm import Problem
from chimera.builtin.evolution.search.bits import BitsSearch

ROOT = Path(__file__).parents[4]
MASK, BLOCK = 2**64 - 1, 128
ISLAND = 3


def philox(counter, key):
    """Philox4x32-10 on Python's integers."""
    c, k = list(counter), list(key)
    for _ in range(10):
        high0, low0 = divmod(0xD2511F53 * c[0], 2**32)
        high1, low1 = divmod(0xCD9E8D57 * c[2], 2**32)
        c = [high1 ^ c[1] ^ k[0], low1, high0 ^ c[3] ^ k[1], low0]
        k = [(k[0] + 0x9E3779B9) % 2**32, (k[1] + 0xBB67AE85) % 2**32]
    return c


class Stream:
    """The draws of one key."""

    def __init__(self, key):
        self.key = key

    @classmethod
    def of_block(cls, seed, generation, block, phase):
        words = philox((generation, block, phase, ISLAND), (seed % 2**32, seed >> 32))
        return cls(words[1] << 32 | words[0])

    def bits(self, j):
        z = (self.key + j * 0x9E3779B97F4A7C15) & MASK
        z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ z >> 27) * 0x94D049BB133111EB) & MASK
        return z ^ z >> 31

    def unit(self, j):
        return (self.bits(j) >> 12) / 2**52

    def open_unit(self, j):
        return ((self.bits(j) >> 12) + 0.5) / 2**52

    def below(self, j, count):
        return (self.bits(j) >> 32) * count >> 32


class Reference:
    """One generation after another in plain Python: lists of bits, one candidate at a time."""

    def __init__(self, spec, fitness):
        self.spec, self.fitness = spec, fitness
        self.genes, self.count = spec.genome.length, spec.population
        self.sign = 1.0 if spec.objective == "minimize" else -1.0
        self.words = -(-self.genes // 64)
        self.generation, self.invalid, self.history = 0, 0, []
        self.champion = self.parents = None
        self.population = [
            self.first(block, row) for block, rows in self.blocks(0) for row in range(rows)
        ]
        self.origins = [None] * self.count
        self.costs = [self.cost(candidate) for candidate in self.population]
        self.record()

    def blocks(self, start):
        for block, first in enumerate(range(start, self.count, BLOCK)):
            yield block, min(BLOCK, self.count - first)

    def stream(self, block, phase):
        return Stream.of_block(int(self.spec.seed, 16), self.generation, block, phase)

    def first(self, block, row):
        stream = self.stream(block, 0)
        words = [stream.bits(row * self.words + k) for k in range(self.words)]
        return [words[j // 64] >> j % 64 & 1 for j in range(self.genes)]

    def cost(self, candidate):
        value = self.fitness(candidate)
        if not math.isfinite(value):
            self.invalid += 1
            return math.inf
        return value if value >= INFEASIBLE else self.sign * value

    def step(self):
        ranked = sorted(range(self.count), key=lambda row: (self.costs[row], row))
        kept = ranked[: self.spec.elites]
        self.generation += 1
        children, origins = [list(self.population[row]) for row in kept], [None] * len(kept)
        for block, rows in self.blocks(self.spec.elites):
            chosen = self.choose(ranked, self.stream(block, 1), rows + rows % 2)
            made = self.breed(block, chosen)[:rows]
            self.mutate(block, made)
            children += made
            origins += [(chosen[i - i % 2], chosen[i - i % 2 + 1]) for i in range(rows)]
        self.before, self.population, self.origins = self.population, children, origins
        self.costs = [self.costs[row] for row in kept] + [
            self.cost(candidate) for candidate in children[len(kept) :]
        ]
        self.record()

    def choose(self, ranked, stream, count):
        selection = self.spec.operators.selection
        match selection.type:
            case "tournament":
                return [self.winner(stream, i, selection.size) for i in range(count)]
            case "rank":
                ranks = (self.rank(stream.unit(i), selection.pressure) for i in range(count))
                return [ranked[rank] for rank in ranks]
            case "truncation":
                kept = max(1, round(selection.share * self.count))
                return [ranked[stream.below(i, kept)] for i in range(count)]
        sums = self.sums()
        shares = [stream.unit(i) * sums[-1] for i in range(count)]
        return [next((r for r, s in enumerate(sums) if s > t), len(sums) - 1) for t in shares]

    def winner(self, stream, place, size):
        drawn = [stream.below(place * size + k, self.count) for k in range(size)]
        return min(drawn, key=lambda row: self.costs[row])

    def rank(self, u, pressure):
        excess = pressure - 1
        if excess > 0:
            u = (pressure - math.sqrt(pressure * pressure - 4 * excess * u)) / (2 * excess)
        return min(int(u * self.count), self.count - 1)

    def sums(self):
        feasible = [cost for cost in self.costs if cost < INFEASIBLE]
        span, found, total = (max(feasible) - min(feasible)) if feasible else 0, [], 0.0
        for cost in self.costs:
            if cost < INFEASIBLE:
                total += (max(feasible) - cost) / span if span > 0 else 1.0
            elif not feasible:
                total += 1.0
            found.append(total)
        return found

    def breed(self, block, chosen):
        stream, made = self.stream(block, 2), []
        for row in range(0, len(chosen), 2):
            a, b = (self.population[parent] for parent in chosen[row : row + 2])
            exchanged = self.exchanged(Stream(stream.bits(row)))
            made.append([y if e else x for x, y, e in zip(a, b, exchanged, strict=True)])
            made.append([x if e else y for x, y, e in zip(a, b, exchanged, strict=True)])
        return made

    def exchanged(self, stream):
        crossover = self.spec.operators.crossover
        if stream.unit(0) >= crossover.probability:
            return [False] * self.genes
        if crossover.type in ("one-point", "two-point"):
            cuts = max(self.genes - 1, 1)
            low, high = stream.below(1, cuts) + 1, self.genes
            if crossover.type == "two-point":
                low, high = sorted((low, stream.below(2, cuts) + 1))
            return [low <= j < high for j in range(self.genes)]
        return [stream.bits(j // 64 + 1) >> j % 64 & 1 == 1 for j in range(self.genes)]

    def mutate(self, block, made):
        stream, rate = self.stream(block, 3), self.spec.operators.mutation.rate
        rate = 1 / self.genes if rate is None else rate
        positions = [(row, j) for row in range(len(made)) for j in range(self.genes)]
        factor = -math.inf if rate == 0 else 0.0
        if 0 < rate < 1:
            factor = math.log(2) / portable.log(1 - rate)
        step, place = 0, 0
        while True:
            gap = portable.unit_log2(stream.open_unit(step)) * factor
            place += int(min(gap, len(positions)))
            if place >= len(positions):
                break
            row, j = positions[place]
            made[row][j] = 1 - made[row][j]
            place, step = place + 1, step + 1

    def record(self):
        best = min(range(self.count), key=lambda row: (self.costs[row], row))
        before = self.history[-1][0] if self.history else math.inf
        if self.costs[best] < before:
            self.champion, origins = list(self.population[best]), self.origins[best]
            nobody = [0] * self.genes
            self.parents = [self.before[row] for row in origins] if origins else [nobody] * 2
            self.champion_generation = self.generation
        feasible, mean = [cost for cost in self.costs if cost < INFEASIBLE], 0.0
        for cost in feasible:
            mean += cost
        mean = mean / len(feasible) if feasible else math.inf
        self.history.append([min(before, self.costs[best]), mean])


WEIGHTS = [5.0, 3.0, 7.5, 2.0, 9.0, 4.0, 1.0, 6.0, 8.0, 2.5]
KNAPSACK = "sum((i + 1) * x[i] for i in range(len(x)))"
CAPACITY = "sum(weights[i] * x[i] for i in range(10)) <= 20"


def knapsack(candidate):
    over = sum(w for w, x in zip(WEIGHTS, candidate, strict=False) if x) - 20
    if over > 0:
        return INFEASIBLE * (1 + over / (1 + over))
    return float(sum(i for i, x in enumerate(candidate, 1) if x))


def partly_invalid(candidate):
    return math.nan if candidate[0] else math.inf if sum(candidate) > 60 else float(sum(candidate))


PARTLY_INVALID = (
    "log(-1) if x[0] == 1 else 1 / (x[0] - x[0]) if sum(g for g in x) > 60 else sum(g for g in x)"
)
ONEMAX = "sum(g for g in genes)"


def case(genes, fitness=None, text=ONEMAX, constraints=(), **changes):
    operators = {
        "selection": {"type": "tournament"},
        "crossover": {"type": "uniform"},
        "mutation": {"type": "reset"},
    }
    return (
        {
            "genome": {
                "genes": [{"type": "bit", "name": "x", "count": genes}],
                "constraints": [{"expression": each} for each in constraints],
            },
            "fitness": {"expression": text, "parameters": {"weights": WEIGHTS}},
            "algorithm": {"type": "genetic"},
            "population": 40,
            "elites": 1,
            "objective": "maximize",
            "seed": "c0ffee",
            "termination": {"generations": 100},
        }
        | changes
        | {"operators": operators | changes.get("operators", {})},
        fitness or (lambda candidate: float(sum(candidate))),
    )


CASES = {
    "one word": case(64),
    "part of a word": case(13),
    "one gene": case(1),
    "several words, several blocks": case(130, population=301, elites=4),
    "no elites, no pressure": case(
        70, elites=0, operators={"selection": {"type": "tournament", "size": 1}}
    ),
    "rank": case(70, operators={"selection": {"type": "rank", "pressure": 1.5}}),
    "rank without pressure": case(70, operators={"selection": {"type": "rank", "pressure": 1}}),
    "roulette": case(70, operators={"selection": {"type": "roulette"}}),
    "truncation": case(70, operators={"selection": {"type": "truncation", "share": 0.2}}),
    "one point": case(130, operators={"crossover": {"type": "one-point"}}),
    "two points": case(130, operators={"crossover": {"type": "two-point"}}),
    "two points of one gene": case(1, operators={"crossover": {"type": "two-point"}}),
    "every gene flipped": case(70, operators={"mutation": {"type": "reset", "rate": 1}}),
    "many flipped": case(70, operators={"mutation": {"type": "reset", "rate": 0.4}}),
    "none flipped": case(70, operators={"mutation": {"type": "reset", "rate": 0}}),
    "no pair recombined": case(70, operators={"crossover": {"type": "uniform", "probability": 0}}),
    "minimised": case(70, objective="minimize"),
    "constrained": case(100, knapsack, KNAPSACK),
    "constrained, roulette": case(
        100, knapsack, KNAPSACK, operators={"selection": {"type": "roulette"}}
    ),
    "partly invalid": case(130, partly_invalid, PARTLY_INVALID),
    "smallest population": case(70, population=2),
    "wide seed": case(70, seed="ffffffffffffffff"),
}
for name in ("constrained", "constrained, roulette"):
    CASES[name][0]["genome"]["constraints"] = [{"expression": CAPACITY}]


def searched(value):
    """Return the search of a spec's value."""
    spec = EvolutionSpec.model_validate(value)
    genes, parameters = spec.genome.genes, spec.fitness.parameters
    tree = read_expression(spec.fitness.expression, genes, parameters)
    violations = [read_constraint(c.expression, genes, parameters) for c in spec.genome.constraints]
    assert not any(reading.faults for reading in (tree, *violations))
    length, upper = spec.genome.length, np.zeros(-(-spec.genome.length // 8) * 8)
    upper[:length] = 1.0
    problem = Problem(
        seed=int(spec.seed, 16),
        island=ISLAND,
        genes=length,
        segments=np.array([[BIT, 0, length]]),
        lower=np.zeros_like(upper),
        upper=upper,
        sign=1.0 if spec.objective == "minimize" else -1.0,
        population=spec.population,
        ending=Ending(1000, 2**62, -math.inf, 0, 0.0),
        fitness=compile_packed(tree.tree, [violation.tree for violation in violations]),
    )
    return spec, BitsSearch(problem, spec)


@pytest.mark.parametrize("name", CASES)
def test_kernels_agree_with_the_reference_bit_for_bit(name):
    value, fitness = CASES[name]
    spec, search = searched(value)
    state, reference = search.start(20), Reference(spec, fitness)
    for generation in range(10):
        search.advance(state, generation)
        if generation > 0:
            reference.step()
        rows, costs = search.population(state)
        assert rows[:, : reference.genes].tolist() == reference.population
        assert not rows[:, reference.genes :].any(), "the rest of a row stays zero"
        assert costs.tolist() == reference.costs
        assert state["history"][generation].tolist() == reference.history[-1]
        assert state["counters"][INVALID] == reference.invalid
        if reference.champion is not None:
            assert state["champion"][: reference.genes].tolist() == reference.champion
            assert state["parents"][:, : reference.genes].tolist() == reference.parents
            assert state["counters"][CHAMPION_GENERATION] == reference.champion_generation
    evaluated = spec.population + 9 * (spec.population - spec.elites)
    assert state["counters"][EVALUATIONS] == evaluated


def digests():
    """Return the digests of the states of some searches after a few generations."""
    found = []
    for name in ("several words, several blocks", "two points", "constrained", "partly invalid"):
        _, search = searched(CASES[name][0])
        state = search.start(20)
        with np.errstate(all="ignore"):  # without the compiler NumPy warns where it wraps
            search.advance(state, 4)
        data = b"".join(state[key].tobytes() for key in sorted(state))
        found.append(hashlib.sha256(data).hexdigest())
    return found


@pytest.mark.parametrize("environment", [{}, {"NUMBA_DISABLE_JIT": "1"}])
def test_the_compiler_off_and_other_processes_change_nothing(environment):
    done = subprocess.run(
        [sys.executable, "-c", f"from {__name__} import digests; print(*digests())"],
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "7"} | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == digests()


def test_a_generation_allocates_nothing():
    value = CASES["one word"][0] | {"population": 2000}
    _, search = searched(value)
    state = search.start(500)
    search.advance(state, 3)
    tracemalloc.start()
    search.advance(state, 400)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < state["rows"].nbytes / 2


def test_immigrants_take_the_place_of_the_worst():
    _, search = searched(CASES["part of a word"][0])
    state = search.start(20)
    search.advance(state, 3)
    before, costs = (array.copy() for array in search.population(state))
    coming = np.zeros((2, 16))
    coming[:, :13] = 1.0
    search.immigrate(state, coming, np.array([-13.0, -13.0]))
    rows, after = search.population(state)
    worst = sorted(range(len(costs)), key=lambda row: (costs[row], row))[-2:]
    assert rows[worst].tolist() == coming.tolist()
    assert after[worst].tolist() == [-13.0, -13.0]
    assert np.array_equal(np.delete(rows, worst, 0), np.delete(before, worst, 0))


def test_asking_and_telling_leaves_the_state_that_advancing_does():
    for name in ("several words, several blocks", "partly invalid", "constrained"):
        value, fitness = CASES[name]
        _, search = searched(value)
        advanced, told = search.start(20), search.start(20)
        search.advance(advanced, 5)
        for _ in range(6):
            search.ask(told)
            candidates = search.ask(told)
            values = np.array([fitness(row) for row in candidates.astype(int).tolist()])
            search.tell(told, np.where(values >= INFEASIBLE, values, -values))
        for key, array in advanced.items():
            assert array.tobytes() == told[key].tobytes(), key
