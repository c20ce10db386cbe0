"""Contracts: ordered layers, where documents stand in them, and what each layer forbids.

Owns `LayerContract`, placement and the vocabulary of prohibitions. Refuses to know any kind but its
own: documents are read by the roles that their fields declare.
"""

from typing import TYPE_CHECKING

from chimera.model.lazily import import_lazily

if TYPE_CHECKING:
    from chimera.contract.facts import Concerned, LayerFacts, Marks, Use
    from chimera.contract.judge import judge
    from chimera.contract.kinds import Layer, LayerContractSpec
    from chimera.contract.layers import ContractLayer, contracts_of
    from chimera.contract.obligations import owed
    from chimera.contract.placement import Placer, Placing, place
    from chimera.contract.prohibitions import PROHIBITIONS, Prohibition

__all__ = [
    "PROHIBITIONS",
    "Concerned",
    "ContractLayer",
    "Layer",
    "LayerContractSpec",
    "LayerFacts",
    "Marks",
    "Placer",
    "Placing",
    "Prohibition",
    "Use",
    "contracts_of",
    "judge",
    "owed",
    "place",
]

import_lazily(
    __name__,
    {
        ".facts": "Concerned LayerFacts Marks Use",
        ".judge": "judge",
        ".kinds": "Layer LayerContractSpec",
        ".layers": "ContractLayer contracts_of",
        ".obligations": "owed",
        ".placement": "Placer Placing place",
        ".prohibitions": "PROHIBITIONS Prohibition",
    },
)
