"""The changelog: entries of exactly what changes, completeness, a page, and an archive."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from click import termui

from chimera.builtin.testing.repository import Repository
from chimera.cli.session import Session
from chimera.kinds import answers
from chimera.model import Actor, Address
from tests.builtin.records.commands.conftest import Desk

SAID = (
    *("--risk", "low", "--verification", "open /pay and see 200"),
    *("--rollback", "git revert HEAD; apply"),
)
GATE = {"match": {"paths": ["src/**"]}, "requires": {"records": ["ChangelogEntry"]}}
ENTRY = {
    "date": "2026-11-20",
    "environment": "production",
    "summary": "Refunds are idempotent",
    "scope": "code",
    "risk": "medium",
    "verification": "A refund that is sent twice is booked once.",
    "rollback": "Deploy the version before; no data has changed.",
}


@pytest.fixture
def team(desk: Desk) -> Desk:
    """Source code that a gate governs, and that owes an entry."""
    desk.document("Gate/pay", GATE)
    (desk.root / "src").mkdir()
    (desk.root / "src" / "pay.py").write_text("fee = 1\n")
    return desk


def _entries(desk: Desk) -> list[Path]:
    return sorted((desk.root / "changelog").glob("*.yaml"))


def test_an_entry_answers_for_what_the_plan_changes(team: Desk) -> None:
    team.tell("apply", code=1)
    told = team.json("changelog", "add", *SAID)
    assert told["entry"] == "ChangelogEntry/2026-11-21-add-src-pay-py"
    assert told["drafted"] == {
        "summary": "the targets of the plan",
        "scope": "src/pay.py changes",
        "answers": "what the plan changes, with the digests that it leaves",
    }
    spec = told["spec"]
    assert (spec["summary"], spec["scope"]) == ("Add src/pay.py", "code")
    assert (spec["date"], spec["recorded"]) == ("2026-11-21", "2026-11-21T12:00:00Z")
    workspace = team.workspace()
    (change,) = [item.change for item in workspace.plan().value.plan.changing if item.obligations]
    entry = workspace.loaded.snapshot.get(Address.parse(told["entry"]))
    assert entry is not None
    assert answers(entry, change)
    assert team.faults() == []
    team.tell("apply")


def test_one_change_is_recorded_once(team: Desk) -> None:
    team.tell("changelog", "add", *SAID)
    assert "records it already" in team.tell("changelog", "add", *SAID, code=4).err
    (team.root / "src" / "pay.py").write_text("fee = 2\n")
    team.tell("changelog", "add", *SAID, "--summary", "The fee is 2")
    assert len(_entries(team)) == 2


@pytest.mark.parametrize("flag", ["--verification", "--rollback"])
def test_an_entry_that_says_nothing_is_not_written(team: Desk, flag: str) -> None:
    given = {"--risk": "low", "--verification": "look at it", "--rollback": "git revert HEAD"}
    flags = [part for pair in ({**given, flag: "none"}).items() for part in pair]
    answer = team.tell("changelog", "add", *flags, code=4)
    assert f"{flag} 'none' says nothing that anybody could act by" in answer.err


def test_what_is_given_stands_before_what_is_drafted(team: Desk) -> None:
    given = ("--summary", "A new fee", "--scope", "config", "--name", "fee", "--ref", "Gate/pay")
    told = team.json("changelog", "add", *SAID, *given, "--effective", "2026-11-20T23:00:00Z")
    spec = told["spec"]
    assert told["written"] == ["changelog/fee.yaml"]
    assert (spec["summary"], spec["scope"], spec["refs"]) == ("A new fee", "config", ["Gate/pay"])
    assert (spec["date"], spec["effective"]) == ("2026-11-20", "2026-11-20T23:00:00Z")
    assert "summary" not in told["drafted"]


def test_without_a_terminal_every_missing_flag_is_named(team: Desk) -> None:
    said = team.tell("changelog", "add", code=4).err
    assert "give --risk NAME, --verification TEXT, --rollback TEXT" in said
    assert "--summary" not in said  # the plan tells that
    assert not _entries(team)


def test_on_a_terminal_only_what_is_missing_is_asked_for(
    team: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    replies = itertools.chain(["low", "look", "git revert HEAD"])
    monkeypatch.setattr(Session, "is_interactive", property(lambda _: True))
    monkeypatch.setattr(termui, "visible_prompt_func", lambda _: next(replies))
    spec = team.json("changelog", "add")["spec"]
    assert (spec["risk"], spec["verification"], spec["rollback"]) == (
        *("low", "look", "git revert HEAD"),
    )


def test_a_deletion_and_a_migration_are_a_high_risk(team: Desk) -> None:
    team.tell("changelog", "add", *SAID)
    team.tell("apply")
    (team.root / "src" / "migrations").mkdir()
    (team.root / "src" / "migrations" / "1.sql").write_text("DROP TABLE t;\n")
    told = team.json("changelog", "add", *SAID[2:])
    assert (told["spec"]["scope"], told["spec"]["risk"]) == ("database", "high")
    assert told["drafted"]["risk"] == "a database changes"


def test_an_entry_can_be_of_what_a_merge_would_leave(team: Desk) -> None:
    repository = Repository(team.root)
    repository.git("init", "--quiet", "--initial-branch", "main")
    repository.commit()
    repository.git("switch", "--quiet", "--create", "fees")
    repository.write("src/pay.py", "fee = 2\n")
    repository.commit()
    spec = team.json("changelog", "add", *SAID, "--base", "main")["spec"]
    assert spec["summary"] == "Change src/pay.py"
    (item,) = team.workspace().plan(base="main").value.plan.changing
    assert spec["answers"] == [{"target": "paths:src/**", "after": item.change.after}]


def test_an_entry_can_be_of_a_saved_plan(team: Desk) -> None:
    team.tell("plan", "--out", "plan.json")
    told = team.json("changelog", "add", *SAID, "--plan", "plan.json", "--name", "saved")
    assert [answer["target"] for answer in told["spec"]["answers"]] == ["paths:src/**"]
    team.tell("changelog", "add", "--plan", "src/pay.py", *SAID, code=4)
    team.tell("changelog", "add", "--plan", "plan.json", "--env", "other", *SAID, code=4)
    team.tell("changelog", "add", "--plan", "plan.json", "--base", "main", *SAID, code=4)


def test_what_changed_outside_of_the_tree_is_recorded_too(team: Desk) -> None:
    third = ("--scope", "third-party", "--summary", "The bank's API is in fallback")
    spec = team.json("changelog", "add", *SAID, *third)["spec"]
    assert "answers" not in spec


def test_what_was_applied_without_an_entry_is_found_and_recorded(desk: Desk) -> None:
    desk.tell("apply")
    missing = desk.json("changelog", "check", code=1)
    assert [(c["target"], c["entry"]) for c in missing["changes"]] == [("SeverityModel/sev", None)]
    assert "chimera changelog add --applied --env local" in (
        desk.tell("changelog", "check", code=1).out
    )
    desk.later(hours=2)
    assert "changes nothing" in desk.tell("changelog", "add", *SAID, code=4).err
    spec = desk.json("changelog", "add", "--applied", *SAID)["spec"]
    assert (spec["effective"], spec["recorded"]) == (
        *("2026-11-21T12:00:00Z", "2026-11-21T14:00:00Z"),
    )
    found = desk.json("changelog", "check")
    assert found["changes"][0]["entry"] == "ChangelogEntry/2026-11-21-add-severitymodel-sev"
    assert not found["changes"][0]["late"]
    assert "has its entry" in desk.tell("changelog", "add", "--applied", *SAID, code=4).err


def test_the_week_is_looked_at_and_no_more(desk: Desk) -> None:
    desk.tell("apply")
    desk.later(days=8)
    assert desk.json("changelog", "check")["changes"] == []
    assert len(desk.json("changelog", "check", "--days", "9", code=1)["changes"]) == 1
    before = "2026-11-21T12:00:01Z"
    assert len(desk.json("changelog", "check", "--now", before, code=1)["changes"]) == 1


def test_a_review_is_written_once_everything_is_there(desk: Desk) -> None:
    desk.tell("apply")
    assert "no entry" in desk.tell("changelog", "check", "--reviewed", code=4).err
    desk.later(days=2)
    desk.tell("changelog", "add", "--applied", *SAID)
    found = desk.json("changelog", "check")
    assert found["changes"][0]["late"]
    assert found["unreviewed"] == [found["changes"][0]["entry"]]
    desk.tell("changelog", "check", "--reviewed")
    (entry,) = _entries(desk)
    path = str(entry.relative_to(desk.root))
    assert desk.spec(path)["reviewed"] == {"at": "2026-11-23T12:00:00Z", "by": "ada"}
    assert desk.json("changelog", "check")["unreviewed"] == []
    desk.tell("changelog", "check", "--reviewed", "--now", "2026-11-22", code=4)


def test_automation_records_no_change_and_can_look(team: Desk) -> None:
    team.actor = Actor("ci", "automation")
    team.tell("changelog", "add", *SAID, code=4)
    team.tell("changelog", "check")
    team.tell("changelog", "render")


def _write(desk: Desk, name: str, **more: Any) -> None:
    desk.document(f"ChangelogEntry/{name}", {**ENTRY, **more}, f"changelog/{name}.yaml")


PAGE = """\
# Operations changelog

