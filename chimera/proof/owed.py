"""Which proofs the changes of a subject owe, by what the proofs say that they cover."""

from __future__ import annotations

from collections.abc import Iterator

from chimera.kinds import Subject
from chimera.model import Action, Obligation
from chimera.proof.kinds import ProofSpec


def owed(subject: Subject) -> Iterator[Obligation]:
    """Yield an obligation for each change that a proof covers in the subject's environment."""
    for address, spec in subject.binding(ProofSpec):
        if not is_due(spec, subject) or not covers_anything(spec):
            continue
        for change in subject.changes or ():
            if change.action is not Action.NO_OP and subject.selects(spec.covers, change):
                reason = f"{address} covers {change.target}"
                yield Obligation("proof", str(address), change.target, address, reason)


def is_due(spec: ProofSpec, subject: Subject) -> bool:
    """Tell whether a proof of this phase is owed.

    A protected environment owes the evidence of every phase. In an unprotected one apply runs what
    is owed itself, and only what belongs to an apply. What is compared with a Git ref is about to
    be merged into it: that owes what is shown at merge, wherever it will be applied.
    """
    is_merge = subject.former is not None and spec.phase == "merge"
    return subject.environment.protected or spec.phase == "apply" or is_merge


def covers_anything(spec: ProofSpec) -> bool:
    """Tell whether the proof names any document or path: an empty selector would mean all."""
    return spec.covers.names_documents or bool(spec.covers.paths)
