"""The compiled kernels against a naive reference, bit for bit, and with the compiler off."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from chimera.builtin.evolution.kernels import portable
from chimera.builtin.evolution.search.engine import Search, bounds_of, settings_of

ROOT = Path(__file__).parents[4]
MASK = 2**64 - 1


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
        words = philox((generation, block, phase, 0), (seed % 2**32, seed >> 32))
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
    """One generation after another in plain Python: lists of floats, one candidate at a time."""

    def __init__(self, spec, fitness):
        self.spec, self.fitness, self.settings = spec, fitness, settings_of(spec)
        self.low, self.high, self.scale = bounds_of(spec)[:, : spec.genome.length].tolist()
        self.seed, self.generation = int(self.settings.seed), 0
        self.genes, self.count = len(self.low), spec.population
        self.population = [
            self.first(block, row) for block, rows in self.blocks(0) for row in range(rows)
        ]
        self.costs = [self.cost(candidate) for candidate in self.population]
        self.champion, self.history = None, []
        self.record()

    def blocks(self, start):
        for block, first in enumerate(range(start, self.count, 32)):
            yield block, min(32, self.count - first)

    def first(self, block, row):
        stream = Stream.of_block(self.seed, 0, block, 0)
        units = [stream.unit(row * self.genes + j) for j in range(self.genes)]
        return [
            self.clamp(j, self.low[j] + u * (self.high[j] - self.low[j]))
            for j, u in enumerate(units)
        ]

    def clamp(self, j, value):
        return min(max(value, self.low[j]), self.high[j])

    def cost(self, candidate):
        cost = self.settings.sign * self.fitness(candidate)
        return cost if math.isfinite(cost) else math.inf

    def root(self, x, roots, exponent):
        if roots < 0:
            return portable.power(x, exponent)
        for _ in range(roots):
            x = math.sqrt(x)
        return x

    def step(self):
        ranked = sorted(range(self.count), key=lambda row: (self.costs[row], row))
        elites = [list(self.population[row]) for row in ranked[: self.spec.elites]]
        self.generation += 1
        children = elites
        for block, rows in self.blocks(self.spec.elites):
            made = self.breed(block, rows)
            self.mutate(block, made)
            children += made
        self.population = children
        self.costs = [self.cost(candidate) for candidate in children]
        self.record()

    def breed(self, block, rows):
        select = Stream.of_block(self.seed, self.generation, block, 1)
        recombine = Stream.of_block(self.seed, self.generation, block, 2)
        size, made = self.settings.tournament, []
        for row in range(0, rows, 2):
            a = self.winner(select, row * size)
            b = self.winner(select, row * size + size)
            made += self.cross(a, b, Stream(recombine.bits(row)))
        return made[:rows]

    def winner(self, stream, position):
        size = self.settings.tournament
        drawn = [stream.below(position + k, self.count) for k in range(size)]
        return self.population[min(drawn, key=lambda row: self.costs[row])]

    def cross(self, a, b, stream):
        if stream.unit(0) >= self.settings.crossover_probability:
            return [list(a), list(b)]
        first, second = [], []
        for j in range(self.genes):
            x, y, bits, u = a[j], b[j], stream.bits(j + 1), stream.unit(j + 1)
            if bits & 1:
                roots, exponent = self.settings.crossover_roots, self.settings.crossover_exponent
                inner = self.root(2 * u if u < 0.5 else 2 - 2 * u, roots, exponent)
                spread = inner if u < 0.5 else 1 / inner
                middle, reach = 0.5 * (x + y), 0.5 * spread * (y - x)
                x, y = self.clamp(j, middle - reach), self.clamp(j, middle + reach)
            if bits & 2:
                x, y = y, x
            first.append(x)
            second.append(y)
        return [first, second]

    def mutate(self, block, made):
        stream = Stream.of_block(self.seed, self.generation, block, 3)
        rate, gap = self.settings.mutation_rate, self.settings.mutation_gap
        positions = [(row, j) for row in range(len(made)) for j in range(self.genes)]
        step, place = 0, 0
        while rate > 0:
            if rate < 1:
                skipped = portable.log(stream.open_unit(step)) * gap
                place += int(min(skipped, len(positions)))
            if place >= len(positions):
                break
            row, j = positions[place]
            change = self.deviate(stream, step + 1) * self.scale[j]
            made[row][j] = self.clamp(j, made[row][j] + change)
            place, step = place + 1, step + 2

    def deviate(self, stream, j):
        if self.settings.mutation_is_gaussian:
            return portable.normal(stream.open_unit(j))
        roots, exponent = self.settings.mutation_roots, self.settings.mutation_exponent
        u = stream.unit(j)
        if u < 0.5:
            return self.root(2 * u, roots, exponent) - 1
        return 1 - self.root(2 - 2 * u, roots, exponent)

    def record(self):
        best = min(range(self.count), key=lambda row: (self.costs[row], row))
        before = self.history[-1][0] if self.history else math.inf
        if self.costs[best] < before:
            self.champion = list(self.population[best])
        finite, mean = [cost for cost in self.costs if cost < math.inf], 0.0
        for cost in finite:
            mean += cost
        mean = mean / len(finite) if finite else math.inf
        self.history.append((min(before, self.costs[best]), mean))


def sphere(candidate):
    total = 0.0
    for gene in candidate:
        total += gene * gene
    return total


def partly_invalid(candidate):
    """The sphere, but NaN where the first gene is negative and infinite far from the origin."""
    if candidate[0] < 0:
        return math.nan
    return math.inf if sphere(candidate) > 60 else sphere(candidate)


PARTLY_INVALID = (
    "log(-1) if x[0] < 0 else 1 / (x[0] - x[0]) if sum(g ** 2 for g in x) > 60"
    " else sum(g ** 2 for g in x)"
)
GAUSSIAN = {"type": "gaussian", "rate": 0.3, "sigma": 0.2}
POLYNOMIAL = {"type": "polynomial", "rate": 0.5, "eta": 7}
CASES = {
    "defaults": ({}, sphere),
    "gaussian": ({"operators": {"mutation": GAUSSIAN}}, sphere),
    "polynomial by roots": ({"operators": {"mutation": POLYNOMIAL}}, sphere),
    "eta by powers": ({"operators": {"crossover": {"eta": 4.5, "probability": 1}}}, sphere),
    "every gene mutated": ({"operators": {"mutation": GAUSSIAN | {"rate": 1}}}, sphere),
    "no gene mutated": ({"operators": {"mutation": GAUSSIAN | {"rate": 0}}}, sphere),
    "no pair recombined": ({"operators": {"crossover": {"probability": 0}}}, sphere),
    "several blocks, odd rows": ({"population": 100, "elites": 3}, sphere),
    "no elites, no pressure": ({"elites": 0, "operators": {"selection": {"size": 1}}}, sphere),
    "maximised": ({"objective": "maximize"}, sphere),
    "partly invalid": ({"fitness": PARTLY_INVALID}, partly_invalid),
    "smallest population": ({"population": 2, "elites": 1}, sphere),
    "wide seed": ({"seed": "ffffffffffffffff"}, sphere),
}


@pytest.mark.parametrize("case", CASES)
def test_kernels_agree_with_the_reference_bit_for_bit(case, make_spec):
    changes, fitness = CASES[case]
    spec = make_spec(**changes)
    search = Search(spec)
    state, reference = search.start(), Reference(spec, fitness)
    for generation in range(13):
        search.advance(state, generation)
        if generation > 0:
            reference.step()
        population = state.populations[generation % 2]
        assert population[:, : reference.genes].tolist() == reference.population
        assert not population[:, reference.genes :].any(), "the rest of a row stays zero"
        assert state.costs[generation % 2].tolist() == reference.costs
        assert state.history[generation].tolist() == list(reference.history[-1])
    assert search.champion(state).genes.tolist() == reference.champion


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


def test_the_compiler_off_other_processes_and_hash_seeds_change_nothing(value_of, make_spec):
    chosen = ("defaults", "eta by powers", "several blocks, odd rows", "partly invalid")
    values = [value_of(**CASES[case][0]) for case in chosen]
    values.append(value_of(fitness={"function": "ackley"}, operators={"mutation": GAUSSIAN}))
    here = []
    for value in values:
        search = Search(make_spec(**value))
        state = search.start()
        search.advance(state, 6)
        here.append([search.champion(state).digest, search.history_digest(state)])
    assert run_elsewhere(values, PYTHONHASHSEED="1") == here
    assert run_elsewhere(values, NUMBA_DISABLE_JIT="1", PYTHONHASHSEED="2") == here


def test_a_generation_allocates_nothing(make_spec):
    import tracemalloc

    search = Search(make_spec(population=500, termination={"generations": 400}))
    state = search.start()
    search.advance(state, 10)
    tracemalloc.start()
    search.advance(state, 400)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < state.populations.nbytes / 2


FIRST_RELEASE = ["0x1.18db9169ab8f0p+4", "0x1.31fb23bfb77a3p-4", "0x1.7e426c57e613cp-7"]


def test_numbers_that_the_kernels_were_first_released_with(make_spec):
    """Held so that a change of any number is seen, and `SCHEME` raised on purpose."""
    search = Search(make_spec())
    state = search.start()
    search.advance(state, 30)
    assert np.array_equal(
        state.history[[0, 10, 30], 0],
        [float.fromhex(text) for text in FIRST_RELEASE],
    )
