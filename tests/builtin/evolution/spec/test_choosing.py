"""What `algorithm: auto` means, and that the document's own choice is taken as it is."""

import pytest

from chimera.builtin.evolution.kinds import EvolutionSpec, LShade
from chimera.builtin.evolution.spec.choosing import PORTFOLIO_FROM, choose

REAL = {"name": "x", "min": 0, "max": 1, "count": 10}
OBJECTIVES = [{"name": "a", "expression": "x[0]"}, {"name": "b", "expression": "1 - x[0]"}]


def spec_of(*genes, **changes):
    value = {
        "genome": {"genes": list(genes) or [REAL]},
        "fitness": {"expression": "sum(genes)"},
        "seed": 0,
    }
    if "objectives" in changes:
        del value["fitness"]
    return EvolutionSpec.model_validate(value | changes)


def names(choice):
    return [island.algorithm.type for island in choice.islands]


CASES = {
    "many evaluations": (spec_of(termination={"evaluations": 10**5}), "portfolio", "broad run"),
    "few evaluations": (spec_of(termination={"evaluations": 3000}), "cma-es", "300 evaluations"),
    "generations": (spec_of(termination={"generations": 50}), "cma-es", "no limit of evaluations"),
    "operators": (spec_of(operators={"selection": {"type": "rank"}}), "genetic", "operators"),
    "objectives": (spec_of(objectives=OBJECTIVES), "nsga-2", "several objectives"),
    "bits": (spec_of({"type": "bit", "name": "b", "count": 9}), "genetic", "type bit"),
    "mixed": (
        spec_of(REAL, {"type": "integer", "name": "i", "min": 0, "max": 9}),
        "genetic",
        "type integer",
    ),
    "permutation": (
        spec_of({"type": "permutation", "name": "p", "length": 5}),
        "genetic",
        "type permutation",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_auto_follows_from_genome_and_budget(case):
    spec, name, reason = CASES[case]
    choice = choose(spec)
    assert names(choice) == [name]
    assert reason in choice.reason


def test_the_budget_that_counts_is_that_of_one_island():
    budget = {"evaluations": 10 * PORTFOLIO_FROM}
    assert names(choose(spec_of(termination=budget))) == ["portfolio"]
    choice = choose(spec_of(termination=budget, islands={"count": 2}))
    assert names(choice) == ["cma-es", "cma-es"]
    assert [island.share for island in choice.islands] == [0.5, 0.5]


def test_a_name_stands_for_an_algorithm_with_its_defaults():
    choice = choose(spec_of(algorithm="l-shade"))
    assert choice.islands[0].algorithm == LShade(type="l-shade")
    assert choice.reason == "it is the document's choice"


def test_a_given_algorithm_keeps_its_parameters():
    choice = choose(spec_of(algorithm={"type": "l-shade", "memory": 9}))
    assert choice.islands[0].algorithm == LShade(type="l-shade", memory=9)
