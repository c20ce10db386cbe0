"""What a pull request touches and owes, judged by what its merge would leave, from Git alone.

The reason that this project exists: a change to `src/api/payments/**` or `migrations/**` owes the
proofs P1 and P2, in a repository where nobody touched `specs/`.
"""

from __future__ import annotations

from typing import Any

import pytest

GOVERNED = "paths:migrations/**,src/api/payments/**"
CHECKS = """\
        apiVersion: chimera/v1
        kind: Proof
        metadata: {{name: {name}}}
        spec:
          claim: {name} holds
          covers: {{kinds: [Workflow]}}
          inputs: ["src/**"]
          steps:
            - run: command
              argv: [cat, src/app.py]
              expect: {{stdout: {{contains: ["app = 1"]}}}}
          controls: [{{mutate: replace, path: src/app.py, old: app, new: other}}]
        """


@pytest.fixture
def team(repository: Any) -> Any:
    """The payments team on `main`, with a branch `feature` checked out."""
    repository.write(
        "specs/gates/payments.yaml",
        """\
        apiVersion: chimera/v1
        kind: Gate
        metadata: {name: payments}
        spec:
          match: {paths: ["src/api/payments/**", "migrations/**"]}
          requires: {proofs: [Proof/p1, Proof/p2]}
        ---
        apiVersion: chimera/v1
        kind: Gate
        metadata: {name: payments-people}
        spec:
          match: {paths: ["migrations/**", "src/api/payments/**"]}
          requires: {approvals: [{role: Role/owner, count: 2}]}
        ---
        apiVersion: chimera/v1
        kind: Role
        metadata: {name: owner}
        spec: {members: [Identity/ann, Identity/ben]}
        ---
        apiVersion: chimera/v1
        kind: Identity
        metadata: {name: ann}
        spec:
          kind: human
          keys:
            - key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHc2fRuX3It3uvPo7y/MktZIp1dS6F7zBpiekiMqlc96
        ---
        apiVersion: chimera/v1
        kind: Identity
        metadata: {name: ben}
        spec:
          kind: human
          keys:
            - key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHOY1gbpdLzvtdDhrjM7G4ky3k0aMP1+bI9kYKrvybXo
        """,
    )
    for name in ("p1", "p2"):
        repository.write(f"proofs/{name}.yaml", CHECKS.format(name=name))
    repository.write("src/app.py", "app = 1\n")
    repository.write("src/api/payments/pay.py", "pay = 1\n" * 9)
    repository.write("src/api/payments/refund.py", "refund = 1\n")
    repository.write("src/api/users.py", "users = 1\n" * 9)
    repository.write("migrations/001.sql", "select 1;\n")
    repository.commit("first")
    repository.git("checkout", "-q", "-b", "feature")
    return repository


def change_of(team: Any, *options: str) -> dict[str, Any]:
    answer = team.chimera("check", "--base", "main", "-o", "json", *options)
    assert answer.code == 0, answer.out + answer.err
    found: dict[str, Any] = answer.json["change"]
    return found


def changed(team: Any) -> dict[str, list[str]]:
    """Return what changes, with the paths that do."""
    items = change_of(team)["items"]
    return {i["target"]: i["paths"] for i in items if i["action"] != "no-op"}


def owed(change: dict[str, Any]) -> list[str]:
    return sorted(o["subject"] for item in change["items"] for o in item["obligations"])


def move_main_on(team: Any, **files: str) -> None:
    """Let somebody else push to `main`, and come back to the feature."""
    team.git("checkout", "-q", "main")
    for number, (name, text) in enumerate(files.items()):
        team.write(f"elsewhere/{number}/{name}", text)
    team.commit("meanwhile")
    team.git("checkout", "-q", "feature")


def test_a_change_of_a_governed_path_owes_both_proofs_and_nothing_in_specs_is_touched(
    team: Any,
) -> None:
    team.write("src/api/payments/refund.py", "refund = 2\n")
    team.write("migrations/002.sql", "select 2;\n")
    team.write("src/api/users.py", "users = 2\n")
    team.commit("pay")
    change = change_of(team)
    (item,) = [i for i in change["items"] if i["action"] != "no-op"]
    assert item["target"] == GOVERNED, "two gates name the set, and it is there once"
    assert item["paths"] == ["migrations/002.sql", "src/api/payments/refund.py"]
    assert item["category"] is None
    assert owed(change) == ["Proof/p1", "Proof/p2"]
    assert {t["name"]: (t["paths"], t["asks"]) for t in change["touches"]} == {
        "Gate/payments": (item["paths"], ["proof Proof/p1", "proof Proof/p2"]),
        "Gate/payments-people": (
            item["paths"],
            ["approval by 2 people of Role/owner where it is protected"],
        ),
    }
    assert owed(change_of(team, "--env", "production")) == ["Proof/p1", "Proof/p2", "Role/owner"]


