"""What is wrong with a backup is found and named: any bit, any file, any edit."""

import json
import random

import pytest

from chimera.builtin.backups.manifest import (
    BUNDLE,
    BackupError,
    decode,
    name_of,
)
from chimera.model import Outcome, canonical_json

from .conftest import LARGE, git


def files(house):
    return list(house.store.paths())


@pytest.fixture
def saved(house):
    """Two backups, of which the second shares most with the first."""
    git(house.root, "init", "-q", "-b", "main")
    git(house.root, "commit", "-q", "--allow-empty", "-m", "first")
    git(house.root, "update-ref", "refs/chimera/evidence", "HEAD")
    house.fill()
    house.create()
    house.run("Workflow/b", LARGE + "b")
    house.create()
    return house


def test_whole_backups_are_read_and_restored(saved):
    done = saved.verify()
    assert (done.outcome, done.faults, len(done.tried)) == (Outcome.PASSED, (), 2)
    assert done.size > 0


def test_flipped_bit_in_any_file_is_found_and_named(saved):
    bits = random.Random(7)
    for path in files(saved):
        whole = path.read_bytes()
        for _ in range(3):
            data = bytearray(whole)
            data[bits.randrange(len(data))] ^= 1 << bits.randrange(8)
            path.write_bytes(data)
            faults = saved.verify(tries=False).faults
            assert len(faults) == 1
            assert path.stem in faults[0]
            if path.suffix != ".json":
                assert "damaged" in faults[0]
                assert " in 20" in faults[0], "which file of which backup it is part of"
        path.write_bytes(whole)
    assert saved.verify().faults == ()


def test_missing_file_is_found_and_named(saved):
    for path in files(saved):
        whole = path.read_bytes()
        path.unlink()
        faults = saved.verify(tries=False).faults
        if path.suffix == ".json":  # then its pieces are nobody's
            assert all("belongs to no backup" in fault for fault in faults)
        else:
            assert [f"{path} is missing" in fault for fault in faults] == [True]
        path.write_bytes(whole)


@pytest.mark.parametrize(
    "name", ["pieces/00/stranger", "manifests/other.json", "note.txt", "pieces/loose", "more/x"]
)
def test_file_that_is_not_chimeras_is_found_and_named(saved, name):
    path = saved.store.folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine")
    assert saved.verify(tries=False).faults == (f"{path} belongs to no backup",)


def test_link_in_the_place_of_a_piece_is_not_followed(saved, tmp_path):
    path = next(path for path in files(saved) if path.suffix != ".json")
    (tmp_path / "same").write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(tmp_path / "same")
    (fault,) = saved.verify(tries=False).faults
    assert f"{path} cannot be read" in fault


def test_edited_manifest_is_told_and_restores_nothing(saved):
    name = saved.store.names()[0]
    path = saved.store.folder / f"manifests/{name}.json"
    value = json.loads(path.read_bytes())
    value["runs"][0][3] = "failed"
    path.write_bytes(canonical_json(value))
    assert any(f"manifest of {name} was changed" in fault for fault in saved.verify().faults)
    with pytest.raises(BackupError, match="was changed after it was written"):
        saved.restore(name)


def test_room_that_finds_its_files_wanting_is_heard(saved):
    """Digests agree: the damage was there before the backup was made."""
    (path,) = (saved.root / ".chimera/evidence").glob("*.json")
    path.write_bytes(path.read_bytes() + b" ")
    made = saved.create()
    assert saved.verify(tries=False).faults == ()
    (fault,) = saved.verify().faults
    assert fault.startswith(f"{made.name}: evidence: {path.name} is not what its name says")


def test_large_value_that_was_damaged_before_is_found_by_the_trial(saved):
    path = next((saved.root / ".chimera/objects").glob("??/*"))
    path.write_bytes(b"y" + path.read_bytes()[1:])
    made = saved.create()
    (fault,) = saved.verify().faults
    assert fault == f"{made.name}: objects: {path.parent.name}/{path.name} is damaged"


def test_without_a_backup_nothing_was_exercised(house):
    assert house.verify().outcome is Outcome.NOT_EXERCISED


def manifest_of(**changes):
    """Return a manifest that names its own digest, as an attacker would write one."""
    value = {
        "format": "chimera-backup/1",
        "at": "2026-11-21T12:00:00+00:00",
        "chimera": "1",
        "repository": {"path": "/team", "began": []},
        "state": {"format": 3, "lastEvent": 0},
        "runs": [],
        "evidence": None,
        "files": [["records/a.yaml", 1, 0o644, ["a" * 64], ["1", "2", "3"]]],
        **changes,
    }
    data = canonical_json(value)
    return name_of(str(value["at"]), data), data


def file(path, size=1, mode=0o644, pieces=("a" * 64,), times=("1", "2", "3")):
    return [path, size, mode, list(pieces), list(times)]


def test_manifest_as_it_is_written_is_read():
    assert decode(*manifest_of()).files[0].path == "records/a.yaml"


@pytest.mark.parametrize(
    "path",
    [
        "../../.bashrc",
        "/etc/passwd",
        "records/../../x",
        "records//x",
        "./x",
        "",
        "a\\b",
        "a\nb",
        "a\0b",
        "x" * 5000,
        "lock",
        "LOCK",
        "restore.json",
        "before-restore/x",
        "state.db-wal",
        ".gitignore",
    ],
)
def test_path_that_leads_out_of_the_folder_is_refused(path):
    with pytest.raises(BackupError, match="was changed after it was written"):
        decode(*manifest_of(files=[file(path)]))


@pytest.mark.parametrize(
    "changes",
    [
        {"files": [file("a"), file("a")]},
        {"files": [file("a"), file("A")]},
        {"files": [file("a"), file("a/b")]},
        {"files": [file("a", size=300_000)]},
        {"files": [file("a", size=-1, pieces=[])]},
        {"files": [file("a", pieces=["../../../../etc/passwd"])]},
        {"files": [file("a", times=["x", "1", "1"])]},
        {"files": [["a"]]},
        {"files": "a"},
        {"runs": [["uid"]]},
        {"runs": [["uid", "local", "a", "succeeded", "1", "at"]]},
        {"evidence": "main"},
        {"evidence": "a" * 40},
        {"files": [file(BUNDLE)]},
        {"repository": {"path": 1, "began": []}},
        {"state": {"format": True, "lastEvent": 0}},
        {"more": 1},
        {"at": 1},
    ],
)
def test_manifest_that_chimera_did_not_write_is_refused(changes):
    with pytest.raises(BackupError, match="was changed after it was written"):
        decode(*manifest_of(**changes))


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"\xff", b'{"format": 1}', b"[" * 100_000])
def test_what_is_no_manifest_is_refused(data):
    with pytest.raises(BackupError, match="was changed after it was written"):
        decode("20261121T120000Z-" + "0" * 16, data)


def test_later_format_is_refused_for_what_it_is():
    name, data = manifest_of(format="chimera-backup/2", files={"unheard": "of"})
    with pytest.raises(BackupError, match="has format 2, and this version of Chimera knows 1"):
        decode(name, data)


def test_huge_modes_lose_what_gives_rights():
    manifest = decode(*manifest_of(files=[file("a", mode=0o755)]))
    assert manifest.files[0].mode == 0o755
    with pytest.raises(BackupError):
        decode(*manifest_of(files=[file("a", mode=0o4755)]))
