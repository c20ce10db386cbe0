"""Functions of the tree that numba compiles into the search's loop."""

import math

import numpy as np
import pytest

from chimera.builtin.evolution.fitness.expressions import read_constraint
from chimera.builtin.evolution.fitness.outside.compiled import compile_python
from chimera.builtin.evolution.kernels.evaluating import INFEASIBLE
from chimera.builtin.evolution.kinds import BitGene, PythonFitness, RealGene
from chimera.runtime import PermanentError

GENES = (RealGene(name="x", min=-5.0, max=5.0, count=3),)
SOURCE = """
import numba, numpy as np
from beside import WEIGHTS

@numba.njit
def square(value):
    return value * value

def fitness(genes):
    if genes[0] > 4.0:
        raise ValueError("too large")
    if genes[0] < -4.0:
        return genes[len(genes) + 5]
    total = 0.0
    for j in range(len(genes)):
        total += WEIGHTS[j] * square(genes[j])
    return total

def total(genes):
    return genes.sum()

def sorting(genes):
    genes.sort()
    return genes[0]

def text(genes):
    return "no number"

def reading(genes):
    return open("x")
"""


@pytest.fixture
def compile_for(tmp_path):
    (tmp_path / "fit.py").write_text(SOURCE)
    (tmp_path / "beside.py").write_text("import numpy as np\nWEIGHTS = np.array([1.0, 2.0, 3.0])\n")

    def make(function, genes=GENES, violations=(), form="fitness"):
        value = {"module": "fit.py", "function": function, "compiled": True}
        fitness = PythonFitness.model_validate(value)
        return compile_python(fitness, tmp_path, genes, violations, form)

    return make


def values_of(compiled, rows):
    values = np.zeros(len(rows))
    compiled(rows, 0, len(rows), values)
    return values


def rows_of(*rows):
    padded = np.zeros((len(rows), 8))
    padded[:, : len(rows[0])] = rows
    return padded


def test_it_computes_what_the_function_says_and_nan_where_it_raises(tmp_path, compile_for):
    rows = rows_of([1, 1, 1], [4.5, 0, 0], [-4.5, 0, 0], [0, 2, -1])
    assert values_of(compile_for("fitness"), rows).tolist()[::3] == [6.0, 11.0]
    assert np.isnan(values_of(compile_for("fitness"), rows)).tolist() == [False, True, True, False]
    # What it follows from has changed: neither a cache nor a module of before is used.
    (tmp_path / "beside.py").write_text("import numpy as np\nWEIGHTS = np.array([2.0, 2.0, 2.0])\n")
    assert values_of(compile_for("fitness"), rows[:1]).tolist() == [6.0]
    assert values_of(compile_for("fitness"), rows_of([0, 0, 1])).tolist() == [2.0]


def test_values_that_were_read_from_a_file_are_part_of_what_is_compiled(tmp_path, compile_for):
    (tmp_path / "beside.py").write_text(
        "import numpy as np, pathlib\n"
        "text = pathlib.Path(__file__).with_name('w.txt').read_text()\n"
        "WEIGHTS = np.array([float(text)] * 3)\n"
    )
    for weight in (1.0, 5.0):
        (tmp_path / "w.txt").write_text(str(weight))
        assert values_of(compile_for("fitness"), rows_of([1, 0, 0])).tolist() == [weight]


def test_genes_are_given_as_they_are_meant(compile_for):
    genes = (
        RealGene(name="r", min=1e-3, max=10.0, scale="log"),
        RealGene(name="x", min=-5.0, max=5.0),
    )
    rows = rows_of([math.log(10.0) + 1e-9, 1.0], [0.0, 2.0])
    assert values_of(compile_for("total", genes), rows).tolist() == [11.0, 3.0]


def test_what_a_function_does_to_its_genes_is_no_part_of_the_search(compile_for):
    rows = np.array([(3.0, 2.0, 1.0), (-1.0, 4.0, -2.0)])
    before = rows.copy()
    assert values_of(compile_for("sorting"), rows).tolist() == [1.0, -2.0]
    assert (rows == before).all()


def test_bits_are_unpacked(compile_for):
    genes = (BitGene(type="bit", name="b", count=100),)
    rows = np.array([[7, 1 << 35], [0, 0]], np.uint64)
    assert values_of(compile_for("total", genes, form="packed"), rows).tolist() == [4.0, 0.0]


def test_what_violates_a_constraint_is_not_computed(compile_for):
    violation = read_constraint("x[0] <= 1", GENES, {}, 1e-6).tree
    rows = rows_of([1, 0, 0], [4.5, 0, 0])
    found = values_of(compile_for("total", violations=[violation]), rows)
    assert found[0] == 1.0
    assert found[1] >= INFEASIBLE


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("text", "cannot be compiled: it returns .* and a fitness is a number"),
        ("reading", "cannot be compiled: .*open"),
        ("missing", "has no function missing"),
        ("WEIGHTS", "has no function WEIGHTS"),
    ],
)
def test_what_numba_cannot_compile_is_told(compile_for, function, message):
    with pytest.raises(PermanentError, match=message):
        compile_for(function)
