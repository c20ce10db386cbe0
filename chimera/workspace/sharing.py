"""Sharing evidence and approvals through a Git ref of their own, `refs/chimera/evidence`.

The ref holds `statements/`, `signatures/` and `approvals/`, every file named by the digest of its
content, so that two sides are united by taking both and no file is ever in dispute. Refuses to
believe any of it: a file that is not what its name says is left where it is and named, and what was
taken counts by its signatures alone. Unsigned evidence counts nowhere else and is not pushed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from chimera.context import write_whole
from chimera.documents import parse
from chimera.documents.refstore import RefFile, RefListing, RefStore, blob_id
from chimera.documents.remotes import fetch_ref, push_ref
from chimera.kinds import validate
from chimera.model import (
    ChimeraError,
    Digest,
    GitError,
    Outcome,
    Result,
    canonical_json,
    digest_bytes,
)
from chimera.proof import EvidenceError, EvidenceStore
from chimera.proof.evidence.bundle import bring_in
from chimera.proof.evidence.store import MOST_SIGNATURE_BYTES, MOST_STATEMENT_BYTES
from chimera.signatures import EnvelopeSignature, SignatureError, read_json
from chimera.workspace.recording import FOLDER as RECORDS

if TYPE_CHECKING:
    from chimera.workspace.workspace import Workspace

REF = "refs/chimera/evidence"
_MOST_FILES = 100_000
_MOST_APPROVAL_BYTES = 256 << 10
_MOST_TRIES = 10
_HEX = "[0-9a-f]{64}"
_LIMITS = (
    (re.compile(f"statements/{_HEX}\\.json"), MOST_STATEMENT_BYTES),
    (re.compile(f"signatures/{_HEX}/{_HEX}\\.json"), MOST_SIGNATURE_BYTES),
    (re.compile(f"approvals/{_HEX}\\.yaml"), _MOST_APPROVAL_BYTES),
)


@dataclass(frozen=True)
class Exchange:
    """What was pushed or pulled: how many files were new, and why others were left."""

    remote: str
    commit: str | None
    statements: int = 0
    signatures: int = 0
    approvals: int = 0
    unsigned: int = 0
    refused: tuple[str, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """Failed where anything was refused: somebody tampers with the ref, or a disk fails."""
        return Outcome.FAILED if self.refused else Outcome.PASSED


def push(workspace: Workspace, remote: str = "origin") -> Result[Exchange]:
    """Add what is signed here, and the approvals, to the remote's ref; nothing there is replaced.

    Raises `GitError` where the remote cannot be written, or others are quicker again and again.
    """
    workspace.prepare()
    context, refs = workspace.context, RefStore(workspace.root, REF)
    own = _Own.of(workspace)
    for _ in range(_MOST_TRIES):
        parent = fetch_ref(workspace.root, remote, REF, context)
        listing = refs.list(parent, _limit_of, _MOST_FILES)
        added = own.beside(listing)
        if not added:
            return _told(remote, parent, [], own.unsigned, own.refused)
        commit = refs.commit(parent, listing.files, added, _message(added), context.clock.now())
        if push_ref(workspace.root, remote, commit, REF, context):
            refused = (*own.refused, *listing.refused)
            return _told(remote, commit, _kinds(added), own.unsigned, refused)
    raise GitError(
        f"others pushed to {REF} before us {_MOST_TRIES} times in a row",
        help="run `chimera evidence push` again: nothing is lost",
    )


def pull(workspace: Workspace, remote: str = "origin") -> Result[Exchange]:
    """Take in what the remote's ref holds and is not here yet; what is here is never replaced."""
    workspace.prepare()
    commit = fetch_ref(workspace.root, remote, REF, workspace.context)
    refs = RefStore(workspace.root, REF)
    listing = refs.list(commit, _limit_of, _MOST_FILES)
    intake = _Intake(workspace)
    # Statements first, whatever the order of names: a signature belongs to one that is here.
    files = sorted(listing.files, key=lambda file: not file.path.startswith("statements/"))
    for file, data in refs.read([file for file in files if intake.wants(file)]):
        intake.take(file, data)
    refused = (*listing.refused, *intake.refused)
    return _told(remote, commit, intake.taken, 0, refused)


