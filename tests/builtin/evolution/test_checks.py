"""Every rule about an Evolution: a document that breaks it, and one that does not."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from chimera.documents import locate, open_work_tree
from chimera.kinds import Registry, load_snapshot, read_source
from chimera.model import Finding
from chimera.plugin import load_plugins

ROOT = Path(__file__).parents[3]


@pytest.fixture
def check(tmp_path, value_of):
    """Write an Evolution, load and judge it; return what is wrong as (rule, line of the file)."""

    def check(**changes):
        value = {
            "apiVersion": "chimera/v1",
            "kind": "Evolution",
            "metadata": {"name": "e"},
            "spec": value_of(**changes),
        }
        path = tmp_path / "specs" / "e.yaml"
        path.parent.mkdir(exist_ok=True)
        text = json.dumps(value, indent=1) + "\n"
        path.write_text(text)
        tree = open_work_tree(tmp_path)
        loaded = load_snapshot(read_source(tree), Registry.collect(load_plugins()))
        verdicts = loaded.snapshot.verdicts
        found = [*loaded.diagnostics, *(d for v in verdicts for d in v.diagnostics)]
        for verdict in verdicts:
            assert (verdict.finding is Finding.FAIL) == bool(verdict.diagnostics)
        lines = text.splitlines()
        return [(d.rule, lines[d.span.line - 1].strip()) for d in locate(found, tree)]

    return check


def gene(**changes):
    return {"name": "x", "min": -1, "max": 1} | changes


def aim(name, expression):
    return {"name": name, "expression": expression}


def constrained(expression):
    genes = [gene(count=4)]
    return {"genome": {"genes": genes, "constraints": [{"expression": expression}]}}


def operators(**types):
    return {"operators": {word: {"type": type} for word, type in types.items()}}


SMALL = {"population": 10}
BITS = {
    "genome": {"genes": [{"name": "b", "type": "bit", "count": 9}]},
    "fitness": {"expression": "sum(g for g in b)"},
}
TOUR = {
    "genome": {"genes": [{"name": "p", "type": "permutation", "length": 9}]},
    "fitness": {"expression": "abs(p[0] - p[1])"},
}
FRONT = {
    "fitness": {},
    "algorithm": "nsga-2",
    "objectives": [aim("a", "x[0]"), aim("b", "-x[0]")],
}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        BITS,
        TOUR,
        FRONT,
        {**FRONT, "algorithm": "auto"},
        {**BITS, **operators(crossover="two-point", mutation="reset", selection="rank")},
        {**TOUR, "operators": {"permutation": {"crossover": "pmx"}}},
        {"algorithm": "cma-es", "termination": {"evaluations": 300}},
        {"algorithm": {"type": "l-shade", "memory": 5}, "termination": {"evaluations": 72}},
        constrained("x[0] <= x[1]"),
        {"genome": {"genes": [gene(scale="log", min=1e-4, count=4)]}},
        {"fitness": {"expression": "x[0] * w[1, 0]", "parameters": {"w": [[1], [2]]}}},
        {"islands": {"count": 2, "every": 30, "migrants": 3}, "budget": {"executor": "processes"}},
        {"islands": {"count": 2, "every": 99, "topology": "none"}},
        {"diversity": {"minimum": 0.05}},
    ],
)
def test_a_sound_document_has_no_fault(check, changes):
    assert check(**changes) == []


@pytest.mark.parametrize(
    ("changes", "rule", "line"),
    [
        (
            {"genome": {"genes": [gene(min=1, max=-1)]}},
            "evolution-bounds-reversed",
            '"min": 1,',
        ),
        (
            {"genome": {"genes": [gene(min=2, max=2)]}},
            "evolution-bounds-reversed",
            '"min": 2,',
        ),
        (
            {"genome": {"genes": [gene(), gene()]}},
            "evolution-gene-name-taken",
            '"name": "x",',
        ),
        (
            {"genome": {"genes": [gene(name="sum")]}},
            "evolution-gene-name-taken",
            '"name": "sum",',
        ),
        (
            {"genome": {"genes": [gene(name="lambda")]}},
            "evolution-gene-name-taken",
            '"name": "lambda",',
        ),
        (
            {"genome": {"genes": [gene(scale="log")]}},
            "evolution-scale-unfit",
            '"min": -1,',
        ),
        (
            {"genome": {"genes": [{"name": "c", "type": "categorical", "values": ["a", "a"]}]}},
            "evolution-category-twice",
            '"values": [',
        ),
        (
            {"genome": {"genes": [gene(count=10_000, name=f"g{i}") for i in range(11)]}, **SMALL},
            "evolution-too-large",
            '"genes": [',
        ),
        ({"elites": 20}, "evolution-elites-too-many", '"elites": 20'),
        (
            {
                "genome": {
                    "genes": [gene()],
                    "constraints": [{"expression": f"x <= {'1' * 3000}.0"} for _ in range(7)],
                }
            },
            "evolution-too-large",
            '"constraints": [',
        ),
        (
            {
                "algorithm": {"type": "cma-es", "separable": False},
                "genome": {"genes": [gene(count=5_000)]},
            },
            "evolution-too-large",
            '"separable": false',
        ),
        (
            {"algorithm": "l-shade", "population": 3},
            "evolution-population-too-small",
            '"population": 3,',
        ),
        (
            {"population": 1_000_000, "genome": {"genes": [gene(count=100)]}},
            "evolution-too-large",
            '"population": 1000000,',
        ),
        ({"fitness": {}}, "evolution-fitness-unclear", '"fitness": {},'),
        (
            {"fitness": {"function": "sphere", "expression": "x[0]"}},
            "evolution-fitness-unclear",
            '"fitness": {',
        ),
        (
            {"fitness": "x[0] + z"},
            "evolution-expression-invalid",
            '"expression": "x[0] + z"',
        ),
        (
            {"fitness": {"expression": "x[0] * w", "parameters": {"w": [[1], [1, 2]]}}},
            "evolution-parameter-invalid",
            '"w": [',
        ),
        (
            constrained("x[0]"),
            "evolution-constraint-invalid",
            '"expression": "x[0]"',
        ),
        (
            {**FRONT, "objectives": [aim("a", "x[0]")], "fitness": {}, "algorithm": "auto"},
            "evolution-objectives-unclear",
            '"objectives": [',
        ),
        (
            {**FRONT, "fitness": {"function": "sphere"}},
            "evolution-objectives-unclear",
            '"objectives": [',
        ),
        (
            {**FRONT, "objectives": [aim("a", "x[0]"), aim("a", "x[1]")]},
            "evolution-objectives-unclear",
            '"name": "a",',
        ),
        (
            {**FRONT, "objectives": [aim(f"o{i}", "x[0]") for i in range(6)]},
            "evolution-objectives-too-many",
            '"objectives": [',
        ),
        ({"algorithm": "nsga-2"}, "evolution-algorithm-unfit", '"algorithm": "nsga-2",'),
        ({**FRONT, "algorithm": "genetic"}, "evolution-algorithm-unfit", '"algorithm": "genetic",'),
        ({**BITS, "algorithm": "cma-es"}, "evolution-algorithm-unfit", '"algorithm": "cma-es",'),
        ({**BITS, "algorithm": "l-shade"}, "evolution-algorithm-unfit", '"algorithm": "l-shade",'),
        ({**BITS, **operators(crossover="sbx")}, "evolution-operator-unfit", '"crossover": {'),
        ({**BITS, **operators(mutation="gaussian")}, "evolution-operator-unfit", '"mutation": {'),
        ({**TOUR, **operators(crossover="sbx")}, "evolution-operator-unfit", '"crossover": {'),
        ({**TOUR, **operators(mutation="reset")}, "evolution-operator-unfit", '"mutation": {'),
        (
            {"operators": {"permutation": {"mutation": "swap"}}},
            "evolution-operator-unfit",
            '"permutation": {',
        ),
        (
            {"algorithm": "cma-es", **operators(crossover="sbx")},
            "evolution-operator-unfit",
            '"operators": {',
        ),
        (
            {**FRONT, **operators(selection="rank")},
            "evolution-operator-unfit",
            '"selection": {',
        ),
        (
            {"termination": {"evaluations": 19}},
            "evolution-evaluations-too-few",
            '"evaluations": 19',
        ),
        (
            {"termination": {"evaluations": 70}, "islands": {"count": 4}},
            "evolution-evaluations-too-few",
            '"evaluations": 70',
        ),
        (
            {"algorithm": "l-shade", "population": None, "termination": {"evaluations": 71}},
            "evolution-evaluations-too-few",
            '"evaluations": 71',
        ),
        (
            {"islands": {"count": 2, "migrants": 20}},
            "evolution-migrants-too-many",
            '"migrants": 20',
        ),
        (
            {"islands": {"count": 2, "every": 31}},
            "evolution-islands-never-meet",
            '"every": 31',
        ),
        (
            {"islands": {"count": 1024, "every": 5}, "population": 5_000},
            "evolution-too-large",
            '"population": 5000,',
        ),
        (
            {"diversity": {}, "algorithm": "cma-es"},
            "evolution-diversity-unfit",
            '"diversity": {}',
        ),
        (
            {"budget": {"executor": "processes"}},
            "evolution-executor-unfit",
            '"executor": "processes"',
        ),
    ],
)
def test_a_fault_is_found_at_its_line(check, changes, rule, line):
    assert check(**changes) == [(rule, line)]


@pytest.mark.parametrize(
    "changes",
    [
        {"population": 0},
        {"population": 1},
        {"genome": {"genes": []}},
        {"genome": {"genes": [gene(count=0)]}},
        {"genome": {"genes": [gene(name="not-a-name")]}},
        {"genome": {"genes": [gene(type="bit")]}},
        {"genome": {"genes": [gene(type="integer", min=0.5)]}},
        {"genome": {"genes": [gene(type="permutation")]}},
        {"genome": {"genes": [{"name": "c", "type": "categorical", "values": ["a"]}]}},
        {"genome": {"genes": [gene(type="complex")]}},
        {"algorithm": "annealing"},
        {"algorithm": {"type": "cma-es", "memory": 5}},
        {"islands": {"count": 0}},
        {"islands": {"topology": "tree"}},
        {"termination": {"evaluations": 0}},
        {"genome": {"genes": [gene(max=1e300)]}},
        {"fitness": {"function": "quadratic"}},
        {"seed": "xyz"},
        {"seed": "1" * 17},
        {"seed": -1},
        {"seed": 1.5},
        {"operators": {"mutation": {"type": "swap"}}},
        {"operators": {"mutation": {"type": "gaussian", "eta": 3}}},
        {"operators": {"crossover": {"probability": 1.5}}},
        {"termination": {"generations": 0}},
        {"trigger": "always"},
    ],
)
def test_a_single_field_out_of_its_range_is_a_fault(check, changes):
    assert len(check(**changes)) >= 1


def test_every_fault_of_a_document_is_reported_at_once(check):
    found = check(
        elites=20, fitness={}, genome={"genes": [gene(min=3), gene(), gene(name="genes")]}
    )
    assert sorted(rule for rule, _ in found) == [
        "evolution-bounds-reversed",
        "evolution-elites-too-many",
        "evolution-fitness-unclear",
        "evolution-gene-name-taken",
        "evolution-gene-name-taken",
    ]


def test_judging_an_expression_loads_neither_numba_nor_numpy():
    script = """
