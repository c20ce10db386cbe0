"""The layers of all contracts by name, each with its place in its contract.

Refuses to judge: it finds layers and cites their lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from chimera.kinds import Document, Model, Snapshot
from chimera.model import Place, Related, Segment

if TYPE_CHECKING:
    from chimera.contract.kinds import Layer, LayerContractSpec

Contract: TypeAlias = "Document[LayerContractSpec]"


@dataclass(frozen=True, slots=True)
class ContractLayer:
    """One layer and the contract that it stands in."""

    contract: Contract
    index: int

    @property
    def layer(self) -> Layer:
        """The layer itself."""
        return self.contract.spec.layers[self.index]

    @property
    def name(self) -> str:
        """The layer's name, written `contract/id`."""
        return f"{self.contract.address.name}/{self.layer.id}"

    @property
    def is_dormant(self) -> bool:
        """Whether the layer is defined and forbidden to act."""
        return self.layer.status == "dormant"

    def at(self, *route: Segment) -> Place:
        """Return the place of `route` inside the layer."""
        return self.contract.at("spec", "layers", self.index, *route)

    def cite(self, message: str, *route: Segment) -> Related:
        """Return the contract's line at `route` as the reason of a diagnostic."""
        return Related(message, self.at(*route))


def layers_of(contract: Contract) -> Iterator[ContractLayer]:
    """Yield the layers of one contract in its order."""
    return (ContractLayer(contract, index) for index in range(len(contract.spec.layers)))


def contracts_of(snapshot: Snapshot) -> tuple[Contract, ...]:
    """Return all contracts of `snapshot`, in order of name."""
    if "LayerContract" not in snapshot.kinds:
        return ()
    from chimera.contract.kinds import LayerContractSpec

    return snapshot.of_model(LayerContractSpec)


def all_layers(contracts: Iterable[Contract]) -> dict[str, ContractLayer]:
    """Return every layer by name; of two with one id the first counts."""
    found: dict[str, ContractLayer] = {}
    for contract in contracts:
        for layer in layers_of(contract):
            found.setdefault(layer.name, layer)
    return found


def is_contract(document: Document[Model]) -> bool:
    """Tell whether `document` defines layers; it may name any layer without acting on it."""
    return document.kind.name == "LayerContract"
