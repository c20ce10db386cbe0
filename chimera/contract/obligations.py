"""What changes owe because of the layer that they are in: a person, and the proofs of activation.

Refuses to weigh: the gate does that.
"""

from __future__ import annotations

from collections.abc import Iterator

from chimera.contract.activation import Activation, activations, proofs_in
from chimera.contract.layers import contracts_of
from chimera.contract.placed import former_contracts, placed_in
from chimera.contract.placement import Placer
from chimera.kinds import Subject
from chimera.model import Action, Address, Obligation


def owed(subject: Subject) -> Iterator[Obligation]:
    """Yield what the subject's changes owe to the layers that they are in."""
    if subject.environment.protected:
        yield from _approvals(subject)
    for one in activations(subject):
        yield from _activation(one, subject)


def _activation(one: Activation, subject: Subject) -> Iterator[Obligation]:
    """Owe the proofs of an activation, and the people who approve it where it is protected."""
    target, source = one.change.target, one.layer.contract.address
    for name in one.must_pass:
        for proof in proofs_in(name, subject):
            reason = f"{one.layer.name} becomes active and must pass {name}"
            yield Obligation("proof", str(proof.address), target, source, reason)
    if subject.environment.protected:
        for who, matter in one.approvals:
            reason = f"{one.layer.name} becomes active, which needs approval of {matter}"
            detail = (("count", "1"), ("matter", matter))
            yield Obligation("approval", who, target, source, reason, detail)


def _approvals(subject: Subject) -> Iterator[Obligation]:
    """Owe a person for changes of what people start, by the contracts as they are and as they were.

    Of a contract that the same change edits or deletes both count, as of a gate: nothing moves
    documents out of a human-triggered layer by editing what the layer admits or how it is started.
    """
    former, unread = former_contracts(subject)
    placers = (Placer(contracts_of(subject.snapshot)), Placer(former))
    for change in subject.changes or ():
        if change.action is Action.NO_OP or not isinstance(change.target, Address):
            continue
        standing = placed_in(change, change.target, placers, subject)
        human = [one for one in standing if one.layer.trigger == "human" and not one.is_dormant]
        for name, source in {layer.name: layer.contract.address for layer in human}.items():
            why = f"{name} is human-triggered"
            yield _approval(change.target, source, why, subject)
        for contract in unread:
            why = f"{contract} can no longer be read as it was before this change"
            yield _approval(change.target, contract, why, subject)


def _approval(target: Address, source: Address, why: str, subject: Subject) -> Obligation:
    reason = f"{why} and {subject.environment.name} is protected"
    return Obligation("approval", "human", target, source, reason, (("count", "1"),))
