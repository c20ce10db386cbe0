"""A document whose file moves into another layer is changed, though it says what it said."""

from __future__ import annotations

from typing import Any

import pytest

CONTRACT = """\
apiVersion: chimera/v1
kind: LayerContract
metadata: {name: ops}
spec:
  purpose: Who may act where.
  layers:
    - {id: people, name: People, status: active, purpose: p, trigger: human, admits: {paths: [specs/people/**]}}
    - {id: machines, name: Machines, status: active, purpose: p, admits: {paths: [specs/machines/**]}}
"""  # noqa: E501
WORKFLOW = """\
apiVersion: chimera/v1
kind: Workflow
metadata: {name: sweep}
spec:
  trigger: human
  stages:
    - {id: act, operation: command, inputs: {argv: [touch, acted]}, timeout: 1m}
"""


@pytest.fixture
def team(repository: Any) -> Any:
    """A repository in which folders are layers; it is applied, and the file has moved since."""
    repository.write("specs/ops.yaml", CONTRACT)
    repository.write("specs/people/sweep.yaml", WORKFLOW)
    repository.commit()
    assert repository.chimera("apply").code == 0
    repository.git("mv", "specs/people", "specs/machines")
    repository.commit("move it out of the layer of people")
    return repository


def test_against_a_base_it_owes_what_it_owed_where_it_was(team: Any) -> None:
    plan = team.chimera("plan", "--env", "production", "--base", "HEAD~1", "-o", "json").json
    (item,) = (i for i in plan["items"] if i["target"] == "Workflow/sweep")
    assert (item["action"], item["before"]) == ("update", item["after"])
    assert "from ops/people to ops/machines" in item["reason"]
    assert [o["kind"] for o in item["obligations"]] == ["approval"]


def test_against_the_state_too_and_an_apply_records_where_it_is_now(team: Any) -> None:
    shown = team.chimera("plan").out
    assert "~ update Workflow/sweep" in shown
    assert "from ops/people to ops/machines" in shown
    assert "applied 1 change" in team.chimera("apply").out
    assert "nothing to do" in team.chimera("apply").out


def test_a_move_within_its_layer_owes_nothing(team: Any) -> None:
    assert team.chimera("apply").code == 0
    team.git("mv", "specs/machines/sweep.yaml", "specs/machines/other.yaml")
    team.commit("move it")
    assert "nothing to do" in team.chimera("apply").out
    plan = team.chimera("plan", "--base", "HEAD~1", "-o", "json").json
    assert [(i["action"], i["category"]) for i in plan["items"]] == [("no-op", "cosmetic")]


def test_what_moved_is_not_run_again(team: Any) -> None:
    document = team.root / "specs/machines/sweep.yaml"
    moved = document.read_text()
    team.write("specs/machines/sweep.yaml", moved.replace("trigger: human", "trigger: apply"))
    assert "applied 1 change" in team.chimera("apply").out
    (team.root / "acted").unlink()
    team.write("specs/ops.yaml", CONTRACT.replace("specs/machines/**", "specs/robots/**"))
    assert team.chimera("apply").code == 0
    team.git("mv", "specs/machines", "specs/robots")
    assert "applied 1 change" in team.chimera("apply").out
    assert not (team.root / "acted").exists()
