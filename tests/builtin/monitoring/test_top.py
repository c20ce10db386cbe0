"""The table of what runs: what is in it, in what order, and how it is shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chimera.builtin.monitoring.top import table
from chimera.cli import session as session_module
from chimera.context import Context
from chimera.state import Event, EventKind, RunStatus, open_state, read_state

Chimera = Callable[..., Any]


@pytest.fixture
def three(tmp_path: Path) -> list[str]:
    """Three runs, one of them ended, with steps that took 1, 3 and 2 seconds."""
    found = []
    context = Context.system()
    with open_state(tmp_path, context, command="test") as state:
        for seconds, status in ((1, None), (3, RunStatus.PAUSED), (2, RunStatus.SUCCEEDED)):
            run = state.create_run("local", f"Workflow/w{seconds}", {"spec": {}}, None)
            at = context.clock.now()
            done = at + timedelta(seconds=seconds)
            events = [Event(EventKind.START, "a", 1, at), Event(EventKind.DONE, "a", 1, done)]
            state.record(run.uid, events, status=status)
            found.append(run.uid)
    return found


def test_what_goes_on_is_shown_and_what_took_most_comes_first(
    three: list[str], tmp_path: Path
) -> None:
    now = Context.system().clock.now() + timedelta(minutes=1)
    with read_state(tmp_path) as state:
        found = table(state, now, "busy", ended=False, limit=9)
        oldest = table(state, now, "age", ended=True, limit=9)
        first = table(state, now, "busy", ended=True, limit=1)
    assert [(row.run.uid, row.busy) for row in found.rows] == [(three[1], 3.0), (three[0], 1.0)]
    assert [row.run.uid for row in oldest.rows] == three
    assert (len(first.rows), first.left_out) == (1, 2)
    assert all(row.age >= timedelta(minutes=1) for row in oldest.rows)


def test_a_run_is_going_while_somebody_writes_and_interrupted_otherwise(
    three: list[str], tmp_path: Path
) -> None:
    now = Context.system().clock.now() + timedelta(minutes=1)
    with read_state(tmp_path) as state:
        rows = {r.run.uid: r for r in table(state, now, "age", ended=False, limit=9).rows}
    assert rows[three[0]].status is RunStatus.INTERRUPTED
    assert rows[three[0]].duration < timedelta(minutes=1)
    with open_state(tmp_path, Context.system(), command="busy"), read_state(tmp_path) as state:
        found = table(state, now, "age", ended=False, limit=9)
    rows = {row.run.uid: row for row in found.rows}
    assert rows[three[0]].status is RunStatus.RUNNING
    assert rows[three[0]].duration >= timedelta(minutes=1)
    assert found.holder is not None
    assert found.used is not None


def test_where_nobody_looks_on_it_is_shown_once(three: list[str], chimera: Chimera) -> None:
    answer = chimera("runs", "top")
    assert answer.code == 0
    assert answer.out.count("RUN ") == 1
    assert three[0] in answer.out
    assert three[2] not in answer.out
    found = json.loads(chimera("runs", "top", "--all", "-o", "json").out)
    assert {row["run"] for row in found["runs"]} == set(three)
    assert chimera("runs", "top", "--all", "--limit", "1").out.rstrip().endswith("shows more")


def test_nothing_that_runs_is_said(chimera: Chimera) -> None:
    assert "nothing runs" in chimera("runs", "top").out


def test_on_a_terminal_it_is_drawn_again_until_it_is_interrupted(
    three: list[str], chimera: Chimera, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chimera.cli import watching

    naps: list[float] = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(session_module, "_is_terminal", lambda stream: True)
    monkeypatch.setattr(watching, "sleep", nap)
    monkeypatch.setattr("chimera.cli.session.Session.progress", lambda self: None)
    answer = chimera("runs", "top", "--every", "0.5")
    assert answer.code == 0
    assert naps == [0.5, 0.5, 0.5]
    assert "Workflow/w3" in answer.out
