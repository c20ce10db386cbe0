"""Ways around the gate by runs that were permitted once: done again, moved, answered, gone on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chimera.model import GateError, Outcome
from tests.workspace.signing import ENVIRONMENTS, Team, document, refusals

HOLD = {"id": "hold", "wait": {"signal": "go"}}
CONTRACT = """\
apiVersion: chimera/v1
kind: LayerContract
metadata: {name: ops}
spec:
  purpose: Who may act where.
  layers:
    - {id: resting, name: Resting, status: %s, purpose: p, admits: {paths: [specs/resting/**]}}
"""


@pytest.fixture
def team(repository: Any) -> Team:
    """Ann and Bob own every workflow of production, and what each does is written to `told`."""
    made = Team(repository)
    made.write("specs/environments.yaml", ENVIRONMENTS)
    for name in ("ann", "bob"):
        made.identity(name)
    made.role("ann", "bob")
    made.gate("acting", {"kinds": ["Workflow"]})
    made.write(".gitignore", ".chimera/\ntold\n")
    return made


def says(word: str) -> dict[str, Any]:
    argv = ["sh", "-c", f"echo {word} >> told"]
    return {"id": word, "operation": "command", "inputs": {"argv": argv}, "timeout": "1m"}


def applies(team: Team) -> None:
    team.commit("ann")
    team.now += timedelta(minutes=1)
    team.approve("bob")
    team.applies()


def act(team: Team, *stages: dict[str, Any], path: str = "specs/act.yaml") -> None:
    """Apply a workflow that a person starts."""
    team.write(path, document("Workflow", "act", trigger="human", stages=stages))
    applies(team)


def run(team: Team) -> str:
    """Start it with an approval of its own, and return the run."""
    team.now += timedelta(minutes=1)
    team.approve("bob", run="Workflow/act")
    result = team.workspace().run("Workflow/act", {}, environment="production")
    assert result.outcome is Outcome.PASSED, refusals(result)
    return uid_of(result)


def uid_of(result: Any) -> str:
    return str(result.value.item.run)


def told(team: Team) -> str:
    file = team.root / "told"
    return file.read_text() if file.exists() else ""


def goes_on(team: Team, uid: str) -> Any:
    runs = team.workspace().runs
    runs.signal(uid, "go")
    return runs.resume(uid).value.continued


def test_what_was_approved_once_is_not_done_again_by_a_retry(team: Team) -> None:
    act(team, says("x"))
    uid = run(team)
    with pytest.raises(GateError, match=r"is protected, and x of run .* was permitted once"):
        team.workspace().runs.retry(uid, "x")
    assert told(team) == "x\n"


def test_what_failed_is_tried_again_as_it_was_approved(team: Team) -> None:
    act(team, {**says("x"), "inputs": {"argv": ["sh", "-c", "test -e told && echo y >> told"]}})
    team.now += timedelta(minutes=1)
    team.approve("bob", run="Workflow/act")
    failed = team.workspace().run("Workflow/act", {}, environment="production")
    assert failed.outcome is Outcome.FAILED
    (team.root / "told").touch()
    again = team.workspace().runs.retry(uid_of(failed), "x")
    assert again.outcome is Outcome.PASSED
    assert told(team) == "y\n"


def test_a_run_does_not_move_into_what_nobody_approved_to_run(team: Team) -> None:
    act(team, HOLD)
    uid = run(team)
    act(team, HOLD, says("x"))
    with pytest.raises(GateError, match=r"may not move: .*approval"):
        team.workspace().runs.migrate(uid)
    team.now += timedelta(minutes=1)
    team.approve("bob", run="Workflow/act")
    team.workspace().runs.migrate(uid)
    assert goes_on(team, uid).outcome is Outcome.PASSED
    assert told(team) == "x\n"
    refused = team.workspace().run("Workflow/act", {}, environment="production")
    assert "it was spent" in refusals(refused)


def test_a_run_does_not_go_on_in_a_layer_that_fell_asleep(team: Team) -> None:
    team.write("specs/ops.yaml", CONTRACT % "active")
    act(team, HOLD, says("x"), path="specs/resting/act.yaml")
    uid = run(team)
    team.write("specs/ops.yaml", CONTRACT % "dormant")
    applies(team)
    assert "stands in a dormant layer" in goes_on(team, uid).message
    assert told(team) == ""


def test_a_run_does_not_go_on_by_a_workflow_inside_it_that_fell_asleep(team: Team) -> None:
    team.write("specs/ops.yaml", CONTRACT % "active")
    inner = document("Workflow", "inner", trigger="human", stages=[says("x")])
    team.write("specs/resting/inner.yaml", inner)
    act(team, HOLD, {"id": "inner", "workflow": "Workflow/inner"})
    uid = run(team)
    team.write("specs/ops.yaml", CONTRACT % "dormant")
    team.write("specs/act.yaml", document("Workflow", "act", trigger="human", stages=[HOLD]))
    applies(team)
    assert "Workflow/inner stands in a dormant layer" in goes_on(team, uid).message
    assert told(team) == ""


def test_a_run_of_what_was_deleted_does_not_go_on(team: Team) -> None:
    act(team, HOLD, says("x"))
    uid = run(team)
    (team.root / "specs/act.yaml").unlink()
    applies(team)
    assert "was deleted from production" in goes_on(team, uid).message
    assert told(team) == ""
