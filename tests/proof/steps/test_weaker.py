"""What an edit of a step takes away, of the demands that its kind has."""

import pytest

from chimera.proof.compatibility import breaks
from chimera.proof.kinds import ProofSpec

PYTEST = {"run": "pytest", "paths": ["tests"]}
SNAPSHOT = {"run": "snapshot", "argv": ["python", "a.py"], "goldens": {"stdout": "g", "x": "h"}}
WORKFLOW = {"run": "workflow", "workflow": "Workflow/w", "expect": {"a": 1, "b": 2}}
LESS = {
    "pytest": "it asks less of pytest tests",
    "snapshot": "it asks less of snapshot python a.py",
    "workflow": "it asks less of workflow Workflow/w",
}


def told(before, after):
    both = []
    for step in (before, after):
        spec = {
            "claim": "it holds",
            "inputs": ["**"],
            "steps": [step],
            "controls": [{"mutate": "delete", "path": "a.py"}],
        }
        both.append(ProofSpec.model_validate(spec))
    return list(breaks(*both))


@pytest.mark.parametrize(
    ("step", "more", "less"),
    [
        (PYTEST, {"atLeast": 5}, {"atLeast": 4}),
        (PYTEST, {"atLeast": 2}, {}),
        (PYTEST, {"warnings": "all"}, {}),
        (PYTEST, {}, {"warnings": "none"}),
        (PYTEST, {"warnings": "all"}, {"warnings": "none"}),
        (SNAPSHOT, {}, {"goldens": {"stdout": "g"}}),
        (SNAPSHOT, {}, {"goldens": {"stdout": "g", "x": "other"}}),
        (WORKFLOW, {}, {"expect": {"a": 1}}),
        (WORKFLOW, {}, {"expect": {"a": 1, "b": 3}}),
    ],
)
def test_asking_less_is_said_and_asking_more_is_not(step, more, less):
    assert told(step | more, step | less) == [LESS[step["run"]]]
    if "goldens" not in less and "expect" not in less:
        assert told(step | less, step | more) == []


@pytest.mark.parametrize("step", [PYTEST, SNAPSHOT, WORKFLOW])
def test_a_step_that_stays_takes_nothing_away(step):
    assert told(step, step) == []


def test_simulating_another_effect_is_another_step():
    assert told(WORKFLOW, WORKFLOW | {"simulate": {"s": {}}})[0].startswith("it no longer runs")
