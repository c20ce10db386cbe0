"""How runs and steps ended: counted within a time that begins just after its first moment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chimera.context import Context
from chimera.state import Event, EventKind, RunStatus, StateWriter, open_state
from chimera.state.ends import first_run, run_ends, step_ends

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateWriter]:
    context = Context.system(now=NOON)
    with open_state(tmp_path, context, command="test") as writer:
        for target, status in (
            ("Workflow/a", RunStatus.SUCCEEDED),
            ("Workflow/b", RunStatus.FAILED),
            ("Workflow/b", RunStatus.RUNNING),
            ("Runbook/c", RunStatus.FAILED),
        ):
            run = writer.create_run("local", target, None, None)
            kind = EventKind.FAIL if status is RunStatus.FAILED else EventKind.DONE
            events = [
                Event(EventKind.START, "s", 1, NOON),
                Event(kind, "s", 1, NOON),
                Event(EventKind.DONE, "t", 1, NOON - timedelta(seconds=90)),
                Event(EventKind.RETRY, "u", 1, NOON),
            ]
            writer.record(run.uid, events, status=status)
        yield writer


def test_runs_that_ended_are_told_by_their_targets(state: StateWriter) -> None:
    found = run_ends(state, "local", NOON - DAY, NOON, without="Runbook/")
    assert [end.status for end in found] == [RunStatus.SUCCEEDED, RunStatus.FAILED]
    assert all(end.created == end.ended == NOON for end in found)
    assert len(run_ends(state, "local", NOON - DAY, NOON)) == 3
    named = run_ends(state, "local", NOON - DAY, NOON, targets=["Runbook/c"], without="Runbook/")
    assert len(named) == 1
    assert run_ends(state, "elsewhere", NOON - DAY, NOON) == ()


def test_the_first_moment_is_left_out_and_the_last_is_in(state: StateWriter) -> None:
    assert run_ends(state, "local", NOON, NOON + DAY) == ()
    assert len(run_ends(state, "local", NOON - timedelta(microseconds=1), NOON)) == 3


def test_steps_are_counted_by_the_minute(state: StateWriter) -> None:
    found = step_ends(state, "local", NOON - DAY, NOON, without="Runbook/")
    minute = NOON - timedelta(minutes=2)
    assert found == ((minute, False, 3), (NOON, False, 2), (NOON, True, 1))
    assert step_ends(state, "local", NOON - DAY, NOON, targets=["Workflow/a"]) == (
        (minute, False, 1),
        (NOON, False, 1),
    )


def test_the_first_run_is_known(state: StateWriter) -> None:
    assert first_run(state, "local") == NOON
    assert first_run(state, "elsewhere") is None
