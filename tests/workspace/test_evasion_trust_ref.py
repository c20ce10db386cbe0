"""Ways to say which ref is trusted, or that none need be, by what a fetch and a merge bring."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chimera.model import GateError, RefError
from chimera.workspace.trust import trusted_tree
from tests.workspace.signing import ENVIRONMENTS, Team, document

OPEN = ENVIRONMENTS.replace("protected: true", "protected: false")


@pytest.fixture
def team(repository: Any) -> Team:
    """Ann and Bob own `src` and the environments; the first state is applied to production."""
    made = Team(repository)
    made.write("specs/environments.yaml", ENVIRONMENTS)
    for name in ("ann", "bob"):
        made.identity(name)
    made.role("ann", "bob")
    made.gate()
    made.gate("environments", {"kinds": ["Environment"]})
    made.write(".gitignore", ".chimera/\n")
    made.edit("pay = 1\n")
    made.commit("ann")
    made.approve("bob")
    made.applies()
    return made


def cloned(team: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Team:
    """Clone the team's repository to where the trust ref is origin/HEAD."""
    team.repository.git("clone", "-q", str(team.root), str(tmp_path / "clone"))
    monkeypatch.delenv("CHIMERA_TRUST_REF", raising=False)
    return Team(type(team.repository)(tmp_path / "clone"), team.now, trust_ref=None)


def test_a_tag_is_not_the_default_branch_of_the_remote(
    team: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    team.branch()
    team.write("specs/environments.yaml", OPEN)
    team.commit("ann")
    team.repository.git("update-ref", "refs/tags/refs/remotes/origin/HEAD", "HEAD")
    team.repository.git("checkout", "-q", "main")
    clone = cloned(team, tmp_path, monkeypatch)
    clone.repository.git("fetch", "-q", "--tags")
    clone.repository.git("checkout", "-q", "origin/topic")
    with pytest.raises(RefError, match="is what a tag is called"):
        clone.apply()
    clone.repository.git("remote", "set-head", "origin", "-d")
    with pytest.raises(RefError, match="is what a tag is called"):
        trusted_tree(clone.workspace())


def test_a_tag_is_not_the_branch_that_is_named_to_be_trusted(
    team: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    team.repository.git("update-ref", "refs/tags/origin/main", "HEAD")
    clone = cloned(team, tmp_path, monkeypatch)
    clone.repository.git("update-ref", "-d", "refs/remotes/origin/main")
    clone.trust_ref = "origin/main"
    with pytest.raises(RefError, match="is what a tag is called"):
        trusted_tree(clone.workspace())
    clone.trust_ref = "refs/remotes/origin/main"
    with pytest.raises(RefError, match="git knows no commit"):
        trusted_tree(clone.workspace())
    clone.trust_ref = "refs/tags/origin/main"  # whoever owns the machine can mean a tag
    assert trusted_tree(clone.workspace()) is not None


def test_a_merge_that_unprotects_an_environment_is_applied_as_to_a_protected_one(
    team: Team,
) -> None:
    team.branch()
    team.write("specs/environments.yaml", OPEN)
    team.edit()
    team.commit("ann")
    team.merge()
    chimera = team.repository.chimera
    refused = chimera("apply", "--env", "production", "--auto-approve")
    assert refused.code == 1
    assert "1 approval by Role/owner owed, and 0 counted" in refused.out
    assert "Environment/production" in refused.out
    team.approve("bob")
    team.applies()
    team.edit("pay = 3\n")
    team.applies()  # it is open now, and takes what nobody approved or committed


def test_of_two_documents_for_one_environment_that_which_protects_counts(team: Team) -> None:
    """Neither is valid, and what applies from a branch of its own must not choose."""
    team.write("specs/a.yaml", document("Environment", "qa", protected=False))
    team.write("specs/b.yaml", document("Environment", "qa", protected=True))
    team.commit("ann")
    team.branch()
    (team.root / "specs/b.yaml").unlink()
    team.commit("ann")
    assert team.workspace().plan("qa").value.plan.protected
    with pytest.raises(GateError, match="is not in main"):
        team.apply("qa")
