"""The state as its readers and its writer see it."""

import json
import sqlite3
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chimera.context import Context, FixedClock, Secrets, SequentialIds
from chimera.model import Actor, StateError, UsageError
from chimera.state import (
    Applied,
    Event,
    EventKind,
    LogLine,
    RunStatus,
    migrations,
    open_state,
    read_state,
)

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def context():
    system = Context.system()
    return Context(
        clock=FixedClock(NOW),
        ids=SequentialIds("run"),
        actor=Actor("ada", "human"),
        processes=system.processes,
        secrets=Secrets(["hunter2-hunter2"]),
        progress=system.progress,
    )


def test_absent_state_reads_as_empty_and_is_not_made(tmp_path):
    with read_state(tmp_path) as reader:
        assert reader.applied("local") == {}
        assert reader.runs() == ()
        assert reader.rulings("local") == ()
        assert reader.writer() is None
    assert list(tmp_path.iterdir()) == []


def test_folder_hides_itself_from_git(tmp_path, context):
    with open_state(tmp_path, context, command="apply"):
        pass
    assert (tmp_path / ".chimera" / ".gitignore").read_text() == "*\n"


def test_folder_that_is_a_link_is_refused(tmp_path, context):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".chimera").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StateError, match="symbolic link"):
        open_state(tmp_path, context, command="apply")


def test_applied_targets_are_kept_per_environment_in_order(tmp_path, context):
    first = Applied("Workflow/b", "sha256:1", NOW, {"kind": "Workflow"}, "specs/b.yaml", 3)
    with open_state(tmp_path, context, command="apply") as state:
        state.put_applied("local", first)
        state.put_applied("local", Applied("Gate/a", "sha256:2", NOW, outputs={"n": [1, 2.5]}))
        state.put_applied("prod", Applied("Gate/a", "sha256:3", NOW))
    with read_state(tmp_path) as reader:
        held = reader.applied("local")
        assert list(held) == ["Gate/a", "Workflow/b"]
        assert held["Workflow/b"] == first
        assert held["Gate/a"].outputs == {"n": [1, 2.5]}
        assert reader.applied("prod")["Gate/a"].digest == "sha256:3"
    with open_state(tmp_path, context, command="apply") as state:
        state.remove_applied("local", "Gate/a")
        assert list(state.applied("local")) == ["Workflow/b"]
        assert list(state.applied("prod")) == ["Gate/a"]


def test_reader_works_while_a_writer_is_active_and_sees_only_commits(tmp_path, context):
    with open_state(tmp_path, context, command="apply") as state, read_state(tmp_path) as reader:
        with state.transaction():
            state.put_applied("local", Applied("Gate/a", "sha256:1", NOW))
            assert reader.applied("local") == {}
        assert list(reader.applied("local")) == ["Gate/a"]
        assert reader.writer().actor == "ada"


def test_reader_cannot_write(tmp_path, context):
    with open_state(tmp_path, context, command="apply"):
        pass
    with (
        read_state(tmp_path) as reader,
        pytest.raises(sqlite3.OperationalError, match="readonly"),
    ):
        reader._connection.execute("DELETE FROM run")


def test_transaction_that_fails_changes_nothing(tmp_path, context):
    with open_state(tmp_path, context, command="apply") as state:

        def write_and_fail():
            with state.transaction():
                state.put_applied("local", Applied("Gate/a", "sha256:1", NOW))
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            write_and_fail()
        assert state.applied("local") == {}
        state.put_applied("local", Applied("Gate/b", "sha256:1", NOW))
        assert list(state.applied("local")) == ["Gate/b"]


def test_journal_and_log_are_read_back_as_written(tmp_path, context):
    due = NOW + timedelta(seconds=3)
    with open_state(tmp_path, context, command="apply") as state:
        run = state.create_run("local", "Workflow/a", {"stages": ["x"]}, {"n": 1})
        events = [
            Event(EventKind.START, "x", 1, NOW, {"key": "k"}),
            Event(EventKind.RETRY, "x", 1, NOW, {"error": "no"}, due),
        ]
        line = LogLine("x", 1, NOW, "hello")
        state.record(run.uid, events, log=[line], status=RunStatus.FAILED)
    with read_state(tmp_path) as reader:
        assert [e._replace(seq=0) for e in reader.events(run.uid)] == events
        assert [x._replace(seq=0) for x in reader.log(run.uid)] == [line]
        read = reader.run(run.uid)
        assert (read.definition, read.input) == ({"stages": ["x"]}, {"n": 1})
        assert (read.status, read.actor, read.created) == (RunStatus.FAILED, "ada", NOW)


def test_runs_are_listed_newest_first_and_by_target(tmp_path, context):
    with open_state(tmp_path, context, command="apply") as state:
        uids = [state.create_run("local", f"Workflow/{n}", None, None).uid for n in "aba"]
        state.create_run("prod", "Workflow/a", None, None)
    with read_state(tmp_path) as reader:
        assert [r.uid for r in reader.runs(environment="local")] == uids[::-1]
        of_a = reader.runs(environment="local", target="Workflow/a")
        assert [r.uid for r in of_a] == [uids[2], uids[0]]
        assert len(reader.runs(limit=1)) == 1


