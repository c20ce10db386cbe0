"""A plan for production drafts the entry that its changes owe, in every format that people read."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from tests.builtin.records.console import Console, console, document
from tests.workspace.conftest import repository

__all__ = ["repository"]

LIVE = ("--env", "live")
TOLD = {
    "summary": "s",
    "risk": "low",
    "verification": "look at it",
    "rollback": "apply the commit before it",
    "date": "2026-11-21",
    "recorded": "2026-11-21T12:00:00Z",
}


@pytest.fixture
def team(repository: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> Console:
    made = console(repository, capsys, monkeypatch)
    made.write(".gitignore", ".chimera/\n")
    made.write("specs/environments.yaml", document("Environment", "live", production=True))
    made.identity("ann")
    made.role("ann")
    made.commit()
    return made


def draft(team: Console) -> Any:
    found = team.json("plan", *LIVE)["drafts"]
    assert len(found) <= 1
    return found[0] if found else None


def complete(team: Console) -> None:
    found = draft(team)
    lines = "".join(f"  {name}: {json.dumps(TOLD[name])}\n" for name in found["missing"])
    team.write(found["path"], found["text"] + lines)
    team.commit()


def test_the_draft_names_every_change_and_only_what_a_person_knows_is_missing(
    team: Console,
) -> None:
    found = draft(team)
    value = yaml.safe_load(found["text"])
    assert value["kind"] == "ChangelogEntry"
    assert value["spec"]["environment"] == "live"
    targets = {answer["target"] for answer in value["spec"]["answers"]}
    assert targets == {"Environment/live", "Identity/ann", "Role/owner"}
    assert found["missing"] == ["risk", "verification", "rollback", "date", "recorded"]
    assert "# verification: how to confirm that the change is active." in found["text"]


def test_a_refusal_names_the_command_that_writes_it(team: Console) -> None:
    team.commit()
    refused = team.tell("apply", *LIVE, "--auto-approve", code=1)
    assert "write one: `chimera changelog add --env live`" in refused


def test_the_completed_draft_is_a_valid_entry_that_answers(team: Console) -> None:
    complete(team)
    team.tell("check")
    assert draft(team) is None
    refused = team.tell("apply", *LIVE, "--auto-approve")
    assert "ChangelogEntry" not in refused


def test_an_entry_of_what_is_there_already_is_not_enough_for_more(team: Console) -> None:
    complete(team)
    team.role("ann", name="other")
    team.commit()
    value = yaml.safe_load(draft(team)["text"])
    assert [answer["target"] for answer in value["spec"]["answers"]] == ["Role/other"]


def test_the_rollback_hint_is_the_commit_that_held_before(team: Console) -> None:
    complete(team)
    team.tell("apply", *LIVE, "--auto-approve")
    held = team.repository.git("rev-parse", "HEAD")
    team.role("ann", name="other")
    team.commit()
    value = yaml.safe_load(draft(team)["text"])
    assert value["spec"]["rollback"] == f"chimera rollback plan --to {held} --env live"


def test_text_and_markdown_show_it(team: Console) -> None:
    said = team.tell("plan", *LIVE)
    path = draft(team)["path"]
    assert f"owed and not there yet, drafted for {path}:" in said
    assert "is left out: risk, verification, rollback, date, recorded" in said
    page = team.tell("plan", *LIVE, "-o", "markdown")
    assert "<summary>Drafted for what is owed</summary>" in page
    assert "\n    kind: ChangelogEntry\n" in page


def test_a_plan_says_the_same_on_another_day(team: Console) -> None:
    said = team.tell("plan", *LIVE)
    team.passes(days=3)
    assert team.tell("plan", *LIVE) == said


def test_what_is_no_production_drafts_nothing(team: Console) -> None:
    assert "drafted for" not in team.tell("plan", "--env", "local")


def test_a_pull_request_drafts_it_as_well(team: Console) -> None:
    complete(team)
    team.branch()
    team.role("ann", name="other")
    team.commit()
    (found,) = team.json("plan", *LIVE, "--base", "main")["drafts"]
    value = yaml.safe_load(found["text"])
    base = team.repository.git("rev-parse", "main")
    assert [answer["target"] for answer in value["spec"]["answers"]] == ["Role/other"]
    assert base in value["spec"]["rollback"]
