"""What changes owe because of the layer that they are in: a person, and the proofs of activation.

Refuses to weigh: the gate does that.
"""

from __future__ import annotations

from collections.abc import Iterator

from chimera.contract.activation import activated, former, must_pass, proofs_in
from chimera.contract.kinds import LayerContractSpec
from chimera.contract.layers import ContractLayer
from chimera.contract.placement import Placer
from chimera.kinds import Subject
from chimera.model import Action, Address, Change, Obligation


def owed(subject: Subject) -> Iterator[Obligation]:
    """Yield what the subject's changes owe to the layers that they are in."""
    if subject.environment.protected:
        yield from _approvals(subject)
    for contract in subject.snapshot.of_model(LayerContractSpec):
        for layer in activated(contract, subject):
            for name in must_pass(layer, subject):
                for proof in proofs_in(name, subject):
                    yield Obligation(
                        "proof",
                        str(proof.address),
                        contract.address,
                        contract.address,
                        f"{layer.name} becomes active and must pass {name}",
                    )


def _approvals(subject: Subject) -> Iterator[Obligation]:
    placer = Placer(subject.snapshot)
    for change in subject.changes or ():
        if change.action is Action.NO_OP or not isinstance(change.target, Address):
            continue
        for layer in _standing(change, change.target, placer, subject):
            if _is_human(layer, subject) and not layer.is_dormant:
                yield Obligation(
                    "approval",
                    "human",
                    change.target,
                    layer.contract.address,
                    f"{layer.name} is human-triggered and {subject.environment.name} is protected",
                    (("count", "1"),),
                )


def _is_human(layer: ContractLayer, subject: Subject) -> bool:
    """Tell whether people start what stands in the layer, or did before this change."""
    return "human" in (layer.layer.trigger, former(layer, subject).get("trigger"))


def _standing(
    change: Change, address: Address, placer: Placer, subject: Subject
) -> tuple[ContractLayer, ...]:
    """Return the layers of a changed document, where it was and where it is."""
    found: dict[str, ContractLayer] = {}
    document = subject.snapshot.get(address)
    if document is not None:
        standing = placer.standing(address.kind, document.place.path, document.metadata.layers)
        found |= {layer.name: layer for layer in standing}
    if change.action is not Action.CREATE and address in subject.before:
        metadata = subject.before[address].get("metadata", {})
        asserted = tuple(str(layer) for layer in metadata.get("layers", ()))
        path = subject.former_paths.get(address)
        found |= {layer.name: layer for layer in placer.standing(address.kind, path, asserted)}
    return tuple(found[name] for name in sorted(found))
