"""A restore brings all of it back, and loses nothing of what was there."""

import errno
import os
import sqlite3

import pytest

from chimera.builtin.backups import replacing, restoring
from chimera.builtin.backups.choosing import LATEST, choose
from chimera.builtin.backups.manifest import BackupError
from chimera.model import ChimeraError, StateError, UsageError
from chimera.state import Holding, RunStatus, backing, migrations, open_state, read_state

from .conftest import HOLDINGS, LARGE, content, git


@pytest.fixture
def saved(house):
    """A backup, and a state that went on since."""
    house.fill()
    house.saved = house.create().name
    house.was = runs(house)
    house.run("Workflow/later", LARGE + "later")
    house.record("later")
    return house


@pytest.fixture
def house(house):
    class Free(type(house)):
        pass

    house.__class__ = Free  # a place for what fixtures add
    return house


def runs(house):
    with read_state(house.root) as state:
        return [(run.target, run.status, state.events(run.uid)) for run in state.runs()]


def test_all_is_as_it_was_and_what_was_there_is_kept(saved):
    before = content(saved.root)
    now = runs(saved)
    done = saved.restore(saved.saved)
    assert runs(saved) == saved.was
    assert content(saved.root).keys() < before.keys()
    kept = {p.relative_to(done.kept).as_posix() for p in done.kept.rglob("*") if p.is_file()}
    assert before.keys() <= kept
    again = saved.undo()
    assert runs(saved) == now
    assert content(saved.root) == before
    assert again.kept.is_dir()
    saved.undo()
    assert runs(saved) == saved.was, "going back is gone back from"


def test_state_goes_on_after_a_restore(saved):
    saved.restore(saved.saved)
    uid = saved.run("Workflow/after", LARGE + "after")
    with read_state(saved.root) as state:
        assert state.run(uid).status is RunStatus.SUCCEEDED
        assert state.events(uid)[-1].data == LARGE + "after"


def test_times_of_files_come_back(saved):
    path = saved.root / ".chimera/records/Approval/first.yaml"
    os.utime(path, ns=(10**18, 10**18))
    name = saved.create().name
    path.unlink()
    saved.restore(name)
    assert path.stat().st_mtime_ns == 10**18


def test_state_that_was_lost_comes_back_in_a_fresh_clone(saved, tmp_path):
    saved.root = tmp_path / "fresh"
    saved.root.mkdir()
    done = saved.restore(saved.saved)
    assert runs(saved) == saved.was
    assert done.kept is None, "there was nothing to keep"
    assert {p.name for p in saved.root.iterdir()} == {".chimera"}


def test_damaged_state_is_replaced_and_kept(saved):
    (saved.root / ".chimera/state.db").write_bytes(b"nothing that SQLite knows" * 1000)
    with pytest.raises(StateError), open_state(saved.root, saved.context, command="x"):
        pass
    done = saved.restore(saved.saved)
    assert runs(saved) == saved.was
    assert list(done.kept.glob("state.db.corrupt-*"))


def test_restore_is_refused_while_something_runs(saved):
    before = runs(saved)
    with saved.state(), pytest.raises(StateError, match="in use by"):
        saved.restore(saved.saved)
    assert runs(saved) == before
    assert {p.name for p in saved.root.iterdir()} == {".chimera"}


def test_who_waits_for_the_lock_gets_the_new_state(saved, monkeypatch):
    """Both locks are held while the folders change places."""
    put = replacing.put_in_place

    def putting(layout):
        put(layout)
        with pytest.raises(StateError, match="in use by"):
            open_state(saved.root, saved.context, command="waiting")

    monkeypatch.setattr("chimera.builtin.backups.restoring.put_in_place", putting)
    saved.restore(saved.saved)
    with saved.state() as state:
        assert len(state.runs()) == 1
    saved.undo()
    with saved.state() as state:
        assert len(state.runs()) == 2


def test_damaged_backup_changes_nothing(saved):
    before = content(saved.root)
    piece = next(path for path in saved.store.paths() if path.suffix != ".json")
    piece.write_bytes(b"x" + piece.read_bytes()[1:])
    with pytest.raises(BackupError, match="is damaged"):
        saved.restore(saved.saved)
    assert content(saved.root) == before
    assert {p.name for p in saved.root.iterdir()} == {".chimera"}


def test_backup_that_a_room_does_not_trust_changes_nothing(saved):
    (path,) = (saved.root / ".chimera/evidence").glob("*.json")
    path.write_bytes(path.read_bytes() + b" ")
    name = saved.create().name
    before = content(saved.root)
    with pytest.raises(BackupError, match=r"were damaged before.*: evidence: .* is not what"):
        saved.restore(name)
    assert content(saved.root) == before
    saved.restore(name, accepts_faults=True)
    assert path.read_bytes().endswith(b" ")


