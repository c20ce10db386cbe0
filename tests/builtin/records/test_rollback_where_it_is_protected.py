"""Where it is protected a rollback is merged, signed by a person, and signed anew each time."""

from __future__ import annotations

from typing import Any

import pytest

from chimera.model import Actor
from tests.builtin.records.console import Console, console, document
from tests.workspace.conftest import repository

__all__ = ["repository"]

LIVE = ("--env", "live")
KEPT = [
    flag
    for what in ("timeline", "metrics", "logs", "state", "impact")
    for flag in ("--preserved", f"{what}=here")
]
RUN = ("rollback", "run", "back", "--auto-approve")


@pytest.fixture
def team(repository: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> Console:
    made = console(repository, capsys, monkeypatch)
    made.write(".gitignore", ".chimera/\n")
    made.write("specs/environments.yaml", document("Environment", "live"))
    for name in ("ann", "bob"):
        made.identity(name)
    made.identity("ci", kind="automation")
    made.role("ann", "bob")
    made.role("ann", name="other")
    return made


def applied(team: Console) -> str:
    commit = team.commit("ann")
    team.passes(minutes=1)
    team.tell("apply", *LIVE, "--auto-approve")
    return commit


def changed(team: Console) -> str:
    """Apply two states of a role; return the commit of the first."""
    first = applied(team)
    team.role("ann", "bob", name="other")
    applied(team)
    return first


def proposed(team: Console, to: str, name: str = "back") -> None:
    about = ("--write", "--name", name, "--reason", "errors", *LIVE)
    team.tell("rollback", "plan", "--to", to, "--only", "Role/other", *about, *KEPT)
    team.commit("ann")


def signed(team: Console, name: str, rollback: str = "back", code: int = 0) -> str:
    team.passes(minutes=1)
    key = team.key(name)
    return team.tell("rollback", "approve", rollback, "--key", key, "--yes", code=code)


def test_it_takes_a_persons_signature(team: Console) -> None:
    proposed(team, changed(team))
    assert "rollback-without-human" in team.tell(*RUN, code=1)
    assert "is automation" in signed(team, "ci", code=1)
    signed(team, "bob")
    team.actor = Actor("ci", "automation")  # by whom it is run makes no difference then
    team.tell(*RUN)


def test_it_takes_a_signature_of_its_own_each_time(team: Console) -> None:
    first = changed(team)
    proposed(team, first)
    signed(team, "bob")
    team.tell(*RUN)
    team.tell("rollback", "redeploy", "back", "--why", "it was something else")
    team.commit("ann")
    team.passes(minutes=1)
    team.approve("bob", environment="live")
    team.tell("apply", *LIVE, "--auto-approve")
    team.passes(minutes=1)
    assert "it was spent" in team.tell(*RUN, code=1)


def test_it_is_merged(team: Console) -> None:
    first = changed(team)
    team.branch()
    proposed(team, first)
    team.tell("rollback", "approve", "back", "--key", team.key("bob"), "--yes")
    assert "is not in main" in team.tell(*RUN, code=1)
    team.merge()
    team.tell(*RUN)


def test_the_work_tree_is_the_commit(team: Console) -> None:
    proposed(team, changed(team))
    signed(team, "bob")
    team.write("specs/more.yaml", "# nothing\n")
    assert "the work tree is not the commit" in team.tell(*RUN, code=7)


def test_what_was_signed_is_this_rollback_with_this_content(team: Console) -> None:
    first = applied(team)
    team.role("ann", "bob", name="other")
    second = applied(team)
    team.role("bob", name="other")
    applied(team)
    proposed(team, second)
    signed(team, "bob")
    (team.root / "changelog/rollbacks/back.yaml").unlink()
    proposed(team, first)
    assert "it is for other content" in team.tell(*RUN, code=1)


def test_it_opens_no_way_back_for_what_else_has_changed(team: Console) -> None:
    """What a later commit deleted comes back by a person's approval, rollback or no rollback."""
    first = applied(team)
    team.role("ann", name="gone")
    team.role("ann", "bob", name="other")
    middle = applied(team)
    (team.root / "specs/roles/gone.yaml").unlink()
    team.role("bob", name="other")
    applied(team)
    proposed(team, first)
    signed(team, "bob")
    team.tell(*RUN)
    team.repository.git("checkout", "-q", "--detach", middle)
    team.passes(minutes=1)
    refused = team.is_refused("live")
    assert "1 approval by a person owed" in refused
    plan = team.workspace().make_plan("live").plan
    assert {str(o.target) for o in plan.obligations} == {"Role/gone", "Role/other"}
