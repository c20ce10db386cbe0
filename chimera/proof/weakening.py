"""Proofs that show less in the very change that owes them: reviewers are told where they stand.

Refuses to hold such a proof to what it was: evidence is of the proof as it is now.
"""

from __future__ import annotations

from collections.abc import Iterator

from chimera.kinds import Subject
from chimera.model import Action, Address, Category, Diagnostic, Finding, Severity, Verdict
from chimera.proof.kinds import ProofSpec
from chimera.proof.owed import covers_anything

_MOST = 3


def weakened(subject: Subject) -> Iterator[Verdict]:
    """Yield a verdict with a warning on each proof that breaks a promise in a change it covers."""
    for change in subject.changes or ():
        target = change.target
        if change.action is not Action.UPDATE or change.category is not Category.BREAKING:
            continue
        proof = subject.snapshot.get(target) if isinstance(target, Address) else None
        if proof is None or not isinstance(proof.spec, ProofSpec) or not _is_owed(target, subject):
            continue
        more = len(change.breaks) - _MOST
        less = "; ".join(change.breaks[:_MOST]) + (f"; and {more} more" if more > 0 else "")
        warning = Diagnostic(
            "proof-weakened",
            f"{target} shows less in the change that owes it: {less}",
            proof.at("spec"),
            "keep what it showed, or change it in a change of its own",
            Severity.WARNING,
            address=str(target),
        )
        yield Verdict("proof-weakened", str(target), Finding.PASS, diagnostics=(warning,))


def _is_owed(target: object, subject: Subject) -> bool:
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