## 2026-11-21

### Fees

production · config · medium risk · `ChangelogEntry/c`

- Effective: 2026-11-21 09:00Z
- Verify: A refund that is sent twice is booked once.
- Roll back: Deploy the version before; no data has changed.
- Changes: `Workflow/pay` to `deleted`

### Prices

production · code · medium risk · `ChangelogEntry/b`

- Effective: 2026-11-21 08:00Z
- Verify: A refund that is sent twice is booked once.
- Roll back: Deploy the version before; no data has changed.

## 2026-11-20

### Refunds are idempotent

production · code · medium risk · `ChangelogEntry/a`

- Verify: A refund that is sent twice is booked once.
- Roll back: Deploy the version before; no data has changed.
"""


def _three(desk: Desk) -> None:
    _write(desk, "a")
    _write(desk, "b", date="2026-11-21", summary="Prices", effective="2026-11-21T10:00:00+02:00")
    _write(
        *(desk, "c"),
        date="2026-11-21",
        summary="Fees",
        scope="config",
        effective="2026-11-21T09:00:00Z",
        answers=[{"target": "Workflow/pay", "after": "deleted"}],
    )


def test_the_page_has_the_newest_first(desk: Desk) -> None:
    _three(desk)
    _write(desk, "d", environment="staging", date="2026-11-22")
    assert desk.tell("changelog", "render", "--env", "production").out == PAGE
    assert desk.tell("changelog", "render", "--env", "production", "-o", "markdown").out == PAGE
    found = desk.json("changelog", "render")["entries"]
    assert [entry["entry"][-1] for entry in found] == ["d", "c", "b", "a"]
    assert "No change is recorded." in desk.tell("changelog", "render", "--env", "moon").out


def test_the_page_obeys_nothing_that_an_entry_says(desk: Desk) -> None:
    _write(desk, "a", summary="<script>x</script> [y](javascript:z) @you #1 \x1b[31m")
    said = desk.tell("changelog", "render").out
    for raw in ("<script>", "](javascript", "@you", "\x1b"):
        assert raw not in said


def test_old_entries_move_to_the_archive_as_they_are(desk: Desk) -> None:
    _three(desk)
    file = desk.root / "changelog" / "a.yaml"
    file.write_text(f"# why\n{file.read_text()}  # the end\n")
    before = file.read_bytes()
    desk.later(days=90)
    assert "would move changelog/a.yaml" not in (
        desk.tell("changelog", "archive", "--days", "91", "--dry-run").out
    )
    assert file.exists()
    assert desk.json("changelog", "archive")["moved"] == {
        "changelog/a.yaml": "changelog/archive/a.yaml"
    }
    assert not file.exists()
    assert (desk.root / "changelog" / "archive" / "a.yaml").read_bytes() == before
    assert desk.tell("changelog", "archive").out == "nothing is old enough\n"
    assert "Refunds" not in desk.tell("changelog", "render").out
    assert "Refunds" in desk.tell("changelog", "render", "--all").out
    assert "changelog-unarchived" not in desk.faults()


def test_a_file_with_younger_documents_stays_and_is_named(desk: Desk) -> None:
    _three(desk)
    both = desk.root / "changelog" / "a.yaml"
    both.write_text(f"{both.read_text()}---\n{desk.text('changelog/b.yaml')}")
    (desk.root / "changelog" / "b.yaml").unlink()
    desk.later(days=90)
    found = desk.json("changelog", "archive")
    assert (found["moved"], found["left"]) == (
        *({}, {"changelog/a.yaml": "it holds ChangelogEntry/b, too"}),
    )


def test_nothing_moves_over_what_is_in_the_archive(desk: Desk) -> None:
    _write(desk, "a")
    archived = desk.root / "changelog" / "archive" / "a.yaml"
    archived.parent.mkdir()
    archived.write_text(desk.text("changelog/a.yaml").replace("name: a", "name: other"))
    desk.later(days=200)
    desk.tell("changelog", "archive", code=4)
    assert (desk.root / "changelog" / "a.yaml").exists()


def test_the_entry_of_a_rollback_says_what_it_takes_back(team: Desk) -> None:
    team.tell("changelog", "add", *SAID)
    team.tell("apply")
    (change,) = [c for c in team.json("changelog", "check", code=1)["changes"] if c["entry"]]
    team.later(hours=1)
    spec = {
        "type": "code",
        "opened": {"at": "2026-11-21T12:30:00Z", "by": "ada"},
        "environment": "local",
        "reason": "wrong fees",
        "answers": [{"target": change["target"], "after": change["after"]}],
        "preserved": [
            {"what": what, "unavailable": "nothing is kept here"}
            for what in ("timeline", "metrics", "logs", "state", "impact")
        ],
    }
    for fee in (2, 1):  # another change, and then what was there before
        (team.root / "src" / "pay.py").write_text(f"fee = {fee}\n")
        if fee == 2:
            team.tell("changelog", "add", *SAID, "--name", "two")
        else:
            team.document("Rollback/fees", spec, "changelog/rollbacks/fees.yaml")
        team.tell("apply")
        team.later(minutes=1)
    # The documents of the first apply come first: they were never recorded.
    team.tell("changelog", "add", "--applied", *SAID, "--name", "first")
    told = team.json("changelog", "add", "--applied", *SAID, "--name", "back")
    assert told["spec"]["rollbackOf"] == "Rollback/fees"
    assert told["spec"]["effective"] == "2026-11-21T13:01:00Z"
    team.tell("changelog", "check")
