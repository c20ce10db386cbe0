"""Folders change places in one step."""

import pytest

from chimera.context import exchange, sync_file, sync_folder


def test_two_folders_change_places(tmp_path):
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).write_text(name)
    if not exchange(tmp_path / "one", tmp_path / "other"):
        pytest.skip("this system or its file system cannot")
    assert (tmp_path / "one/other").read_text() == "other"
    assert (tmp_path / "other/one").read_text() == "one"


def test_nothing_changes_where_one_is_missing(tmp_path):
    (tmp_path / "one").mkdir()
    with pytest.raises(FileNotFoundError):
        exchange(tmp_path / "one", tmp_path / "missing")
    assert (tmp_path / "one").is_dir()


def test_file_and_folder_are_brought_to_disk(tmp_path):
    (tmp_path / "file").write_text("x")
    sync_file(tmp_path / "file")
    sync_folder(tmp_path)
    with pytest.raises(FileNotFoundError):
        sync_folder(tmp_path / "missing")
