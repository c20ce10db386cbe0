"""Proofs that show less in the very change that owes them: they are asked as they were as well.

Reviewers are told where such a proof stands. A proof that is changed or deleted in a change of its
own, which nothing else of the change owes, is asked as it is alone.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import Any

from chimera.kinds import Document, Metadata, Snapshot, Subject, validate_model
from chimera.model import (
    Action,
    Address,
    Category,
    Diagnostic,
    Finding,
    Place,
    Severity,
    Verdict,
)
from chimera.proof.compatibility import breaks
from chimera.proof.following import Written, followed
from chimera.proof.kinds import ProofSpec
from chimera.proof.owed import covers_anything

_MOST = 3
APART = "change the proof in a change of its own"


def weakened(subject: Subject) -> Iterator[Verdict]:
    """Yield a verdict with a warning on each proof that breaks a promise in a change it covers."""
    for target, less in _broken(subject):
        proof = subject.snapshot.get(target)
        if proof is None or not isinstance(proof.spec, ProofSpec) or not _is_owed(target, subject):
            continue
        more = len(less) - _MOST
        said = "; ".join(less[:_MOST]) + (f"; and {more} more" if more > 0 else "")
        warning = Diagnostic(
            "proof-weakened",
            f"{target} shows less in the change that owes it: {said}",
            proof.at("spec"),
            f"keep what it showed, which `chimera prove --base` asks for besides, or {APART}",
            Severity.WARNING,
            address=str(target),
        )
        yield Verdict("proof-weakened", str(target), Finding.PASS, diagnostics=(warning,))


def as_they_were(subject: Subject, owed: Container[str]) -> Iterator[Document[ProofSpec]]:
    """Yield each proof of `owed`, as it was, that the change deletes or has show less.

    Judged only where a tree is compared with: what was applied last may be many changes ago.
    """
    for target, _ in _broken(subject) if subject.former is not None else ():
        document = _former(target, subject)
        if document is not None and str(target) in owed:
            yield document


def as_trusted(snapshot: Snapshot, trusted: Snapshot) -> Iterator[Document[ProofSpec]]:
    """Yield each proof, as a trusted revision has it, of which `snapshot` shows less or nothing."""

    def written(address: Address) -> Mapping[str, Any] | None:
        document = trusted.get(address)
        return document.value if document is not None else None

    for proof in trusted.of_model(ProofSpec):
        here = snapshot.get(proof.address)
        spec = here.spec if here is not None else None
        if not isinstance(spec, ProofSpec) or _less(proof, spec, snapshot, written):
            yield proof


def _less(
    former: Document[ProofSpec], spec: ProofSpec, snapshot: Snapshot, written: Written
) -> tuple[str, ...]:
    """Return what a proof shows less than it did, champions aside that its documents moved."""
    before = followed(former.address, former.spec, spec, snapshot, written)
    return tuple(breaks(before, spec))


def _broken(subject: Subject) -> Iterator[tuple[Address, tuple[str, ...]]]:
    """Yield the proofs of which a change shows less, and what that is."""
    kind = subject.snapshot.registry.of_model(ProofSpec).name
    for change in subject.changes or ():
        target = change.target
        if not isinstance(target, Address) or target.kind != kind:
            continue
        if change.action is Action.DELETE:
            yield target, change.breaks
        elif change.action is Action.UPDATE and change.category is Category.BREAKING:
            now, former = subject.snapshot.get(target), _former(target, subject)
            less = change.breaks
            if now is not None and isinstance(now.spec, ProofSpec) and former is not None:
                less = _less(former, now.spec, subject.snapshot, subject.before.get)
            if less:
                yield target, less


def _former(address: Address, subject: Subject) -> Document[ProofSpec] | None:
    """Return a proof as it was; one that cannot be read any more is asked for nothing."""
    value = subject.before.get(address)
    if value is None:
        return None
    here = Place(subject.former_paths.get(address, ""))
    spec, _ = validate_model(ProofSpec, value.get("spec"), here, str(address))
    if spec is None:
        return None
    kind = subject.snapshot.registry.of_model(ProofSpec)
    return Document(address, kind, Metadata(name=address.name), spec, value, here)


def _is_owed(target: Address, subject: Subject) -> bool:
    """Tell whether the proof, as it was or is, covers anything else of which a file differs."""
    covers = [
        spec.covers
        for address, spec in subject.binding(ProofSpec)
        if address == target and covers_anything(spec)
    ]
    return any(
        change.changes
        and change.paths
        and change.target != target
        and subject.selects(selector, change)
        for change in subject.changes or ()
        for selector in covers
    )