def test_unknown_run_is_a_usage_error(tmp_path):
    with read_state(tmp_path) as reader, pytest.raises(UsageError, match="no run nowhere"):
        reader.run("nowhere")


def test_run_is_settled_by_applying_or_removing_its_target(tmp_path, context):
    with open_state(tmp_path, context, command="apply") as state:
        run = state.create_run("local", "Workflow/a", {}, None)
        assert state.unsettled_run("local", "Workflow/a").uid == run.uid
        assert state.unsettled_run("local", "Workflow/b") is None
        assert state.unsettled_run("prod", "Workflow/a") is None
        state.put_applied("local", Applied("Workflow/a", "sha256:1", NOW, run=run.uid))
        assert state.unsettled_run("local", "Workflow/a") is None
        state.create_run("local", "Workflow/a", {}, None)
        state.remove_applied("local", "Workflow/a")
        assert state.unsettled_run("local", "Workflow/a") is None


def test_rulings_are_kept(tmp_path, context):
    with open_state(tmp_path, context, command="apply") as state:
        state.record_ruling("local", "sha256:p", {"verdicts": []})
        state.record_ruling("local", "sha256:q", {"verdicts": [1]})
    with read_state(tmp_path) as reader:
        assert [r.plan for r in reader.rulings("local")] == ["sha256:q", "sha256:p"]
        assert reader.rulings("local")[0].ruling == {"verdicts": [1]}
        assert reader.rulings("prod") == ()


def test_ruling_is_found_by_its_digest_and_tells_when_it_was_edited(tmp_path, context):
    with open_state(tmp_path, context, command="apply") as state:
        first = state.record_ruling("local", "sha256:p", {"verdicts": []})
        second = state.record_ruling("prod", "sha256:q", {"verdicts": ["hunter2-hunter2"]})
    with read_state(tmp_path) as reader:
        assert [r.digest for r in reader.find_rulings()] == [second, first]
        assert [r.digest for r in reader.find_rulings(limit=1)] == [second]
        for name in (first, first[:12], first[7:19]):
            assert [r.digest for r in reader.find_rulings(name)] == [first]
        assert reader.find_rulings("%") == reader.find_rulings("_") == ()
        assert all(r.is_intact for r in reader.find_rulings())


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("ruling", '{"verdicts":[2]}'),
        ("ruling", '{"verdicts":[9007199254740993]}'),
        ("ruling", "no json"),
        ("ruling", "@sha256:" + "0" * 64),
        ("environment", "other"),
        ("plan", "sha256:z"),
        ("actor", "eve"),
        ("at", "2026-11-22T12:00:00+00:00"),
        ("at", "yesterday"),
        ("digest", "sha256:" + "0" * 64),
    ],
)
def test_edited_ruling_is_not_intact(tmp_path, context, column, value):
    with open_state(tmp_path, context, command="apply") as state:
        state.record_ruling("local", "sha256:p", {"verdicts": [1]})
    connection = sqlite3.connect(tmp_path / ".chimera" / "state.db")
    connection.execute(f"UPDATE ruling SET {column} = ?", (value,))
    connection.commit()
    connection.close()
    with read_state(tmp_path) as reader:
        (found,) = reader.find_rulings()
        assert not found.is_intact


def test_approvals_are_spent_with_what_they_let_through_or_not_at_all(tmp_path, context):
    with open_state(tmp_path, context, command="apply") as state:
        state.put_applied("prod", Applied("Gate/a", "d", NOW, revision="c0ffee"), ["sha256:x"])
        state.remove_applied("prod", "Gate/b", ["sha256:x", "sha256:y"])
        spent = {("sha256:x", "Gate/a"), ("sha256:x", "Gate/b"), ("sha256:y", "Gate/b")}
        assert state.spent("prod") == spent
        assert state.spent("local") == frozenset()
        assert state.applied("prod")["Gate/a"].revision == "c0ffee"
        with pytest.raises(StateError, match="spent already"):
            state.put_applied("prod", Applied("Gate/a", "e", NOW), ["sha256:z", "sha256:x"])
        assert state.spent("prod") == spent
        assert state.applied("prod")["Gate/a"].digest == "d"


def test_state_of_the_first_version_is_read_and_goes_on(tmp_path, context, monkeypatch):
    with monkeypatch.context() as patch:
        for module in ("migrations", "database"):
            patch.setattr(f"chimera.state.{module}.MIGRATIONS", migrations.MIGRATIONS[:1])
        with open_state(tmp_path, context, command="apply") as state:
            state._writing.execute(
                "INSERT INTO applied VALUES ('local', 'Gate/a', 'd', ?, NULL, NULL, 3, NULL, NULL)",
                (NOW.isoformat(),),
            )
            state._writing.execute(
                "INSERT INTO ruling VALUES (1, 'local', 'sha256:p', ?, 'ada', '{}')",
                (NOW.isoformat(),),
            )
    for opened in (read_state(tmp_path), open_state(tmp_path, context, command="apply")):
        with opened as state:
            assert state.applied("local")["Gate/a"].revision is None
            assert [(r.digest, r.is_intact) for r in state.rulings("local")] == [(None, False)]
            assert state.find_rulings() == ()
            assert state.spent("local") == frozenset()


