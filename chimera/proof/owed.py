"""Which proofs the changes of a subject owe, by what the proofs say that they cover."""

from __future__ import annotations

from collections.abc import Iterator

from chimera.kinds import EnvironmentFacts, Subject
from chimera.model import Action, Obligation
from chimera.proof.kinds import ProofSpec


def owed(subject: Subject) -> Iterator[Obligation]:
    """Yield an obligation for each change that a proof covers in the subject's environment."""
    for address, spec in subject.binding(ProofSpec):
        if not is_due(spec, subject.environment) or not covers_anything(spec):
            continue
        for change in subject.changes or ():
            if change.action is not Action.NO_OP and subject.selects(spec.covers, change):
                reason = f"{address} covers {change.target}"
                yield Obligation("proof", str(address), change.target, address, reason)


def is_due(spec: ProofSpec, environment: EnvironmentFacts) -> bool:
    """Tell whether a proof of this phase is owed in an environment.

    A protected one owes the evidence of every phase. In an unprotected one apply runs what is owed
    itself, and only what belongs to an apply.
    """
    return environment.protected or spec.phase == "apply"


def covers_anything(spec: ProofSpec) -> bool:
    """Tell whether the proof names any document or path: an empty selector would mean all."""
    return spec.covers.names_documents or bool(spec.covers.paths)
