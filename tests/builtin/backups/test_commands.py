"""`chimera backup` and `chimera restore`, as a user types them, while a run goes on beside."""

from __future__ import annotations

import json
import os
import sys
import time

import pytest

from chimera.cli.main import run
from chimera.state import RunStatus, read_state

from .conftest import git

SLOW = """\
apiVersion: chimera/v1
kind: Workflow
metadata: {name: slow}
spec:
  trigger: apply
  stages:
    - id: first
      operation: command
      inputs: {argv: [sh, -c, 'echo first >> .chimera/out/said']}
      timeout: 1m
    - id: second
      operation: command
      inputs: {argv: [sh, -c, 'while [ ! -e go ]; do sleep 0.02; done']}
      dependencies: [first]
      timeout: 1m
    - id: third
      operation: command
      inputs: {argv: [sh, -c, 'echo third >> .chimera/out/said']}
      dependencies: [second]
      timeout: 1m
"""


@pytest.fixture
def root(tmp_path, monkeypatch):
    found = tmp_path / "team"
    (found / "specs").mkdir(parents=True)
    (found / ".chimera/out").mkdir(parents=True)
    (found / ".gitignore").write_text(".chimera/\ngo\n")
    (found / "specs/slow.yaml").write_text(SLOW)
    git(found, "init", "-q", "-b", "main")
    git(found, "add", "-A")
    git(found, "commit", "-q", "-m", "first")
    monkeypatch.chdir(found)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return found


@pytest.fixture
def chimera(root, capsys, monkeypatch):
    def answer(*arguments):
        monkeypatch.setattr(sys, "argv", ["chimera", *arguments])
        code = run(list(arguments))
        said = capsys.readouterr()
        return code, said.out, said.err

    return answer


def forked_apply():
    """Start an apply in a process of its own, without the time that an interpreter takes."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            sink = os.open(os.devnull, os.O_WRONLY)
            os.dup2(sink, 1)
            os.dup2(sink, 2)
            code = run(["apply"])
        finally:
            os._exit(code)
    return pid


def test_backup_of_a_run_that_goes_on_and_its_restoration(chimera, root, tmp_path):
    pid = forked_apply()
    try:
        while not (root / ".chimera/out/said").exists():
            time.sleep(0.02)
        code, out, _ = chimera("backup", "--keep", "5")
        assert (code, "1 run, 1 of them not over" in out) == (0, True)
        code, _, err = chimera("restore", "latest")
        assert (code, "in use by" in err) == (1, True)
    finally:
        (root / "go").touch()
        assert os.waitpid(pid, 0)[1] == 0
    assert "saved " in chimera("backup")[1]
    code, out, _ = chimera("backup", "list", "-o", "json")
    newest, oldest = json.loads(out)["backups"]
    assert (newest["runs"][0]["status"], oldest["runs"][0]["status"]) == ("succeeded", "running")
    assert (tmp_path / "data/chimera/backups/team/manifests").is_dir()
    code, out, _ = chimera("backup", "verify")
    assert (code, out.startswith("whole: 2 backups")) == (0, True)

    code, out, _ = chimera("restore", oldest["backup"])
    assert code == 0
    assert "1 run had not ended then and can go on from there" in out
    assert "`chimera restore --undo`" in out
    assert (root / ".chimera/out/said").read_text() == "first\n"
    assert chimera("apply")[0] == 0, "the interrupted run goes on where the backup has it"
    assert (root / ".chimera/out/said").read_text() == "first\nthird\n"
    with read_state(root) as state:
        (one,) = state.runs()
        assert (one.uid, one.status) == (newest["runs"][0]["uid"], RunStatus.SUCCEEDED)

    uid = one.uid
    code, out, _ = chimera("backup", "list", "--run", uid[:20])
    assert (code, f"RUN {uid}" in out, "running" in out) == (0, True, True)
    code, out, _ = chimera("restore", "--run", uid)
    assert (code, f"at which run {uid} ended" in out) == (0, True)
    code, out, _ = chimera("restore", "--undo", "-o", "json")
    assert (code, json.loads(out)["undone"]) == (0, True)
    assert git(root, "status", "--porcelain") == ""
    code, _, err = chimera("restore")
    assert (code, "nothing says what is to be restored" in err) == (4, True)
    code, _, err = chimera("restore", "2000")
    assert (code, "no backup begins with '2000'" in err) == (4, True)


def test_folder_of_backups_is_named_by_option_or_environment(chimera, root, tmp_path, monkeypatch):
    (root / ".chimera/out/said").write_text("x")
    assert f"in {tmp_path / 'disk'}" in chimera("backup", "--to", str(tmp_path / "disk"))[1]
    monkeypatch.setenv("CHIMERA_BACKUPS", str(tmp_path / "disk"))
    assert "1 backup in" in chimera("backup", "list")[1]
    assert chimera("backup", "create", "--verify")[0] == 0
    code, _, err = chimera("backup", "--to", "here")
    assert (code, "inside the repository" in err) == (4, True)
    code, out, _ = chimera("backup", "--help")
    assert (code, "create" in out and "verify" in out) == (0, True)


def test_verify_fails_and_says_what_is_damaged(chimera, root, tmp_path):
    (root / ".chimera/out/said").write_text("x" * 100)
    chimera("backup")
    (piece,) = (tmp_path / "data/chimera/backups/team/pieces").glob("??/*")
    piece.write_bytes(b"y" * 100)
    code, out, _ = chimera("backup", "verify", "-o", "json")
    (fault,) = json.loads(out)["faults"]
    assert code == 1
    assert f"{piece} is damaged" in fault
    assert "part of out/said in 20" in fault
    code, _, err = chimera("restore", "latest")
    assert (code, "is damaged" in err) == (1, True)
    assert "`chimera backup verify` says which backups have it" in err