def test_secret_reaches_no_file(tmp_path, context):
    secret = "hunter2-hunter2"
    long = [secret] * 9000
    with open_state(tmp_path, context, command=f"apply {secret}") as state:
        run = state.create_run("local", "Workflow/a", {"a": secret}, [secret])
        state.record(
            run.uid,
            [Event(EventKind.DONE, "x", 1, NOW, {"out": f"<{secret}>"})],
            log=[LogLine("x", 1, NOW, secret)],
        )
        state.record(run.uid, [Event(EventKind.DONE, "y", 1, NOW, long)])
        state.put_applied("local", Applied("Gate/a", "d", NOW, {"v": secret}, outputs=secret))
        state.record_ruling("local", "p", secret)
        stored = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
        assert secret.encode() not in stored
        assert b"<***>" in stored


def test_large_value_becomes_a_file_named_by_its_digest(tmp_path, context):
    value = {"text": "ä" * 40_000}
    with open_state(tmp_path, context, command="apply") as state:
        run = state.create_run("local", "Workflow/a", None, None)
        for step in "xy":
            state.record(run.uid, [Event(EventKind.DONE, step, 1, NOW, value)])
        assert [e.data for e in state.events(run.uid)] == [value, value]
    (path,) = [p for p in (tmp_path / ".chimera" / "objects").rglob("*") if p.is_file()]
    assert json.loads(path.read_bytes()) == value
    path.write_bytes(b"{}")
    with read_state(tmp_path) as reader, pytest.raises(StateError, match="is damaged"):
        reader.events(run.uid)
    path.unlink()
    with read_state(tmp_path) as reader, pytest.raises(StateError, match="cannot be read"):
        reader.events(run.uid)


def test_value_up_to_the_limit_stays_in_the_database(tmp_path, context):
    value = "x" * (64 * 1024 - 2)
    with open_state(tmp_path, context, command="apply") as state:
        state.put_applied("local", Applied("Gate/a", "d", NOW, outputs=value))
        assert state.applied("local")["Gate/a"].outputs == value
    assert not (tmp_path / ".chimera" / "objects").exists()


def test_stored_form_is_what_is_read_back(tmp_path, context):
    with open_state(tmp_path, context, command="apply") as state:
        value = state.as_stored({"t": (1, "hunter2-hunter2")})
        assert value == {"t": [1, "***"]}
        for wrong in (float("nan"), {1, 2}, object()):
            with pytest.raises((TypeError, ValueError)):
                state.as_stored(wrong)


def test_state_of_a_later_version_is_refused(tmp_path, context):
    with open_state(tmp_path, context, command="apply"):
        pass
    connection = sqlite3.connect(tmp_path / ".chimera" / "state.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StateError, match="format 99"):
        open_state(tmp_path, context, command="apply")
    with pytest.raises(StateError, match="format 99"):
        read_state(tmp_path)


def test_migration_is_applied_by_a_writer_and_seen_by_a_reader_before(
    tmp_path, context, monkeypatch
):
    with open_state(tmp_path, context, command="apply") as state:
        state.put_applied("local", Applied("Gate/a", "old", NOW))
    later = (*migrations.MIGRATIONS, "UPDATE applied SET digest = 'new';")
    monkeypatch.setattr("chimera.state.migrations.MIGRATIONS", later)
    monkeypatch.setattr("chimera.state.database.MIGRATIONS", later)

    def on_disk():
        connection = sqlite3.connect(tmp_path / ".chimera" / "state.db")
        (digest,) = connection.execute("SELECT digest FROM applied").fetchone()
        connection.close()
        return digest

    with read_state(tmp_path) as reader:
        assert reader.applied("local")["Gate/a"].digest == "new"
    assert on_disk() == "old"
    with open_state(tmp_path, context, command="apply"):
        pass
    assert on_disk() == "new"


READ_AS_ANOTHER = """
import os, sys
from pathlib import Path
from chimera.state import read_state
if os.geteuid() == 0:  # root may write everywhere, so be somebody else
    os.setuid(65534)
with read_state(Path(sys.argv[1])) as reader:
    print(len(reader.applied("local")))
"""


def test_state_in_a_folder_that_may_not_be_written_is_read(context):
    with tempfile.TemporaryDirectory() as folder:  # tmp_path is closed to others
        root = Path(folder)
        root.chmod(0o755)

        def read_as_another():
            return subprocess.run(
                [sys.executable, "-c", READ_AS_ANOTHER, folder],
                capture_output=True,
                text=True,
                cwd=Path(__file__).parents[2],
                check=False,
            ).stdout

        with open_state(root, context, command="apply") as state:
            (root / ".chimera").chmod(0o555)
            state.put_applied("local", Applied("Gate/a", "d", NOW))
            assert read_as_another() == "1\n"
            (root / ".chimera").chmod(0o755)
        (root / ".chimera").chmod(0o555)
        assert read_as_another() == "1\n"
        (root / ".chimera").chmod(0o755)
