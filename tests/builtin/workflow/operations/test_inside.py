"""Workflows inside the runs of other rooms."""

import pytest

from chimera.builtin.workflow.operations.inside import OPERATIONS
from chimera.context import Context
from chimera.kinds import Registry
from chimera.plugin import load_plugins
from chimera.runtime import Engine, Graph, RunStatus, Step
from chimera.state import open_state

STAGE = {
    "id": "digest",
    "operation": "command",
    "inputs": {"argv": ["echo", "${input.text}"]},
    "when": "input.text != 'none'",
}
SPEC = {
    "trigger": "human",
    "inputs": {"text": {"type": "string", "default": "usual", "description": "What to say."}},
    "stages": [STAGE],
    "outputs": {"said": "${digest.trimmed ?? null}"},
}
OUTER = SPEC | {
    "stages": [{"id": "in", "workflow": "Workflow/inner", "inputs": {"text": "${input.text}!"}}],
    "outputs": {"said": "${in.said}"},
}


@pytest.fixture
def run(tmp_path):
    [operation] = OPERATIONS
    operations = Registry.collect(load_plugins()).operations

    def execute(**inputs):
        asked = {"address": "Workflow/w", "spec": SPEC} | inputs
        step = Step(
            "run",
            inputs=lambda outputs: asked,
            expand=lambda given: operation.expanded(given, operations, tmp_path),
            effects=False,
        )
        context = Context.system()
        with open_state(tmp_path, context, command="test") as state:
            created = state.create_run("local", "Test/t", asked, None)
            return Engine(state, context).execute(created, Graph(asked, (step,)))

    return execute


@pytest.mark.parametrize(
    ("inputs", "said"), [({}, "usual"), ({"text": "hello"}, "hello"), ({"text": "none"}, None)]
)
def test_a_pinned_workflow_runs_with_its_defaults_and_predicates(run, inputs, said):
    result = run(inputs=inputs)
    assert result.status is RunStatus.SUCCEEDED
    assert result.outputs["run"] == {"outputs": {"said": said}}


def test_what_it_runs_itself_is_pinned_with_it(run):
    result = run(spec=OUTER, workflows={"Workflow/inner": SPEC}, inputs={"text": "x"})
    assert result.outputs["run"] == {"outputs": {"said": "x!"}}


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"inputs": {"text": 3}}, "not of the type string"),
        ({"spec": {"trigger": "human", "stages": []}}, "stages"),
        ({"spec": OUTER}, "Workflow/inner"),
    ],
)
def test_what_does_not_fit_fails_and_says_why(run, asked, message):
    result = run(**asked)
    assert result.status is RunStatus.FAILED
    assert message in " ".join(result.failed.values())
