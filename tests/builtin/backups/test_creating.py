"""What a backup holds, that it is of one moment, and what it costs."""

import os
import stat
from datetime import timedelta

import pytest

from chimera.builtin.backups import creating
from chimera.builtin.backups.choosing import store_at
from chimera.builtin.backups.copying import Copier
from chimera.builtin.backups.manifest import BackupError
from chimera.builtin.backups.store import Store
from chimera.context import Context
from chimera.model import Outcome, UsageError
from chimera.state import RunStatus

from .conftest import LARGE, content, git, started, write_run


def paths(manifest):
    return {entry.path for entry in manifest.files}


def test_backup_has_all_that_is_kept_outside_git_and_says_how_runs_stand(house):
    house.fill()
    going = house.run("Workflow/b", status=RunStatus.RUNNING)
    (house.root / ".chimera/models").mkdir()
    (house.root / ".chimera/models/of-nobody").write_text("whoever keeps it")
    made = house.create()
    assert paths(made.manifest) == content(house.root).keys() - {".gitignore"}
    first, second = made.manifest.runs
    assert (first.status, second.uid, second.status) == ("succeeded", going, "running")
    assert first.event < second.event == made.manifest.last_event
    done = house.verify()
    assert (done.outcome, done.faults) == (Outcome.PASSED, ())


def test_nothing_is_written_where_nothing_changed_and_then_only_what_did(house):
    house.fill()
    first, second = house.create(), house.create()
    assert first.written > 100_000
    assert second.written == 0
    house.record("second")
    (path,) = (house.root / ".chimera/records/Approval").glob("second.yaml")
    assert house.create().written == path.stat().st_size


def test_database_that_grew_costs_what_it_grew_by(house):
    for number in range(40):
        house.run(f"Workflow/w{number}", f"{number} " * 20_000)
    whole = house.create()
    house.run("Workflow/one", "more")
    assert 0 < house.create().written < whole.manifest.size / 3


def test_backups_while_a_process_writes_and_forgets_are_whole(house):
    house.context = Context.system()
    with started("writing.py", house.root) as writer:
        assert writer.stdout.readline() == "ready\n"
        events = [
            creating.create(house.root, house.context, house.store, "test").manifest.last_event
            for _ in range(4)
        ]
        assert writer.poll() is None
    assert events == sorted(events)
    assert len(set(events)) > 1, "it went on writing meanwhile"
    assert house.verify().faults == ()


class Meddling:
    """Does something at a moment of a backup: before its first look at files, or its second."""

    def __init__(self, monkeypatch, **moments):
        self.count = 0
        take = Copier.take

        def meddled(copier, *given):
            self.count += 1
            moments.get(f"look{self.count}", lambda: None)()
            return take(copier, *given)

        monkeypatch.setattr(Copier, "take", meddled)


def test_value_that_is_written_after_the_first_look_is_in_the_backup(house, monkeypatch):
    house.fill()
    pin = creating.pin

    def pinning(layout):
        house.run("Workflow/late", LARGE + "late")
        monkeypatch.setattr(creating, "pin", pin)
        return pin(layout)

    monkeypatch.setattr(creating, "pin", pinning)
    made = house.create()
    assert [run.target for run in made.manifest.runs] == ["Workflow/a", "Workflow/late"]
    assert house.verify().faults == ()


def test_value_that_is_written_once_the_database_is_pinned_is_not(house, monkeypatch):
    house.fill()
    Meddling(monkeypatch, look2=lambda: house.run("Workflow/late", LARGE + "late"))
    made = house.create()
    assert [run.target for run in made.manifest.runs] == ["Workflow/a"]
    assert sum(path.startswith("objects/") for path in paths(made.manifest)) == 1
    assert house.verify().faults == ()


def forget(house):
    with house.state() as state:
        state.prune(before=house.context.clock.now() + timedelta(days=1))


def test_value_that_is_forgotten_while_it_is_copied_is_no_hole(house, monkeypatch):
    house.fill()
    house.run("Workflow/old", LARGE + "old", RunStatus.CANCELLED)
    meddling = Meddling(monkeypatch, look2=lambda: forget(house))
    made = house.create()
    assert meddling.count == 2, "the first look had it"
    assert len(made.manifest.runs) == 2
    assert house.verify().faults == ()


def test_database_is_pinned_again_where_a_value_came_and_went_between_the_looks(house, monkeypatch):
    house.fill()
    pin = creating.pin

    def pinning(layout):
        house.run("Workflow/brief", LARGE + "brief", RunStatus.CANCELLED)
        monkeypatch.setattr(creating, "pin", pin)
        return pin(layout)

    monkeypatch.setattr(creating, "pin", pinning)
    meddling = Meddling(monkeypatch, look2=lambda: forget(house))
    made = house.create()
    assert meddling.count == 4
    assert [run.target for run in made.manifest.runs] == ["Workflow/a"]
    assert house.verify().faults == ()


def test_file_that_went_after_the_first_look_is_in_the_backup(house, monkeypatch):
    house.fill()
    checkpoint = house.root / ".chimera/checkpoints/old"
    checkpoint.parent.mkdir()
    checkpoint.write_text("the database may name it")
    Meddling(monkeypatch, look2=checkpoint.unlink)
    assert "checkpoints/old" in paths(house.create().manifest)


