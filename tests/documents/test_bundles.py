"""A ref as a file: what it holds comes back, and nothing else does."""

import os
import subprocess

import pytest

from chimera.documents.bundles import (
    bundle_fault,
    first_commits,
    ref_tip,
    set_ref,
    unpack_bundle,
    write_bundle,
)
from chimera.model import GitError

REF = "refs/chimera/evidence"


def git(root, *arguments):
    identity = {
        f"GIT_{who}_{what}": "a" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    environment = {**os.environ, **identity, "GIT_CONFIG_GLOBAL": "/dev/null"}
    done = subprocess.run(
        ["git", *arguments], cwd=root, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path):
    root = tmp_path / "team"
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    (root / "file").write_text("x")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "first")
    git(root, "commit", "-q", "--allow-empty", "-m", "second")
    git(root, "update-ref", REF, "HEAD")
    return root


def test_ref_comes_back_in_another_repository(repository, tmp_path):
    commit = ref_tip(repository, REF)
    write_bundle(repository, REF, tmp_path / "bundle")
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    assert (ref_tip(other, REF), first_commits(other)) == (None, ())
    unpack_bundle(other, tmp_path / "bundle", REF, commit)
    assert ref_tip(other, REF) is None, "unpacking changes no ref"
    set_ref(other, REF, commit)
    assert ref_tip(other, REF) == commit
    assert git(other, "show", f"{REF}:file") == "x"


def test_bundle_of_another_ref_or_commit_and_a_damaged_one_are_told(repository, tmp_path):
    commit = ref_tip(repository, REF)
    write_bundle(repository, REF, tmp_path / "bundle")
    faults = []
    for number, (ref, told) in enumerate(
        [(REF, commit), ("refs/heads/main", commit), (REF, git(repository, "rev-parse", "HEAD~1"))]
    ):
        (tmp_path / str(number)).mkdir()
        faults.append(bundle_fault(tmp_path / "bundle", ref, told, tmp_path / str(number)))
    assert faults[0] is None
    assert all("and nothing else" in fault for fault in faults[1:])
    data = bytearray((tmp_path / "bundle").read_bytes())
    data[-30] ^= 1
    (tmp_path / "bundle").write_bytes(data)
    with pytest.raises(GitError):
        unpack_bundle(repository, tmp_path / "bundle", REF, commit)


def test_history_began_with_the_same_commit_in_each_clone(repository, tmp_path):
    first = git(repository, "rev-list", "--max-parents=0", "HEAD")
    assert first_commits(repository) == (first,)
    git(tmp_path, "clone", "-q", str(repository), "clone")
    assert first_commits(tmp_path / "clone") == (first,)
    git(tmp_path, "clone", "-q", "--depth=1", repository.as_uri(), "shallow")
    assert first_commits(tmp_path / "shallow") == (), "nobody knows there"
    assert first_commits(tmp_path) == ()
