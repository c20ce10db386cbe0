"""What a malicious author of a pull request would try: it stays red, listed and owed."""

from __future__ import annotations

from typing import Any

import pytest

SCHEMA = """\
apiVersion: chimera/v1
kind: Schema
metadata: {name: pods}
spec:
  paths: ["deploy/**/*.yaml"]
  selects: {kind: Pod}
  readBy: yaml-1.1
  schema: {required: [spec]}
"""
POLICY = """\
apiVersion: chimera/v1
kind: Policy
metadata: {name: unprivileged}
spec:
  match: {paths: ["deploy/**"]}
  rules:
    - id: unprivileged
      expression: "!has(object.spec.privileged) || !object.spec.privileged"
      message: a pod has no privileges
  cases:
    - {name: plain, object: {spec: {}}, expect: []}
    - {name: privileged, object: {spec: {privileged: true}}, expect: [unprivileged]}
"""
LABELLED = """\
apiVersion: chimera/v1
kind: Policy
metadata: {name: owned}
spec:
  match: {kinds: [Role]}
  rules:
    - id: owned
      expression: has(object.metadata.labels) && has(object.metadata.labels.team)
      message: a role has a team
  cases:
    - {name: owned, object: {metadata: {labels: {team: a}}}, expect: []}
    - {name: free, object: {metadata: {}}, expect: [owned]}
"""
ROLE = """\
apiVersion: chimera/v1
kind: Role
metadata: {name: owner, labels: {team: core}}
spec: {members: []}
"""
GATE = """\
apiVersion: chimera/v1
kind: Gate
metadata: {name: source}
spec:
  match: {paths: ["src/**"]}
  requires: {approvals: [{role: Role/owner}]}
"""
GOOD = "kind: Pod\nspec: {}\n"
BAD = "kind: Pod\nspec: {privileged: true}\n"


@pytest.fixture
def team(repository: Any) -> Any:
    """A repository with a gate over sources, a policy over manifests, and a branch `topic`."""
    repository.write("specs/pods.yaml", SCHEMA)
    repository.write("policies/unprivileged.yaml", POLICY)
    repository.write("policies/owned.yaml", LABELLED)
    repository.write("specs/owner.yaml", ROLE)
    repository.write("specs/gate.yaml", GATE)
    repository.write("deploy/web.yaml", GOOD)
    repository.write("lib/pay.py", "pay = 1\n")
    repository.commit("first")
    repository.git("checkout", "-q", "-b", "topic")
    return repository


def check(team: Any) -> Any:
    team.commit()
    return team.chimera("check", "--base", "main", "-o", "json")


def rules(answer: Any) -> set[str]:
    return {d["rule"] for d in answer.json["diagnostics"] if d["severity"] == "error"}


# A policy and what it judges, in one change


def delete(team: Any) -> None:
    (team.root / "policies/unprivileged.yaml").unlink()


def rename(team: Any) -> None:
    delete(team)
    text = POLICY.replace("name: unprivileged}", "name: privileges}").replace("deploy/**", "x/**")
    team.write("policies/privileges.yaml", text)


def weaken(team: Any) -> None:
    team.write(
        "policies/unprivileged.yaml", POLICY.replace("privileges\n", "none\n      action: audit\n")
    )


def look_away(team: Any) -> None:
    team.write("policies/unprivileged.yaml", POLICY.replace("deploy/**", "deploy/old/**"))


def lull(team: Any) -> None:
    team.write(
        "specs/contract.yaml",
        """\
        apiVersion: chimera/v1
        kind: LayerContract
        metadata: {name: team}
        spec:
          purpose: sleep
          layers:
            - id: "1"
              name: Asleep
              status: dormant
              purpose: sleep
              trigger: none
              mode: enforcing
              admits: {kinds: [Policy]}
        """,
    )


def move_roots(team: Any) -> None:
    delete(team)
    team.write("rules/unprivileged.yaml", POLICY)
    team.write(
        "specs/repository.yaml",
        "apiVersion: chimera/v1\nkind: Repository\nmetadata: {name: r}\nspec: {roots: [specs]}\n",
    )


LOOSENINGS = [delete, rename, weaken, look_away, lull, move_roots]


@pytest.mark.parametrize("loosen", LOOSENINGS)
def test_a_policy_loosened_in_the_change_still_judges_what_the_change_touches(
    team: Any, loosen: Any
) -> None:
    team.write("deploy/web.yaml", BAD)
    loosen(team)
    answer = check(team)
    assert (answer.code, rules(answer)) == (1, {"policy-denied"})
    (fault,) = (d for d in answer.json["diagnostics"] if d["rule"] == "policy-denied")
    assert fault["path"] == "deploy/web.yaml", fault
    assert "as it was before this change" in fault["message"]
    assert "in a change of its own" in fault["help"]
    touches = {(t["name"], *t["asks"]) for t in answer.json["change"]["touches"]}
    assert ("Policy/unprivileged", "rule unprivileged") in touches


@pytest.mark.parametrize("loosen", LOOSENINGS)
def test_a_policy_can_be_loosened_in_a_change_of_its_own(team: Any, loosen: Any) -> None:
    loosen(team)
    answer = check(team)
    assert (answer.code, rules(answer)) == (0, set()), answer.out
    team.git("branch", "-f", "main", "topic")
    team.write("deploy/web.yaml", BAD)
    assert check(team).code == 0


