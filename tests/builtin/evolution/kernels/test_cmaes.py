"""Compiled CMA-ES against a naive reference, bit for bit, and with the compiler off."""

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

from chimera.builtin.evolution.kernels import cmaes_layout as at
from chimera.builtin.evolution.kernels import portable, randomness
from chimera.builtin.evolution.kernels.evaluating import FITNESS_SIGNATURE
from chimera.builtin.evolution.kernels.genes import REAL
from chimera.builtin.evolution.kernels.linear_algebra import NEGLIGIBLE
from chimera.builtin.evolution.kernels.recording import EVALUATIONS, GENERATION, Ending
from chimera.builtin.evolution.search.algorithm import Problem
from chimera.builtin.evolution.search.cmaes import CmaEsSearch, Defaults

ROOT = Path(__file__).parents[4]
SEED, ISLAND = 0xC0FFEE, 3
LOWER, UPPER = [-1.0, -5.0, 0.0], [2.0, 5.0, 0.125]


@numba.njit(FITNESS_SIGNATURE, error_model="numpy")
def valley(population, first, last, values):
    """Return a bent valley, on a bound in the last gene; a corner of it has no value."""
    for row in range(first, last):
        total = population[row, 2] * 3.0
        for j in range(2):
            bend = population[row, j + 1] - population[row, j] * population[row, j]
            total += (10.0 + 90.0 * j) * bend * bend + (1.0 - population[row, j]) ** 2
        values[row] = total if total < 400.0 else math.nan


