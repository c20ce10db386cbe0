"""Published functions: what their sources say of them, computed and compiled."""

import math
import random
from itertools import pairwise

import pytest

from chimera.builtin.evolution.fitness.functions import FUNCTIONS
from chimera.builtin.evolution.kinds import BitGene, FunctionName, RealGene
from tests.builtin.evolution.fitness.evaluated import objectives, value
from tests.quality.published import FRONTS

VALUES = [1.5, -2.25, 0.75, 3.0, -0.5]
REALS = (RealGene(name="x", min=-1000, max=1000, count=5),)
OF_BITS = [name for name, function in FUNCTIONS.items() if function.genes == "bit"]
OF_REALS = [name for name in FUNCTIONS if name not in OF_BITS]


def bits(count):
    return (BitGene(type="bit", name="x", count=count),)


def test_named_functions_are_those_a_document_can_name():
    assert list(FUNCTIONS) == list(FunctionName.__args__)


@pytest.mark.parametrize("name", OF_REALS)
def test_a_function_of_reals_is_least_where_its_source_says(name):
    function = FUNCTIONS[name]
    lowest = value(function.expression, [function.optimum] * 5, REALS)
    assert lowest == pytest.approx(function.best(5), abs=1e-12)
    around = random.Random(name)
    for _ in range(50):
        row = [around.uniform(*function.domain) for _ in range(5)]
        assert value(function.expression, row, REALS) > lowest


@pytest.mark.parametrize("name", OF_REALS)
def test_a_function_of_reals_has_no_less_beside_its_optimum(name):
    function = FUNCTIONS[name]
    lowest = value(function.expression, [function.optimum] * 5, REALS)
    for gene in range(5):
        for step in (-1e-4, 1e-4):
            row = [function.optimum] * 5
            row[gene] += step
            assert value(function.expression, row, REALS) > lowest


@pytest.mark.parametrize("name", OF_BITS)
@pytest.mark.parametrize("as_bits", [False, True])
def test_a_function_of_bits_is_greatest_where_all_are_one(name, as_bits):
    function, draw = FUNCTIONS[name], random.Random(name)
    for count in (3, 16, 77):
        best = value(function.expression, [1] * count, bits(count), as_bits=as_bits)
        assert best == function.best(count)
        for _ in range(20):
            row = [draw.randrange(2) for _ in range(count)]
            assert value(function.expression, row, bits(count), as_bits=as_bits) <= best


def blocks(row, size):
    return [row[i : i + size] for i in range(0, len(row) - size + 1, size)]


def leading_ones(row):
    return [*row, 0].index(0)


@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("onemax", sum),
        ("leading-ones", leading_ones),
        ("trap", lambda row: sum(5 if all(b) else 4 - sum(b) for b in blocks(row, 5))),
        ("royal-road", lambda row: 8 * sum(map(all, blocks(row, 8)))),
    ],
)
def test_a_function_of_bits_agrees_with_its_formula(name, formula):
    draw = random.Random(name)
    for count in (1, 7, 40, 64, 130):
        for share in (2, 20):
            row = [int(draw.randrange(share) > 0) for _ in range(count)]
            for as_bits in (False, True):
                found = value(FUNCTIONS[name].expression, row, bits(count), as_bits=as_bits)
                assert found == formula(row)


def zakharov(x):
    weighted = sum(i * v / 2 for i, v in enumerate(x, 1))
    return sum(v * v for v in x) + weighted**2 + weighted**4


def levy(x):
    w = [1 + (v - 1) / 4 for v in x]
    return (
        math.sin(math.pi * w[0]) ** 2
        + sum((v - 1) ** 2 * (1 + 10 * math.sin(math.pi * v + 1) ** 2) for v in w[:-1])
        + (w[-1] - 1) ** 2 * (1 + math.sin(2 * math.pi * w[-1]) ** 2)
    )


@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("sphere", lambda x: sum(v * v for v in x)),
        ("rastrigin", lambda x: sum(10 + v * v - 10 * math.cos(2 * math.pi * v) for v in x)),
        (
            "rosenbrock",
            lambda x: sum(100 * (b - a * a) ** 2 + (1 - a) ** 2 for a, b in pairwise(x)),
        ),
        (
            "ackley",
            lambda x: (
                20
                + math.e
                - 20 * math.exp(-0.2 * math.sqrt(sum(v * v for v in x) / len(x)))
                - math.exp(sum(math.cos(2 * math.pi * v) for v in x) / len(x))
            ),
        ),
        (
            "griewank",
            lambda x: (
                1
                + sum(v * v for v in x) / 4000
                - math.prod(math.cos(v / math.sqrt(i)) for i, v in enumerate(x, 1))
            ),
        ),
        (
            "schwefel",
            lambda x: sum(418.9828872724338 - v * math.sin(math.sqrt(abs(v))) for v in x),
        ),
        ("ellipsoid", lambda x: sum(1e6 ** (i / 4) * v * v for i, v in enumerate(x))),
        ("zakharov", zakharov),
        ("levy", levy),
        ("styblinski-tang", lambda x: sum(v**4 - 16 * v * v + 5 * v for v in x) / 2),
    ],
)
def test_a_named_function_agrees_with_its_formula(name, formula):
    assert value(FUNCTIONS[name].expression, VALUES, REALS) == pytest.approx(formula(VALUES))


def test_a_single_gene_leaves_rosenbrock_empty():
    genes = (RealGene(name="x", min=-5, max=5),)
    assert value(FUNCTIONS["rosenbrock"].expression, [3.0], genes) == 0.0


FRONT = {
    "zdt1": lambda f: f[1] - (1 - math.sqrt(f[0])),
    "zdt2": lambda f: f[1] - (1 - f[0] ** 2),
    "zdt3": lambda f: f[1] - (1 - math.sqrt(f[0]) - f[0] * math.sin(10 * math.pi * f[0])),
    "zdt4": lambda f: f[1] - (1 - math.sqrt(f[0])),
    "zdt6": lambda f: f[1] - (1 - f[0] ** 2),
    "dtlz1": lambda f: sum(f) - 0.5,
    "dtlz2": lambda f: sum(v * v for v in f) - 1,
    "dtlz3": lambda f: sum(v * v for v in f) - 1,
    "dtlz4": lambda f: sum(v * v for v in f) - 1,
}


@pytest.mark.parametrize("name", FRONTS)
def test_a_front_lies_where_its_source_says_and_nothing_before_it(name):
    test, draw = FRONTS[name], random.Random(name)
    low, high = test.domain
    genes = (RealGene(name="x", min=min(low, 0), max=max(high, 1), count=test.genes),)
    free = len(test.expressions) - 1
    for _ in range(10):
        row = [draw.random() for _ in range(free)] + [test.optimum] * (test.genes - free)
        found, violated = objectives(test.expressions, row, genes)
        assert violated == 0
        assert FRONT[name](found) == pytest.approx(0, abs=1e-12)
        row[free:] = [draw.uniform(low, high) for _ in row[free:]]
        assert FRONT[name](objectives(test.expressions, row, genes)[0]) > 0


def test_dtlz4_crowds_its_candidates_where_the_first_genes_are_small():
    genes = (RealGene(name="x", min=0, max=1, count=12),)
    found, _ = objectives(FRONTS["dtlz4"].expressions, [0.5] * 12, genes)
    assert found == pytest.approx([1, 0, 0], abs=1e-12)
