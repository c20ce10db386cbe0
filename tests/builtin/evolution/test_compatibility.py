"""What an edit of an evolution takes from those who name it."""

import pytest

from chimera.builtin.evolution.compatibility import breaks

OTHERWISE = "it searches otherwise: a proof that expects its champion expects the wrong one"


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"trigger": "apply"},
        {"checkpointEvery": 7},
        {"budget": {"workers": 3}},
        {"termination": {"generations": 30, "time": "5m"}},
    ],
)
def test_what_leaves_the_champion_alone_breaks_nothing(make_spec, changes):
    assert list(breaks(make_spec(), make_spec(**changes))) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": "c0ffed"},
        {"population": 21},
        {"algorithm": "cma-es"},
        {"islands": {"count": 2}},
        {"diversity": {}},
        {"operators": {"crossover": {"type": "blend"}}},
        {"termination": {"generations": 31}},
    ],
)
def test_what_may_change_the_champion_is_told(make_spec, changes):
    assert list(breaks(make_spec(), make_spec(**changes))) == [OTHERWISE]


def test_a_gene_that_is_gone_or_of_another_type_is_told(make_spec):
    def genes(*genes):
        return make_spec(genome={"genes": list(genes)}, fitness="1 + 1")

    x, n = {"name": "x", "min": 0, "max": 1}, {"name": "n", "min": 0, "max": 1}
    found = list(breaks(genes(x, n), genes({**n, "type": "integer"})))
    assert found == ["the gene x is gone", "the gene n is integer now, and not real", OTHERWISE]


def test_an_objective_that_is_gone_is_told(make_spec):
    def aims(*names):
        objectives = [{"name": name, "expression": "x[0]"} for name in names]
        return make_spec(fitness={}, algorithm="auto", objectives=objectives)

    assert list(breaks(aims("a", "b"), aims("a", "c"))) == ["the objective b is gone", OTHERWISE]