def test_a_change_beside_the_governed_paths_owes_nothing(team: Any) -> None:
    team.write("src/api/users.py", "users = 2\n")
    team.commit("users")
    change = change_of(team)
    assert change["items"] == change["touches"] == [], "what nothing differs of is left out"
    shown = team.chimera("check", "--base", "main").out
    assert "nothing changes: no document, and no path that is governed" in shown


def test_renames_out_of_and_into_the_governed_folder_count_on_both_sides(team: Any) -> None:
    team.git("mv", "src/api/payments/pay.py", "src/api/pay.py")
    team.commit("out")
    assert changed(team) == {GOVERNED: ["src/api/payments/pay.py"]}
    team.git("reset", "-q", "--hard", "main")
    team.git("mv", "src/api/users.py", "src/api/payments/users.py")
    team.commit("in")
    assert changed(team) == {GOVERNED: ["src/api/payments/users.py"]}
    team.git("reset", "-q", "--hard", "main")
    team.git("mv", "src/api/payments/pay.py", "migrations/pay.py")
    team.commit("within")
    assert changed(team) == {GOVERNED: ["migrations/pay.py", "src/api/payments/pay.py"]}


def test_a_mode_a_deletion_a_symlink_and_a_submodule_count(team: Any) -> None:
    pay = team.root / "src/api/payments/pay.py"
    pay.chmod(0o755)
    team.commit("mode")
    assert changed(team) == {GOVERNED: ["src/api/payments/pay.py"]}
    team.git("reset", "-q", "--hard", "main")
    team.git("rm", "-q", "migrations/001.sql")
    team.commit("delete")
    assert changed(team) == {GOVERNED: ["migrations/001.sql"]}
    team.git("reset", "-q", "--hard", "main")
    pay.unlink()
    pay.symlink_to("refund.py")
    team.commit("link")
    assert changed(team) == {GOVERNED: ["src/api/payments/pay.py"]}
    team.git("reset", "-q", "--hard", "main")
    team.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},migrations/shared")
    team.git("commit", "-q", "-m", "submodule")
    assert changed(team) == {GOVERNED: ["migrations/shared"]}
    team.git("branch", "-f", "main", "feature")
    team.git("update-index", "--add", "--cacheinfo", f"160000,{'2' * 40},migrations/shared")
    team.git("commit", "-q", "-m", "pointer")
    assert changed(team) == {GOVERNED: ["migrations/shared"]}


def test_what_the_base_did_meanwhile_is_no_change_of_the_branch(team: Any) -> None:
    team.write("src/api/users.py", "users = 2\n")
    team.commit("users")
    team.git("checkout", "-q", "main")
    team.write("src/api/payments/refund.py", "refund = 3\n")
    team.commit("meanwhile")
    team.git("checkout", "-q", "feature")
    assert changed(team) == {}
    team.write("src/api/payments/pay.py", "pay = 1\n" * 9 + "more = 1\n")
    team.commit("pay")
    change = change_of(team)
    (item,) = [i for i in change["items"] if i["action"] != "no-op"]
    assert item["paths"] == ["src/api/payments/pay.py"]
    merged = team.git("merge-tree", "--write-tree", "main", "feature").splitlines()[0]
    team.git("checkout", "-q", "--detach", team.git("commit-tree", merged, "-p", "main", "-m", "m"))
    (left,) = [i for i in change_of(team)["items"] if i["target"] == GOVERNED]
    assert left["after"] == item["after"], "what the merge leaves was judged"
    assert left["before"] == item["before"]


def test_a_gate_that_came_to_the_base_meanwhile_binds_the_branch(team: Any) -> None:
    team.write("src/api/users.py", "users = 2\n")
    team.commit("users")
    assert changed(team) == {}
    team.git("checkout", "-q", "main")
    team.write(
        "specs/gates/users.yaml",
        """\
        apiVersion: chimera/v1
        kind: Gate
        metadata: {name: users}
        spec: {match: {paths: [src/api/users.py]}, requires: {proofs: [Proof/p2]}}
        """,
    )
    team.commit("a gate")
    team.git("checkout", "-q", "feature")
    assert changed(team) == {"paths:src/api/users.py": ["src/api/users.py"]}
    assert owed(change_of(team)) == ["Proof/p2"]


def test_a_merge_of_the_base_into_the_branch_changes_nothing_of_what_is_owed(team: Any) -> None:
    team.write("src/api/payments/refund.py", "refund = 2\n")
    team.commit("refund")
    move_main_on(team, other="1\n")
    before = change_of(team)
    team.git("merge", "-q", "--no-edit", "main")
    after = change_of(team)
    for told in (before, after):
        told.pop("compared")
    assert before == after