def test_backup_of_another_repository_has_to_be_meant(saved, tmp_path):
    saved.root = tmp_path / "other"
    saved.root.mkdir()
    known, origin = saved.known(), saved.origin
    with pytest.raises(BackupError, match="is of another repository"):
        choose(saved.store, known, saved.saved, origin, any_origin=False)
    with pytest.raises(UsageError, match="there is no backup of this repository"):
        choose(saved.store, known, LATEST, origin, any_origin=False)
    meant = choose(saved.store, known, saved.saved[:17], origin, any_origin=True)
    assert meant.name == saved.saved


def test_fresh_clone_finds_the_backups_of_the_only_other_one(house, tmp_path):
    git(house.root, "init", "-q", "-b", "main")
    git(house.root, "commit", "-q", "--allow-empty", "-m", "first")
    house.fill()
    name = house.create().name
    git(tmp_path, "clone", "-q", str(house.root), "clone")
    old, house.root = house.root, tmp_path / "clone"
    found = choose(house.store, house.known(), LATEST, house.origin, any_origin=False)
    assert found.name == name
    git(tmp_path, "clone", "-q", str(old), "third")
    house.root = tmp_path / "third"
    house.fill()
    house.create()
    house.root = tmp_path / "fourth"
    git(tmp_path, "clone", "-q", str(old), "fourth")
    with pytest.raises(UsageError, match="are of 2 clones"):
        choose(house.store, house.known(), LATEST, house.origin, any_origin=False)


def test_newest_that_cannot_be_read_is_not_passed_over(saved):
    newest = saved.create().name
    path = saved.store.folder / f"manifests/{newest}.json"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BackupError, match=f"manifest of {newest} was changed"):
        choose(saved.store, saved.known(), LATEST, saved.origin, any_origin=False)


def test_database_of_an_earlier_format_is_brought_to_the_present_one(house, monkeypatch):
    with monkeypatch.context() as patch:
        for module in ("migrations", "database", "backing"):
            patch.setattr(f"chimera.state.{module}.MIGRATIONS", migrations.MIGRATIONS[:2])
        with house.state() as state:
            state._writing.execute("INSERT INTO spec VALUES ('sha256:s', NULL)")
            state._writing.execute(
                "INSERT INTO run (id, uid, environment, target, spec, status, epoch, actor,"
                " created, updated) VALUES (1, 'old', 'local', 'Workflow/a', 'sha256:s',"
                " 'failed', 1, 'ada', '2026-01-01T00:00:00+00:00', '2026-01-01T00:00:00+00:00')"
            )
        made = house.create()
    assert made.manifest.format == 2
    assert house.verify().faults == ()
    house.restore(made.name)
    with house.state() as state:
        assert state.run("old").status is RunStatus.FAILED


def test_database_of_a_later_format_is_refused(saved, monkeypatch):
    monkeypatch.setattr(backing, "MIGRATIONS", migrations.MIGRATIONS[:1])
    with pytest.raises(BackupError, match=r"database of the backup .* has format"):
        saved.restore(saved.saved)


def test_ref_of_evidence_comes_back_and_the_present_one_is_kept(house):
    git(house.root, "init", "-q", "-b", "main")
    for number in range(2):
        git(house.root, "commit", "-q", "--allow-empty", "-m", str(number))
    git(house.root, "update-ref", "refs/chimera/evidence", "HEAD~1")
    house.fill()
    name = house.create().name
    git(house.root, "update-ref", "refs/chimera/evidence", "HEAD")
    done = house.restore(name)
    assert git(house.root, "rev-parse", "refs/chimera/evidence", "HEAD~1").split()[0] == (
        git(house.root, "rev-parse", "HEAD~1")
    )
    kept = f"refs/chimera/before-restore/{done.kept.name}"
    assert git(house.root, "rev-parse", kept) == git(house.root, "rev-parse", "HEAD")
    house.undo()
    assert git(house.root, "rev-parse", "refs/chimera/evidence") == (
        git(house.root, "rev-parse", "HEAD")
    )
    assert git(house.root, "status", "--porcelain") == ""


def test_ref_of_evidence_comes_back_where_its_commits_are_gone(house, tmp_path):
    git(house.root, "init", "-q", "-b", "main")
    git(house.root, "commit", "-q", "--allow-empty", "-m", "first")
    tree = git(house.root, "write-tree")
    lone = git(house.root, "commit-tree", tree, "-m", "evidence")
    git(house.root, "update-ref", "refs/chimera/evidence", lone)
    house.fill()
    name = house.create().name
    git(tmp_path, "clone", "-q", str(house.root), "clone")
    house.root = tmp_path / "clone"
    house.restore(name)
    assert git(house.root, "rev-parse", "refs/chimera/evidence") == lone


def test_where_folders_cannot_be_exchanged_they_are_renamed(saved, monkeypatch):
    monkeypatch.setattr(replacing, "exchange", lambda first, second: False)
    now = runs(saved)
    done = saved.restore(saved.saved)
    assert runs(saved) == saved.was
    assert {p.name for p in saved.root.iterdir()} == {".chimera"}
    assert (done.kept / "state.db").is_file()
    saved.undo()
    assert runs(saved) == now


