"""Problems have the optima that they are said to have, and tables that cannot lie about them."""

import dataclasses

import pytest

from tests.quality import constrained, discrete
from tests.quality.reaching import evaluator, reach, report

# Best solutions as published, in as many digits as there are.
PUBLISHED = {
    "g01": [1] * 9 + [3, 3, 3, 1],
    "g04": [78, 33, 29.9952560256815985, 45, 36.7758129057882073],
    "g06": [14.0950000000000064, 0.8429607892154795668],
    "g07": [
        2.17199634142692,
        2.3636830416034,
        8.77392573913157,
        5.09598443745173,
        0.990654756560493,
        1.43057392853463,
        1.32164415364306,
        9.82872576524495,
        8.2800915887356,
        8.3759266477347,
    ],
    "g08": [1.22797135260752599, 4.24537336612274885],
    "g09": [
        2.33049935147405174,
        1.95137236847114592,
        -0.477541399510615805,
        4.36572624923625874,
        -0.624486959100388983,
        1.03813099410962173,
        1.5942266780671519,
    ],
    "g10": [
        579.306685017979589,
        1359.97067807935605,
        5109.97065743133317,
        182.01769963061534,
        295.601173702746792,
        217.982300369384632,
        286.41652592786852,
        395.601173702746735,
    ],
    "g11": [-0.707036070037170616, 0.500000004333606807],
    "g24": [2.32952019747762, 3.17849307411774],
    "spring": [0.0516890614, 0.3567177469, 11.2889653382],
    "pressure vessel": [13, 7, 42.0984455958549, 176.6365958424394],
}


@pytest.mark.parametrize("known", constrained.PROBLEMS, ids=lambda known: known.name)
def test_published_solutions_have_the_optimum_and_violate_nothing(known):
    (value,), (violation,) = evaluator(known)([PUBLISHED[known.name]])
    assert abs(known.error(value)) < 1e-6
    assert violation < 1e-5 * max(1.0, abs(known.optimum))


def test_tours_have_the_length_of_a_way_round():
    grid = next(known for known in discrete.PROBLEMS if "grid" in known.name)
    comb = [0, 1, 2, 3, 4, 5, 11, 10, 9, 8, 7, 13, 14, 15, 16, 17, 23, 22, 21, 20, 19]
    comb += [25, 26, 27, 28, 29, 35, 34, 33, 32, 31, 30, 24, 18, 12, 6]
    assert sorted(comb) == list(range(36))
    assert evaluator(grid)([comb])[0] == [grid.optimum]


def test_blocks_of_a_trap_lead_away_from_its_optimum():
    trap = next(known for known in discrete.PROBLEMS if known.name.startswith("trap, 10"))
    ones, zeros, near = [1] * 40, [0] * 40, [1, 1, 1, 0] * 10
    assert evaluator(trap)([ones, zeros, near])[0].tolist() == [40, 30, 0]


SHORT = dataclasses.replace(constrained.G08, evaluations=2000, floors={"cma-es": 1.0})


def test_a_floor_that_is_missed_is_said_and_counted(capsys):
    hopeless = dataclasses.replace(SHORT, evaluations=40)
    assert report([hopeless], ["cma-es"], {}, range(1, 4), []) == 1
    assert "cma-es reaches g08 in" in capsys.readouterr().out


def test_an_optimum_that_is_beaten_is_said_and_counted(capsys):
    wrong = dataclasses.replace(SHORT, optimum=-0.09, floors={})
    assert report([wrong], ["cma-es"], {}, range(1, 4), []) == 1
    assert "better than its optimum" in capsys.readouterr().out


def test_algorithms_of_real_genes_are_left_out_where_there_are_others(capsys):
    vessel = dataclasses.replace(constrained.VESSEL, evaluations=200)
    assert report([vessel], ["l-shade", "genetic"], {}, range(1, 3), []) == 0
    last = capsys.readouterr().out.splitlines()[2]
    assert last.startswith("| pressure vessel | 6059.714335 | 200 |  | 0.00 (")


def test_peers_are_counted_as_ours_are(capsys, tmp_path):
    asked = []

    def peer(known, seed):
        asked.append(seed)
        return known.optimum if seed % 2 else float("inf")

    for _ in range(2):
        report([SHORT], [], {"peer": peer}, [], range(4), tmp_path)
        assert "| 0.50 (none) |" in capsys.readouterr().out
    assert asked == [0, 1, 2, 3], "the second time they are read"


def test_what_a_peer_does_not_take_is_left_out(capsys):
    report([SHORT], [], {"peer": lambda known, seed: float("nan")}, [], range(3))
    assert capsys.readouterr().out.splitlines()[2].endswith("| 2000 |  |")


@pytest.mark.parametrize(
    ("known", "contender"),
    [
        (constrained.G06, "l-shade"),
        (constrained.G24, "cma-es"),
        (constrained.SPRING, "auto"),
        (discrete.ASSIGNMENT, "genetic"),
        (discrete.MIXED, "genetic"),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_optima_are_reached(known, contender):
    from tests.quality.reaching import errors_of

    assert reach(known, errors_of(known, contender, range(1, 4))) >= 1 / 3
