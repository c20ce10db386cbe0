"""Ways around the gate that people would try: each must leave what was not permitted undone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chimera.context import Context
from chimera.state import open_state, read_state

WORKFLOW = """\
apiVersion: chimera/v1
kind: Workflow
metadata: {name: release}
spec:
  trigger: apply
  paths: [scripts/**]
  stages:
    - {id: act, operation: command, inputs: {argv: [sh, scripts/act.sh]}, timeout: 1m}
"""
GATE = """\
apiVersion: chimera/v1
kind: Gate
metadata: {name: recorded}
spec:
  match: {kinds: [Workflow]}
  requires: {records: [ChangelogEntry]}
"""


@pytest.fixture
def team(repository: Any) -> Any:
    """A repository whose workflow runs a script that it declares, committed."""
    repository.write("specs/release.yaml", WORKFLOW)
    repository.write("scripts/act.sh", "true\n")
    repository.write(".gitignore", "acted\n")
    repository.commit()
    return repository


def make_it_act(team: Any) -> None:
    team.write("scripts/act.sh", "touch acted\n")


def acted(team: Any) -> bool:
    return bool((team.root / "acted").exists())


def test_a_protected_apply_runs_no_script_that_the_commit_does_not_hold(team: Any) -> None:
    make_it_act(team)
    refused = team.chimera("apply", "--env", "production")
    assert (refused.code, acted(team)) == (7, False)
    assert "the work tree is not the commit" in refused.err
    assert "scripts/act.sh" in refused.err
    team.commit()
    applied = team.chimera("apply", "--env", "production", "--auto-approve")
    assert (applied.code, acted(team)) == (0, True)


def test_a_protected_apply_runs_beside_no_file_that_the_commit_does_not_hold(team: Any) -> None:
    assert team.chimera("apply", "--env", "production", "--auto-approve").code == 0
    team.write("sitecustomize.py", "import this\n")
    refused = team.chimera("run", "Workflow/release", "--env", "production")
    assert refused.code == 7
    assert "sitecustomize.py" in refused.err


@pytest.mark.parametrize("edited", ["spec: {protected: false}", None])
def test_an_edit_of_the_work_tree_unprotects_nothing(team: Any, edited: str | None) -> None:
    environments = "apiVersion: chimera/v1\nkind: Environment\nmetadata: {name: local}\n"
    team.write("specs/environments.yaml", environments + "spec: {protected: true}\n")
    team.commit()
    make_it_act(team)
    if edited is None:
        (team.root / "specs/environments.yaml").unlink()
    else:
        team.write("specs/environments.yaml", environments + edited + "\n")
    assert (team.chimera("apply").code, acted(team)) == (7, False)


def test_run_executes_no_script_that_was_edited_since_the_apply(team: Any) -> None:
    assert team.chimera("apply").code == 0
    make_it_act(team)
    assert (team.chimera("run", "Workflow/release").code, acted(team)) == (7, False)
    team.write("scripts/act.sh", "true\n")
    assert team.chimera("run", "Workflow/release").code == 0


def test_what_one_workflow_writes_is_not_run_by_the_next_one(team: Any) -> None:
    first = WORKFLOW.replace("release", "a-first").replace("  paths: [scripts/**]\n", "")
    team.write("specs/a-first.yaml", first.replace("scripts/act.sh", "edit.sh"))
    team.write("edit.sh", "echo touch acted > scripts/act.sh\n")
    applied = team.chimera("apply")
    assert (applied.code, acted(team)) == (7, False)
    assert "applied create Workflow/a-first" in applied.out


@pytest.mark.parametrize("loosened", [None, GATE.replace("[ChangelogEntry]", "[]")])
def test_a_gate_that_the_change_itself_loosens_still_holds(team: Any, loosened: str | None) -> None:
    team.write("specs/gate.yaml", GATE)
    (team.root / "specs/release.yaml").unlink()
    assert team.chimera("apply").code == 0
    make_it_act(team)
    team.write("specs/release.yaml", WORKFLOW)
    if loosened is None:
        (team.root / "specs/gate.yaml").unlink()
    else:
        team.write("specs/gate.yaml", loosened)
    refused = team.chimera("apply")
    assert (refused.code, acted(team)) == (1, False)
    assert "no ChangelogEntry names Workflow/release" in refused.out


def test_a_gate_can_be_deleted_by_a_change_of_its_own(team: Any) -> None:
    (team.root / "specs/release.yaml").unlink()
    team.write("specs/gate.yaml", GATE)
    assert team.chimera("apply").code == 0
    (team.root / "specs/gate.yaml").unlink()
    assert team.chimera("apply").code == 0
    team.write("specs/release.yaml", WORKFLOW)
    assert team.chimera("apply").code == 0


CONTRACT = """\
apiVersion: chimera/v1
kind: LayerContract
metadata: {name: ops}
spec:
  purpose: Who may act.
  layers:
    - {id: "1", name: One, status: active, purpose: x, trigger: human, mode: enforcing}
"""


def test_run_executes_nothing_that_an_interrupted_apply_left_in_a_dormant_layer(team: Any) -> None:
    metadata = "metadata: {name: release, layers: [ops/1]}"
    team.write("specs/release.yaml", WORKFLOW.replace("metadata: {name: release}", metadata))
    team.write("specs/ops.yaml", CONTRACT)
    assert team.chimera("apply").code == 0
    with read_state(team.root) as state:
        left = state.applied("local")["Workflow/release"]
    team.write("specs/ops.yaml", CONTRACT.replace("active", "dormant"))
    (team.root / "specs/release.yaml").unlink()
    assert team.chimera("apply").code == 0
    with open_state(team.root, Context.system(), command="test") as state:
        state.put_applied("local", left)
    refused = team.chimera("run", "Workflow/release")
    assert refused.code == 1
    assert "stands in a dormant layer" in refused.err


@pytest.mark.parametrize("folder", [".chimera", ".Chimera"])
def test_state_and_evidence_that_came_with_the_repository_are_not_believed(
    team: Any, folder: str
) -> None:
    team.write(f"{folder}/evidence/index/proof/latest", "sha256:" + "0" * 64)
    team.git("add", "-f", folder)
    for command in (["prove"], ["apply"], ["run", "Workflow/release"]):
        refused = team.chimera(*command)
        assert (refused.code, acted(team)) == (1, False)
        assert f"git tracks '{folder}/evidence" in refused.err


def test_nothing_is_written_through_a_tracked_link(team: Any, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (team.root / ".chimera").symlink_to(elsewhere)
    for tracked in (False, True):
        if tracked:
            team.git("add", "-f", ".chimera")
        assert team.chimera("prove").code == 1
        assert not list(elsewhere.iterdir())


def test_proving_leaves_the_work_tree_clean(team: Any) -> None:
    team.commit()
    assert team.chimera("prove").code == 5  # there is no proof
    assert team.git("status", "--porcelain") == ""


def test_an_environment_that_a_commit_states_in_a_broken_document_stays_protected(
    team: Any,
) -> None:
    text = "apiVersion: chimera/v1\nkind: Environment\nmetadata: {name: local}\n"
    team.write("specs/environments.yaml", text + "spec: {protected: false, protected: true}\n")
    team.commit()
    team.write("specs/environments.yaml", text + "spec: {protected: false}\n")
    make_it_act(team)
    assert team.chimera("apply").code != 0
    assert not acted(team)


def test_a_document_cannot_leave_the_layer_of_a_gate_by_an_edit_of_what_the_layer_admits(
    team: Any,
) -> None:
    (team.root / "specs/release.yaml").unlink()
    contract = CONTRACT.replace("mode: enforcing", "mode: enforcing, admits: {kinds: [Workflow]}")
    team.write("specs/ops.yaml", contract)
    team.write("specs/gate.yaml", GATE.replace("kinds: [Workflow]", "layers: [ops/1]"))
    assert team.chimera("apply").code == 0
    make_it_act(team)
    team.write("specs/ops.yaml", CONTRACT)
    team.write("specs/release.yaml", WORKFLOW)
    planned = team.chimera("plan", "-o", "json").json
    owing = {i["target"] for i in planned["items"] if i["obligations"]}
    assert "Workflow/release" in owing
    assert (team.chimera("apply").code, acted(team)) == (1, False)