def test_folder_that_cannot_be_moved_is_told_and_stays(saved, monkeypatch):
    def busy(first, second):
        raise OSError(errno.EBUSY, "Device or resource busy")

    now = runs(saved)
    monkeypatch.setattr(replacing, "exchange", busy)
    with pytest.raises(BackupError, match="cannot be replaced: Device or resource busy"):
        saved.restore(saved.saved)
    assert runs(saved) == now
    assert {p.name for p in saved.root.iterdir()} == {".chimera"}


@pytest.mark.parametrize("name", [".chimera.restoring", ".chimera.replaced"])
def test_what_only_a_restore_leaves_cannot_come_with_the_repository(saved, name):
    git(saved.root, "init", "-q", "-b", "main")
    (saved.root / name / ".chimera").mkdir(parents=True)
    (saved.root / name / ".chimera/state.db").write_bytes(b"theirs")
    git(saved.root, "add", "-f", name)
    with pytest.raises(StateError, match="came with the repository"):
        saved.restore(saved.saved)
    assert (saved.root / name / ".chimera/state.db").read_bytes() == b"theirs"


def test_link_where_a_restore_makes_a_folder_is_refused(saved, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (saved.root / ".chimera.restoring").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StateError, match="symbolic link"):
        saved.restore(saved.saved)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_what_stops_and_what_was_decided_outlasts_a_restore(saved):
    """A kill switch that was engaged since is engaged, a rejection is there, a spent one spent."""
    switch = saved.root / ".chimera/guards/payments.one.json"
    switch.parent.mkdir()
    switch.write_text("engaged since")
    (saved.root / ".chimera/records/Approval/first.yaml").write_text("the backup's own counts")
    spent = "sha256:" + "e" * 64
    with saved.state() as state:
        state.spend("local", "Gate/g", [spent])
    holdings = [*HOLDINGS, Holding("guards", "switches", stays=True)]
    one = choose(saved.store, saved.known(), saved.saved, saved.origin, any_origin=False)
    done = restoring.restore(saved.root, saved.context, saved.store, one, holdings)
    records = saved.root / ".chimera/records/Approval"
    assert switch.read_text() == "engaged since"
    assert "first" in (records / "first.yaml").read_text()
    assert done.carried.files == ("guards/payments.one.json", "records/Approval/later.yaml")
    assert (done.carried.spent, done.carried.doubt) == (1, None)
    with read_state(saved.root) as state:
        assert state.spent("local") == {(spent, "Gate/g")}
    switch.unlink()
    restoring.undo(saved.root, saved.context, holdings)
    assert switch.exists(), "it was engaged in what is back: only its release takes it back"


def test_spent_approvals_of_a_damaged_state_are_not_known_and_that_is_said(saved):
    (saved.root / ".chimera/state.db").write_bytes(b"nothing that SQLite knows" * 1000)
    done = saved.restore(saved.saved)
    assert "damaged" in done.carried.doubt


def test_without_an_earlier_restore_there_is_nothing_to_undo(saved):
    with pytest.raises(BackupError, match="nothing to go back to"):
        saved.undo()


def test_replaced_states_are_in_no_backup(saved):
    saved.restore(saved.saved)
    made = saved.create()
    assert not any(entry.path.startswith("before-restore") for entry in made.manifest.files)


def test_disk_without_room_changes_nothing(saved, monkeypatch):
    before = content(saved.root)
    usage = type("Usage", (), {"free": 10})
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)
    with pytest.raises(BackupError, match="MiB free"):
        saved.restore(saved.saved)
    assert content(saved.root) == before


def test_going_runs_are_named_and_go_on(house):
    uid = house.run("Workflow/going", status=RunStatus.RUNNING)
    name = house.create().name
    with house.state() as state:
        state.record(uid, status=RunStatus.SUCCEEDED)
    assert house.restore(name).going == (uid,)
    with read_state(house.root) as state:
        assert state.run(uid).status is RunStatus.RUNNING


def test_copy_that_is_opened_is_one_of_the_whole_database(saved):
    saved.restore(saved.saved)
    with sqlite3.connect(saved.root / ".chimera/state.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_error_in_the_middle_leaves_nothing_behind(saved, monkeypatch):
    before = content(saved.root)

    def fail(*given):
        raise ChimeraError("a bad moment")

    monkeypatch.setattr("chimera.builtin.backups.restoring.put_in_place", fail)
    with pytest.raises(ChimeraError, match="a bad moment"):
        saved.restore(saved.saved)
    assert content(saved.root) == before
    assert {p.name for p in saved.root.iterdir()} == {".chimera"}


def test_what_restores_replaced_stays_where_they_said(saved):
    saved.tick = lambda seconds=0: None  # the clock stands still
    kept = [saved.restore(saved.saved).kept for _ in range(3)]
    assert len(set(kept)) == 3
    assert all((path / "state.db").is_file() for path in kept)
    saved.undo()
    assert {*kept[:2]} <= {*kept[0].parent.iterdir()}
