"""The shipped modules and both standard patterns, applied and run as a user does it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chimera.cli.main import run
from chimera.context import Context, SequentialIds
from chimera.model import Outcome
from chimera.state import Item, read_state
from chimera.workspace import Workspace
from tests.builtin.coordination.conftest import NOW, ROOT, needs_oracle
from tests.builtin.coordination.test_protocol import MODELS, oracle

PATTERNS = ("context-plan-execute", "multi-party-approval")
COLLECTIONS = (*sorted(set(MODELS) - {"event"}), "alias", "context.facts", "plan.facts", "module")


class House:
    """A repository with the shipped modules and patterns, whose clock and ids are known."""

    def __init__(self, root: Path) -> None:
        self.root = root
        shutil.copytree(ROOT / "specs" / "modules", root / "specs" / "modules")
        for name in PATTERNS:
            self.write(name, (ROOT / "specs" / "workflows" / f"{name}.yaml").read_text())
        for path in (root / "specs").rglob("*.yaml"):
            lines = path.read_text().splitlines(keepends=True)
            path.write_text("".join(line for line in lines if "layers:" not in line))
        self.context = replace(Context.system(now=NOW), ids=SequentialIds("run"))

    def write(self, name: str, text: str) -> None:
        (self.root / "specs" / f"{name}.yaml").write_text(text)

    def workflow(self, name: str, stages: str, more: str = "") -> None:
        self.write(
            name,
            f"apiVersion: chimera/v1\nkind: Workflow\nmetadata: {{name: {name}}}\n"
            f"spec:\n  trigger: human\n{more}  stages:\n{stages}",
        )

    @property
    def workspace(self) -> Workspace:
        return Workspace.open(self.root, self.context)

    def apply(self) -> list[str]:
        return [item.status for item in self.workspace.apply().value.items]

    def run(self, name: str, **inputs: Any) -> Any:
        result = self.workspace.run(f"Workflow/{name}", inputs)
        return result.value.item, (result.value.outputs or {}).get("outputs")

    def items(self, collection: str) -> dict[str, Any]:
        with read_state(self.root) as state:
            found: tuple[Item, ...] = state.items("local", collection)
        return {item.id: item.value for item in found}

    def everything(self) -> dict[str, dict[str, Any]]:
        return {name: self.items(name) for name in COLLECTIONS}


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], House]:
    """Return a function that gives a house in which all is applied."""
    pattern = House(tmp_path_factory.mktemp("pattern"))
    assert set(pattern.apply()) == {"applied"}

    def make() -> House:
        root = tmp_path_factory.mktemp("house")
        shutil.copytree(pattern.root, root, dirs_exist_ok=True)
        house = House.__new__(House)
        house.root = root
        house.context = replace(Context.system(now=NOW), ids=SequentialIds("later"))
        return house

    return make


@pytest.fixture
def house(houses: Callable[[], House]) -> Iterator[House]:
    return houses()


def test_every_shipped_module_is_started_as_it_says(house: House) -> None:
    modules = house.items("module")

    assert len(modules) == 10
    assert {value["state"] for value in modules.values()} == {"started"}
    assert modules["context"]["version"] == "1.0.0-alpha"
    assert modules["context"]["configuration"]["maxContexts"] == 1000
    assert house.apply() == []  # a second plan after an apply is empty


def test_context_plan_execute_runs_end_to_end(house: House) -> None:
    item, outputs = house.run("context-plan-execute")

    assert item.status == "applied", item.message
    assert (outputs["status"], outputs["completed"]) == ("completed", 3)
    (plan,) = house.items("plan").values()
    assert [step["status"] for step in plan["steps"]] == ["completed"] * 3
    (trace,) = house.items("trace").values()
    assert (trace["trace_id"], trace["plan_id"]) == (outputs["trace"], outputs["plan"])
    assert [segment["status"] for segment in trace["segments"]] == ["completed"] * 3
    assert len(house.items("dialog")) == len(house.items("collab")) == 1


@needs_oracle
def test_everything_that_the_patterns_keep_is_what_the_protocol_states(house: House) -> None:
    house.run("context-plan-execute")
    asked(house)
    kept = {name: values for name, values in house.everything().items() if name in MODELS}

    assert {"context", "plan", "trace", "dialog", "collab", "role", "confirm"} <= {
        name for name, values in kept.items() if values
    }
    for name, values in kept.items():
        for value in values.values():
            oracle(name).validate(value)


def test_equal_runs_give_equal_outputs_and_keep_equal_objects(
    houses: Callable[[], House],
) -> None:
    found = []
    for house in (houses(), houses()):
        outputs = [house.run("context-plan-execute")[1]]
        asked(house)
        outputs.append(house.run("multi-party-approval", **REQUEST)[1])
        found.append((outputs, house.everything()))

    assert found[0] == found[1]


REQUEST = {"requestId": "confirm-001", "approvers": ["security", "ada"], "resource": "plan"}


def asked(house: House, *decisions: tuple[str, str]) -> None:
    """Make a request of two approvers, one by her role, and write decisions down."""
    stages = """
    - {id: ctx, operation: context.create, inputs: {name: w}}
    - {id: plan, operation: plan.create, inputs: {contextId: "${ctx.contextId}"}}
    - {id: one, operation: role.create, inputs: {name: security, capabilities: [plan.approve]}}
    - {id: two, operation: role.create, inputs: {name: operations, capabilities: ["plan.*"]}}
    - {id: has, operation: role.assign, inputs: {roleId: operations, principal: ada}}
    - id: ask
      operation: confirm.request
      inputs:
        targetType: plan
        targetId: ${plan.planId}
        requestedByRole: author
        approvers: [security, ada, eve]
        quorum: 2
