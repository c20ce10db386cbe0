"""What the language of fitness expressions says, and everything that it refuses."""

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chimera.builtin.evolution.fitness.compile import FITNESS_WORDS
from chimera.builtin.evolution.fitness.expressions import MAX_DEPTH, read_expression
from chimera.builtin.evolution.fitness.generating import source_of
from chimera.builtin.evolution.kernels import portable
from chimera.builtin.evolution.kinds import RealGene
from tests.builtin.evolution.fitness.evaluated import value

GENES = (
    RealGene(name="x", min=-5, max=5),
    RealGene(name="w", min=-5, max=5, count=3),
    RealGene(name="y", min=-5, max=5),
)
VALUES = [1.5, -2.25, 0.75, 3.0, -0.5]


def value_of(text, values=VALUES, genes=GENES, *, compiled=False):
    """Evaluate `text` for one candidate."""
    return value(text, values, genes, compiled=compiled)


def total(items):
    """Add in order of index; Python's own sum compensates from 3.12 on."""
    result = 0.0
    for item in items:
        result = result + item
    return result


def pythons_value_of(text, values=VALUES):
    """Return what Python itself makes of `text`."""
    x, *w, y = values
    names = {"x": x, "w": w, "y": y, "genes": values, "pi": math.pi, "e": math.e, "sum": total}
    words = {"abs": abs, "min": min, "max": max, "range": range, "len": len, "sqrt": math.sqrt}
    for name in ("prod", "exp", "log", "sin", "cos", "floor", "ceil"):
        words[name] = getattr(math, name)
    return float(eval(text, {"__builtins__": {}} | names | words))


MEANINGFUL = [
    "3",
    "x + y - w[0] * w[2] / 2",
    "-x ** 2 + (+y) ** 3 - x ** 0 + w[2] ** -2",
    "abs(x) ** 0.5 + 2 ** y",
    "x if y < 0 else -x",
    "(x > 1) + (not x > 1) + (x > 1 and y > 1) + (x > 1 or y > 1) + (0 < x < 2 != 3)",
    "min(x, y, w[1]) + max(x, y) + floor(x) + ceil(y) + sqrt(x)",
    "exp(y) + log(x) + sin(w[0]) * cos(w[2]) + pi - e",
    "sum(g for g in genes) + prod(g for g in w) + len(w)",
    "sum(i * w[i] for i in range(len(w))) + sum(w[2 - i] for i in range(0, 2))",
    "sum(sum(w[i] * w[j] for j in range(i + 1, 3)) for i in range(3))",
    "sum(w[0] for i in range(0)) + prod(w[9] for i in range(3, 3))",
    "sum(2 * i + genes[2 * i] for i in range(3))",
    "sum(exp(i) for i in range(-5, 3)) + sum(sin(x + i) for i in range(-4, -1))",
]


@pytest.mark.parametrize("text", MEANINGFUL)
def test_an_expression_means_what_python_means_by_it(text):
    assert value_of(text) == pytest.approx(pythons_value_of(text), rel=1e-14)


def test_what_numba_compiles_has_the_bits_of_the_plain_source():
    everything = " + ".join(f"({text})" for text in MEANINGFUL)
    assert value_of(everything, compiled=True) == value_of(everything)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1 / (x - x)", math.inf), ("log(-abs(x))", math.nan), ("min(x, log(-1))", math.nan)],
)
def test_arithmetic_without_an_answer_is_infinite_or_nan_and_never_stops(text, expected):
    found = value_of(text, compiled=True)
    assert found == expected or (math.isnan(found) and math.isnan(expected))