def test_a_gate_that_the_branch_loosens_counts_as_it_was(team: Any) -> None:
    gate = team.root / "specs/gates/payments.yaml"
    gate.write_text(gate.read_text().replace("[Proof/p1, Proof/p2]", "[Proof/p1]"))
    team.write("migrations/002.sql", "select 2;\n")
    team.commit("loosen")
    change = change_of(team)
    assert owed(change) == ["Proof/p1", "Proof/p2"]
    (touch,) = [t for t in change["touches"] if t["name"] == "Gate/payments"]
    assert touch["asks"] == ["proof Proof/p1", "proof Proof/p2"]
    gate.write_text(
        gate.read_text().replace('"src/api/payments/**", "migrations/**"', "src/app.py")
    )
    team.commit("look away")
    assert changed(team) == {
        "Gate/payments": ["specs/gates/payments.yaml"],
        GOVERNED: ["migrations/002.sql"],
        "paths:src/app.py": [],
    }
    assert owed(change_of(team)) == ["Proof/p1", "Proof/p1", "Proof/p2"]


def test_the_header_says_what_was_compared(team: Any) -> None:
    team.write("src/api/payments/refund.py", "refund = 2\n")
    head = team.commit("refund")[:7]
    base = team.git("rev-parse", "main")[:7]
    assert first_line(team) == f"compared main ({base}) with HEAD ({head})"
    team.write("src/api/payments/refund.py", "refund = 3\n")
    assert first_line(team) == f"compared main ({base}) with HEAD ({head})"
    assert first_line(team, "--work-tree") == f"compared main ({base}) with the work tree"
    team.git("restore", ".")
    move_main_on(team, other="1\n")
    base = team.git("rev-parse", "main")[:7]
    assert first_line(team) == f"compared main ({base}) with the merge of HEAD ({head})"
    assert first_line(team, "--head", "main~1").startswith(
        f"compared main ({base}) with itself: it has main~1 ("
    )
    told = change_of(team)["compared"]
    assert (told["base"], told["head"]) == ("main", "HEAD")
    assert [told["baseId"][:7], told["headId"][:7]] == [base, head]
    assert told["mergeBases"] == [team.git("rev-parse", "main~1")]


def first_line(team: Any, *options: str) -> str:
    answer = team.chimera("check", "--base", "main", *options)
    return str(answer.out.splitlines()[0])


def test_check_fails_on_errors_only_and_plan_says_the_same_of_the_change(team: Any) -> None:
    team.write("migrations/002.sql", "select 2;\n")
    team.commit("migrate")
    answer = team.chimera("check", "--base", "main", "--env", "production")
    assert answer.code == 0, "what is owed is information for a check"
    assert "owed in production before it may be merged:" in answer.out
    plan = team.chimera("plan", "--base", "main", "-o", "json").json
    change = change_of(team)
    assert {key: plan[key] for key in change} == change
    team.write("specs/broken.yaml", "apiVersion: chimera/v1\nkind: Gat\nmetadata: {name: x}\n")
    team.commit("break")
    failed = team.chimera("check", "--base", "main")
    assert failed.code == 1
    lines = failed.out.splitlines()
    assert lines.index("touched:") < next(i for i, x in enumerate(lines) if "kind-unknown" in x)
    assert lines[-1] == "1 error"


def test_the_proofs_that_a_change_owes_are_proven_on_what_its_merge_leaves(team: Any) -> None:
    team.write("proofs/p3.yaml", CHECKS.format(name="p3"))
    team.git("checkout", "-q", "main")
    team.commit("a proof that covers something else")
    team.git("checkout", "-q", "feature")
    nothing = team.chimera("prove", "--base", "main")
    assert (nothing.code, nothing.out) == (0, "0 proofs: passed\n")

    team.write("migrations/002.sql", "select 2;\n")
    team.commit("migrate")
    proven = team.chimera("prove", "--base", "main", "-o", "json")
    assert proven.code == 0, proven.out + proven.err
    assert [p["proof"] for p in proven.json["proven"]] == ["Proof/p1", "Proof/p2"]
    again = team.chimera("prove", "--base", "main", "-o", "json").json
    assert [r["proof"] for r in again["reused"]] == ["Proof/p1", "Proof/p2"]

    team.git("checkout", "-q", "main")
    team.write("src/app.py", "app = 2\n")
    team.commit("what no longer holds is in the base alone")
    team.git("checkout", "-q", "feature")
    broken = team.chimera("prove", "--base", "main", "-o", "json")
    assert broken.code == 1, broken.out + broken.err
    assert {p["finding"] for p in broken.json["proven"]} == {"fail"}, broken.out
    assert team.chimera("prove", "--base", "main", "p1").code == 4
