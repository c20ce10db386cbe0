"""Genes of all types, parameters, constraints and several objectives in the language."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from chimera.builtin.evolution.fitness.compile import compile_fitness, plain_function
from chimera.builtin.evolution.fitness.expressions import (
    MAX_DEPTH,
    parameter_faults,
    read_constraint,
    read_expression,
)
from chimera.builtin.evolution.fitness.generating import source_of
from chimera.builtin.evolution.fitness.symbols import MAX_NUMBERS
from chimera.builtin.evolution.kernels import portable
from chimera.builtin.evolution.kernels.evaluating import INFEASIBLE
from chimera.builtin.evolution.kinds import (
    BitGene,
    CategoricalGene,
    IntegerGene,
    PermutationGene,
    RealGene,
)
from tests.builtin.evolution.fitness.evaluated import objectives, read, read_violation, value

GENES = (
    RealGene(name="x", min=-5, max=5),
    IntegerGene(type="integer", name="n", min=0, max=3),
    IntegerGene(type="integer", name="m", min=-2, max=2, count=2),
    PermutationGene(type="permutation", name="tour", length=4),
    CategoricalGene(type="categorical", name="kind", values=("fast", "slow", True)),
    CategoricalGene(type="categorical", name="lanes", values=(1, 2, 4.0), count=2),
    BitGene(type="bit", name="b", count=3),
    RealGene(name="rate", min=1e-4, max=1.0, scale="log"),
)
PARAMETERS = {
    "distance": [[0, 1, 2, 3], [1, 0, 5, 6], [2, 5, 0, 9], [3, 6, 9, 0]],
    "weights": [1.5, 2, 3, 0.25],
    "places": (3, 0, 2),
    "price": [5, 7, 11],
    "capacity": 10,
}
ROW = [0.5, 2, -1, 2, 3, 1, 0, 2, 1, 0, 2, 1, 0, 1, math.log(0.01)]
#      x    n  m      tour        kind lanes b     rate

NAMES = {
    "x": 0.5,
    "n": 2,
    "m": [-1, 2],
    "tour": [3, 1, 0, 2],
    "kind": "slow",
    "lanes": [1, 4.0],
    "b": [1, 0, 1],
    "rate": portable.exp(math.log(0.01)),
    **PARAMETERS,
}


class Matrix(list):
    """Rows that are indexed as expressions index a matrix."""

    def __getitem__(self, place):
        row, column = place
        return list.__getitem__(self, row)[column]


def pythons(text):
    """Return what Python itself makes of `text`."""
    words = {each.__name__: each for each in (sum, len, range, abs, min, max)}
    names = NAMES | words | {"prod": math.prod, "sqrt": math.sqrt}
    names["distance"] = Matrix(PARAMETERS["distance"])
    return eval(text, {"__builtins__": {}} | names)


@pytest.mark.parametrize(
    "text",
    [
        "x + n * m[1] - b[0]",
        "sum(distance[tour[k], tour[k + 1]] for k in range(3)) + distance[tour[3], tour[0]]",
        "sum(weights[i] * b[i] for i in range(3)) + capacity",
        "sum(w for w in weights) / len(weights) + len(distance)",
        "weights[n] + weights[3 - n] + weights[m[0] - m[1] + m[1] - m[0] + 3]",
        "weights[places[n - n + 1]] + places[0]",
        "sum(distance[t, t] + t for t in tour)",
        "sum(weights[i] for i in range(n)) + sum(i for i in range(n, 3))",
        "sum(x for i in range(n - n)) + sum(1 for i in range(places[2]))",
        "lanes[0] + lanes[1] ** 2 + sum(lane for lane in lanes)",
        "(1 if kind == 'slow' else 0) + (kind != 'fast') + ('fast' == kind) + (kind == True)",
        "rate * 100",
        "weights[2 * b[0] + b[1]] + (b[2] > 0.5)",
        "distance[lanes[0] - 1, 3]",
        "sum(sum(distance[i, j] for j in range(i)) for i in range(4))",
        "prod(weights[k] for k in range(len(weights) // 2))",
    ],
)
def test_it_means_what_python_means_by_it(text):
    found = value(text, ROW, GENES, PARAMETERS)
    assert found == pytest.approx(float(pythons(text)), rel=1e-14)


def test_what_numba_compiles_has_the_bits_of_the_plain_source():
    text = (
        "sum(distance[tour[k], tour[k + 1]] for k in range(3)) + weights[n] * rate + lanes[1]"
        " + (3 if kind == 'slow' else x) + price[kind] + sum(b[i] * weights[i] for i in range(3))"
    )
    constraint = read_violation("0 <= x <= 3 and n != 3 or kind == 'fast'", GENES)
    for row in (ROW, [0.25, 3, *ROW[2:]], [-1, 3, *ROW[2:]]):
        plain = value(text, row, GENES, PARAMETERS, [constraint])
        assert value(text, row, GENES, PARAMETERS, [constraint], compiled=True) == plain


def test_a_categorical_gene_is_the_place_of_its_value_in_an_index():
    assert value("price[kind]", ROW, GENES, PARAMETERS) == 7


def test_the_value_of_a_logarithmic_gene_stays_within_its_bounds():
    for number, expected in ((1.0, 1.0), (-50.0, 1e-4)):
        assert value("rate", [*ROW[:-1], number], GENES) == expected


def test_all_genes_are_the_values_of_one_logarithmic_vector():
    genes = (RealGene(name="r", min=1e-3, max=10, count=2, scale="log"),)
    assert value("sum(g for g in genes)", [0.0, 0.0], genes) == 2.0


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("weights[n + 1]", "n + 1 can be 1 to 4, but weights has the items 0 to 3"),
        ("weights[m[0]]", "can be -2 to 2"),
        ("price[tour[0]]", "can be 0 to 3"),
        ("distance[0, n + 1]", "can be 1 to 4"),
        ("distance[0, 9]", "can be 9"),
        ("weights[x]", "x is not an index: it can be any number"),
        ("weights[weights[0]]", "is not an index: it can be any number"),
        ("weights[rate]", "is not an index"),
        ("weights[n * n]", "not an index"),
        ("weights[n // 2]", "not an index"),
        ("weights[10 ** 9]", "not an index"),
        ("weights[9999999999]", "too large for an index"),
        ("weights[2147483647 * 2147483647 * 2147483647 * b[0]]", "too large for an index"),
        ("sum(x for i in range(99999999999 * n))", "too large for an index"),
        ("sum(x for i in range(m[0] * 1000000, m[1] * 1000000))", "operations"),
        ("distance[0]", "is a matrix"),
        ("distance", "is a matrix"),
        ("weights[0, 1]", "is a vector"),
        ("capacity[0]", "is not a vector"),
        ("sum(r for r in distance)", "neither a vector"),
        ("sum(g for g in genes)", "neither a vector"),
        ("genes[0]", "use each by its name"),
        ("kind", "compare it with one of its values, as in kind == 'fast'"),
        ("x if kind else 1", "as in kind == 'fast'"),
        ("kind + 1", "is categorical and no number"),
        ("kind < 'slow'", "compare it by == or !="),
        ("'fast' == kind == 'slow'", "compare it by == or !="),
        ("kind == 'quick'", "none of the values 'fast', 'slow', True"),
        ("kind == 1", "none of the values"),
        ("kind == x", "none of the values"),
        ("lanes[0] == 'fast'", "is not a number"),
        ("leading(tour)", "vector of bits"),
        ("leading(b[0])", "vector of bits"),
        ("leading()", "vector of bits"),
        ("weights.data", "not part of the language"),
        ("unknown[0]", "neither a gene"),
    ],
)
def test_everything_else_is_refused_in_words(text, part):
    faults = read_expression(text, GENES, PARAMETERS).faults
    assert any(part in fault for fault in faults), faults


@pytest.mark.parametrize(
    ("parameters", "part"),
    [
        ({"x": 1}, "rename it"),
        ({"sum": 1}, "rename it"),
        ({"no name": 1}, "rename it"),
        ({"p": "text"}, "neither a number nor numbers"),
        ({"p": True}, "neither a number nor numbers"),
        ({"p": math.nan}, "neither a number nor numbers"),
        ({"p": 10**400}, "neither a number nor numbers"),
        ({"p": []}, "is empty"),
        ({"p": [[]]}, "is empty"),
        ({"p": [1, "2"]}, "not a finite number"),
        ({"p": [1, math.inf]}, "not a finite number"),
        ({"p": [[1, 2], [3]]}, "same number of numbers"),
        ({"p": [[1], 2]}, "same number of numbers"),
        ({"p": [[[1]]]}, "not a finite number"),
        ({"p": [0] * MAX_NUMBERS, "q": [1]}, "more than"),
    ],
)
def test_a_faulty_parameter_is_reported_and_unknown(parameters, part):
    (found,) = parameter_faults(parameters, GENES)
    assert part in found[1]
    if found[0].isidentifier() and found[0] not in ("x", "sum"):
        faults = read_expression(f"{found[0]}[0]", GENES, parameters).faults
        assert any("neither a gene" in fault for fault in faults)


def test_sound_parameters_have_no_faults():
    assert not list(parameter_faults(PARAMETERS, GENES))


@pytest.mark.parametrize(
    ("text", "row", "expected"),
    [
        ("x <= 0.5", 0.5, 0.0),
        ("x <= 0.25", 0.5, 0.25),
        ("x >= 2", 0.5, 1.5),
        ("x >= 0.5", 0.5, 0.0),
        ("x < 0.5", 0.5, 1e-9),
        ("x < 1", 0.5, 0.0),
        ("x > 0.75", 0.5, 0.25 + 1e-9),
        ("x == 0.5", 0.5, 0.0),
        ("x == 1", 0.5, 0.5 - 1e-6),
        ("x != 0.5", 0.5, 1.0),
        ("x != 1", 0.5, 0.0),
        ("0 <= x <= 0.25", 0.5, 0.25),
        ("0.75 <= x <= 0.25", 0.5, 0.5),
        ("x <= 0.25 and x >= 0.75", 0.5, 0.5),
        ("x <= 0.25 or x >= 0.625", 0.5, 0.125),
        ("x <= 0.25 or x >= 0.5", 0.5, 0.0),
        ("not x <= 0.5", 0.5, 1.0),
        ("not x <= 0.25", 0.5, 0.0),
        ("kind == 'slow'", 0.5, 0.0),
        ("kind == 'fast'", 0.5, 1.0),
        ("kind != 'slow'", 0.5, 1.0),
        ("log(-x) <= 0", 0.5, math.nan),
    ],
)
def test_a_constraint_is_violated_by_how_much_it_misses(text, row, expected):
    reading = read_constraint(text, GENES, PARAMETERS)
    assert not reading.faults
    function, found = plain_function(source_of("fitness", [reading.tree])), np.zeros(1)
    function(np.array([[row, *ROW[1:]]]), 0, 1, found)
    assert found[0] == pytest.approx(expected, nan_ok=True, abs=1e-15)


@pytest.mark.parametrize("text", ["x", "x + 1", "3", "(x <= 1) + 1"])
def test_a_constraint_is_a_condition(text):
    (fault,) = read_constraint(text, GENES).faults
    assert "is not a condition" in fault


def test_a_violated_row_costs_more_the_more_it_violates():
    limit = [read_violation("x <= 1", GENES), read_violation("n <= 1", GENES)]
    assert value("x", [1.0, 1, *ROW[2:]], GENES, violations=limit) == 1.0
    costs = [
        value("-1e299", [x, n, *ROW[2:]], GENES, violations=limit)
        for x, n in ((1 + 1e-12, 1), (1.5, 1), (1, 2), (1.5, 2), (5, 3))
    ]
    assert costs == sorted(costs)
    assert costs[0] >= INFEASIBLE
    assert costs[-1] < 2 * INFEASIBLE
    violated = 0.5 + 1.0
    assert costs[3] == INFEASIBLE * (1 + violated / (1 + violated))


def test_a_violation_without_an_answer_is_never_feasible():
    limit = [read_violation("log(x) <= 0", GENES)]
    assert math.isnan(value("x", [-1.0, *ROW[1:]], GENES, violations=limit))


def test_objectives_keep_the_author_s_values_beside_the_sum_of_violations():
    limit = [read_violation("x <= 1", GENES), read_violation("x <= 2", GENES)]
    texts = ["x", "-x", "sum(t for t in tour)"]
    for x, violated in ((0.5, 0.0), (3.0, 3.0)):
        for compiled in (False, True):
            found = objectives(texts, [x, *ROW[1:]], GENES, limit, compiled=compiled)
            assert found == ([x, -x, 6.0], violated)


def test_a_sum_that_several_objectives_share_is_computed_once():
    shared = "sum(t for t in tour)"
    trees = [read(f"{shared} + {k} * {shared}", GENES) for k in range(3)]
    assert source_of("objectives", trees).text.count("for i1 in") == 1


def test_equal_texts_with_other_parameters_have_other_names():
    tree = [
        read("weights[n]", GENES, {"weights": values}) for values in ([1, 2, 3, 4], [1, 2, 3, 5])
    ]
    first, second = (source_of("fitness", [each]) for each in tree)
    assert first.name != second.name
    assert compile_fitness(tree[0]) is compile_fitness(tree[0])


HOSTILE = [
    "0 < (" * (MAX_DEPTH - 3) + "x" + " < 1) < 1" * (MAX_DEPTH - 3),
    "max(" * (MAX_DEPTH - 3) + "x" + ", x, x, x, x, x, x, x)" * (MAX_DEPTH - 3),
    "(" * (MAX_DEPTH - 3) + "x" + " ** 63)" * (MAX_DEPTH - 3),
    "weights[" * (MAX_DEPTH - 3) + "n" + "]" * (MAX_DEPTH - 3),
    " and ".join(["x <= 1"] * 160),
    " or ".join(["x <= 1"] * 160),
    " <= ".join(["x"] * 300),
    "x ** least",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_as_deep_and_wide_as_allowed_stays_short_when_generated(text):
    whole = {"weights": [0, 1, 2, 3], "least": -1e300}
    for reading in (read_expression(text, GENES, whole), read_constraint(text, GENES, whole)):
        assert all("not a condition" in fault for fault in reading.faults)
        source = source_of("fitness", [reading.tree], [reading.tree])
        assert len(source.text) < 200 * len(text)
        plain_function(source)


BITS = (BitGene(type="bit", name="a", count=70), BitGene(type="bit", name="z", count=75))
SPANS = st.tuples(st.integers(0, 74), st.integers(0, 74)).map(sorted)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 1), min_size=145, max_size=145),
    SPANS,
    st.integers(-1000, 1000),
    st.randoms(use_true_random=False),
)
def test_packed_bits_mean_what_bits_in_numbers_mean(row, span, share, random):
    start, stop = span
    weights = [float(random.randrange(-50, 50)) for _ in range(80)]
    ones = [1] * 145 if share > 900 else row
    for text in (
        "sum(g for g in genes)",
        f"sum(z[i] for i in range({start}, {stop}))",
        f"prod(z[i] for i in range({start}, {stop}))",
        f"sum(w[i + 5] * z[i] for i in range({start}, {stop}))",
        "sum(z[i] * w[i] for i in range(75)) + sum(a[i] * w[i] for i in range(70))",
        f"sum(sum(z[3 * i + j] for j in range(3)) * i for i in range({stop // 3}))",
        f"leading(a) * 1000 + leading(z) + a[{start % 70}] / (1 + z[{stop}])",
        f"sum(i * z[i] - a[{start % 70}] for i in range({start}, {stop}))",
        "sum(1 - z[i] for i in range(75)) if a[0] == 1 else -1",
        "sum(sum(z[j] for j in range(i, 3)) for i in range(5)) + w[a[3] + z[0]]",
    ):
        parameters = {"w": weights}
        expected = value(text, ones, BITS, parameters)
        assert value(text, ones, BITS, parameters, as_bits=True) == expected, text


def in_order(weights, row, first):
    """Add what a byte of genes weighs."""
    found = 0.0
    for j in range(first, min(first + 8, len(row))):
        found += weights[j] if row[j] else 0.0
    return found


def test_packed_weights_are_added_in_the_order_that_is_written_down():
    draw = np.random.default_rng(5)
    weights, row = draw.normal(size=145).tolist(), draw.integers(0, 2, 145).tolist()
    expected = 0.0
    for word in range(0, 192, 64):
        a, b, c, d, e, f, g, h = (in_order(weights, row, word + 8 * byte) for byte in range(8))
        expected += ((a + b) + (c + d)) + ((e + f) + (g + h))
    text, genes = (
        "sum(w[i] * x[i] for i in range(145))",
        (BitGene(type="bit", name="x", count=145),),
    )
    for compiled in (False, True):
        found = value(text, row, genes, {"w": weights}, as_bits=True, compiled=compiled)
        assert found == expected


@st.composite
def texts(draw, depth=3):
    """Draw an expression over genes of all types."""
    if depth == 0:
        leaves = ["x", "n", "m[1]", "tour[2]", "lanes[0]", "b[1]", "weights[n]", "capacity", "2.5"]
        leaves += ["weights[tour[b[0] + 1]]", "distance[n, tour[3]]", "price[places[1]]"]
        return draw(st.sampled_from(leaves))
    left, right = draw(texts(depth=depth - 1)), draw(texts(depth=depth - 1))
    return draw(
        st.sampled_from(
            [
                f"({left} + {right})",
                f"({left} * {right})",
                f"({left} - {right})",
                f"({left} if kind == 'slow' else {right})",
                f"({left} if {left} < {right} <= x else {right})",
                f"sum(weights[k{depth}] * {left} for k{depth} in tour)",
                f"sum({right} - k{depth} for k{depth} in range(n))",
                f"max({left}, {right}, n)",
            ]
        )
    )


@settings(max_examples=150, deadline=None)
@given(texts())
def test_arithmetic_is_pythons_bit_for_bit(text):
    def total(items):  # Python's own sum compensates from 3.12 on
        result = 0.0
        for item in items:
            result = result + item
        return result

    names = NAMES | {"sum": total, "range": range, "max": max}
    names["distance"] = Matrix(PARAMETERS["distance"])
    expected = eval(text, {"__builtins__": {}} | names)
    assume(abs(expected) < 1e15)
    assert value(text, ROW, GENES, PARAMETERS) == float(expected)
