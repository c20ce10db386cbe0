"""What changes owe because of the layer that they are in: a person, and the proofs of activation.

Refuses to weigh: the gate does that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from chimera.contract.activation import activated, must_pass, proofs_in
from chimera.contract.kinds import LayerContractSpec
from chimera.contract.layers import Contract, ContractLayer, contracts_of
from chimera.contract.placement import Placer
from chimera.kinds import Document, Metadata, Subject, validate_model
from chimera.model import Action, Address, Change, Obligation, Place


def owed(subject: Subject) -> Iterator[Obligation]:
    """Yield what the subject's changes owe to the layers that they are in."""
    if subject.environment.protected:
        yield from _approvals(subject)
    for contract in contracts_of(subject.snapshot):
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
    """Owe a person for changes of what people start, by the contracts as they are and as they were.

    Of a contract that the same change edits or deletes both count, as of a gate: nothing moves
    documents out of a human-triggered layer by editing what the layer admits or how it is started.
    """
    former, unread = former_contracts(subject)
    placers = (Placer(contracts_of(subject.snapshot)), Placer(former))
    for change in subject.changes or ():
        if change.action is Action.NO_OP or not isinstance(change.target, Address):
            continue
        standing = standing_of(change, change.target, placers, subject)
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


def former_contracts(subject: Subject) -> tuple[list[Contract], list[Address]]:
    """Return the contracts from before that this change edits or deletes, and those unreadable."""
    former, unread = [], []
    for change in subject.changes or ():
        target, kind = change.target, subject.snapshot.registry.kinds["LayerContract"]
        if change.action not in {Action.UPDATE, Action.DELETE} or target not in subject.before:
            continue
        if isinstance(target, Address) and target.kind == kind.name:
            value, here = subject.before[target], Place(subject.former_paths.get(target, ""))
            spec, _ = validate_model(LayerContractSpec, value.get("spec"), here, str(target))
            if spec is None:
                unread.append(target)
            else:
                metadata = Metadata(name=target.name)
                former.append(Document(target, kind, metadata, spec, value, here))
    return former, unread


def standing_of(
    change: Change, address: Address, placers: Iterable[Placer], subject: Subject
) -> Iterator[ContractLayer]:
    """Yield the layers of a changed document, where it is and where it was."""
    named: list[tuple[str | None, tuple[str, ...]]] = []
    document = subject.snapshot.get(address)
    if document is not None:
        named.append((document.place.path, document.metadata.layers))
    if change.action is not Action.CREATE and address in subject.before:
        metadata = subject.before[address].get("metadata", {})
        asserted = tuple(str(layer) for layer in metadata.get("layers", ()))
        named.append((subject.former_paths.get(address), asserted))
    for placer in placers:
        for path, layers in named:
            yield from placer.standing(address.kind, path, layers)
