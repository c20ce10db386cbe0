"""The operations `file.*`, on a real folder."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from chimera.model import digest_bytes
from chimera.runtime import PermanentError

OUT = ".chimera/out"


def test_what_is_written_can_be_read(perform, root: Path) -> None:
    path = f"{OUT}/deep/note.json"
    written = perform("file.write", {"path": path, "content": '{"ä": 1}'})
    data = (root / path).read_bytes()
    assert written == {"path": path, "size": len(data), "digest": digest_bytes(data)}
    outputs = perform("file.read", {"path": path, "jsonOutput": True})
    assert outputs == {
        "text": '{"ä": 1}',
        "json": {"ä": 1},
        "size": len(data),
        "digest": written["digest"],
    }


def test_writing_again_changes_nothing_and_leaves_nothing_behind(perform, root: Path) -> None:
    given = {"path": f"{OUT}/x", "content": "one"}
    assert perform("file.write", given) == perform("file.write", given)
    assert [path.name for path in (root / OUT).iterdir()] == ["x"]


def test_a_killed_attempt_does_not_stop_the_next(perform, root: Path) -> None:
    (root / OUT).mkdir(parents=True)
    (root / OUT / f".{'k' * 16}.part").write_text("half")
    perform("file.write", {"path": f"{OUT}/x", "content": "whole"})
    assert [path.name for path in (root / OUT).iterdir()] == ["x"]


def test_appending_adds_to_the_end(perform, root: Path) -> None:
    for text in ("one\n", "two\n"):
        outputs = perform("file.append", {"path": f"{OUT}/log", "content": text})
    assert (root / OUT / "log").read_text() == "one\ntwo\n"
    assert outputs["size"] == 8
    assert outputs["digest"] == digest_bytes(b"two\n")


def test_copying_copies_the_content(perform, root: Path) -> None:
    (root / "a").write_bytes(b"\0\xff")
    outputs = perform("file.copy", {"source": "a", "destination": f"{OUT}/b"})
    assert (root / OUT / "b").read_bytes() == b"\0\xff"
    assert outputs["digest"] == digest_bytes(b"\0\xff")


@pytest.mark.parametrize(
    "path", ["README.md", ".chimera/state/x", f"{OUT}/../state/x", "/etc/passwd", "../x", OUT]
)
@pytest.mark.parametrize("operation", ["file.write", "file.append"])
def test_only_the_out_folder_is_written(perform, operation: str, path: str) -> None:
    with pytest.raises(PermanentError, match="path"):
        perform(operation, {"path": path, "content": "x"})


@pytest.mark.parametrize("operation", ["file.write", "file.append"])
def test_a_symlink_leads_no_write_out_of_the_tree(
    perform, root: Path, tmp_path: Path, operation: str
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (root / ".chimera").symlink_to(outside)
    with pytest.raises(PermanentError, match="cannot enter"):
        perform(operation, {"path": f"{OUT}/x", "content": "x"})
    assert not list(outside.iterdir())


def test_a_symlink_at_the_end_is_replaced_or_refused(perform, root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("mine")
    (root / OUT).mkdir(parents=True)
    (root / OUT / "x").symlink_to(outside)
    with pytest.raises(PermanentError, match="cannot write"):
        perform("file.append", {"path": f"{OUT}/x", "content": "x"})
    perform("file.write", {"path": f"{OUT}/x", "content": "x"})
    assert outside.read_text() == "mine"
    assert not (root / OUT / "x").is_symlink()


@pytest.mark.parametrize("target", ["/etc/passwd", "../outside", "inside"])
def test_reading_follows_no_symlink(perform, root: Path, tmp_path: Path, target: str) -> None:
    (tmp_path / "outside").write_text("secret")
    (root / "inside").write_text("x")
    (root / "link").symlink_to(target)
    with pytest.raises(PermanentError, match="cannot read 'link'"):
        perform("file.read", {"path": "link"})


def test_reading_is_bounded_and_waits_for_nobody(perform, root: Path) -> None:
    (root / "big").write_bytes(b"x" * 100)
    with pytest.raises(PermanentError, match="larger than 99 bytes"):
        perform("file.read", {"path": "big", "maxBytes": 99})
    assert perform("file.read", {"path": "big", "maxBytes": 100})["size"] == 100
    os.mkfifo(root / "pipe")
    (root / "folder").mkdir()
    for path in ("pipe", "folder", "missing"):
        with pytest.raises(PermanentError, match=f"cannot read '{path}'"):
            perform("file.read", {"path": path})


def test_reading_refuses_what_is_no_text(perform, root: Path) -> None:
    (root / "blob").write_bytes(b"a\xff")
    with pytest.raises(PermanentError, match=r"not UTF-8 text: .* at byte 1"):
        perform("file.read", {"path": "blob"})
    (root / "text").write_text("{")
    with pytest.raises(PermanentError, match="not JSON"):
        perform("file.read", {"path": "text", "jsonOutput": True})


def test_a_digest_changes_with_the_files_that_match_and_no_others(perform, root: Path) -> None:
    subprocess.run(["git", "init", "-q", root], check=True)
    (root / ".gitignore").write_text("*.pyc\n.chimera/\n")
    (root / "src").mkdir()
    (root / "src/a.py").write_text("a")
    (root / "src/b.txt").write_text("b")
    given = {"paths": ["src/**/*.py", "src/*.pyc"]}
    first = perform("file.digest", given)
    assert first["count"] == 1
    (root / "src/b.txt").write_text("changed")
    (root / "src/a.pyc").write_text("ignored")
    assert perform("file.digest", given) == first
    (root / "src/a.py").write_text("changed")
    assert perform("file.digest", given) != first


def test_what_stages_wrote_is_digested_too(perform, root: Path, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", root], check=True)
    (root / ".gitignore").write_text(".chimera/\n")
    perform("file.write", {"path": f"{OUT}/schemas/a.json", "content": "{}"})
    (root / OUT / "schemas/link").symlink_to(tmp_path)
    outputs = perform("file.digest", {"paths": [f"{OUT}/schemas/**"]})
    assert outputs["count"] == 1


def test_a_digest_of_nothing_is_a_failure(perform, root: Path) -> None:
    subprocess.run(["git", "init", "-q", root], check=True)
    with pytest.raises(PermanentError, match=r"no file matches src/\*\*"):
        perform("file.digest", {"paths": ["src/**"]})
