"""What a change of a Promotion owes: its proof, and people where the environment is protected.

Refuses to weigh: the gate does that.
"""

from __future__ import annotations

from collections.abc import Iterator

from chimera.builtin.evolution.genomes.kinds import FieldTarget, FileTarget, PromotionSpec
from chimera.gate.obligations import conditions
from chimera.kinds import Subject
from chimera.model import Action, Address, Change, Obligation, PathSet, Touch
from chimera.proof import ProofSpec, is_due


def owe(subject: Subject) -> Iterator[Obligation]:
    """Yield what changes of Promotions and of their files owe, as they are and as they were."""
    for address, spec in subject.binding(PromotionSpec):
        for change in subject.changes or ():
            if change.action is Action.NO_OP or not _is_of(change, address, spec):
                continue
            reason = f"{address} says which genome is in use"
            if change.action is not Action.DELETE and _is_due(spec.proof, subject):
                yield Obligation("proof", spec.proof, change.target, address, reason)
            for approval in spec.approvals if subject.environment.protected else ():
                detail = conditions(approval)
                yield Obligation("approval", approval.role, change.target, address, reason, detail)


def touch(subject: Subject) -> Iterator[Touch]:
    """Yield each Promotion with each change of it, and of the documents and files it writes into.

    Whoever reviews the change of a workflow is told which of its values a genome gave.
    """
    found: dict[tuple[Address, Change], dict[str, None]] = {}
    for address, spec in subject.binding(PromotionSpec):
        for change in subject.changes or ():
            if not change.changes:
                continue
            asks = found.setdefault((address, change), {})
            if _is_of(change, address, spec):
                asks[f"evidence that {spec.evolution} finds {spec.champion} again"] = None
            for target in spec.targets:
                if isinstance(target, FieldTarget) and target.document == str(change.target):
                    asks[f"the gene {target.gene} of {spec.genome} at {target.at}"] = None
    for (address, change), asks in found.items():
        if asks:
            yield Touch(str(address), address, change.target, change.paths, tuple(asks))


def _is_of(change: Change, address: Address, spec: PromotionSpec) -> bool:
    """Tell whether a change is of the Promotion itself, or of the files that it governs."""
    if not isinstance(change.target, PathSet):
        return change.target == address
    files = [target.file for target in spec.targets if isinstance(target, FileTarget)]
    return bool(files) and change.target == PathSet.of(files)


def _is_due(proof: str, subject: Subject) -> bool:
    """Tell whether a proof of this phase is owed here; one that cannot be read always is."""
    document = subject.snapshot.get(Address.parse(proof))
    spec = document.spec if document is not None else None
    return not isinstance(spec, ProofSpec) or is_due(spec, subject)
