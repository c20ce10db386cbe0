"""Files under a ref of their own, and exchanging them with real bare repositories."""

from __future__ import annotations

import hashlib
import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chimera.context import Context
from chimera.documents.refstore import RefFile, RefStore, blob_id
from chimera.documents.remotes import fetch_ref, push_ref
from chimera.model import GitError, UsageError

REF = "refs/chimera/evidence"
NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture
def context() -> Context:
    return Context.system(now=NOW)


@pytest.fixture
def bare(repository, tmp_path) -> Path:
    """A remote called `origin`, and a first commit here."""
    folder = tmp_path / "remote.git"
    repository.git("init", "-q", "--bare", str(folder))
    repository.git("remote", "add", "origin", str(folder))
    repository.commit()
    return folder


def any_name(path: str) -> int:
    return 1000


def add(store: RefStore, parent: str | None, **files: bytes) -> str:
    kept = store.list(parent, any_name, 100).files
    return store.commit(parent, kept, {f"{k}/f": v for k, v in files.items()}, "add", NOW)


def content(store: RefStore, commit: str | None) -> dict[str, bytes]:
    listing = store.list(commit, any_name, 100)
    assert listing.refused == ()
    return {file.path: data for file, data in store.read(listing.files)}


def test_files_are_committed_without_touching_the_work_tree_or_the_index(repository):
    repository.write("a.txt", "a")
    repository.commit()
    store = RefStore(repository.root, REF)
    first = add(store, None, x=b"1\n", y=b"\0\xff")
    assert store.tip() == first
    second = add(store, first, z=b"")
    assert content(store, second) == {"x/f": b"1\n", "y/f": b"\0\xff", "z/f": b""}
    assert repository.git("rev-parse", f"{second}^") == first
    assert repository.git("status", "--porcelain") == ""


def test_the_same_files_at_the_same_time_are_the_same_commit(repository):
    repository.commit()
    store = RefStore(repository.root, REF)
    assert add(store, None, x=b"1", y=b"2") == add(store, None, y=b"2", x=b"1")


def test_an_added_file_replaces_one_of_its_path(repository):
    repository.commit()
    store = RefStore(repository.root, REF)
    second = add(store, add(store, None, x=b"1"), x=b"2")
    assert content(store, second) == {"x/f": b"2"}


@pytest.mark.parametrize("data", [b"", b"text\n", b"\r\n\0", b"x" * 100_000])
def test_ids_of_blobs_are_gits(repository, data):
    written = repository.git("hash-object", "--stdin", stdin=data)
    assert blob_id(data, like=written) == written
    assert (
        blob_id(data, like="0" * 64) == hashlib.sha256(b"blob %d\0" % len(data) + data).hexdigest()
    )


def test_no_ref_holds_nothing(repository):
    repository.commit()
    store = RefStore(repository.root, REF)
    assert store.tip() is None
    assert store.list(None, any_name, 0).files == ()


def hand_made(repository, entries: list[tuple[str, str, bytes]]) -> str:
    """Commit a tree that no Git command would write: mode, name and raw id or content."""
    raw = b""
    for mode, name, data in entries:
        if mode == "40000":
            id = data.decode()
        elif mode == "160000":
            id = "1" * 40
        else:
            id = repository.git("hash-object", "-w", "--stdin", stdin=data)
        raw += f"{mode} {name}".encode() + b"\0" + bytes.fromhex(id)
    tree = repository.git("hash-object", "-w", "-t", "tree", "--literally", "--stdin", stdin=raw)
    return repository.git("commit-tree", "-m", "c", tree)


