"""Which layers a change is in, before and after, and which contracts it edits.

Refuses to owe: what a layer is owed in an environment is `obligations`'.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from chimera.contract.activation import activations, former_layer
from chimera.contract.definition import documented
from chimera.contract.layers import Contract, ContractLayer, contracts_of
from chimera.contract.placed import former_contracts, placed_in
from chimera.contract.placement import Placer
from chimera.kinds import Subject
from chimera.model import Address, Change, PathSet, Touch


def touch(subject: Subject) -> Iterator[Touch]:
    """Yield layers of changed documents, edited contracts, and whose documentation changed."""
    changes = [change for change in subject.changes or () if change.changes]
    if not changes:
        return
    contracts = contracts_of(subject.snapshot)
    were, _ = former_contracts(subject)
    placers = (Placer(contracts), Placer(were))
    edited = {contract.address: contract for contract in (*were, *contracts)}
    for change in changes:
        if isinstance(change.target, PathSet):
            described = (one for one in contracts if _documentation(one) == change.target)
            yield from (_touched(contract, change, ()) for contract in described)
            continue
        yield from _layers(change, change.target, placers, subject)
        if change.target in edited:
            yield _touched(edited[change.target], change, _asks(edited[change.target], subject))


def _touched(contract: Contract, change: Change, asks: tuple[str, ...]) -> Touch:
    return Touch(str(contract.address), contract.address, change.target, change.paths, asks)


def _documentation(contract: Contract) -> PathSet:
    return PathSet.of([path for path, _, _ in documented(contract)])


def _layers(
    change: Change, address: Address, placers: tuple[Placer, Placer], subject: Subject
) -> Iterator[Touch]:
    """Yield where a document stands and stood; what either contract asks of a layer counts."""
    asks: dict[tuple[str, Address], dict[str, None]] = {}
    for layer in placed_in(change, address, placers, subject):
        asked = asks.setdefault((layer.name, layer.contract.address), {})
        asked.update(dict.fromkeys(_asks_of(layer)))
    for (name, source), asked in sorted(asks.items()):
        yield Touch(name, source, address, change.paths, tuple(asked))


def _asks_of(layer: ContractLayer) -> Iterator[str]:
    if layer.is_dormant:
        yield "nothing acts for it: it is dormant"
    elif layer.layer.trigger == "human":
        yield "approval by a person where it is protected: it is human-triggered"


def _asks(contract: Contract, subject: Subject) -> tuple[str, ...]:
    """Return what an edit of a contract asks for: documentation, and what activations need."""
    if subject.snapshot.get(contract.address) is not contract:
        return ()  # it was deleted
    asked = [
        f"a change of {path} with it"
        for path, _, layer in documented(contract)
        if contract.address in subject.before
        and (layer is None or _raw(layer) != former_layer(layer, subject))
    ]
    for one in activations(subject):
        if one.layer.contract is contract:
            asked.append(f"record Decision that activates {one.layer.name}")
            asked += (f"record ChangelogEntry in {name}" for name in one.routes_through)
            asked += (f"the proofs of {name}" for name in one.must_pass)
            asked += (
                f"approval of {matter} by {'a person' if who == 'human' else who} where it is"
                " protected"
                for who, matter in one.approvals
            )
    return tuple(asked)


def _raw(layer: ContractLayer) -> Mapping[str, object]:
    found: Mapping[str, object] = layer.contract.value["spec"]["layers"][layer.index]
    return found
