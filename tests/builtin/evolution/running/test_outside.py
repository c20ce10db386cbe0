"""Fitnesses from outside, from the document to the Genome."""

import math

import pytest

from chimera.builtin.evolution.kinds import GenomeSpec
from chimera.runtime import RunError
from tests.builtin.evolution.running.house import House, result_of

PYTHON = """
import math
import numpy as np

def sphere(candidate):
    return math.fsum(value ** 2 for value in candidate["x"])

def batch(rows):
    return (rows ** 2).sum(axis=1)

def compiled(genes):
    total = 0.0
    for j in range(len(genes)):
        total += genes[j] ** 2
    return total

def some(candidate):
    if candidate["x"][0] > 0: raise ValueError("positive")
    return sphere(candidate)

def none(candidate):
    raise ValueError("never")

def nan(candidate):
    return math.nan
"""
SPEC = {
    "trigger": "apply",
    "genome": {"genes": [{"name": "x", "min": -5, "max": 5, "count": 2}]},
    "population": 6,
    "algorithm": "genetic",
    "termination": {"generations": 5},
    "checkpointEvery": 2,
    "seed": "c0ffee",
    "budget": {"workers": 2},
}


def by_python(function="sphere", **fitness):
    on_failure = {"onFailure": fitness.pop("onFailure")} if "onFailure" in fitness else {}
    return SPEC | {
        "fitness": {"python": {"module": "fit.py", "function": function, **fitness}, **on_failure}
    }


def by_command(script, output="trimmed", **more):
    inputs = {"argv": [script, "${genes.x.0}", "${genes.x.1}"], "shell": True}
    asked = {"name": "command", "inputs": inputs, "output": output}
    own = {name: more.pop(name) for name in ("timeout", "cache", "retryPolicy") if name in more}
    on_failure = {"onFailure": more.pop("onFailure")} if "onFailure" in more else {}
    return SPEC | {"fitness": {"operation": asked | own, **on_failure}} | more


SUM = 'echo "$1,$2" >> evaluated; awk -v a="$1" -v b="$2" "BEGIN { printf \\"%.17g\\", a*a + b*b }"'


@pytest.fixture
def house(tmp_path):
    found = House(tmp_path / "tree")
    found.root.mkdir()
    (found.root / "fit.py").write_text(PYTHON)
    return found


def expected(house):
    genome = House(house.root / "inside").write(SPEC | {"fitness": {"function": "sphere"}}).apply()
    return result_of(genome)


@pytest.mark.parametrize(
    "spec",
    [
        by_python(),
        by_python() | {"budget": {"workers": 1}},
        by_python("batch", batch=True),
        by_python("compiled", compiled=True),
    ],
    ids=["python", "one-worker", "batch", "compiled"],
)
def test_the_same_function_finds_the_same_genome_inside_and_outside(house, spec):
    genome = house.write(spec).apply()
    assert result_of(genome) == expected(house)
    assert GenomeSpec.model_validate(genome).provenance.reproducible
    assert "Python" in genome["provenance"]["caveat"]


def test_an_operation_finds_it_too_and_computes_no_candidate_twice(house):
    genome = house.write(by_command(SUM)).apply()
    found = result_of(genome)
    assert found == expected(house)
    evaluated = (house.root / "evaluated").read_text().split()
    assert len(evaluated) == len(set(evaluated)) <= genome["evaluations"]
    assert not genome["provenance"]["reproducible"]


def test_equal_candidates_of_another_run_are_not_computed_again(house):
    house.write(by_command(SUM)).apply()
    before = (house.root / "evaluated").read_text()
    genome = house.write(by_command(SUM, checkpointEvery=3, termination={"generations": 4})).apply()
    assert genome["generations"] == 4
    assert (house.root / "evaluated").read_text() == before


def test_a_workflow_finds_it_too(house):
    stage = {"id": "sum", "operation": "command"}
    stage["inputs"] = {"argv": [SUM, "${input.a} ", "${input.b} "], "shell": True}
    outer = {
        "trigger": "human",
        "inputs": {name: {"type": "number", "description": "A gene."} for name in "ab"},
        "stages": [
            {
                "id": "run",
                "workflow": "Workflow/inner",
                "inputs": {"a": "${input.a}", "b": "${input.b}"},
            }
        ],
        "outputs": {"fitness": "${run.sum}"},
    }
    inner = outer | {"stages": [stage], "outputs": {"sum": "${sum.trimmed}"}}
    house.write(outer, "Workflow", "outer").write(inner, "Workflow", "inner")
    inputs = {"a": "${genes.x.0}", "b": "${genes.x.1}"}
    fitness = {"workflow": {"address": "Workflow/outer", "inputs": inputs}}
    assert result_of(house.write(SPEC | {"fitness": fitness}).apply()) == expected(house)
    before = (house.root / "evaluated").read_text()
    house.write(SPEC | {"fitness": fitness, "termination": {"generations": 3}}).apply()
    assert (house.root / "evaluated").read_text() == before


