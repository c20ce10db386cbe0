"""Earlier formats, what goes when it is old, and the values of collections."""

import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from chimera.context import Context, FixedClock, SequentialIds
from chimera.model import Actor
from chimera.state import (
    Applied,
    Event,
    EventKind,
    RunStatus,
    Turn,
    migrations,
    open_state,
    read_state,
)

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LATER = NOW + timedelta(seconds=1)


@pytest.fixture
def context():
    system = Context.system()
    return Context(
        FixedClock(NOW),
        SequentialIds("run"),
        Actor("ada", "human"),
        system.processes,
        system.secrets,
        system.progress,
    )


OLD_RUN = """
INSERT INTO spec VALUES ('sha256:s', NULL);
INSERT INTO run (id, uid, environment, target, spec, status, epoch, actor, created, updated)
    VALUES (1, 'old', 'local', 'Workflow/a', 'sha256:s', 'failed', 1, 'ada', '{now}', '{now}');
INSERT INTO event (run, kind, step, attempt, epoch, at, data) VALUES
    (1, 'START', 'a', 1, 1, '{now}', NULL), (1, 'DONE', 'a', 1, 1, '{now}', '5'),
    (1, 'SKIP', 'b', 0, 1, '{now}', NULL), (1, 'START', 'c', 1, 1, '{now}', NULL),
    (1, 'FAIL', 'c', 1, 1, '{now}', '{{"error":"no"}}'),
    (1, 'FAIL', 'd', 1, 1, '{now}', '{{"error":"no"}}'), (1, 'RESUME', '', 0, 1, '{now}', NULL),
    (1, 'FAIL', 'e', 1, 1, '{now}', '{{"error":"no"}}');
"""


@pytest.mark.parametrize("version", [1, 2])
def test_run_of_an_earlier_format_is_read_and_counted(tmp_path, context, monkeypatch, version):
    with monkeypatch.context() as patch:
        for module in ("migrations", "database"):
            patch.setattr(f"chimera.state.{module}.MIGRATIONS", migrations.MIGRATIONS[:version])
        with open_state(tmp_path, context, command="apply") as state:
            state._writing.executescript(OLD_RUN.format(now=NOW.isoformat()))
    for opened in (read_state(tmp_path), open_state(tmp_path, context, command="apply")):
        with opened as state:
            run = state.run("old")
            assert (run.total, run.done, run.failed) == (5, 2, 1)
            assert (run.priority, run.due) == (0, None)
            first = state.events("old")[1]
            assert (first.kind, first.data, first.flag) == (EventKind.DONE, 5, None)
            assert state.items("local", "things") == ()


def test_new_database_gives_room_back_and_an_old_one_learns_to(tmp_path, context):
    def fill(state):
        for n in range(20):
            run = state.create_run("local", f"Workflow/{n}", None, None)
            event = Event(EventKind.DONE, "x", 1, NOW, ["y" * 50_000])
            state.record(run.uid, [event], status=RunStatus.CANCELLED)

    with open_state(tmp_path, context, command="apply") as state:
        state._writing.execute("PRAGMA auto_vacuum = NONE")
        state._writing.execute("VACUUM")  # as databases of earlier formats are
        for _ in range(2):
            fill(state)
            state._writing.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            full = (tmp_path / ".chimera" / "state.db").stat().st_size
            assert full > 1_000_000
            assert state.prune(before=LATER).runs == 20
            assert (tmp_path / ".chimera" / "state.db").stat().st_size < full / 5
    database = tmp_path / ".chimera" / "state.db"
    with sqlite3.connect(database) as connection:
        assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)
    connection.close()


def test_new_database_is_made_so_that_it_can_give_room_back(tmp_path, context):
    with open_state(tmp_path, context, command="apply") as state:
        assert state._writing.execute("PRAGMA auto_vacuum").fetchone() == (2,)


@pytest.mark.parametrize(
    ("status", "is_settled", "is_kept"),
    [
        (RunStatus.CANCELLED, False, False),
        (RunStatus.COMPENSATED, False, False),
        (RunStatus.SUCCEEDED, True, False),
        (RunStatus.SUCCEEDED, False, True),
        (RunStatus.FAILED, False, True),
        (RunStatus.FAILED, True, False),
        (RunStatus.WAITING, False, True),
        (RunStatus.PAUSED, False, True),
        (RunStatus.RUNNING, False, True),
    ],
)
def test_only_what_is_over_and_taken_goes(tmp_path, context, status, is_settled, is_kept):
    with open_state(tmp_path, context, command="apply") as state:
        run = state.create_run("local", "Workflow/a", None, None)
        state.record(run.uid, status=status)
        if is_settled:
            state.settle("local", "Workflow/a")
        assert state.prune(before=NOW).runs == 0
        state.prune(before=LATER)
        assert [r.uid for r in state.runs()] == ([run.uid] if is_kept else [])


def test_run_that_brought_about_what_is_applied_stays(tmp_path, context):
    with open_state(tmp_path, context, command="apply") as state:
        run = state.create_run("local", "Workflow/a", None, None)
        state.record(run.uid, status=RunStatus.SUCCEEDED)
        state.put_applied("local", Applied("Workflow/a", "d", NOW, run=run.uid))
        assert state.prune(before=LATER).runs == 0


def test_files_of_applied_values_and_of_items_stay(tmp_path, context):
    large = ["ä" * 50_000]
    with open_state(tmp_path, context, command="apply") as state:
        state.put_applied("local", Applied("Gate/a", "d", NOW, outputs=[large, 1]))
        state.put_items({("local", "things", "a"): [large, 2]})
        run = state.create_run("local", "Workflow/a", None, None)
        event = Event(EventKind.DONE, "x", 1, NOW, [large, 3])
        state.record(run.uid, [event], status=RunStatus.CANCELLED)
        assert state.prune(before=LATER).files == 1
        assert state.applied("local")["Gate/a"].outputs == [large, 1]
        assert state.item("local", "things", "a").value == [large, 2]


def test_items_are_put_counted_and_deleted(tmp_path, context):
    with open_state(tmp_path, context, command="apply") as state:
        state.put_items({("local", "things", "b"): 1, ("local", "things", "a"): {"n": 1}})
        state.put_items({("local", "things", "b"): 2, ("prod", "things", "c"): 3})
    with read_state(tmp_path) as reader:
        found = reader.items("local", "things")
        assert [(i.id, i.value, i.version) for i in found] == [("a", {"n": 1}, 1), ("b", 2, 2)]
        assert reader.item("local", "things", "c") is None
    with open_state(tmp_path, context, command="apply") as state:
        state.put_items({("local", "things", "b"): None, ("local", "things", "z"): None})
        assert [i.id for i in state.items("local", "things")] == ["a"]


def test_turn_is_written_whole_or_not_at_all(tmp_path, context):
    with open_state(tmp_path, context, command="apply") as state:
        run = state.create_run("local", "Workflow/a", None, None)
        row = (run.number, "DONE", "x", 1, NOW.isoformat(), "5", None, "cached", state.epoch)
        broken = Turn(
            events=[row],
            runs={run.number: ("failed", 1, 1, 0, None)},
            items={("local", None, "a"): "1"},  # which the table refuses
        )
        with pytest.raises(Exception, match="cannot be used"):
            state.write(broken)
        assert state.events(run.uid) == ()
        state.write(Turn(events=[row], cached={"k": "5"}))
        (event,) = state.events(run.uid)
        assert (event.data, event.flag) == (5, "cached")
        assert state.cached("k") == "5"
        assert state.cached("other") is None
