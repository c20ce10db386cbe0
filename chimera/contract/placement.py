"""Where documents stand: `admits` assigns a layer, `metadata.layers` asserts one, both must agree.

Owns placements and the faults of naming layers. Refuses to say what a layer allows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chimera.contract.layers import Contract, ContractLayer, all_layers, contracts_of, layers_of
from chimera.documents import Globs
from chimera.kinds import (
    Document,
    LayerReference,
    LoadedShard,
    Model,
    Snapshot,
    diagnostic_json,
    nearest,
    read_diagnostic,
    suggestion,
)
from chimera.model import Address, Diagnostic, Place, Placement, Route, digest_json

if TYPE_CHECKING:
    from chimera.contract.kinds import Refusal


@dataclass(frozen=True, slots=True)
class Placing:
    """Where every document stands, one placement a contract, and what is wrong with that."""

    placements: Mapping[Address, tuple[Placement, ...]]
    diagnostics: tuple[Diagnostic, ...]


class Placements(Mapping[Address, tuple[Placement, ...]]):
    """Placements by address, each made when it is asked for: most never are."""

    def __init__(self, layers: Mapping[str, ContractLayer]) -> None:
        self._layers = layers
        self._standing: dict[str, Sequence[str]] = {}

    def add(self, name: str, layers: Sequence[str]) -> None:
        """Say that the document at the address `name` stands in `layers`, of which there are."""
        self._standing[name] = layers

    def __getitem__(self, address: Address) -> tuple[Placement, ...]:
        """Return where the document at `address` stands."""
        return tuple(
            Placement(address, name, self._layers[name].is_dormant)
            for name in self._standing[str(address)]
        )

    def __iter__(self) -> Iterator[Address]:
        """Yield the addresses of all documents that stand anywhere, in order."""
        return (Address(*name.split("/", 1)) for name in sorted(self._standing))

    def __len__(self) -> int:
        """Return how many documents stand anywhere."""
        return len(self._standing)


def place(snapshot: Snapshot) -> Placing:
    """Place every document of `snapshot` in the layers of its contracts.

    Where nothing but contracts and the documents of a shard matters, what was found is remembered.
    """
    contracts = contracts_of(snapshot)
    placer = Placer(contracts)
    placements = Placements(placer.layers)
    faults: list[Diagnostic] = []
    known = digest_json([[str(c.address), c.place.path, c.place.index, c.value] for c in contracts])
    for shard in snapshot.shards:
        key = f"placed/1 {known} {shard.key}"
        found = snapshot.memo.get(key) if contracts else None
        if found is None:
            may_skip = not contracts and bool(snapshot.loaded)
            found = _placed(shard, placer, only_named=may_skip)
            snapshot.memo.put(key, found)
        standing, wrong = found
        for row, layers in standing:
            placements.add(shard.names[row], layers)
        faults += map(read_diagnostic, wrong)
    return Placing(placements, tuple(faults))


def _placed(shard: LoadedShard, placer: Placer, *, only_named: bool) -> list[list[Any]]:
    """Return the layers of a shard's documents by row, and what is wrong with them, as JSON."""
    standing: list[Any] = []
    faults: list[Any] = []
    rows = shard.outline.layered if only_named else range(len(shard.names))
    for row in rows:
        document = shard.documents[row]
        layers = placer.standing(document.kind.name, document.place.path, document.layers)
        if layers:
            standing.append([row, [layer.name for layer in layers]])
        faults += map(diagnostic_json, placer.faults(document, layers))
    return [standing, faults]


class Placer:
    """The admissions of some contracts, ready to be asked."""

    def __init__(self, contracts: Iterable[Contract]) -> None:
        self._contracts = {contract.address.name: _Admissions(contract) for contract in contracts}
        self.layers = all_layers(admissions.contract for admissions in self._contracts.values())

    def standing(
        self, kind: str, path: str | None, asserted: tuple[str, ...]
    ) -> tuple[ContractLayer, ...]:
        """Return the layers of a document, at most one a contract, in order of contract.

        What a contract admits comes before what the document asserts, so that no document can
        talk itself out of a layer.
        """
        found = []
        for name, admissions in self._contracts.items():
            layer = admissions.layer_for(kind, path) or next(
                (self.layers[a] for a in asserted if a in self.layers and _contract(a) == name),
                None,
            )
            if layer is not None:
                found.append(layer)
        return tuple(found)

    def faults(
        self, document: Document[Model], standing: tuple[ContractLayer, ...]
    ) -> Iterator[Diagnostic]:
        """Yield what is wrong with the layers that `document` names and stands in."""
        for name, route in _named(document):
            if name not in self.layers:
                yield self._unknown(document, name, document.at(*route))
        yield from _asserted_twice(document)
        for layer in standing:
            yield from _disagreement(document, layer)
            for index, refusal in self._contracts[layer.contract.address.name].refusals(layer):
                if refusal.refuses(document):
                    yield _refused(document, layer, index)

    def _unknown(self, document: Document[Model], name: str, where: Place) -> Diagnostic:
        contract = self._contracts.get(_contract(name))
        if contract is None:
            return Diagnostic(
                "layer-contract-unknown",
                f"there is no LayerContract/{_contract(name)} for the layer {name}",
                where,
                suggestion(
                    name,
                    self.layers,
                    "write contract/id with the name of a LayerContract of this repository",
                ),
                address=str(document.address),
            )
        known = [layer.name for layer in contract.layers]
        near = nearest(name, known)
        meant = f"did you mean {near}? " if near else ""
        return Diagnostic(
            "layer-unknown",
            f"LayerContract/{_contract(name)} has no layer {name}",
            where,
            f"{meant}its layers are {', '.join(known)}",
            address=str(document.address),
        )