@pytest.mark.parametrize("islands", [1, 3])
@pytest.mark.parametrize("diversity", [None, {"minimum": 1.0, "every": 1}])
def test_islands_immigrants_and_constraints_are_as_inside(house, islands, diversity):
    genes = SPEC["genome"]["genes"]
    rest = {
        "genome": {"genes": genes, "constraints": [{"expression": "x[0] >= 0.5"}]},
        "islands": {"count": islands, "every": 2},
        **({"diversity": diversity} if diversity else {}),
    }
    inside = House(house.root / "inside")
    wanted = result_of(inside.write(SPEC | rest | {"fitness": {"function": "sphere"}}).apply())
    assert result_of(house.write(by_python() | rest).apply()) == wanted
    assert result_of(house.write(by_command(SUM, **rest)).apply()) == wanted


def test_what_fails_is_counted_by_cause_and_changes_nothing_else(house):
    genome = house.write(by_python("some")).apply()
    [failure] = genome["failures"]
    assert failure["cause"] == "exception"
    assert failure["message"] == "ValueError: positive"
    assert failure["count"] == genome["invalid"] > 0
    script = 'case "$1" in -*) ' + SUM + ' ;; *) echo "positive" >&2; exit 3 ;; esac'
    by_operation = house.write(by_command(script)).apply()
    assert result_of(by_operation) == result_of(genome)
    [failure] = by_operation["failures"]
    assert failure["cause"] == "failed"
    assert "exit code 3: positive" in failure["message"]


@pytest.mark.parametrize(
    ("script", "cause"),
    [
        ("echo text", "type"),
        ("echo nan", "nan"),
        ("echo -inf", "infinite"),
        ("sleep 60; echo 1", "timeout"),
    ],
)
def test_each_way_to_fail_has_its_cause(house, script, cause):
    script = f'case "$1" in -*) {SUM} ;; *) {script} ;; esac'
    genome = house.write(by_command(script, timeout="2s", termination={"generations": 1})).apply()
    assert [failure["cause"] for failure in genome["failures"]] == [cause]


def test_a_candidate_that_failed_is_tried_again_where_its_author_says_so(house):
    script = 'mkdir "tried-$1" 2>/dev/null && exit 75; ' + SUM
    policy = {"maxRetries": 1, "baseDelay": "1ms"}
    genome = house.write(by_command(script, retryPolicy=policy)).apply()
    assert "failures" not in genome
    assert result_of(genome) == expected(house)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (by_python("none"), "all candidates of the first generation failed: 6 raised: ValueError"),
        (by_python("none", onFailure="stop"), "a candidate raised: ValueError: never"),
        (by_python("some", onFailure="stop"), "a candidate raised: ValueError: positive"),
        (by_python("nan"), "had a finite fitness: 31 gave NaN"),
        (by_python("missing"), "has no function missing"),
        (by_command("exit 3"), "all candidates of the first generation failed: 6 failed: .*code 3"),
        (by_command("exit 3", onFailure="stop"), "exit code 3"),
        (by_command("echo 1", output="none"), "the output has no 'none'"),
    ],
)
def test_a_run_in_which_every_candidate_fails_says_why(house, spec, message):
    with pytest.raises(RunError, match=message):
        house.write(spec).apply()


def test_a_module_that_changed_ends_the_run_and_the_next_one_uses_it(house):
    source = PYTHON + "\n\ndef moody(candidate):\n    raise SystemExit\n"
    (house.root / "fit.py").write_text(source)
    with pytest.raises(RunError, match="SystemExit"):
        house.write(by_python("moody", onFailure="stop")).apply()
    (house.root / "fit.py").write_text(PYTHON + "\n\nmoody = sphere\n")
    assert result_of(house.apply()) == expected(house)


def test_log_genes_and_categories_are_given_by_their_values(house):
    (house.root / "fit.py").write_text(
        "def fitness(c):\n"
        "    assert 1e-4 <= c['r'] <= 1.0 and c['c'] in ('red', 'blue')\n"
        "    return abs(c['r'] - 0.01) + (c['c'] == 'red')\n"
    )
    genes = [
        {"name": "r", "min": 1e-4, "max": 1.0, "scale": "log"},
        {"type": "categorical", "name": "c", "values": ["red", "blue"]},
    ]
    genome = house.write(by_python("fitness") | {"genome": {"genes": genes}}).apply()
    assert "failures" not in genome
    values = {gene["name"]: gene["values"] for gene in genome["genes"]}
    assert genome["fitness"] == abs(values["r"][0] - 0.01) + (values["c"] == ["red"])
    assert math.isfinite(genome["fitness"])


def test_of_a_workflow_that_fails_it_is_told_what_failed(house):
    script = "exit 9"
    stage = {"id": "sum", "operation": "command", "inputs": {"argv": [script], "shell": True}}
    workflow = {"trigger": "human", "stages": [stage], "outputs": {"fitness": "${sum.stdout}"}}
    fitness = {"workflow": {"address": "Workflow/w"}}
    house.write(workflow, "Workflow", "w")
    with pytest.raises(RunError, match=r"6 failed: .*sum failed: .*exit code 9"):
        house.write(SPEC | {"fitness": fitness}).apply()