def test_what_is_no_plain_file_of_a_known_name_is_named_and_left(repository):
    repository.commit()
    commit = hand_made(
        repository,
        [
            ("100644", "good", b"1"),
            ("100755", "program", b"1"),
            ("120000", "link", b"/etc/passwd"),
            ("160000", "module", b""),
            ("100644", "large", b"x" * 11),
            ("100644", "strange", b"1"),
        ],
    )
    listing = RefStore(repository.root, REF).list(
        commit, lambda path: 0 if path == "strange" else 10, 100
    )
    assert [file.path for file in listing.files] == ["good"]
    assert listing.refused == (
        "'program' is not a plain file",
        "'link' is not a plain file",
        "'module' is not a plain file",
        "'large' has 11 bytes, more than 10",
        "'strange' has a name that nothing here has",
    )


def test_paths_that_leave_the_tree_reach_nobody(repository):
    repository.commit()
    inner = repository.git("rev-parse", hand_made(repository, [("100644", "x", b"1")]) + "^{tree}")
    commit = hand_made(repository, [("40000", "..", inner.encode())])
    listing = RefStore(repository.root, REF).list(commit, lambda path: 10 * (path == "x"), 100)
    assert listing.files == ()
    assert listing.refused == ("'../x' has a name that nothing here has",)


def test_more_files_than_are_read_are_refused(repository):
    repository.commit()
    store = RefStore(repository.root, REF)
    with pytest.raises(GitError, match="holds 3 files, and 2 at most are read"):
        store.list(add(store, None, a=b"", b=b"", c=b""), any_name, 2)


def test_much_content_is_read_a_portion_at_a_time(repository, monkeypatch):
    monkeypatch.setattr("chimera.documents.refstore._TOGETHER", 10)
    repository.commit()
    store = RefStore(repository.root, REF)
    files = {f"f{n}": b"x" * n for n in range(9)}
    assert content(store, add(store, None, **files)) == {f"{k}/f": v for k, v in files.items()}


def test_a_ref_is_pushed_and_fetched(repository, bare, context):
    store = RefStore(repository.root, REF)
    assert fetch_ref(repository.root, "origin", REF, context) is None
    commit = add(store, None, x=b"1")
    assert push_ref(repository.root, "origin", commit, REF, context)
    assert fetch_ref(repository.root, "origin", REF, context) == commit
    assert fetch_ref(repository.root, str(bare), REF, context) == commit


def test_a_push_that_lost_the_race_is_told_and_nothing_is_overwritten(repository, bare, context):
    store = RefStore(repository.root, REF)
    first = add(store, None, x=b"1")
    ours, theirs = add(store, first, y=b"2"), add(store, first, z=b"3")
    assert push_ref(repository.root, "origin", theirs, REF, context)
    assert not push_ref(repository.root, "origin", ours, REF, context)
    assert fetch_ref(repository.root, "origin", REF, context) == theirs


def test_hooks_of_the_repository_do_not_run(repository, bare, context):
    marker = repository.root / "ran"
    for name in ("pre-push", "reference-transaction", "post-merge", "pre-auto-gc"):
        hook = repository.write(f".git/hooks/{name}", f"#!/bin/sh\ntouch '{marker}'\n")
        hook.chmod(0o755)
    commit = add(RefStore(repository.root, REF), None, x=b"1")
    assert push_ref(repository.root, "origin", commit, REF, context)
    assert fetch_ref(repository.root, "origin", REF, context) == commit
    assert not marker.exists()


def test_transports_that_run_commands_are_refused(repository, context, tmp_path):
    repository.commit()
    marker = tmp_path / "ran"
    repository.git("config", "protocol.ext.allow", "always")
    repository.git("remote", "add", "evil", f"ext::touch {marker}")
    with pytest.raises(GitError, match="transport 'ext' not allowed"):
        fetch_ref(repository.root, "evil", REF, context)
    with pytest.raises(GitError, match="transport 'ext' not allowed"):
        push_ref(repository.root, "evil", "HEAD", REF, context)
    assert not marker.exists()


@pytest.mark.parametrize("remote", ["--upload-pack=touch ran", "-x", "a b", "", "a\nb"])
def test_a_remote_is_no_option(repository, bare, context, remote):
    with pytest.raises(UsageError, match="is not a remote") as caught:
        fetch_ref(repository.root, remote, REF, context)
    assert caught.value.help == "there is: origin"


