"""What counts of a rollback, and which change is suggested for one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chimera.builtin.records.kinds import RollbackSpec
from chimera.builtin.records.rolling.named import rollback_named
from chimera.builtin.records.rolling.suggesting import suggest
from chimera.builtin.records.rolling.watching import Stands, Watched, watch
from chimera.kinds import when
from tests.builtin.records.console import Console, console, document
from tests.workspace.conftest import repository

__all__ = ["repository"]

STEPS = ("preserve-evidence", "find-change", "record-values", "restore-values", "verify")
KEPT = [
    flag
    for what in ("timeline", "metrics", "logs", "state", "impact")
    for flag in ("--preserved", f"{what}=here")
]
MODEL = {
    "levels": [{"id": "bad", "rank": 1, "name": "n", "meaning": "m", "response": "r"}],
}


@pytest.fixture
def team(repository: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> Console:
    """A folder in which two roles were applied, and one of them was changed since."""
    made = console(repository, capsys, monkeypatch)
    made.write(".gitignore", ".chimera/\n")
    made.write("specs/environments.yaml", document("Environment", "local", protected=False))
    made.write("specs/sev.yaml", document("SeverityModel", "sev", **MODEL))
    for name in ("one", "two"):
        role(made, name)
    applied(made)
    return made


def role(team: Console, name: str, *capabilities: str, **labels: str) -> None:
    text = document("Role", name, members=[], capabilities=list(capabilities or ["approve"]))
    if labels:
        text = text.replace(
            '"metadata": {', f'"metadata": {{"labels": {{"service": "{labels["service"]}"}},'
        )
    team.write(f"specs/roles/{name}.yaml", text)


def applied(team: Console) -> str:
    commit = team.commit()
    team.passes(minutes=1)
    team.tell("apply")
    return commit


def rolled_back(team: Console) -> None:
    """Change a role and take that back, with all that it takes."""
    first = team.repository.git("rev-parse", "HEAD")
    role(team, "one", "prove")
    applied(team)
    team.passes(minutes=1)
    about = ("--write", "--name", "back", "--reason", "errors")
    team.tell("rollback", "plan", "--to", first, *about, *KEPT)
    team.tell("rollback", "run", "back")


def stands(team: Console) -> Watched:
    workspace = team.workspace()
    with workspace.read_state() as state:
        return watch(workspace, rollback_named(workspace, "back"), state)


def looked(team: Console, status: str = "healthy", subject: str = "web/http") -> None:
    """Put a look at health into the history, as `chimera health` keeps it."""
    check = {"subject": subject, "status": status, "at": team.now.isoformat()}
    report = {"at": team.now.isoformat(), "checks": [check]}
    with team.workspace().open_state("health") as state:
        state.put_items({("local", "health", team.now.isoformat()): report})


def recorded(team: Console) -> RollbackSpec:
    return rollback_named(team.workspace(), "back").spec


def test_it_counts_when_its_time_is_over_and_nothing_was_unwell(team: Console) -> None:
    rolled_back(team)
    assert stands(team).stands is Stands.WATCHED
    assert stands(team).left == timedelta(minutes=15)
    looked(team)
    team.passes(minutes=15)
    assert stands(team).stands is Stands.STABLE
    team.tell("rollback", "watch", "back", code=5)  # steps are left
    team.tell("rollback", "done", "back", *STEPS)
    team.tell("rollback", "watch", "back", "--dry-run", code=5)
    assert recorded(team).observation.result is None
    assert "chimera changelog add --applied" in team.tell("rollback", "watch", "back")
    assert recorded(team).counts(team.now)
    assert recorded(team).observation.result == "stable"
    team.tell("check")
    assert "stable" in team.tell("rollback", "list")


@pytest.mark.parametrize("told", [("verify",), ()], ids=["by done", "by watch"])
def test_nobody_has_to_say_that_it_was_carried_out(team: Console, told: tuple[str, ...]) -> None:
    rolled_back(team)
    looked(team)
    carried_out = stands(team).since
    assert stands(team).steps == (*STEPS[:3], "verify")
    team.passes(minutes=15)
    team.tell("rollback", "done", "back", *STEPS[:3], *told)
    if not told:
        team.tell("rollback", "done", "back", "verify", "--at", team.now.isoformat())
    team.tell("rollback", "watch", "back")
    done = recorded(team).done("restore-values")
    assert done is not None
    assert carried_out is not None
    assert when(done.at) == carried_out.replace(microsecond=0)
    team.tell("check")


def test_what_is_before_it_is_not_skipped_by_that(team: Console) -> None:
    rolled_back(team)
    team.passes(minutes=1)
    team.tell("rollback", "done", "back", "find-change")
    assert recorded(team).done("restore-values") is None


def test_it_does_not_count_where_something_was_unwell(team: Console) -> None:
    rolled_back(team)
    team.passes(minutes=3)
    looked(team, "unhealthy")
    assert stands(team).stands is Stands.UNSTABLE
    assert "chimera rollback suggest" in team.tell("rollback", "watch", "back", code=1)
    assert recorded(team).observation.result == "unstable"
    assert not recorded(team).counts(team.now + timedelta(hours=1))


def test_what_was_unwell_before_or_afterwards_is_not_held_against_it(team: Console) -> None:
    looked(team, "unhealthy")
    team.passes(minutes=5)
    rolled_back(team)
    looked(team)
    team.passes(minutes=16)
    looked(team, "unhealthy")
    assert stands(team).stands is Stands.STABLE


def test_where_nobody_looked_a_person_says_what_they_saw(team: Console) -> None:
    rolled_back(team)
    team.passes(minutes=16)
    team.tell("rollback", "done", "back", *STEPS)
    assert "nobody looked at health" in team.tell("rollback", "watch", "back", code=5)
    team.tell("rollback", "watch", "back", "--note", "the shop sells again")
    assert recorded(team).observation.note == "the shop sells again"


def test_only_the_services_of_its_incident_are_looked_at(team: Console) -> None:
    opened(team, "--service", "web")
    first = team.repository.git("rev-parse", "HEAD")
    role(team, "one", "prove")
    applied(team)
    about = ("--write", "--name", "back", "--reason", "errors", "--incident", "fire")
    team.tell("rollback", "plan", "--to", first, *about, *KEPT)
    team.tell("rollback", "run", "back")
    looked(team, "unhealthy", "mail/smtp")
    assert stands(team).stands is Stands.WATCHED
    team.passes(minutes=1)
    looked(team, "unhealthy", "web/http")
    assert stands(team).stands is Stands.UNSTABLE


def test_one_that_was_not_carried_out_is_not_watched(team: Console) -> None:
    first = team.repository.git("rev-parse", "HEAD")
    role(team, "one", "prove")
    role(team, "two", "prove")
    applied(team)
    about = ("--write", "--name", "back", "--reason", "r", *KEPT)
    team.tell("rollback", "plan", "--to", first, *about)
    assert stands(team).stands is Stands.PROPOSED
    role(team, "one")
    applied(
        team,
    )
    assert stands(team).stands is Stands.PARTLY
    assert stands(team).missing == ("Role/two",)


def opened(team: Console, *more: str) -> None:
    about = ("fire", "--level", "bad", "--env", "local", "--name", "fire")
    team.tell("incident", "open", *about, *more)


def suggested(team: Console, most: int = 20) -> list[tuple[str, bool, tuple[str, ...]]]:
    workspace = team.workspace()
    incident = workspace.loaded.snapshot.of_kinds({"Incident"})[0]
    with workspace.read_state() as state:
        found = suggest(workspace, incident, state, most=most)  # type: ignore[arg-type]
    return [(one.target, one.is_recent, one.reasons) for one in found]


def test_the_latest_change_within_two_hours_comes_first(team: Console) -> None:
    team.passes(hours=5)
    role(team, "one", "prove")
    applied(team)
    team.passes(hours=1)
    role(team, "two", "prove")
    applied(team)
    team.passes(minutes=40)
    opened(team)
    found = suggested(team)
    assert [target for target, recent, _ in found if recent] == ["Role/two", "Role/one"]
    assert found[0][2] == ("applied 40m before the incident",)


def test_what_is_older_is_looked_into_where_the_latest_are_too_few(team: Console) -> None:
    role(team, "one", "prove", service="shop")
    applied(team)
    team.passes(hours=5)
    role(team, "two", "prove")
    applied(team)
    opened(team, "--service", "shop")
    assert [target for target, _, _ in suggested(team, most=1)] == ["Role/two"]
    assert "Role/one" in [target for target, _, _ in suggested(team)]


def test_what_fits_the_paths_comes_before_what_is_later(team: Console) -> None:
    role(team, "one", "prove")
    applied(team)
    team.passes(minutes=10)
    role(team, "two", "prove", service="shop")
    applied(team)
    opened(team, "--path", "specs/roles/one*")
    assert suggested(team)[0][0] == "Role/one"


def test_what_is_of_an_affected_service_is_said(team: Console) -> None:
    role(team, "two", "prove", service="shop")
    applied(team)
    opened(team, "--service", "shop")
    assert suggested(team)[0] == (
        "Role/two",
        True,
        ("applied 0s before the incident", "it is of an affected service: shop"),
    )


def test_what_came_later_or_no_longer_holds_is_no_cause(team: Console) -> None:
    role(team, "one", "prove")
    applied(team)
    opened(team)
    team.passes(minutes=1)
    role(team, "two", "prove")
    (team.root / "specs/roles/one.yaml").unlink()
    applied(team)
    assert "Role/one" not in {target for target, _, _ in suggested(team)}
    assert ("Role/two", True) not in {(target, recent) for target, recent, _ in suggested(team)}
