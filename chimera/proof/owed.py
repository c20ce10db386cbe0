"""Which proofs the changes of a subject owe, by what the proofs say that they cover."""

from __future__ import annotations

from collections.abc import Iterator

from chimera.kinds import Document, EnvironmentFacts, Subject
from chimera.model import Action, Obligation
from chimera.proof.kinds import ProofSpec


def owed(subject: Subject) -> Iterator[Obligation]:
    """Yield an obligation for each change that a proof covers in the subject's environment."""
    for proof in subject.snapshot.of_model(ProofSpec):
        if not is_due(proof.spec, subject.environment) or not covers_anything(proof):
            continue
        for change in subject.changes or ():
            if change.action is not Action.NO_OP and subject.selects(proof.spec.covers, change):
                yield Obligation(
                    "proof",
                    str(proof.address),
                    change.target,
                    proof.address,
                    f"{proof.address} covers {change.target}",
                )


def is_due(spec: ProofSpec, environment: EnvironmentFacts) -> bool:
    """Tell whether a proof of this phase is owed in an environment.

    A protected one owes the evidence of every phase. In an unprotected one apply runs what is owed
    itself, and only what belongs to an apply.
    """
    return environment.protected or spec.phase == "apply"


def covers_anything(proof: Document[ProofSpec]) -> bool:
    """Tell whether the proof names any document or path: an empty selector would mean all."""
    return proof.spec.covers.names_documents or bool(proof.spec.covers.paths)