def test_an_unknown_remote_says_where_to_look(repository, context):
    repository.commit()
    with pytest.raises(GitError, match="'origin' does not appear to be a git repository") as caught:
        fetch_ref(repository.root, "origin", REF, context)
    assert caught.value.help == "`git remote -v` lists the remotes there are"


def test_a_folder_without_git_says_so(tmp_path, context):
    with pytest.raises(GitError, match="is not in a git repository"):
        fetch_ref(tmp_path, "origin", REF, context)


def test_a_password_in_an_address_is_not_told(repository, context):
    repository.commit()
    with pytest.raises(GitError) as caught:
        fetch_ref(repository.root, "https://user:geheim@localhost:1/x.git", REF, context)
    assert "geheim" not in caught.value.message
    assert "***@localhost" in caught.value.message


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_remote_that_may_not_be_written_says_so_to_its_reader(repository, bare, context):
    commit = add(RefStore(repository.root, REF), None, x=b"1")
    for folder in (bare / "objects", bare / "refs"):
        folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(GitError, match="cannot push") as caught:
        push_ref(repository.root, "origin", commit, REF, context)
    assert "right to write" in (caught.value.help or "")


def test_a_remote_whose_hook_declines_is_a_failure_and_no_lost_race(repository, bare, context):
    hook = bare / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'only CI writes here' >&2\nexit 1\n")
    hook.chmod(0o755)
    commit = add(RefStore(repository.root, REF), None, x=b"1")
    with pytest.raises(GitError, match="hook declined") as caught:
        push_ref(repository.root, "origin", commit, REF, context)
    assert "hook" in (caught.value.help or "")


def test_an_exchange_that_takes_too_long_is_ended(repository, bare, context, monkeypatch, tmp_path):
    slow = tmp_path / "ssh"
    slow.write_text("#!/bin/sh\nsleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setenv("GIT_SSH", str(slow))
    with pytest.raises(GitError, match=r"did not fetch from 'ssh://host/x' within 0\.3 s"):
        fetch_ref(repository.root, "ssh://host/x", REF, context, timeout=0.3)
    with pytest.raises(GitError, match=r"did not push to 'ssh://host/x' within 0\.3 s"):
        push_ref(repository.root, "ssh://host/x", "HEAD", REF, context, timeout=0.3)


def test_a_shallow_clone_gets_the_whole_ref(repository, bare, context, tmp_path):
    repository.commit()
    repository.git("push", "-q", "origin", "main")
    store = RefStore(repository.root, REF)
    tip = add(store, add(store, None, x=b"1"), y=b"2")
    assert push_ref(repository.root, "origin", tip, REF, context)
    clone = tmp_path / "clone"
    repository.git("clone", "-q", "--depth=1", f"file://{bare}", str(clone))
    assert fetch_ref(clone, "origin", REF, context) == tip
    there = RefStore(clone, REF)
    assert content(there, tip) == {"x/f": b"1", "y/f": b"2"}
    more = add(there, tip, z=b"3")
    assert push_ref(clone, "origin", more, REF, context)


def test_a_partial_clone_gets_every_file(repository, bare, context, tmp_path):
    repository.git("push", "-q", "origin", "main")
    tip = add(RefStore(repository.root, REF), None, x=b"1")
    assert push_ref(repository.root, "origin", tip, REF, context)
    bare_git = ("--git-dir", str(bare))
    repository.git(*bare_git, "config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "clone"
    repository.git("clone", "-q", "--filter=blob:none", f"file://{bare}", str(clone))
    assert fetch_ref(clone, "origin", REF, context) == tip
    assert content(RefStore(clone, REF), tip) == {"x/f": b"1"}


def test_a_listing_tells_sizes(repository):
    repository.commit()
    store = RefStore(repository.root, REF)
    (file,) = store.list(add(store, None, x=b"123"), any_name, 1).files
    assert file == RefFile("x/f", blob_id(b"123", like="0" * 40), 3)
