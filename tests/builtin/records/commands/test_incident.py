"""What people do about an incident, as they type it, and what its record says then."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click import termui

from chimera.builtin.records import writing
from chimera.builtin.records.responding import Responding
from chimera.cli.session import Session
from chimera.context import write_whole
from chimera.model import Actor, StaleError
from tests.builtin.records.commands.conftest import NOON, Desk

NAME = "2026-11-21-charged-twice"
INCIDENT = f"changelog/incidents/{NAME}.yaml"
FREEZE = f"changelog/freezes/{NAME}.yaml"
STATED = (
    *("--impact", "no double charge since 13:00"),
    *("--risk", "payments are paused"),
    *("--monitoring", "none in the log for 30 minutes"),
)


def _open(desk: Desk, *more: str, level: str = "sev-3") -> Any:
    return desk.json("incident", "open", "Charged", "twice", "--level", level, *more)


def test_an_incident_from_its_opening_to_its_end(desk: Desk) -> None:
    opened = _open(desk, "--path", "src/payments/**", "--service", "payments")
    assert opened["written"] == [INCIDENT, FREEZE]
    assert (opened["state"], opened["level"], opened["commander"]) == (
        *("acknowledged", "SEV-3", "ada"),
    )
    desk.later(minutes=5)
    desk.tell("incident", "update", "two", "charges", "for", "one", "booking")
    desk.tell("incident", "assign", "cleo", "--for", "read the logs")
    desk.tell("incident", "assign", "bob")
    desk.later(minutes=5)
    desk.actor = Actor("bob", "human")
    desk.tell("incident", "update", "charges stopped", "--level", "SEV-1")
    desk.tell("incident", "mitigate", "--how", "payments are paused")
    desk.later(minutes=5)
    ended = desk.json("incident", "resolve", *STATED)
    assert ended["state"] == "resolved"
    assert [due["what"] for due in ended["owed"]] == ["scheduling its review"]
    assert ended["owed"][0]["until"] == "2026-11-23T12:00:00+00:00"
    spec = desk.spec(INCIDENT)
    assert spec["commands"] == [
        {"by": "ada", "from": "2026-11-21T12:00:00Z", "until": "2026-11-21T12:05:00Z"},
        {"by": "bob", "from": "2026-11-21T12:05:00Z"},
    ]
    assert [one["level"] for one in spec["assessments"]] == ["SEV-3", "SEV-1"]
    kinds = [event["kind"] for event in spec["timeline"]]
    assert kinds == [
        *("assessment", "command", "update", "action", "command"),
        *("assessment", "mitigation", "resolution"),
    ]
    assert desk.spec(FREEZE)["lifted"]["by"] == "bob"
    assert desk.faults() == []


def test_a_freezing_level_declares_its_freeze_by_the_commander(desk: Desk) -> None:
    _open(desk, "--commander", "Identity/bob")
    assert desk.spec(FREEZE) == {
        "scope": {"environments": ["Environment/local"]},
        "from": "2026-11-21T12:00:00Z",
        "reason": "SEV-3: Charged twice",
        "by": "Identity/bob",
        "incident": f"Incident/{NAME}",
    }
    assert desk.spec(INCIDENT)["freeze"] == f"Freeze/{NAME}"
    assert "acknowledged" not in desk.spec(INCIDENT)  # by whoever opened it for somebody else


def test_a_level_that_owes_nothing_declares_nothing(desk: Desk) -> None:
    opened = _open(desk, level="SEV-0")
    assert (opened["written"], opened["commander"], opened["owed"]) == ([INCIDENT], None, [])


def test_a_graver_level_declares_the_freeze_too(desk: Desk) -> None:
    _open(desk, level="SEV-0")
    desk.later(minutes=1)
    told = desk.json("incident", "update", "money is lost", "--level", "SEV-3")
    assert told["written"] == [INCIDENT, FREEZE]
    assert desk.spec(FREEZE)["by"] == desk.spec(INCIDENT)["commands"][0]["by"] == "ada"
    assert "incident-commander-missing" not in desk.faults()


def test_a_crash_between_two_files_freezes_and_can_be_mended(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []

    def once(path: Path, data: bytes) -> None:
        if written:
            raise KeyboardInterrupt
        written.append(path.name)
        write_whole(path, data)

    def crash(*arguments: str) -> None:
        written.clear()
        with monkeypatch.context() as context:
            context.setattr(writing, "write_whole", once)
            desk.tell("incident", *arguments, code=130)

    crash("open", "Charged", "twice", "--level", "SEV-3")
    assert not (desk.root / FREEZE).exists()  # the incident stands, and owes it: all is refused
    desk.later(minutes=1)
    desk.tell("incident", "update", "x")
    assert (desk.root / FREEZE).exists()
    crash("resolve", *STATED)
    assert "lifted" in desk.spec(FREEZE)  # and the incident stands still
    assert "resolved" not in desk.spec(INCIDENT)
    desk.tell("incident", "resolve", *STATED)
    assert desk.faults() == []


def test_no_note_is_lost_where_several_write_at_once(desk: Desk) -> None:
    _open(desk)
    desk.later(minutes=1)

    def note(number: int) -> None:
        while True:
            try:
                Responding(desk.workspace(), None, "to note").update(f"{number}").draft.write()
            except StaleError:
                continue
            return

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(note, range(8)))
    told = [event["text"] for event in desk.spec(INCIDENT)["timeline"]]
    assert sorted(told[2:]) == [str(number) for number in range(8)]


def test_comments_and_all_other_bytes_stay(desk: Desk) -> None:
    _open(desk)
    file = desk.root / INCIDENT
    text = file.read_text().replace(
        "  environment: local\n", "  environment:   local  # all of it\n"
    )
    file.write_text(f"# Do not touch.\n{text}# the end\n")
    before = file.read_text().splitlines()
    desk.later(minutes=1)
    for command in (("update", "x"), ("assign", "bob"), ("mitigate", "--how", "y")):
        desk.tell("incident", *command)
    after = file.read_text().splitlines()
    left = iter(after)
    assert all(line in left for line in before)  # every line, in its order
    assert (after[0], after[-1]) == ("# Do not touch.", "# the end")


def test_a_late_note_stands_where_it_belongs_by_its_time(desk: Desk) -> None:
    _open(desk)
    desk.later(minutes=30)
    desk.tell("incident", "update", "second")
    desk.tell("incident", "update", "first", "--at", "2026-11-21T12:10:00Z", "--by", "bob")
    said = desk.tell("incident", "timeline").out
    assert said.index("first") < said.index("second")
    assert desk.faults() == []


@pytest.mark.parametrize(
    ("arguments", "flag"),
    [
        (("incident", "open", "It", "is", "down"), "--level, one of SEV-3, SEV-1, SEV-2, SEV-0"),
        (("incident", "mitigate"), "--how TEXT"),
        (("incident", "resolve"), "--impact TEXT, --risk TEXT, --monitoring TEXT"),
        (("incident", "resolve", *STATED[:4]), "--monitoring TEXT"),
    ],
)
def test_without_a_terminal_a_missing_answer_names_its_flag(
    desk: Desk, arguments: tuple[str, ...], flag: str
) -> None:
    _open(desk)
    before = desk.text(INCIDENT)
    assert flag in desk.tell(*arguments, code=4).err
    assert desk.text(INCIDENT) == before


def test_on_a_terminal_what_is_missing_is_asked_for(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    replies = itertools.chain(["No", "perhaps", "n", "uns"], ["gone", "paused", "seen"])
    monkeypatch.setattr(Session, "is_interactive", property(lambda _: True))
    monkeypatch.setattr(termui, "visible_prompt_func", lambda _: next(replies))
    opened = desk.json("incident", "open", "Something is odd")
    assert opened["level"] == "SEV-3"  # when unsure, the graver one
    reason = opened["spec"]["assessments"][0]["reason"]
    assert "nobody is sure of question 3" in reason
    ended = desk.json("incident", "resolve")
    assert [ended["spec"]["resolved"][n] for n in ("impact", "risk", "monitoring")] == [
        *("gone", "paused", "seen"),
    ]


@pytest.mark.parametrize("command", ["open X --level SEV-1", "ack", "update X", "resolve"])
def test_automation_does_nothing_about_incidents(desk: Desk, command: str) -> None:
    _open(desk)
    desk.actor = Actor("ci", "automation")
    assert "is a person's" in desk.tell("incident", *command.split(), code=4).err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("ack",), "acknowledged it already"),
        (("assign", "ada"), "commands it"),
        (("update", "x", "--at", "2026-11-21T11:00:00Z"), "before it was opened"),
        (("update", "x", "--at", "2026-11-21T18:00:00Z"), "has not come yet"),
        (("update", "x", "--level", "SEV-9"), "no level SEV-9"),
        (("ack", "nothing"), "there is no valid Incident nothing"),
        (("open", "x", "--level", "SEV-1", "--env", "moon"), "no Environment moon"),
        (("open", "x", "--level", "SEV-1", "--model", "p"), "no valid SeverityModel p"),
        (("open", "x", "--level", "SEV-1", "--name", NAME), "already"),
        (("open", "x", "--level", "SEV-1", "--name", "../../x"), "is not an address"),
        (("open", "x" * 201, "--level", "SEV-1"), "field-invalid"),
        (("open", "x", "--level", "SEV-1", "--layer", "one"), "nothing was written"),
    ],
)
def test_what_the_record_does_not_bear_is_refused(
    desk: Desk, arguments: tuple[str, ...], said: str
) -> None:
    _open(desk)
    before = desk.text(INCIDENT)
    assert said in desk.tell("incident", *arguments, code=4).err
    assert desk.text(INCIDENT) == before


def test_the_commander_declares_its_end_and_nobody_else(desk: Desk) -> None:
    _open(desk)
    desk.actor = Actor("bob", "human")
    assert "ada commands it" in desk.tell("incident", "resolve", *STATED, code=4).err
    desk.later(minutes=1)
    desk.tell("incident", "assign", "bob")
    desk.tell("incident", "resolve", *STATED)
    desk.tell("incident", "update", "x", "-i", NAME, code=4)  # it is over


def test_it_is_not_over_while_its_rollback_is_watched(desk: Desk) -> None:
    _open(desk)
    rollback = {
        "type": "config",
        "opened": {"at": "2026-11-21T12:00:00Z", "by": "ada"},
        "environment": "local",
        "reason": "a flag was changed",
    }
    file = desk.document("Rollback/flag", rollback, "changelog/rollbacks/flag.yaml")
    incident = desk.root / INCIDENT
    incident.write_text(incident.read_text() + "  rollback: Rollback/flag\n")
    desk.later(minutes=30)
    refused = desk.tell("incident", "resolve", code=4)
    assert "no observation of Rollback/flag is recorded" in refused.err
    watched = {"from": "2026-11-21T12:10:00Z", "until": "2026-11-21T12:30:00Z"}
    rollback["observation"] = {**watched, "result": "stable"}  # type: ignore[assignment]
    file.unlink()
    desk.document("Rollback/flag", rollback, "changelog/rollbacks/flag.yaml")
    desk.tell("incident", "resolve", *STATED)


def test_of_several_open_ones_none_is_guessed(desk: Desk) -> None:
    _open(desk, level="SEV-1")
    _open(desk, level="SEV-1")
    refused = desk.tell("incident", "update", "x", code=4)
    assert f"name one of them: {NAME}, {NAME}-2" in refused.err
    desk.tell("incident", "update", "x", "-i", f"{NAME}-2")


def test_those_that_are_open_are_listed_the_gravest_first(desk: Desk) -> None:
    _open(desk, "--name", "slow", level="SEV-2")
    _open(desk, "--name", "down", level="SEV-1")
    _open(desk, "--name", "lost")
    desk.tell("incident", "resolve", "slow", *STATED)
    assert [one["incident"] for one in desk.json("incident", "list")["incidents"]] == [
        *("Incident/lost", "Incident/down"),
    ]
    said = desk.tell("incident", "list").out.splitlines()
    assert said[0].split()[:4] == ["LEVEL", "INCIDENT", "STATE", "COMMANDER"]
    assert said[-1] == "1 incident is over: --all lists them"
    assert "slow" in desk.tell("incident", "list", "--all").out
    earlier = desk.tell("incident", "list", "--now", "2026-11-21T11:00:00Z")
    assert earlier.out == "judged as of 2026-11-21T11:00:00+00:00\nno incident is open\n"


def test_what_is_late_is_said_as_of_the_time_that_is_asked_for(desk: Desk) -> None:
    _open(desk, "--commander", "bob", level="SEV-1")
    later = (NOON + timedelta(minutes=20)).isoformat()
    assert "late" not in desk.tell("incident", "list").out
    assert "acknowledgement was owed until 2026-11-21 12:15Z, 5m ago" in (
        desk.tell("incident", "list", "--now", later).out
    )
    found = desk.json("incident", "show", "--now", later)
    assert [(due["what"], due["late"]) for due in found["owed"]] == [
        *(("acknowledgement", True), ("scheduling its review", False)),
    ]


def test_nothing_open_is_said_and_the_latest_can_be_looked_at(desk: Desk) -> None:
    assert desk.tell("incident", "list").out == "no incident is open\n"
    desk.tell("incident", "show", code=4)
    _open(desk)
    desk.tell("incident", "resolve", *STATED)
    assert "resolved" in desk.tell("incident", "show").out


def test_a_title_of_any_letters_makes_a_name(desk: Desk) -> None:
    opened = desk.json("incident", "open", "Zürich: 支付 / ../x", "--level", "SEV-0")
    assert opened["incident"] == "Incident/2026-11-21-zurich-x"
    assert desk.json("incident", "open", "支付", "--level", "SEV-0")["incident"] == (
        "Incident/2026-11-21"
    )


def test_what_documents_say_does_not_reach_the_terminal_raw(desk: Desk) -> None:
    desk.tell("incident", "open", "x\x1b[31m", "--level", "SEV-0", "--reason", "a\nb\x1b]0;t\x07")
    for command in ("show", "list", "timeline"):
        said = desk.tell("incident", command).out
        assert not {"\x1b", "\x07"} & {*said}


@pytest.mark.parametrize("who", ["a\nb", "a\x1b[31m", " ", ""])
def test_people_have_names_of_one_line(desk: Desk, who: str) -> None:
    answer = desk.tell("incident", "open", "x", "--level", "SEV-1", "--by", who, code=4)
    assert "is nobody's name" in answer.err
    desk.tell("incident", "open", "x", "--level", "SEV-1", "--commander", who, code=4)
    _open(desk)
    desk.tell("incident", "assign", who, code=4)
    desk.tell("incident", "assign", who, "--for", "the bank", code=4)


def test_it_is_not_over_by_words_that_say_nothing(desk: Desk) -> None:
    _open(desk)
    answer = desk.tell("incident", "resolve", *STATED[:-1], "n/a", code=4)
    assert f"{STATED[-2]} 'n/a' says nothing that anybody could act by" in answer.err
    desk.tell("incident", "resolve", *STATED)


def test_a_part_of_a_name_is_enough_behind_its_day(desk: Desk) -> None:
    desk.tell("incident", "open", "pages are slow", "--level", "SEV-1")
    desk.tell("incident", "open", "slow mail", "--level", "SEV-1")
    assert "pages are slow" in desk.tell("incident", "show", "pages").out
    answer = desk.tell("incident", "show", "slow", code=4)
    assert "2 records of the kind Incident have in their names slow" in answer.err


def test_of_two_that_begin_alike_none_is_chosen(desk: Desk) -> None:
    _open(desk)
    desk.tell("incident", "open", "another", "--level", "SEV-1")
    answer = desk.tell("incident", "ack", "Incident/2026-11-21", code=4)
    assert "2 records of the kind Incident begin with 2026-11-21" in answer.err
    assert f"name one of them: 2026-11-21-another, {NAME}" in answer.err


def test_an_answer_that_cannot_be_written_is_refused_before_anything_is_done(desk: Desk) -> None:
    answer = desk.tell("incident", "open", "x", "--level", "SEV-3", "-o", "yaml", code=4)
    assert "unknown output format 'yaml'" in answer.err
    assert not (desk.root / "changelog/incidents").exists()
