"""Operations as the work of steps, and the task that a reconciler is given."""

from functools import partial
from types import SimpleNamespace

import pytest

from chimera.kinds import Field, Items, Model
from chimera.model import Action, Address, Change
from chimera.runtime import Operation, PermanentError, ReconcileTask, RunError, Runs, Step

from .conftest import SOON


class Numbers(Model):
    numbers: Items[int] = Field(description="What is added.")
    round_up: bool = Field(default=False, description="Rounds up.")


class Total(Model):
    grand_total: int = Field(description="The sum.")


def operation(run):
    return Operation("sum", "Adds numbers.", Numbers, Total, run)


def add(call):
    call.log(f"adding in {call.root.name}")
    return Total(grandTotal=sum(call.inputs.numbers))


def perform(house, operation, inputs):
    work = partial(operation.perform, root=house.root)
    return house.execute([Step("x", work, inputs=lambda outputs: inputs, recovery=SOON)])


def test_operation_gets_typed_inputs_and_gives_json(house):
    result = perform(house, operation(add), {"numbers": [1, 2], "roundUp": True})
    assert result.outputs == {"x": {"grandTotal": 3}}
    assert [line.text for line in house.state.log(result.run)] == [f"adding in {house.root.name}"]


def test_operation_may_return_a_mapping(house):
    made = operation(lambda call: {"grandTotal": len(call.key)})
    assert perform(house, made, {"numbers": []}).outputs == {"x": {"grandTotal": 64}}


@pytest.mark.parametrize("inputs", [None, {}, {"numbers": ["1"]}, {"numbers": [], "more": 1}])
def test_inputs_that_do_not_fit_fail_without_a_retry(house, inputs):
    result = perform(house, operation(add), inputs)
    assert "the inputs of the operation sum do not fit" in result.failed["x"]
    assert house.kinds(result, "x") == ["START", "FAIL"]


def test_a_secret_that_does_not_fit_is_not_told_in_part(house):
    secret = "-".join(["nobody", *("word" * 9), "knows"])
    house.context.secrets.add(secret)
    result = perform(house, operation(add), {"numbers": f"{secret}\u00fc"})
    assert "numbers: Input should be a valid" in result.failed["x"]
    assert "nobody" not in result.failed["x"]
    assert "knows" not in result.failed["x"]


@pytest.mark.parametrize("outputs", [None, {}, {"grandTotal": "3"}])
def test_outputs_that_do_not_fit_fail_without_a_retry(house, outputs):
    result = perform(house, operation(lambda call: outputs), {"numbers": []})
    assert "the outputs of the operation sum do not fit" in result.failed["x"]
    assert house.kinds(result, "x") == ["START", "FAIL"]


@pytest.fixture
def task(house):
    runs = Runs(house.state, house.context, "local")
    return ReconcileTask(
        change=Change(Address("Workflow", "a"), Action.CREATE, None, "sha256:1", "new"),
        document=None,
        before=None,
        snapshot=SimpleNamespace(),
        environment=SimpleNamespace(name="local", protected=False),
        context=house.context,
        operations={"sum": operation(add)},
        root=house.root,
        record=lambda kind, name, spec: None,
        run_steps=partial(runs.carry_out, "Workflow/a"),
    )


def test_task_executes_steps_durably_and_returns_their_outputs(task, house):
    def build(definition, input):
        work = partial(task.operations[definition["use"]].perform, root=task.root)
        return [Step("x", work, inputs=lambda outputs: input)]

    outputs = task.execute({"use": "sum"}, build, {"numbers": [2, 3]})
    assert outputs == {"x": {"grandTotal": 5}}
    assert house.state.runs()[0].target == "Workflow/a"


def test_task_raises_what_did_not_succeed(task):
    def refuse(call):
        raise PermanentError("no")

    with pytest.raises(RunError, match="failed: x: no") as caught:
        task.execute({}, lambda definition, given: [Step("x", refuse)])
    assert caught.value.result.failed == {"x": "no"}


def test_operation_that_expands_is_no_work_by_itself(house):
    expanding = Operation("sum", "Adds numbers.", Numbers, Total, expand=lambda *_: None)
    result = perform(house, expanding, {"numbers": [1]})
    assert "only a workflow's stage can be made of" in result.failed["x"]