"""
    for number, (who, what) in enumerate(decisions):
        given = f"{{requestId: confirm-001, approver: {who}, decision: {what}}}"
        stages += f"    - {{id: d{number}, operation: confirm.decide, inputs: {given}}}\n"
    house.workflow("ask", stages)
    assert set(house.apply()) == {"applied"}
    assert house.run("ask")[0].status == "applied"


@pytest.mark.parametrize(
    ("decisions", "status"),
    [
        ([], "pending"),
        ([("security", "approved")], "pending"),
        ([("security", "approved"), ("ada", "approved")], "approved"),
        ([("security", "approved"), ("ada", "rejected")], "rejected"),
    ],
)
def test_multi_party_approval_concludes_what_was_decided(
    house: House, decisions: list[tuple[str, str]], status: str
) -> None:
    asked(house, *decisions[:1])
    (id,) = house.items("confirm")
    rest = [{"approver": who, "decision": what} for who, what in decisions[1:]]
    if rest:
        text = (house.root / "specs" / "multi-party-approval.yaml").read_text()
        given = "approvers: ${check-permissions.validApprovers}\n"
        assert given in text
        house.write(
            "multi-party-approval", text.replace(given, f"{given}        decisions: {rest}\n")
        )
        house.apply()
    item, outputs = house.run("multi-party-approval", **REQUEST)

    assert item.status == "applied", item.message
    assert (outputs["status"], outputs["approved"]) == (status, status == "approved")
    assert outputs["validApprovers"] == ["security", "ada"]
    assert house.items("confirm")[id]["status"] == status


def test_approval_of_an_unknown_request_fails_with_its_name(house: House) -> None:
    item, _ = house.run("multi-party-approval", **{**REQUEST, "requestId": "confirm-007"})

    assert item.status == "failed"
    assert "there is no request confirm-007" in item.message


def test_patterns_are_run_from_the_command_line(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(["-C", str(house.root), "run", "Workflow/context-plan-execute", "--input", "name=x"])

    assert code == 0
    assert '"status": "completed"' in capsys.readouterr().out
    assert [value["title"] for value in house.items("context").values()] == ["x"]


def test_failure_in_a_plan_is_kept_account_of_and_its_stage_retried(house: House) -> None:
    house.workflow(
        "failing",
        """
    - {id: ctx, operation: context.create, inputs: {name: w}}
    - id: plan
      operation: plan.create
      inputs:
        contextId: ${ctx.contextId}
        steps:
          - {id: a, description: read, operation: file.read, inputs: {path: late.txt}}
          - {id: b, description: after, dependencies: [a]}
          - {id: c, description: beside}
    - {id: exec, operation: core.executePlan, inputs: {planId: "${plan.planId}"}}
""",
        "  outputs: {status: '${exec.status}', completed: '${exec.completed}'}\n",
    )
    house.apply()
    item, _ = house.run("failing")

    assert item.status == "failed"
    assert "1 of its steps failed, and 1 were not begun" in item.message
    (plan,) = house.items("plan").values()
    assert plan["status"] == "failed"
    assert [step["status"] for step in plan["steps"]] == ["failed", "blocked", "completed"]

    (house.root / "late.txt").write_text("here")
    again = house.workspace.runs.retry(item.run, "exec")
    assert again.outcome is Outcome.PASSED
    (plan,) = house.items("plan").values()
    assert plan["status"] == "completed"


def test_deleted_module_is_shut_down_with_what_needs_it(house: House) -> None:
    for name in ("role", "context", "plan", "confirm", "collab", "core", "network", "dialog"):
        (house.root / "specs" / "modules" / f"{name}.yaml").unlink()
    (house.root / "specs" / "modules" / "extension.yaml").unlink()

    assert set(house.apply()) == {"applied"}
    assert list(house.items("module")) == ["trace"]


def test_deleting_what_others_need_is_a_fault(house: House) -> None:
    (house.root / "specs" / "modules" / "role.yaml").unlink()
    result = house.workspace.check()

    assert result.outcome is Outcome.FAILED
    dangling = {d.rule for d in result.diagnostics if "Module/role" in d.message}
    assert dangling == {"reference-dangling"}


KILLED = """
import os, signal, sys
from chimera.builtin.coordination import shelf
from chimera.cli.main import main
keep = shelf.Shelf._keep
left = [int(sys.argv.pop(1))]
def dying(self, call, id, value, event, data):
    left[0] -= 1
    one = keep(self, call, id, value, event, data)
    if left[0] < 0:  # written into the attempt, and nothing of it committed
        os.kill(os.getpid(), signal.SIGKILL)
    return one
