"""Evidence and approvals through `refs/chimera/evidence`, with real clones and real remotes."""

from __future__ import annotations

import os
import subprocess
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chimera.context import Context
from chimera.documents import objects, repository
from chimera.documents.refstore import RefStore
from chimera.gate import ApprovalSpec
from chimera.model import GitError, Outcome, canonical_json, digest_bytes
from chimera.proof import EvidenceStore
from chimera.signatures import EnvelopeSignature
from chimera.workspace import Workspace, sharing
from chimera.workspace.sharing import REF
from chimera.workspace.sides import recorded_here
from tests.proof.statements import key, put, sign, statement

APPROVAL = b"""\
apiVersion: chimera/v1
kind: Approval
metadata: {name: alice-1}
spec:
  decision: reject
  identity: Identity/alice
  environment: production
  plan: "sha256:%b"
  items:
    - {target: Workflow/x, action: update, after: "sha256:%b", digest: "sha256:%b"}
  at: 2026-11-21T00:00:00Z
  signature: none that anybody verifies here
""" % ((b"0" * 64,) * 3)
NOW = datetime(2026, 11, 21, tzinfo=UTC)


class Clone:
    """One clone of the remote, and what its user does."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.workspace = Workspace(root, Context.system(now=NOW))
        self.store = EvidenceStore.below(root)

    def git(self, *arguments: str, stdin: bytes = b"") -> str:
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        done = subprocess.run(
            ["git", *identity, *arguments], cwd=self.root, input=stdin, capture_output=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.decode().strip()

    def proven(self, number: int, finding: str = "pass") -> str:
        """Keep a signed statement, one of its own for each number."""
        digest = put(self.store, statement(finding, exercised=number))
        sign(self.store, digest, key())
        return digest

    def push(self) -> Any:
        return self.workspace.evidence.push("origin").value

    def pull(self) -> Any:
        return self.workspace.evidence.pull("origin").value

    def poison(self, entries: dict[str, bytes], mode: str = "100644") -> None:
        """Put files of any name into the ref on the remote, on top of what is there."""
        lines = b""
        for path, data in entries.items():
            id = self.git("hash-object", "-w", "--stdin", stdin=data)
            lines += f"{mode} {id}\t{path}\n".encode()
        index = {**os.environ, "GIT_INDEX_FILE": str(self.root / ".git/poison")}
        (self.root / ".git/poison").unlink(missing_ok=True)
        listed = self.git("ls-remote", "origin", REF).split()
        if listed:
            self.git("fetch", "-q", "origin", REF)
            subprocess.run(["git", "read-tree", listed[0]], cwd=self.root, env=index, check=True)
        update = ["git", "update-index", "--add", "--index-info"]
        subprocess.run(update, cwd=self.root, env=index, input=lines, check=True)
        tree = subprocess.run(
            ["git", "write-tree"], cwd=self.root, env=index, capture_output=True, check=True
        ).stdout.decode()
        parents = ["-p", listed[0]] if listed else []
        commit = self.git("commit-tree", "-m", "poison", *parents, tree.strip())
        self.git("push", "-q", "origin", f"{commit}:{REF}")


@pytest.fixture
def clones(tmp_path: Path) -> tuple[Clone, Clone]:
    """Two clones of one bare repository."""
    bare = tmp_path / "remote.git"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(bare)], check=True)
    first, second = Clone(tmp_path / "ann"), Clone(tmp_path / "bob")
    subprocess.run(["git", "clone", "-q", str(bare), str(first.root)], check=True, stderr=-3)
    (first.root / "README.md").write_text("x\n")
    first.git("add", "-A")
    first.git("commit", "-q", "-m", "x")
    first.git("push", "-q", "origin", "HEAD:main")
    subprocess.run(["git", "clone", "-q", str(bare), str(second.root)], check=True)
    return first, second


def test_evidence_goes_from_one_clone_to_another_byte_for_byte(clones):
    ann, bob = clones
    digests = sorted(ann.proven(number) for number in range(3))
    pushed = ann.push()
    assert (pushed.statements, pushed.signatures, pushed.refused) == (3, 3, ())
    pulled = bob.pull()
    assert (pulled.statements, pulled.signatures, pulled.refused) == (3, 3, ())
    assert list(bob.store.digests()) == digests
    for digest in digests:
        assert bob.store.envelope(digest) == ann.store.envelope(digest)
    assert (bob.pull().statements, ann.push().statements) == (0, 0)


def test_what_was_pulled_is_not_made_here(clones):
    ann, bob = clones
    digest = ann.proven(1)
    ann.push()
    bob.pull()
    (row,) = bob.workspace.evidence.list().value.rows
    assert (row.digest, row.is_own) == (digest, False)
    assert [r.is_own for r in ann.workspace.evidence.list().value.rows] == [True]


def test_unsigned_evidence_stays_here(clones):
    ann, bob = clones
    put(ann.store, statement())
    pushed = ann.push()
    assert (pushed.statements, pushed.unsigned, pushed.commit) == (0, 1, None)
    assert bob.pull().statements == 0


def test_a_signature_made_later_follows(clones):
    ann, bob = clones
    digest = ann.proven(1)
    ann.push()
    bob.pull()
    sign(bob.store, digest, key(2))
    told = bob.push()
    assert (told.statements, told.signatures) == (0, 1)
    assert ann.pull().signatures == 1
    assert len(ann.store.signatures(digest)) == 2


def test_two_sides_are_united_by_taking_both(clones):
    ann, bob = clones
    ours, theirs = ann.proven(1), bob.proven(2)
    ann.push()
    bob.push()
    ann.pull()
    bob.pull()
    assert set(ann.store.digests()) == set(bob.store.digests()) == {ours, theirs}
    assert ann.git("rev-list", "--count", f"origin/main..{ann.pull().commit}") == "2"


def test_pushing_at_the_same_time_loses_nothing(clones):
    ann, bob = clones
    digests = {ann.proven(n) for n in range(4)} | {bob.proven(n) for n in range(4, 8)}
    told: list[Any] = []
    barrier = threading.Barrier(2)

    def push(clone: Clone) -> None:
        barrier.wait()
        told.append(clone.push())

    threads = [threading.Thread(target=push, args=(clone,)) for clone in clones]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [t.statements for t in told] == [4, 4]
    ann.pull()
    assert set(ann.store.digests()) == digests


def test_a_push_that_lost_the_race_fetches_unites_and_pushes_again(clones, monkeypatch):
    ann, bob = clones
    ours, theirs = ann.proven(1), bob.proven(2)
    real, lost = sharing.push_ref, []

    def racing(root: Path, *rest: Any, **options: Any) -> bool:
        if not lost and root == ann.root:
            bob.push()  # between our fetch and our push
        won = real(root, *rest, **options)
        if not won:
            lost.append(root)
        return won

    monkeypatch.setattr(sharing, "push_ref", racing)
    assert ann.push().statements == 1
    assert lost == [ann.root]
    ann.pull()
    assert set(ann.store.digests()) == {ours, theirs}


def test_a_push_that_always_loses_gives_up_and_says_that_nothing_is_lost(clones, monkeypatch):
    ann, _ = clones
    ann.proven(1)
    monkeypatch.setattr(sharing, "push_ref", lambda *_: False)
    with pytest.raises(GitError, match="before us 10 times in a row") as caught:
        ann.push()
    assert caught.value.help == "run `chimera evidence push` again: nothing is lost"


def test_no_ref_and_no_remote(clones):
    ann, _ = clones
    told = ann.pull()
    assert (told.commit, told.statements) == (None, 0)
    ann.git("remote", "remove", "origin")
    with pytest.raises(GitError, match="'origin' does not appear to be a git repository"):
        ann.pull()
    with pytest.raises(GitError, match="'origin' does not appear to be a git repository"):
        ann.push()


def test_a_remote_that_is_not_ours_to_write_can_still_be_read(clones, tmp_path):
    ann, bob = clones
    ann.proven(1)
    ann.push()
    hook = tmp_path / "remote.git/hooks/pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    bob.proven(2)
    with pytest.raises(GitError, match="hook declined"):
        bob.push()
    assert bob.pull().statements == 1


def test_a_shallow_clone_pulls_and_pushes(clones, tmp_path):
    ann, bob = clones
    ann.proven(1)
    ann.push()
    remote = (tmp_path / "remote.git").as_uri()
    subprocess.run(["git", "clone", "-q", "--depth=1", remote, str(tmp_path / "ci")], check=True)
    ci = Clone(tmp_path / "ci")
    assert ci.pull().statements == 1
    ci.proven(2)
    assert ci.push().statements == 1
    assert bob.pull().statements == 2


def test_damaged_evidence_is_named_and_not_pushed(clones):
    ann, _ = clones
    digest = ann.proven(1)
    (ann.store.folder / f"{digest[7:]}.json").write_bytes(b"{}")
    told = ann.push()
    assert told.statements == 0
    assert told.outcome is Outcome.FAILED
    assert "was altered" in told.refused[0]


def test_evidence_that_nobody_would_take_is_not_pushed(clones, monkeypatch):
    ann, _ = clones
    ann.proven(1)
    monkeypatch.setattr(sharing, "MOST_STATEMENT_BYTES", 100)
    told = ann.push()
    assert (told.statements, told.commit) == (0, None)
    assert "bytes: nobody would take it" in told.refused[0]


HEX = "a" * 64


@pytest.mark.parametrize(
    ("path", "mode", "reason"),
    [
        ("statements/x.json", "100644", "has a name that nothing here has"),
        (f"statements/{HEX}.json/x", "100644", "has a name that nothing here has"),
        (f"statements/{HEX[:-1]}.json", "100644", "has a name that nothing here has"),
        (f"statements/{HEX.upper()}.json", "100644", "has a name that nothing here has"),
        ("state.db", "100644", "has a name that nothing here has"),
        (f"records/{HEX}.yaml", "100644", "has a name that nothing here has"),
        (f"statements/{HEX}.json", "120000", "is not a plain file"),
        (f"statements/{HEX}.json", "100755", "is not a plain file"),
        (f"statements/{HEX}.json", "100644", "its content is not what its name says"),
        (f"signatures/{HEX}/{HEX}.json", "100644", "its content is not what its name says"),
        (f"approvals/{HEX}.yaml", "100644", "its content is not what its name says"),
    ],
)
def test_a_poisoned_ref_is_named_and_what_is_good_is_taken(clones, path, mode, reason):
    ann, bob = clones
    digest = ann.proven(1)
    ann.push()
    ann.poison({path: b"/etc/passwd"}, mode)
    before = {p for p in bob.root.rglob("*") if ".git" not in p.parts}
    told = bob.pull()
    assert told.outcome is Outcome.FAILED
    assert len(told.refused) == 1
    assert reason in told.refused[0]
    assert bob.store.digests() == (digest,)
    after = {p for p in bob.root.rglob("*") if ".git" not in p.parts}
    assert all(".chimera" in path.parts for path in after - before)


def test_a_path_that_leaves_the_tree_is_refused_by_git_itself(clones):
    ann, bob = clones
    id = ann.git("hash-object", "-w", "--stdin", stdin=b"x")
    inner = ann.git("mktree", stdin=f"100644 blob {id}\tx\n".encode())
    raw = b"40000 ..\0" + bytes.fromhex(inner)
    tree = ann.git("hash-object", "-w", "-t", "tree", "--literally", "--stdin", stdin=raw)
    ann.git("push", "-q", "origin", f"{ann.git('commit-tree', '-m', 'c', tree)}:{REF}")
    with pytest.raises(GitError, match=r"hasDotdot: contains '\.\.'") as caught:
        bob.pull()
    assert "begin the ref anew" in (caught.value.help or "")


def named(data: bytes) -> str:
    return digest_bytes(data)[7:]


def test_what_hashes_to_its_name_and_says_nothing_is_refused_by_reason(clones, monkeypatch):
    ann, bob = clones
    digest = ann.proven(1)
    ann.push()
    other = canonical_json({"_type": "https://in-toto.io/Statement/v1"})
    junk = canonical_json({"keyid": "k"})
    loose = canonical_json(EnvelopeSignature("k", b"x").value())
    spaced = loose.replace(b":", b": ")
    ann.poison(
        {
            f"statements/{named(other)}.json": other,
            f"statements/{named(b'[]')}.json": b"[]",
            f"signatures/{digest[7:]}/{named(junk)}.json": junk,
            f"signatures/{digest[7:]}/{named(spaced)}.json": spaced,
            f"signatures/{HEX}/{named(loose)}.json": loose,
            f"approvals/{named(b'a: b')}.yaml": b"a: b",
            f"approvals/{named(b'{' * 2000)}.yaml": b"{" * 2000,
        }
    )
    reasons = "\n".join(bob.pull().refused)
    assert len(reasons.splitlines()) == 7
    assert "is not the result of a test" in reasons
    assert "is not an in-toto statement" in reasons
    assert "is not written as chimera writes signatures" in reasons
    assert f"it signs sha256:{HEX}, which is not here" in reasons
    assert reasons.count("is not an Approval") == 2
    assert bob.store.digests() == (digest,)
    assert len(bob.store.signatures(digest)) == 1


def test_a_huge_file_is_named_and_never_read(clones, monkeypatch):
    ann, bob = clones
    monkeypatch.setattr(sharing, "_LIMITS", tuple((p, 100) for p, _ in sharing._LIMITS))
    data = b"x" * 101
    ann.poison({f"statements/{named(data)}.json": data})
    (reason,) = bob.pull().refused
    assert "has 101 bytes, more than 100" in reason


def test_too_many_files_are_refused_whole(clones, monkeypatch):
    ann, bob = clones
    for number in range(3):
        ann.proven(number)
    ann.push()
    monkeypatch.setattr(sharing, "_MOST_FILES", 5)
    with pytest.raises(GitError, match="holds 6 files, and 5 at most are read"):
        bob.pull()


def test_the_next_push_leaves_poison_behind_and_puts_right_what_was_replaced(clones):
    ann, bob = clones
    digest = ann.proven(1)
    ann.push()
    ann.poison({"evil.sh": b"x", f"statements/{digest[7:]}.json": b"{}"})
    told = ann.push()
    assert told.statements == 1
    assert told.refused == ("'evil.sh' has a name that nothing here has",)
    clean = bob.pull()
    assert (clean.statements, clean.refused) == (1, ())


def approve(clone: Clone, name: str, data: bytes = APPROVAL) -> Path:
    path = clone.root / ".chimera/records/Approval" / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_approvals_travel_with_evidence(clones):
    ann, bob = clones
    approve(ann, "alice-1")
    assert ann.push().approvals == 1
    assert bob.pull().approvals == 1
    assert (bob.root / ".chimera/records/Approval/alice-1.yaml").read_bytes() == APPROVAL
    assert (bob.pull().approvals, bob.push().approvals) == (0, 0)


def test_an_approval_takes_no_other_ones_place(clones):
    ann, bob = clones
    approve(ann, "alice-1")
    other = APPROVAL.replace(b"reject", b"approve")
    approve(bob, "alice-1", other)
    ann.push()
    assert bob.pull().approvals == 1
    kept = sorted((bob.root / ".chimera/records/Approval").iterdir())
    assert {path.read_bytes() for path in kept} == {APPROVAL, other}
    assert bob.pull().approvals == 0
    weighed = recorded_here(bob.workspace).snapshot.of_model(ApprovalSpec)
    assert [str(one.address) for one in weighed] == [
        "Approval/alice-1",
        f"Approval/alice-1-{named(APPROVAL)[:12]}",
    ]


def test_a_record_that_is_no_approval_is_neither_pushed_nor_pulled(clones):
    ann, bob = clones
    bad = b"apiVersion: chimera/v1\nkind: Freeze\nmetadata: {name: x}\nspec: {}\n"
    approve(ann, "x", bad)
    told = ann.push()
    assert told.approvals == 0
    assert "x.yaml: it is not an Approval" in told.refused[0]
    ann.poison({f"approvals/{named(bad)}.yaml": bad})
    assert "it is not an Approval" in bob.pull().refused[0]
    assert not (bob.root / ".chimera/records").exists()


def test_commits_are_the_same_for_the_same_content_and_time(clones):
    ann, bob = clones
    ann.proven(1)
    bob.proven(1)
    first = ann.push().commit
    ann.git("push", "-q", "origin", f":{REF}")
    assert bob.push().commit == first
    assert RefStore(bob.root, REF).tip() == first


def test_the_number_of_processes_does_not_grow_with_the_number_of_statements(clones, monkeypatch):
    ann, bob = clones
    started: list[str] = []
    real = repository.start

    def counted(root: Path, *arguments: str) -> Any:
        started.append(arguments[0])
        return real(root, *arguments)

    for module in (repository, objects):
        monkeypatch.setattr(module, "start", counted)
    counts = []
    for number in (1, 50):
        for each in range(number):
            ann.proven(100 * number + each)
        started.clear()
        assert ann.push().statements == number
        assert bob.pull().statements == number
        bob.workspace.evidence.list()
        counts.append(len(started))
    assert counts[1] <= counts[0]
