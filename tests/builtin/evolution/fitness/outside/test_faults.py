"""What is told of a fitness from outside before anything is computed."""

import pytest

from chimera.builtin.evolution.fitness.outside.faults import operation_faults, outside_faults
from chimera.builtin.evolution.kinds import EvolutionSpec
from chimera.kinds import Registry
from chimera.plugin import load_plugins

COMMAND = {"name": "command", "inputs": {"argv": ["./run", "${genes.x}", "${genes.v.1}"]}}
SOUND = {
    "genome": {
        "genes": [
            {"name": "x", "min": 0, "max": 1},
            {"type": "integer", "name": "v", "min": 0, "max": 9, "count": 2},
            {"type": "categorical", "name": "c", "values": ["a", "b"]},
            {"type": "permutation", "name": "p", "length": 3},
        ]
    },
    "termination": {"generations": 10},
    "seed": 1,
}


@pytest.fixture(scope="module")
def operations():
    return Registry.collect(load_plugins()).operations


def faults(fitness, operations, **changes):
    spec = EvolutionSpec.model_validate(SOUND | {"fitness": fitness} | changes)
    found = [*outside_faults(spec), *operation_faults(spec, operations)]
    return [(fault.rule, fault.route) for fault in found]


@pytest.mark.parametrize(
    "fitness",
    [
        {"operation": COMMAND},
        {"operation": {"name": "command", "inputs": {"argv": ["x"], "stdin": "${candidate}"}}},
        {"workflow": {"address": "Workflow/w", "inputs": {"all": "${candidate}"}}},
        {"python": {"module": "tools/fit.py", "batch": True, "timeout": "1s"}},
        {"python": {"module": "tools/fit.py", "compiled": True}},
        {"function": "sphere"},
    ],
)
def test_a_sound_fitness_has_no_fault(operations, fitness):
    assert faults(fitness, operations) == []


@pytest.mark.parametrize("field", [{"batch": True}, {"timeout": "1s"}])
def test_what_has_no_use_beside_compiled_is_told(operations, field):
    python = {"module": "fit.py", "compiled": True, **field}
    [name] = field
    expected = [("evolution-python-unfit", ("fitness", "python", name))]
    assert faults({"python": python}, operations) == expected


def test_a_reference_to_no_gene_is_told_where_it_stands(operations):
    inputs = {"argv": ["./run", "${genes.y}"]}
    expected = [
        ("evolution-fitness-reference", ("fitness", "operation", "inputs", "argv", 1)),
    ]
    assert faults({"operation": {"name": "command", "inputs": inputs}}, operations) == expected


def test_an_unknown_operation_is_told(operations):
    expected = [("evolution-operation-unknown", ("fitness", "operation", "name"))]
    assert faults({"operation": {"name": "comand"}}, operations) == expected


def test_inputs_that_do_not_fit_the_operation_are_told(operations):
    expected = [("evolution-operation-inputs", ("fitness", "operation", "inputs"))]
    for inputs in ({}, {"argv": ["x"], "shell": "${genes.x}"}, {"argv": ["x"], "other": 1}):
        fitness = {"operation": {"name": "command", "inputs": inputs}}
        assert faults(fitness, operations) == expected


@pytest.mark.parametrize(
    "changes",
    [
        {"termination": {"generations": 901}, "population": 2},
        {"termination": {"generations": 800}, "population": 1000},
        {"termination": {"evaluations": 90_000}, "population": 50},
    ],
)
@pytest.mark.parametrize("word", ["operation", "workflow", "python"])
def test_a_run_of_more_steps_than_there_can_be_is_told(operations, changes, word):
    fitness = {
        "operation": {"operation": COMMAND},
        "workflow": {"workflow": {"address": "Workflow/w"}},
        "python": {"python": {"module": "fit.py"}},
    }[word]
    rules = [rule for rule, _ in faults(fitness, operations, **changes)]
    assert rules == ([] if word == "python" else ["evolution-too-many-steps"])
