"""What the gate ruled is recorded, and explained afterwards; nobody believes an edited one."""

from __future__ import annotations

import json
import re
import sqlite3
from typing import Any

import pytest

from chimera.cli.main import run

GATE = """\
apiVersion: chimera/v1
kind: Gate
metadata: {name: g}
spec:
  match: {kinds: [Role]}
  requires: {records: [ChangelogEntry]}
---
apiVersion: chimera/v1
kind: Role
metadata: {name: owner}
spec: {members: []}
"""


@pytest.fixture
def show(repository: Any, monkeypatch: Any, capsys: Any) -> Any:
    """Apply what owes a record once, and return what `show` and other commands say."""
    repository.write("specs/gate.yaml", GATE)
    monkeypatch.chdir(repository.root)

    def call(*args: str) -> tuple[int, str]:
        code = run(list(args))
        said = capsys.readouterr()
        return code, said.out + said.err

    assert call("apply")[0] == 1
    return call


def test_a_ruling_is_explained_stage_by_stage_with_refusals_first(show: Any) -> None:
    code, text = show("show", "latest")
    assert code == 0
    lines = text.splitlines()
    assert re.fullmatch("ruling [0-9a-f]{12}: refused, with 1 refusal", lines[0])
    stages = [line for line in lines if "  at " in line and not line.startswith(" ")]
    assert [stage.split() for stage in stages] == [
        ["fail", "at", "approval"],
        ["pass", "at", "contract"],
        ["pass", "at", "policy"],
        ["pass", "at", "proof"],
        ["pass", "at", "freeze"],
        ["pass", "at", "guard"],
    ]
    assert "specs/gate.yaml:6:3: error[gate-record-owed]" in text


def test_a_ruling_is_named_by_the_beginning_of_its_digest(show: Any) -> None:
    value = json.loads(show("show", "latest", "-o", "json")[1])
    digest = value["digest"]
    assert value["outcome"] == "failed"
    assert value["weighed"]["documents"]["the snapshot"].startswith("sha256:")
    for name in (digest, digest[7:], digest[7:11], digest[:14]):
        assert json.loads(show("show", name, "-o", "json")[1]) == value
    for name in ("latest", digest):
        assert show("show", name, "--env", "production")[0] == 4
    assert show("show", digest[7:10])[0] == 4
    assert show("show", "ffffffffffff" if digest[7] != "f" else "000000000000")[0] == 4
    assert digest[7:19] in show("status")[1]


def test_a_ruling_is_a_page_of_markdown(show: Any) -> None:
    text = show("show", "latest", "-o", "markdown")[1]
    assert "| approval | fail | 0 passed, 1 refused |" in text
    assert text.index("#### approval") < text.index("#### contract")
    assert "`specs/gate.yaml:6:3`" in text


def test_a_saved_plan_is_still_shown(show: Any) -> None:
    assert show("plan", "--out", "latest")[0] == 0
    assert "4 to create" in show("show", "latest")[1]
    assert "4 to create" in show("show", "latest", "-o", "markdown")[1]


def test_a_ruling_that_was_edited_is_not_shown(show: Any, repository: Any) -> None:
    database = repository.root / ".chimera" / "state.db"
    with sqlite3.connect(database) as connection:
        (text,) = connection.execute("SELECT ruling FROM ruling").fetchone()
        edited = text.replace('"outcome":"failed"', '"outcome":"passed"')
        assert edited != text
        connection.execute("UPDATE ruling SET ruling = ?", (edited,))
    connection.close()
    code, text = show("show", "latest")
    assert code == 1
    assert "was edited after it was recorded" in text
    assert "was edited after it was recorded" in show("status")[1]


def test_no_ruling_is_no_ruling(repository: Any, monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.chdir(repository.root)
    assert run(["show", "latest"]) == 4
    assert "no gate has ruled yet" in capsys.readouterr().err