def test_a_policy_over_documents_counts_as_it_was_for_those_that_change(team: Any) -> None:
    team.write("specs/other.yaml", ROLE.replace("owner", "other"))
    team.commit()
    team.git("branch", "-f", "main", "topic")
    (team.root / "policies/owned.yaml").unlink()
    team.write("specs/owner.yaml", ROLE.replace(", labels: {team: core}", ""))
    answer = check(team)
    assert (answer.code, rules(answer)) == (1, {"policy-denied"})
    errors = [d for d in answer.json["diagnostics"] if d["severity"] == "error"]
    assert [d["path"] for d in errors] == ["specs/owner.yaml"]
    plan = team.chimera("plan", "--base", "main")
    assert plan.code == 1


def test_a_tightened_policy_and_documents_that_keep_it_are_one_change(team: Any) -> None:
    both = LABELLED.replace("labels.team)", "labels.team) && has(object.metadata.labels.unit)")
    both = both.replace("{team: a}}}", "{team: a, unit: b}}}")
    team.write("policies/owned.yaml", both)
    team.write("specs/owner.yaml", ROLE.replace("core}", "core, unit: b}"))
    answer = check(team)
    assert (answer.code, rules(answer)) == (0, set()), answer.out


def test_an_applied_state_knows_no_order_of_changes_and_binds_no_policy_as_it_was(
    team: Any,
) -> None:
    assert team.chimera("apply").code == 0
    (team.root / "policies/owned.yaml").unlink()
    team.write("specs/owner.yaml", ROLE.replace(", labels: {team: core}", ""))
    assert team.chimera("plan").code == 0


# An environment that is opened by the change that it should hold


@pytest.mark.parametrize("base_protects", [True, False])
def test_a_change_does_not_unprotect_the_environment_that_it_is_planned_for(
    team: Any, base_protects: bool
) -> None:
    path = team.root / "specs/environments.yaml"
    opened = path.read_text().replace("protected: true", "protected: false")
    if not base_protects:
        path.write_text(opened)
        team.commit()
        team.git("branch", "-f", "main", "topic")
    team.write("src/pay.py", "pay = 1\n")
    path.write_text(opened)
    team.commit()
    planned = team.chimera("plan", "--base", "main", "--env", "production", "-o", "json").json
    owed = {o["subject"] for item in planned["items"] for o in item["obligations"]}
    assert owed == ({"Role/owner"} if base_protects else set())


# Names and texts that forge what is said


def test_a_path_in_several_lines_forges_no_line_of_what_is_said(team: Any) -> None:
    for path in ("deploy/x\nno faults\n.yaml", "src/x\nno faults", "specs/x\nz.yaml"):
        team.write(path, BAD)
    team.write("specs/a\nb.yaml", ROLE.replace("owner", "other"))
    team.commit("a")
    team.git("mv", "specs/a\nb.yaml", "specs/c\nd.yaml")
    team.commit("b")
    for base in ("main", "HEAD~1"):
        said = team.chimera("check", "--base", base)
        assert said.code == 1
        forged = ("no faults", ".yaml", "z.yaml", "b.yaml", "d.yaml")
        assert not [line for line in said.out.splitlines() if line.startswith(forged)]
    assert r"deploy/x\nno faults\n.yaml:2:20: error[policy-denied]" in said.out


# Links in the place of folders


def link(team: Any) -> None:
    (team.root / "src").symlink_to("lib")
    team.commit()


def submodule(team: Any) -> None:
    team.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},src")
    team.git("commit", "-q", "-m", "submodule")


def touched_paths(team: Any, base: str) -> dict[str, list[str]]:
    planned = team.chimera("plan", "--base", base, "--env", "production", "-o", "json").json
    return {
        item["target"]: item["paths"]
        for item in planned["items"]
        if {"Role/owner"} == {o["subject"] for o in item["obligations"]}
    }


@pytest.mark.parametrize("put", [link, submodule])
def test_a_link_that_brings_a_governed_folder_from_elsewhere_is_owed_for(
    team: Any, put: Any
) -> None:
    put(team)
    assert touched_paths(team, "main") == {"paths:src/**": ["src"]}


def test_a_submodule_in_a_governed_place_is_owed_for_whenever_it_moves(team: Any) -> None:
    submodule(team)
    team.git("update-index", "--cacheinfo", f"160000,{'2' * 40},src")
    team.git("commit", "-q", "-m", "moved")
    assert touched_paths(team, "HEAD~1") == {"paths:src/**": ["src"]}
    team.git("rm", "-q", "--cached", "src")
    team.git("commit", "-q", "-m", "gone")
    assert touched_paths(team, "HEAD~1") == {"paths:src/**": ["src"]}


def test_a_file_in_the_place_of_a_governed_folder_brings_nothing(team: Any) -> None:
    team.write("src", "pay\n")
    team.commit()
    assert touched_paths(team, "main") == {}


@pytest.mark.parametrize("put", ["a folder", "a file"])
def test_manifests_behind_a_link_are_said_not_to_be_looked_at(team: Any, put: str) -> None:
    team.write("hidden/web.yaml", BAD)
    team.git("rm", "-rq", "deploy")
    path = "deploy" if put == "a folder" else "deploy/web.yaml"
    (team.root / path).parent.mkdir(exist_ok=True)
    (team.root / path).symlink_to("hidden" if put == "a folder" else "../hidden/web.yaml")
    answer = check(team)
    warned = [d["path"] for d in answer.json["diagnostics"] if d["rule"] == "foreign-not-followed"]
    assert warned == [path]
    idle = [
        (one["judge"], subject)
        for one in answer.json["notExercised"]
        for subject in one["subjects"]
    ]
    assert ("Schema/pods", path) in idle
