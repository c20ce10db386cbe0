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


def test_a_sound_document_has_no_fault(check):
    assert check() == []


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
        ({"elites": 20}, "evolution-elites-too-many", '"elites": 20'),
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
