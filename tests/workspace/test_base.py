"""`--base`: what a merge would leave is judged, in any repository and from any HEAD."""

from __future__ import annotations

import re
import shutil
from typing import Any

import pytest

ROLE = """\
    apiVersion: chimera/v1
    kind: Role
    metadata: {name: owner}
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


@pytest.fixture
def forked(repository: Any) -> Any:
    """Branches `main` and `topic`: each is faultless, and so is what merging them leaves."""
    repository.write("specs/owner.yaml", ROLE)
    repository.commit("first")
    repository.git("checkout", "-q", "-b", "topic")
    repository.write("specs/gate.yaml", GATE)
    repository.write("src/a.py", "1\n")
    repository.commit("topic")
    repository.git("checkout", "-q", "main")
    repository.write("README.md", "main moved on\n")
    repository.commit("main")
    return repository


def test_the_merge_is_judged_and_not_the_branch(forked: Any) -> None:
    assert forked.chimera("check", "--base", "main", "--head", "topic").code == 0
    forked.git("rm", "-q", "specs/owner.yaml")
    forked.git("commit", "-q", "-m", "main drops the role that the topic refers to")
    for ref in ("main", "topic"):
        assert forked.chimera("check", "--base", ref, "--head", ref).code == 0
    merged = forked.chimera("check", "--base", "main", "--head", "topic")
    assert merged.code == 1
    assert re.search(r"specs/gate\.yaml:\d+:\d+: error\[reference-dangling\]", merged.out)
    assert not (forked.root / "specs" / "gate.yaml").exists()
    assert not forked.git("status", "--porcelain")


def test_the_plan_holds_what_the_merge_changes_and_not_what_the_base_did(forked: Any) -> None:
    planned = forked.chimera("plan", "--base", "main", "--head", "topic")
    assert planned.code == 0
    assert f"main ({forked.git('rev-parse', 'main')[:7]})" in planned.out
    assert "Gate/source" in planned.out
    assert "README" not in planned.out
    nothing = forked.chimera("plan", "--base", "topic", "--head", "topic~1")
    assert re.search(r"has topic~1( \(\w+\))? already", nothing.out)


def test_a_conflict_is_told_at_its_file_and_nothing_else_is(forked: Any) -> None:
    forked.write("specs/gate.yaml", GATE.replace("src", "lib"))
    forked.commit("main adds the gate otherwise")
    refused = forked.chimera("check", "--base", "main", "--head", "topic")
    assert refused.code == 1
    assert re.findall(r"error\[(.*?)\]", refused.out) == ["merge-conflict"]
    assert "specs/gate.yaml:1:1: error[merge-conflict]" in refused.out
    assert "main and topic both added it" in refused.out
    assert "merge main into topic, or rebase" in refused.out


def test_a_bare_repository_is_checked_and_stays_as_it_is(forked: Any) -> None:
    bare = type(forked)(forked.root.parent / "bare.git")
    forked.git("clone", "-q", "--bare", str(forked.root), str(bare.root))
    before = sorted(bare.root.rglob("*"))
    for command in ("check", "plan"):
        answer = bare.chimera(command, "--base", "main", "--head", "topic")
        assert answer.code == 0, answer.err
        assert "1 Gate" in answer.out or "Gate/source" in answer.out
    assert sorted(bare.root.rglob("*")) == before
    for arguments in (("check",), ("plan", "--base", "main", "--work-tree")):
        alone = bare.chimera(*arguments)
        assert alone.code == 4
        assert "is a bare repository" in alone.err
        assert "--base main --head topic" in alone.err


def test_any_head_will_do(forked: Any) -> None:
    forked.git("merge", "-q", "--no-edit", "topic")
    forked.git("checkout", "-q", "--detach")
    shutil.rmtree(forked.root / "specs")  # the work tree does not count
    for base in ("HEAD~1", "HEAD^2", "topic", "main~1"):
        answer = forked.chimera("check", "--base", base)
        assert answer.code == 0, (base, answer)
        assert "1 Gate" in answer.out


def test_a_folder_of_the_repository_is_as_good_as_its_top(forked: Any) -> None:
    inside = type(forked)(forked.root / "specs")
    answer = inside.chimera("plan", "--base", "main", "--head", "topic")
    assert answer.out == forked.chimera("plan", "--base", "main", "--head", "topic").out
    assert "Gate/source" in answer.out


def test_what_cannot_be_compared_says_what_to_do(forked: Any) -> None:
    forked.git("checkout", "-q", "--orphan", "unrelated")
    forked.commit("another root")
    shallow = type(forked)(forked.root.parent / "shallow")
    forked.git(
        *("clone", "-q", "--depth=1", "--no-single-branch"),
        *(f"file://{forked.root}", str(shallow.root)),
    )
    for where, base, head, code, said in (
        (forked, "man", "topic", 4, "there is 'main'"),
        (forked, "main", "topik", 4, "there is 'topic'"),
        (forked, "f" * 40, "topic", 4, "force-pushed away"),
        (forked, "main", "unrelated", 4, "no common ancestor"),
        (shallow, "origin/main", "origin/topic", 4, "git fetch --deepen="),
        (shallow, "main", "origin/topic", 4, "there is 'origin/main'"),
        (shallow, "HEAD~1", "HEAD", 4, "`fetch-depth: 0`"),
    ):
        answer = where.chimera("check", "--base", base, "--head", head)
        assert (answer.code, answer.out) == (code, "")
        assert said in answer.err


def test_an_option_that_would_be_passed_over_is_refused(forked: Any) -> None:
    for command in ("check", "plan", "graph"):
        for options, said in (
            (("--head", "topic"), "--head says what to compare"),
            (("--work-tree",), "--work-tree says what to compare"),
            (("--base", "main", "--head", "topic", "--work-tree"), "exclude each other"),
        ):
            answer = forked.chimera(command, *options)
            assert (answer.code, answer.out) == (4, "")
            assert said in answer.err
