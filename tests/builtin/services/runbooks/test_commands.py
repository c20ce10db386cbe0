"""`chimera runbook` as it is typed, without a terminal."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.builtin.services.runbooks.conftest import procedure

Write = Callable[..., None]
Chimera = Callable[..., Any]
LOOK = {"command": ["echo", "fine"]}
KEEP = {"command": ["echo", "log"], "save": "a.log", "preserves": ["logs"]}
CHANGE = {"command": ["touch", "changed"]}
LOSE = {**CHANGE, "risk": "destroys", "loses": ["logs"]}


@pytest.fixture
def book(write: Write) -> None:
    write(
        {**procedure(KEEP, LOSE, LOOK, symptoms=["the queue grows"]), "id": "lose"},
        {**procedure(LOOK, CHANGE, LOOK), "id": "change"},
        {
            **procedure(
                {"command": ["echo", "${what}"], "risk": "reads"},
                inputs={"what": {"asks": "what to say"}},
            ),
            "id": "say",
        },
    )


@pytest.mark.usefixtures("book")
def test_a_missing_answer_exits_4_and_names_the_flag(chimera: Chimera, tmp_path: Path) -> None:
    said = chimera("runbook", "run", "book", "change")
    assert said.code == 4
    assert "--answer s2=" in said.err
    assert "--yes" in said.err
    assert not (tmp_path / "changed").exists()
    said = chimera("runbook", "run", "book", "change", "--yes")
    assert said.code == 0
    assert "goes on with run" in said.err
    assert "chimera changelog add" in said.out
    assert (tmp_path / "changed").exists()


@pytest.mark.usefixtures("book")
def test_yes_covers_no_destruction(chimera: Chimera) -> None:
    said = chimera("runbook", "run", "book", "lose", "--yes")
    assert said.code == 4
    assert "--answer s2=" in said.err
    assert "or --yes" not in said.err
    said = chimera("runbook", "run", "book", "lose", "--answer", "s2=y", "-o", "json")
    assert said.code == 0
    record = json.loads(said.out)
    assert record["outcome"] == "succeeded"
    assert record["record"].startswith("book-lose-")


@pytest.mark.usefixtures("book")
def test_a_missing_value_exits_4_and_names_the_flag(chimera: Chimera) -> None:
    said = chimera("runbook", "run", "book", "say")
    assert said.code == 4
    assert "--input what=VALUE" in said.err
    assert chimera("runbook", "run", "book", "say", "--input", "what=hello").code == 0
    assert chimera("runs", "list").out.count("Runbook/book") == 1


@pytest.mark.usefixtures("book")
@pytest.mark.parametrize(
    "arguments",
    [
        ("--answer", "s9=y"),
        ("--answer", "s2"),
        ("--answer", "s2=perhaps"),
        ("--answer", "s2=y", "--answer", "s2=n"),
        ("--answer", "s2=done"),
        ("--input", "nothing=a"),
    ],
)
def test_what_means_nothing_exits_4_and_changes_nothing(
    chimera: Chimera, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    assert chimera("runbook", "run", "book", "change", *arguments).code == 4
    assert not (tmp_path / "changed").exists()


@pytest.mark.usefixtures("book")
def test_automation_is_refused_and_may_look(
    chimera: Chimera, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CI", "true")
    said = chimera("runbook", "run", "book", "change", "--yes")
    assert said.code == 4
    assert "automation" in said.err
    dry = chimera("runbook", "run", "book", "change", "--dry-run", "-o", "json")
    assert dry.code == 0
    assert json.loads(dry.out)["asked"] == ["s2"]
    assert not (tmp_path / ".chimera" / "state.db").exists()


@pytest.mark.usefixtures("book")
def test_a_dry_run_shows_values_and_does_nothing(chimera: Chimera, tmp_path: Path) -> None:
    said = chimera("runbook", "run", "book", "say", "--input", "what=hello", "--dry-run")
    assert "$ echo hello" in said.out
    assert said.out.rstrip().endswith("nothing was done")
    assert not (tmp_path / ".chimera").exists()


@pytest.mark.usefixtures("book")
def test_a_run_can_be_begun_anew(chimera: Chimera) -> None:
    assert chimera("runbook", "run", "book", "change", "--answer", "s2=n").code == 5
    assert chimera("runbook", "run", "book", "change", "--yes", "--anew").code == 0
    listed = chimera("runs", "list").out
    assert "cancelled" in listed
    assert "succeeded" in listed


@pytest.mark.usefixtures("book")
def test_procedures_are_listed_and_found_by_symptom(chimera: Chimera) -> None:
    listed = json.loads(chimera("runbook", "list", "-o", "json").out)["procedures"]
    assert [one["procedure"] for one in listed] == ["lose", "change", "say"]
    assert listed[0]["risk"] == "destroys"
    found = chimera("runbook", "list", "--symptom", "queue")
    assert "the queue grows" in found.out
    assert chimera("runbook", "list", "--symptom", "nothing like it").code == 1
    assert chimera("runbook", "show", "book", "lose").out.count("a.log") == 1