def test_damaged_database_makes_no_backup(house):
    house.fill()
    database = house.root / ".chimera/state.db"
    data = bytearray(database.read_bytes())
    data[4096 * 3 : 4096 * 6] = b"\xff" * 4096 * 3
    database.write_bytes(data)
    with pytest.raises(Exception, match="damaged"):
        house.create()
    assert house.store.names() == ()


def test_links_and_pipes_are_left_out_and_named(house, tmp_path):
    house.fill()
    folder = house.root / ".chimera"
    (tmp_path / "secret").write_text("not ours")
    (folder / "records/link.yaml").symlink_to(tmp_path / "secret")
    (folder / "elsewhere").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe")
    made = house.create()
    assert made.left_out == (
        "'elsewhere' is a symbolic link: what it leads to is not kept",
        "'pipe' is not a plain file",
        "'records/link.yaml' is a symbolic link: what it leads to is not kept",
    )
    assert not {"elsewhere", "pipe", "records/link.yaml"} & paths(made.manifest)


def test_nobody_else_can_read_a_backup(house):
    house.fill()
    house.create()
    for path in (house.store.folder, *house.store.folder.rglob("*")):
        if path.name != "lock":
            wanted = 0o700 if path.is_dir() else 0o600
            assert stat.S_IMODE(path.stat().st_mode) == wanted, path


def test_older_backups_of_this_clone_go_with_the_pieces_that_only_they_have(house):
    house.fill()
    first = house.create().name
    (house.root / ".chimera/records/Approval/first.yaml").unlink()
    house.record("second")
    kept = [house.create().name, house.create().name]
    removed, freed = creating.keep(house.store, house.context, house.root, 2)
    assert removed == (first,)
    assert freed > 0
    assert house.store.names() == tuple(sorted(kept))
    assert house.verify().faults == ()


def test_backups_of_another_clone_stay(house, tmp_path):
    house.fill()
    house.create()
    mine = house.root
    house.root = tmp_path / "other"
    house.root.mkdir()
    house.fill()
    others = house.create().name
    house.root = mine
    house.create()
    creating.keep(house.store, house.context, house.root, 1)
    assert others in house.store.names()
    assert len(house.store.names()) == 2


def test_nothing_is_removed_while_a_manifest_cannot_be_read(house):
    house.fill()
    names = [house.create().name, house.create().name]
    path = house.store.folder / f"manifests/{names[0]}.json"
    path.write_bytes(path.read_bytes().replace(b"Workflow", b"Workflaw"))
    with pytest.raises(BackupError, match="changed after it was written"):
        creating.keep(house.store, house.context, house.root, 1)
    assert house.store.names() == tuple(sorted(names))


def test_what_a_killed_backup_left_is_removed_by_the_next(house):
    house.fill()
    house.create()
    lone = house.store.folder / "pieces/ab" / ("c" * 62)
    lone.parent.mkdir(exist_ok=True)
    lone.write_bytes(b"left")
    house.store.drafts.mkdir()
    (house.store.drafts / "state.db").write_bytes(b"half")
    assert house.verify().faults == ()
    house.create()
    assert not lone.exists()
    assert not house.store.drafts.exists()


def test_ref_of_evidence_is_in_it_and_costs_nothing_while_it_stays(house):
    git(house.root, "init", "-q", "-b", "main")
    git(house.root, "commit", "-q", "--allow-empty", "-m", "first")
    house.fill()
    assert house.create().manifest.evidence is None
    tip = git(house.root, "rev-parse", "HEAD")
    git(house.root, "update-ref", "refs/chimera/evidence", tip)
    made = house.create()
    assert made.manifest.evidence == tip
    assert made.manifest.origin.began == (tip,)
    assert house.create().written == 0
    assert house.verify().faults == ()


def test_folder_inside_the_repository_and_one_of_other_things_are_refused(house, tmp_path):
    house.fill()
    with pytest.raises(UsageError, match="inside the repository"):
        store_at(house.root, house.root / "backups")
    with pytest.raises(UsageError, match="inside the repository"):
        store_at(house.root, house.root / ".chimera/backups")
    (tmp_path / "home").mkdir(mode=0o755)
    (tmp_path / "home/letter").write_text("dear")
    house.store = Store(tmp_path / "home")
    with pytest.raises(BackupError, match="holds 'letter', and no backups"):
        house.create()
    assert stat.S_IMODE((tmp_path / "home").stat().st_mode) == 0o755


def test_default_folder_is_the_users_own(house, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert store_at(house.root, None).folder == tmp_path / "data/chimera/backups/team"


def test_two_backups_at_a_time_are_one_after_the_other(house):
    house.fill()
    with (
        house.store.writing(house.context),
        pytest.raises(Exception, match="is in use by"),
    ):
        house.create()


def test_without_a_state_there_is_nothing_to_save(house):
    with pytest.raises(UsageError, match="nothing to save"):
        house.create()


def test_run_of_a_state_being_written_is_not_half_there(house):
    house.fill()
    with house.state() as state, state.transaction():
        write_run(state, house.context, "Workflow/open", LARGE + "open")
        made = house.create()
    assert [run.target for run in made.manifest.runs] == ["Workflow/a"]
    assert house.verify().faults == ()