shelf.Shelf._keep = dying
main()
"""


@pytest.mark.parametrize("survived", [0, 5, 14])
def test_killed_run_leaves_no_half_of_an_object_and_goes_on(house: House, survived: int) -> None:
    argv = [sys.executable, "-c", KILLED, str(survived), "-C", str(house.root)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*argv, "run", "Workflow/context-plan-execute"], capture_output=True, env=env, timeout=120
    )
    assert done.returncode == -signal.SIGKILL
    house.context = Context.system()
    for name in ("context", "plan", "trace"):
        whole = house.items(name)
        assert all(MODELS[name].model_validate(value) for value in whole.values())
        assert all(len(value["events"]) > 0 for value in whole.values())
        facts = house.items(f"{name}.facts")
        assert facts.keys() == whole.keys()

    item, outputs = house.run("context-plan-execute")
    assert item.status == "applied", item.message
    assert outputs["status"] == "completed"
    assert len(house.items("context")) == len(house.items("plan")) == 1


@pytest.mark.parametrize(
    ("data", "status"), [(None, "completed"), ({"status": "failed"}, "failed")]
)
def test_step_of_a_role_waits_for_its_signal(house: House, data: Any, status: str) -> None:
    house.workflow(
        "human",
        """
    - {id: ctx, operation: context.create, inputs: {name: w}}
    - id: plan
      operation: plan.create
      inputs:
        contextId: ${ctx.contextId}
        steps: [{description: look at it, agentRole: reviewer}]
    - {id: exec, operation: core.executePlan, inputs: {planId: "${plan.planId}"}}
""",
    )
    house.apply()
    item, _ = house.run("human")
    (plan,) = house.items("plan").values()
    assert (plan["status"], plan["steps"][0]["status"]) == ("in_progress", "in_progress")

    house.workspace.runs.signal(item.run, "plan-001/0", data)
    gone_on = house.workspace.runs.due()
    assert (gone_on.outcome is Outcome.PASSED) == (status == "completed")
    (plan,) = house.items("plan").values()
    assert (plan["status"], plan["steps"][0]["status"]) == (status, status)


def test_health_of_modules_is_observed(house: House) -> None:
    from chimera.builtin.coordination.health import observe
    from chimera.runtime.health import Health, HealthTask

    snapshot = house.workspace.loaded.snapshot
    with read_state(house.root) as state:
        task = HealthTask("local", snapshot, state, house.context)
        checks = list(observe(task))

    assert [check.subject for check in checks][:2] == ["Module/collab", "Module/confirm"]
    assert {check.status for check in checks} == {Health.HEALTHY}


def test_module_hears_of_what_it_subscribed_to(house: House) -> None:
    house.workflow(
        "close",
        """
    - {id: ctx, operation: context.create, inputs: {name: w}}
    - {id: plan, operation: plan.create, inputs: {contextId: "${ctx.contextId}"}}
    - {id: end, operation: context.close, inputs: {contextId: "${ctx.contextId}"}}
""",
    )
    house.workflow("deliver", "    - {id: all, operation: hub.deliver}\n")
    house.apply()
    assert house.run("close")[0].status == "applied"
    (plan,) = house.items("plan").values()
    assert plan["status"] == "draft"
    item, _ = house.run("deliver")

    assert item.status == "applied", item.message
    (plan,) = house.items("plan").values()
    assert plan["status"] == "cancelled"


@pytest.mark.parametrize(
    ("own", "orchestrator", "seconds"),
    [("", "", 30), ("", "{moduleStartupTimeout: 9s}", 9), ("5s", "{moduleStartupTimeout: 9s}", 5)],
)
def test_start_may_take_what_the_module_or_else_the_orchestrator_says(
    house: House, own: str, orchestrator: str, seconds: int
) -> None:
    path = house.root / "specs" / "modules" / "role.yaml"
    more = f"  startupTimeout: {own}\n" if own else ""
    path.write_text(path.read_text().replace("maxRoles: 1000", "maxRoles: 999") + more)
    if orchestrator:
        head = "apiVersion: chimera/v1\nkind: Orchestrator\nmetadata: {name: it}\n"
        house.write("it", f"{head}spec: {orchestrator}\n")
    assert set(house.apply()) == {"applied"}
    with read_state(house.root) as state:
        (run, *_) = state.runs(target="Module/role")

    assert run.definition["timeout"] == seconds