import sys
from chimera.builtin.evolution import plugin
from chimera.builtin.evolution.checks import problem_faults
from chimera.builtin.evolution.kinds import EvolutionSpec
value = {"genome": {"genes": [{"name": "x", "min": 0, "max": 1}]}, "fitness": {"expression": "q"}}
assert len(list(problem_faults(EvolutionSpec.model_validate(value | {"seed": 1})))) == 1
assert not {"numba", "numpy"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)


def test_this_repositorys_evolutions_are_sound():
    loaded = load_snapshot(read_source(open_work_tree(ROOT)), Registry.collect(load_plugins()))
    verdicts = loaded.snapshot.verdicts
    assert [v.count for v in verdicts if v.judge == "evolution"] >= [2]
    assert all(v.finding is Finding.PASS for v in verdicts)


@pytest.mark.parametrize(
    ("function", "gene", "objective"),
    [
        ("onemax", {"name": "x", "min": 0, "max": 1}, "maximize"),
        ("onemax", {"name": "b", "type": "bit", "count": 8}, "minimize"),
        ("sphere", {"name": "p", "type": "permutation", "length": 5}, "minimize"),
    ],
)
def test_function_that_means_nothing_here(check, function, gene, objective):
    fields = {
        "fitness": {"function": function},
        "objective": objective,
        "genome": {"genes": [gene]},
    }
    [(rule, _)] = check(**fields, algorithm="auto", operators=None)
    assert rule == "evolution-function-unfit"


@pytest.mark.parametrize(
    ("function", "gene", "objective"),
    [
        ("onemax", {"name": "b", "type": "bit", "count": 8}, "maximize"),
        ("sphere", {"name": "i", "type": "integer", "min": 0, "max": 9}, "minimize"),
    ],
)
def test_function_of_these_genes(check, function, gene, objective):
    fields = {
        "fitness": {"function": function},
        "objective": objective,
        "genome": {"genes": [gene]},
    }
    assert check(**fields, algorithm="auto", operators=None) == []