def test_sums_run_in_order_of_index():
    values = [random.Random(7).uniform(-1e9, 1e9) for _ in VALUES]
    total = 0.0
    for item in values:
        total += item * item
    assert value_of("sum(g ** 2 for g in genes)", values) == total


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "cannot be read"),
        ("x +", "cannot be read"),
        ("x\0", "cannot be read"),
        ("(" * 300 + "x" + ")" * 300, "cannot be read"),
        ("-" * 3000 + "x", "nested"),
        ("+".join(["x"] * 1500), "nested"),
        ("max(" + "max(x, y), " * 900 + "x)", "parts"),
        ("z", "neither a gene"),
        ("w", "is a vector"),
        ("w[3]", "items 0 to 2"),
        ("w[-1]", "items 0 to 2"),
        ("w[x]", "not an index"),
        ("w[1.0]", "not an index"),
        ("w[True]", "not an index"),
        ("w[10 ** 9]", "not an index"),
        ("w[0:2]", "not an index"),
        ("x[0]", "not a vector"),
        ("q[0]", "neither a gene"),
        ("w[0][0]", "not part of the language"),
        ("'x'", "not a number"),
        ("True", "not a number"),
        ("None", "not a number"),
        ("1j", "not a number"),
        ("1e999", "too large"),
        ("9" * 400, "too large"),
        ("x % 2", "not part of the language"),
        ("x // 2", "not part of the language"),
        ("x << 2", "not part of the language"),
        ("~x", "not part of the language"),
        ("x.real", "not part of the language"),
        ("(lambda: x)()", "not part of the language"),
        ("[x][0]", "not part of the language"),
        ("(y := x)", "not part of the language"),
        ("f'{x}'", "not part of the language"),
        ("await x", "not part of the language"),
        ("__import__('os').system('true')", "not part of the language"),
        ("eval('x')", "not a function here"),
        ("open('x')", "not a function here"),
        ("sqrt()", "takes 1 arguments"),
        ("min(x)", "takes 2 to 8"),
        ("abs(x=1)", "not part of the language"),
        ("abs(*w)", "not part of the language"),
        ("x if y else 1", "not a condition"),
        ("x is y", "compared with"),
        ("x in w", "is a vector"),
        ("len(x)", "len takes"),
        ("len(q)", "len takes"),
        ("sum(w)", "takes one generator"),
        ("sum(x for x in w)", "already means"),
        ("sum(i for i in range(3) if i)", "takes one generator"),
        ("sum(i for i in range(3) for j in range(3))", "takes one generator"),
        ("sum(i for i in range(0, 3, 1))", "neither a vector"),
        ("sum(i for i in x)", "neither a vector"),
        ("sum(i for i in range(x))", "not an index"),
        ("sum(i * j for i in range(2))", "neither a gene"),
        ("sum(w[i + 1] for i in range(3))", "can be 1 to 3"),
        ("sum(w[i * i] for i in range(2))", "not an index"),
        ("sum(x for i in range(10000000))", "operations"),
        ("sum(sum(sum(x for i in range(999)) for j in range(999)) for k in range(999))", "operat"),
    ],
)
def test_everything_else_is_refused_in_words(text, part):
    faults = read_expression(text, GENES).faults
    assert any(part in fault for fault in faults), faults


def test_every_fault_is_reported_at_once():
    assert len(read_expression("z + w[7] + eval(x)", GENES).faults) == 3


ALPHABET = [
    "x",
    "y",
    "w",
    "genes",
    "i",
    "[",
    "]",
    "(",
    ")",
    "+",
    "-",
    "*",
    "**",
    "/",
    ",",
    "0",
    "1",
]
ALPHABET += [
    "2",
    "9",
    ".",
    "e",
    "<",
    "==",
    " if ",
    " else ",
    " and ",
    " not ",
    " for i in ",
    "range(",
]
ALPHABET += [
    "sum(",
    "prod(",
    "len(",
    "min(",
    "exp(",
    "log(",
    "'",
    "__class__",
    ":",
    "lambda",
    "é",
    "\n",
]


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(ALPHABET), max_size=25).map("".join) | st.text(max_size=30))
def test_no_text_raises_and_what_is_accepted_names_only_what_is_allowed(text):
    reading = read_expression(text, GENES)
    if reading.faults:
        return
    source = source_of("fitness", [reading.tree])
    compiled = compile(source.text, "generated.py", "exec")
    names = set(compiled.co_consts[0].co_names)
    assert names <= {"range", "float", "abs", "int", *FITNESS_WORDS}


@st.composite
def trees(draw, depth=3):
    """Draw the text of an expression that is in the language."""
    if depth == 0:
        return draw(st.sampled_from(["x", "y", "w[0]", "w[2]", "genes[1]", "2", "0.5", "3.25"]))
    left, right = draw(trees(depth=depth - 1)), draw(trees(depth=depth - 1))
    return draw(
        st.sampled_from(
            [
                f"({left} + {right})",
                f"({left} - {right})",
                f"({left} * {right})",
                f"({left} / {right})",
                f"({left}) ** 2",
                f"abs({left})",
                f"({left} if {left} < {right} else {right})",
                f"sum(g{depth} * {left} for g{depth} in w)",
                f"min({left}, {right})",
            ]
        )
    )


@settings(max_examples=200, deadline=None)
@given(trees())
def test_arithmetic_is_pythons_bit_for_bit(text):
    with np.errstate(all="ignore"):
        try:
            expected = pythons_value_of(text, [np.float64(v) for v in VALUES])
        except (ZeroDivisionError, OverflowError):  # of literals: IEEE 754 has an answer
            return
    found = value_of(text)
    assert found == expected or (math.isnan(found) and math.isnan(expected))


def test_depth_is_bounded_before_anything_recurses():
    for depth, accepted in ((MAX_DEPTH - 2, True), (MAX_DEPTH, False)):
        faults = read_expression("abs(" * depth + "x" + ")" * depth, GENES).faults
        assert (not faults) == accepted


def test_functions_in_expressions_are_the_portable_ones():
    assert value_of("cos(x)") == portable.cos(VALUES[0])
    assert value_of("x ** y") == portable.power(VALUES[0], VALUES[4])