@dataclass(frozen=True)
class _Own:
    """What is here to be pushed, by path in the ref."""

    files: dict[str, bytes]
    unsigned: int
    refused: tuple[str, ...]

    @staticmethod
    def of(workspace: Workspace) -> _Own:
        store = EvidenceStore.below(workspace.root)
        files: dict[str, bytes] = {}
        refused: list[str] = []
        unsigned = 0
        for digest in store.digests():
            try:
                envelope = store.envelope(digest)
            except EvidenceError as error:
                refused.append(error.message)
                continue
            if len(envelope.payload) > MOST_STATEMENT_BYTES:
                refused.append(f"{digest} has {len(envelope.payload)} bytes: nobody would take it")
                continue
            unsigned += not envelope.signatures
            for signature in envelope.signatures:
                data = canonical_json(signature.value())
                files[f"statements/{digest[7:]}.json"] = envelope.payload
                files[f"signatures/{digest[7:]}/{digest_bytes(data)[7:]}.json"] = data
        for path in _approval_files(workspace.root):
            data = path.read_bytes()
            try:
                _approval_name(workspace, data)
            except ChimeraError as error:
                refused.append(f"{path.name}: {error.message}")
            else:
                files[f"approvals/{digest_bytes(data)[7:]}.yaml"] = data
        return _Own(files, unsigned, tuple(refused))

    def beside(self, listing: RefListing) -> dict[str, bytes]:
        """Return what the ref has not, or has with other content than its name says."""
        there = {file.path: file.id for file in listing.files}
        return {
            path: data
            for path, data in self.files.items()
            if path not in there or there[path] != blob_id(data, like=there[path])
        }


class _Intake:
    """Takes in files of the ref one by one, and keeps account."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._store = EvidenceStore.below(workspace.root)
        self._approvals = {digest_bytes(p.read_bytes()) for p in _approval_files(workspace.root)}
        self.taken: list[str] = []
        self.refused: list[str] = []

    def wants(self, file: RefFile) -> bool:
        """Tell whether a file is not here yet, or not as its name says."""
        kind, name = file.path.split("/", 1)
        if kind == "statements":
            return not self._store.is_sound(_digest(name))
        if kind == "signatures":
            return not self._store.has_signature(_digest(name), _digest(Path(name).name))
        return _digest(name) not in self._approvals

    def take(self, file: RefFile, data: bytes) -> None:
        """Take in one file, or note why it is refused."""
        kind, name = file.path.split("/", 1)
        try:
            if digest_bytes(data) != _digest(Path(name).name):
                raise EvidenceError("its content is not what its name says")
            if kind == "statements":
                bring_in(self._store, data)
            elif kind == "signatures":
                self._take_signature(_digest(name), data)
            else:
                self._take_approval(data)
        except (EvidenceError, SignatureError) as error:
            self.refused.append(f"{file.path}: {error.message}")
        else:
            self.taken.append(kind)

    def _take_signature(self, digest: Digest, data: bytes) -> None:
        if not self._store.is_sound(digest):
            raise EvidenceError(f"it signs {digest}, which is not here")
        signature = EnvelopeSignature.read(read_json(data, "the signature"))
        if canonical_json(signature.value()) != data:
            raise EvidenceError("it is not written as chimera writes signatures")
        self._store.add_signature(digest, signature)

    def _take_approval(self, data: bytes) -> None:
        name = _approval_name(self._workspace, data)
        path = self._workspace.root / RECORDS / "Approval" / f"{name}.yaml"
        if path.exists():  # of the same name and not the same: both are weighed
            path = path.with_name(f"{name[:100]}-{digest_bytes(data)[7:19]}.yaml")
        write_whole(path, data)


def _approval_files(root: Path) -> Iterator[Path]:
    found = sorted((root / RECORDS / "Approval").glob("[!.]*.yaml"))
    return (p for p in found if p.is_file() and p.stat().st_size <= _MOST_APPROVAL_BYTES)


def _approval_name(workspace: Workspace, data: bytes) -> str:
    """Return the name of the one approval that a file holds; raises `EvidenceError`."""
    documents, faults = parse("approval.yaml", data)
    if len(documents) == 1 and not faults and documents[0].value.get("kind") == "Approval":
        document, faults = validate(documents[0], workspace.registry)
        if document is not None:
            return document.address.name
    reason = faults[0].message if faults else "it holds something else"
    raise EvidenceError(f"it is not an Approval: {reason}")


def _limit_of(path: str) -> int:
    return next((most for pattern, most in _LIMITS if pattern.fullmatch(path)), 0)


def _digest(name: str) -> Digest:
    """Return the digest that a file or its folder is named by."""
    return f"sha256:{name[:64]}"


def _message(added: dict[str, bytes]) -> str:
    kinds = _kinds(added)
    told = (f"{kinds.count(kind)} {kind}" for kind in ("statements", "signatures", "approvals"))
    return f"Add {', '.join(told)}"


def _kinds(paths: Iterable[str]) -> list[str]:
    return [path.partition("/")[0] for path in paths]


def _told(
    remote: str, commit: str | None, kinds: list[str], unsigned: int, refused: tuple[str, ...]
) -> Result[Exchange]:
    told = Exchange(
        remote,
        commit,
        kinds.count("statements"),
        kinds.count("signatures"),
        kinds.count("approvals"),
        unsigned,
        refused,
    )
    return Result(told, told.outcome)