class _Admissions:
    """What the layers of one contract admit and refuse: kinds first, then the paths of files."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.layers = tuple(layers_of(contract))
        self._by_kind: dict[str, ContractLayer] = {}
        self._by_path: list[tuple[Globs, ContractLayer]] = []
        for layer in self.layers:
            for kind in layer.layer.admits.kinds:
                self._by_kind.setdefault(kind, layer)
            if layer.layer.admits.paths:
                self._by_path.append((Globs(layer.layer.admits.paths), layer))
        self._refusals = [tuple(map(_Refused.of, layer.layer.refuses)) for layer in self.layers]

    def layer_for(self, kind: str, path: str | None) -> ContractLayer | None:
        if kind in self._by_kind:
            return self._by_kind[kind]
        if path is None:
            return None
        return next((layer for globs, layer in self._by_path if globs.matches(path)), None)

    def refusals(self, layer: ContractLayer) -> Iterator[tuple[int, _Refused]]:
        return enumerate(self._refusals[layer.index])


@dataclass(frozen=True, slots=True)
class _Refused:
    """A refusal, ready to be held against many documents."""

    kinds: frozenset[str]
    globs: Globs

    @staticmethod
    def of(refusal: Refusal) -> _Refused:
        return _Refused(frozenset(refusal.kinds), Globs(refusal.paths))

    def refuses(self, document: Document[Model]) -> bool:
        return document.kind.name in self.kinds or (
            bool(self.globs.patterns) and self.globs.matches(document.place.path)
        )


def _named(document: Document[Model]) -> Iterator[tuple[str, Route]]:
    """Yield the layers that a document names, in its metadata and in its spec."""
    for index, name in enumerate(document.layers):
        yield name, ("metadata", "layers", index)
    for found in document.marks:
        if isinstance(found.mark, LayerReference):
            yield found.value, found.route


def _contract(layer: str) -> str:
    return layer.partition("/")[0]


def _asserted_twice(document: Document[Model]) -> Iterator[Diagnostic]:
    first: dict[str, int] = {}
    for index, name in enumerate(document.layers):
        earlier = first.setdefault(_contract(name), index)
        if earlier != index:
            yield Diagnostic(
                "layer-asserted-twice",
                f"a second layer of LayerContract/{_contract(name)}: {name}, "
                f"after {document.layers[earlier]}",
                document.at("metadata", "layers", index),
                "name at most one layer of each contract",
                address=str(document.address),
            )


def _disagreement(document: Document[Model], layer: ContractLayer) -> Iterator[Diagnostic]:
    for index, name in enumerate(document.layers):
        if _contract(name) == layer.contract.address.name and name != layer.name:
            if name not in {other.name for other in layers_of(layer.contract)}:
                continue  # reported as unknown
            yield Diagnostic(
                "layer-disagreement",
                f"{document.address} says that it stands in {name}, "
                f"and {layer.contract.address} places it in {layer.name}",
                document.at("metadata", "layers", index),
                f"write {layer.name}, or leave the layer to the contract",
                address=str(document.address),
                related=(layer.cite(f"{layer.name} admits it here", "admits"),),
            )


def _refused(document: Document[Model], layer: ContractLayer, index: int) -> Diagnostic:
    refusal = layer.layer.refuses[index]
    goes = f"; it belongs to {refusal.to}" if refusal.to else ""
    return Diagnostic(
        "layer-refused",
        f"{document.address} stands in {layer.name}, which refuses {refusal.what}{goes}",
        document.at("metadata", "layers"),
        f"place it in {refusal.to}" if refusal.to else "place it in another layer",
        address=str(document.address),
        related=(layer.cite(f"{layer.name} refuses it here", "refuses", index),),
    )
