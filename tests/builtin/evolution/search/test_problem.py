"""From a spec to rows of numbers, and back to values of genes."""

import math

import numpy as np
import pytest

from chimera.builtin.evolution.kernels.genes import BIT, CATEGORICAL, INTEGER, PERMUTATION, REAL
from chimera.builtin.evolution.kinds import EvolutionSpec
from chimera.builtin.evolution.search.engine import Search
from chimera.builtin.evolution.search.problem import (
    bounds_of,
    genes_of,
    numbers_of,
    problem_of,
    segments_of,
)
from chimera.builtin.evolution.search.scoring import costs_of

GENES = [
    {"name": "x", "min": -1, "max": 2, "count": 2},
    {"name": "rate", "min": 0.001, "max": 10, "scale": "log"},
    {"name": "n", "type": "integer", "min": -3, "max": 4},
    {"name": "c", "type": "categorical", "values": ["a", True, 2.5]},
    {"name": "b", "type": "bit", "count": 2},
    {"name": "p", "type": "permutation", "length": 3},
    {"name": "q", "type": "permutation", "length": 2},
]


@pytest.fixture
def spec():
    return EvolutionSpec.model_validate(
        {
            "genome": {"genes": GENES},
            "fitness": {"expression": "x[0] + rate"},
            "algorithm": "genetic",
            "seed": 3,
        }
    )


def test_runs_of_one_type_are_segments_and_each_permutation_is_its_own(spec):
    assert segments_of(spec.genome).tolist() == [
        [REAL, 0, 3],
        [INTEGER, 3, 4],
        [CATEGORICAL, 4, 5],
        [BIT, 5, 7],
        [PERMUTATION, 7, 10],
        [PERMUTATION, 10, 12],
    ]


def test_bounds_are_those_of_the_numbers_in_a_row(spec):
    lower, upper = bounds_of(spec.genome)
    assert lower.shape == upper.shape == (16,)
    assert lower.tolist()[:5] == [-1, -1, pytest.approx(math.log(0.001)), -3, 0]
    assert upper.tolist()[:5] == [2, 2, pytest.approx(math.log(10)), 4, 2]
    assert upper.tolist()[5:] == [1, 1, 2, 2, 2, 1, 1, 0, 0, 0, 0]


def test_a_row_becomes_values_of_genes(spec):
    row = np.array([-0.0, 1.5, math.log(0.5), -2, 1, 0, 1, 2, 0, 1, 1, 0, 0, 0, 0, 0])
    found = genes_of(spec.genome, row)
    assert found == {
        "x": [0.0, 1.5],
        "rate": [pytest.approx(0.5)],
        "n": [-2],
        "c": [True],
        "b": [0, 1],
        "p": [2, 0, 1],
        "q": [1, 0],
    }
    assert math.copysign(1, found["x"][0]) == 1.0
    assert [type(value) for value in found["n"] + found["b"] + found["p"]] == [int] * 6
    numbers = numbers_of(spec.genome, row).tolist()
    assert numbers[:5] == [0.0, 1.5, found["rate"][0], -2.0, 1.0]
    assert row[2] == math.log(0.5), "the row is left as it was"


def test_a_value_on_a_logarithmic_scale_stays_within_its_bounds(spec):
    lower, upper = bounds_of(spec.genome)
    assert genes_of(spec.genome, lower)["rate"] == [pytest.approx(0.001)]
    assert genes_of(spec.genome, lower)["rate"][0] >= 0.001
    assert genes_of(spec.genome, upper)["rate"][0] <= 10


def test_a_champion_has_the_fitness_of_the_values_that_its_record_shows(spec):
    search = Search(spec)
    state = search.start()
    search.advance(state, 20)
    champion = search.champion(state)
    values = genes_of(spec.genome, champion.row)
    assert champion.fitness == values["x"][0] + values["rate"][0]


def test_an_island_has_its_share_of_the_evaluations(spec):
    end = {"evaluations": 1000, "stagnation": 5, "target": 2.0}
    spec = spec.model_copy(update={"termination": spec.termination.model_copy(update=end)})
    whole, half = (problem_of(spec, 0, share, None).ending for share in (1.0, 0.5))
    assert (whole.evaluations, half.evaluations) == (1000, 500)
    assert (whole.stagnation, half.stagnation) == (5, 0)
    assert whole.target == 2.0


def test_without_any_limit_there_are_a_thousand_evaluations_a_gene(spec):
    assert problem_of(spec, 0, 1.0, None).ending.evaluations == 20_000
    wide = {"genome": {"genes": [{"name": "x", "min": 0, "max": 1, "count": 30}]}, "seed": 1}
    wide = EvolutionSpec.model_validate(wide | {"fitness": {"function": "sphere"}})
    assert problem_of(wide, 0, 1.0, None).ending.evaluations == 30_000


def test_costs_of_values_are_infinite_where_they_are_no_numbers():
    values = np.array([1.0, -2.0, math.nan, math.inf, -math.inf, 1.5e300])
    assert costs_of(values, -1.0).tolist() == [-1.0, 2.0, math.inf, math.inf, math.inf, 1.5e300]
    assert values[0] == 1.0
