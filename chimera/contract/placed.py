"""Contracts that a change edits or deletes, as they were, and the layers that it stands in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from chimera.contract.kinds import LayerContractSpec
from chimera.contract.layers import Contract, ContractLayer
from chimera.contract.placement import Placer
from chimera.kinds import Document, Metadata, Subject, validate_model
from chimera.model import Action, Address, Change, Place


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


def placed_in(
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