def problem(fitness=valley, evaluations=2**62, lower=LOWER, upper=UPPER, **changes):
    """Return what an island searches."""
    genes = len(lower)
    bounds = np.zeros((2, -(-genes // 8) * 8))
    bounds[:, :genes] = lower, upper
    values = {
        "seed": SEED,
        "island": ISLAND,
        "genes": genes,
        "segments": np.array([[REAL, 0, genes]]),
        "lower": bounds[0],
        "upper": bounds[1],
        "sign": 1.0,
        "population": 0,
        "ending": Ending(2**40, evaluations, -math.inf, 0, 0.0),
        "fitness": fitness,
    }
    return Problem(**values | changes)


def added(values):
    """Return the sum in order; Python's own compensates for rounding from 3.12 on."""
    total = 0.0
    for value in values:
        total += value
    return total


def bits(key, j):
    return np.uint64(randomness.draw(np.uint64(key), j))


class Reference:
    """One run in plain Python, as the tutorial's formulas and the order of operations have it."""

    def __init__(self, population, sigma, separable):
        self.n, self.population, self.separable = len(LOWER), population, separable
        self.sigma, self.generation = sigma, -1
        n = range(self.n)
        key = randomness.block_key(np.uint64(SEED), 0, 1, randomness.RESTART, ISLAND)
        self.mean = [0.1 + 0.8 * randomness.unit(bits(key, j)) for j in n]
        self.covariance = [[float(i == j) for j in n] for i in n]
        self.basis = [[float(i == j) for j in n] for i in n]
        self.axes = [1.0 for _ in n]
        self.path_sigma, self.path = [0.0 for _ in n], [0.0 for _ in n]
        self.set_weights()

    def set_weights(self):
        n, size = float(self.n), self.population
        raw = [portable.log(0.5 * (size + 1.0)) - portable.log(i + 1.0) for i in range(size)]
        best = raw[: size // 2]
        worst = [min(weight, 0.0) for weight in raw[size // 2 :]]
        self.mass = added(best) * added(best) / added(w * w for w in best)
        below = -added(worst)
        mass_below = below * below / added(w * w for w in worst)
        self.rate_one = 2.0 / ((n + 1.3) ** 2 + self.mass)
        self.rate_rank = 2.0 * (0.25 + self.mass + 1.0 / self.mass - 2.0)
        self.rate_rank /= (n + 2.0) ** 2 + self.mass
        if self.separable:
            self.rate_one *= (n + 2.0) / 3.0
            self.rate_rank *= (n + 2.0) / 3.0
        self.rate_rank = min(1.0 - self.rate_one, self.rate_rank)
        least = min(
            1.0 + self.rate_one / self.rate_rank,
            1.0 + 2.0 * mass_below / (self.mass + 2.0),
            (1.0 - self.rate_one - self.rate_rank) / (n * self.rate_rank),
        )
        scales = [1.0 / added(best)] * len(best) + [
            least / below if weight < 0.0 else 1.0 / added(best) for weight in worst
        ]
        self.weights = [w * scale for w, scale in zip(best + worst, scales, strict=True)]
        self.rate_sigma = (self.mass + 2.0) / (n + self.mass + 5.0)
        slowed = max(0.0, math.sqrt((self.mass - 1.0) / (n + 1.0)) - 1.0)
        self.damping = 1.0 + 2.0 * slowed + self.rate_sigma
        self.rate_path = (4.0 + self.mass / n) / (n + 4.0 + 2.0 * self.mass / n)
        self.expected = math.sqrt(n) * (1.0 - 0.25 / n + 1.0 / (21.0 * n * n))

    def step(self):
        """Make a generation and return its candidates."""
        self.generation += 1
        if self.generation > 0:
            self.take_axes()
        self.steps, self.lengths, candidates = [], [], []
        for row in range(self.population):
            key = randomness.block_key(
                np.uint64(SEED), self.generation, row, randomness.SAMPLE, ISLAND
            )
            z = [portable.normal(randomness.open_unit(bits(key, j))) for j in range(self.n)]
            self.lengths.append(added(x * x for x in z))
            along = [a * x for a, x in zip(self.axes, z, strict=True)]
            self.steps.append(along if self.separable else self.combined(along))
            candidates.append([self.gene(j, self.at(row, j)) for j in range(self.n)])
        return candidates

    def combined(self, along):
        columns = zip(*self.basis, strict=True)
        return [added(x * b for x, b in zip(along, column, strict=True)) for column in columns]

    def at(self, row, j):
        return self.mean[j] + self.sigma * self.steps[row][j]

    def gene(self, j, u):
        value = LOWER[j] + min(max(u, 0.0), 1.0) * (UPPER[j] - LOWER[j])
        return min(max(value, LOWER[j]), UPPER[j])

    def learn(self, costs):
        n = range(self.n)
        order = self.ranked(costs)
        shift = [0.0 for _ in n]
        for i in range(self.population // 2):
            for j in n:
                shift[j] += self.weights[i] * self.steps[order[i]][j]
        for j in n:
            self.mean[j] += self.sigma * shift[j]
        length = self.follow_sigma_path(shift)
        age = 2.0 * (self.generation + 1.0)
        settled = math.sqrt(1.0 - portable.power(1.0 - self.rate_sigma, age))
        rises = length < (1.4 + 2.0 / (self.n + 1.0)) * self.expected * settled
        rate = self.rate_path
        factor = math.sqrt(rate * (2.0 - rate) * self.mass) if rises else 0.0
        self.path = [(1.0 - rate) * self.path[j] + factor * shift[j] for j in n]
        self.learn_covariance(order, 0.0 if rises else self.rate_one * rate * (2.0 - rate))
        change = self.rate_sigma / self.damping * (length / self.expected - 1.0)
        self.sigma *= portable.exp(min(1.0, change))

    def ranked(self, costs):
        order = sorted(range(self.population), key=lambda row: costs[row])
        trace = added(self.covariance[j][j] for j in range(self.n))
        factor = 0.5 * self.population / (self.sigma * self.sigma * trace)
        score = {}
        for place, row in enumerate(order):
            excess = 0.0
            for j in range(self.n):
                beyond = max(self.at(row, j) - 1.0, 0.0) + max(-self.at(row, j), 0.0)
                excess += beyond * beyond
            score[row] = place + factor * excess
        return sorted(range(self.population), key=lambda row: score[row])

    def follow_sigma_path(self, shift):
        rate, n = self.rate_sigma, range(self.n)
        factor = math.sqrt(rate * (2.0 - rate) * self.mass)
        self.path_sigma = [p * (1.0 - rate) for p in self.path_sigma]
        for i in n:
            if self.separable:
                self.path_sigma[i] += factor * shift[i] / self.axes[i]
                continue
            along = added(self.basis[i][j] * shift[j] for j in n)
            for j in n:
                self.path_sigma[j] += factor * along / self.axes[i] * self.basis[i][j]
        return math.sqrt(added(p * p for p in self.path_sigma))

    def learn_covariance(self, order, lost):
        total = added(self.weights)
        kept = 1.0 + lost - self.rate_one - self.rate_rank * total
        vectors = [(self.rate_one, self.path)]
        for weight, row in zip(self.weights, order, strict=True):
            scaled = weight * (self.n / self.lengths[row]) if weight < 0.0 else weight
            vectors.append((self.rate_rank * scaled, self.steps[row]))
        for i in range(self.n):
            for j in range(self.n):
                value = self.covariance[i][j] * kept
                for weight, v in vectors:
                    value += weight * (v[i] * v[i]) if self.separable else weight * v[i] * v[j]
                self.covariance[i][j] = value

    def take_axes(self):
        n = range(self.n)
        if self.separable:
            self.axes = [math.sqrt(self.covariance[j][j]) for j in n]
            return
        v, c = self.basis, self.covariance
        product = [[added(v[i][k] * c[k][j] for k in n) for j in n] for i in n]
        turned = [[0.0 for _ in n] for _ in n]
        for i in n:
            for j in range(i, self.n):  # the other triangle is rounded otherwise
                turned[i][j] = turned[j][i] = added(product[i][k] * v[j][k] for k in n)
        while self.sweep(turned):
            pass
        self.axes = [math.sqrt(turned[i][i]) for i in n]

    def sweep(self, turned):
        rotated = False
        for p in range(self.n - 1):
            for q in range(p + 1, self.n):
                off, a, b = turned[p][q], turned[p][p], turned[q][q]
                if off * off > NEGLIGIBLE * NEGLIGIBLE * abs(a * b) + 1e-300:
                    self.rotate(turned, p, q, off, a, b)
                    rotated = True
        return rotated

    def rotate(self, turned, p, q, off, a, b):
        theta = 0.5 * (b - a) / off
        tangent = 1.0 / (abs(theta) + math.sqrt(theta * theta + 1.0))
        tangent = -tangent if theta < 0.0 else tangent
        cosine = 1.0 / math.sqrt(tangent * tangent + 1.0)
        sine = tangent * cosine
        for rows in (turned, self.basis):
            x, y = rows[p], rows[q]
            rows[p] = [cosine * s - sine * t for s, t in zip(x, y, strict=True)]
            rows[q] = [sine * s + cosine * t for s, t in zip(x, y, strict=True)]
        turned[p][p], turned[q][q] = a - tangent * off, b + tangent * off
        turned[p][q] = turned[q][p] = 0.0
        for i in range(self.n):
            turned[i][p], turned[i][q] = turned[p][i], turned[q][i]


def values_of(candidates):
    values = np.zeros(len(candidates))
    padded = np.zeros((len(candidates), 8))
    padded[:, :3] = candidates
    valley(padded, 0, len(candidates), values)
    return [value if math.isfinite(value) else math.inf for value in values.tolist()]


@pytest.mark.parametrize("separable", [False, True])
def test_generations_are_those_of_the_reference(separable):
    spec = Defaults(restarts="none", separable=separable, sigma=0.4, population=9)
    algorithm = CmaEsSearch(problem(), spec)
    state = algorithm.start(100)
    reference = Reference(9, 0.4, separable)
    infinite = 0
    for generation in range(40):
        candidates = reference.step()
        costs = values_of(candidates)
        infinite += costs.count(math.inf)
        reference.learn(costs)
        algorithm.advance(state, generation)
        assert state["counters"][GENERATION] == generation
        assert state["candidates"][:, :3].tolist() == candidates
        assert state["costs"].tolist() == costs
        assert state["mean"][:3].tolist() == reference.mean
        assert state["strategy"][at.SIGMA] == reference.sigma
        covariance = state["covariance"][:, :3].tolist()
        n = range(3)
        wanted = [[reference.covariance[j][j] for j in n]] if separable else reference.covariance
        assert covariance == wanted
    assert infinite > 0
    assert reference.sigma < 0.1


def digests():
    """Return what two searches come to: counters, and the bits of the state's floats."""
    found = {}
    for restarts, separable, evaluations in (("bipop", False, 700), ("ipop", True, 700)):
        algorithm = CmaEsSearch(
            problem(evaluations=evaluations), Defaults(restarts, separable, 0.3, 4)
        )
        state = algorithm.start(1000)
        algorithm.advance(state, 1000)
        assert state["ledger"][at.RUNS] > 1
        names = ("mean", "covariance", "strategy", "champion", "paths")
        found[restarts] = [
            state["counters"].tolist(),
            state["ledger"].tolist(),
            *(state[name].tobytes().hex() for name in names),
        ]
    return found


def test_the_compiler_off_changes_nothing():
    program = f"import json; from {__name__} import digests; print(json.dumps(digests()))"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        env=os.environ | {"PYTHONPATH": str(ROOT), "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == digests()


def test_a_generation_allocates_nothing():
    algorithm = CmaEsSearch(problem(), Defaults(restarts="none", population=4000))
    state = algorithm.start(400)
    algorithm.advance(state, 2)
    tracemalloc.start()
    algorithm.advance(state, 20)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert state["counters"][EVALUATIONS] == 21 * 4000
    assert peak < state["candidates"].nbytes / 2


FIRST_RELEASE = ["0x1.35393482d3824p-1", "0x1.53eff678b1ff0p-2", "0x1.85f4c3a309ca3p-4"]


def test_numbers_that_the_kernels_were_first_released_with():
    """Held so that a change of any number is seen."""
    algorithm = CmaEsSearch(problem(evaluations=2000), Defaults())
    state = algorithm.start(2000)
    algorithm.advance(state, 2000)
    assert [value.hex() for value in state["champion"][:3].tolist()] == FIRST_RELEASE
