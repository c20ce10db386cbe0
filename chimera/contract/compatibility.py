"""What an edit of a contract takes from the documents that name its layers."""

from __future__ import annotations

from collections.abc import Iterator

from chimera.contract.kinds import LayerContractSpec


def breaks(before: LayerContractSpec, after: LayerContractSpec) -> Iterator[str]:
    """Yield the layers that are gone, and those that nothing may act in any more."""
    layers = {layer.id: layer for layer in after.layers}
    for was in before.layers:
        now = layers.get(was.id)
        if now is None:
            yield f"the layer {was.id} is gone"
        elif (was.status, now.status) == ("active", "dormant"):
            yield f"the layer {was.id} is dormant now: nothing acts for it"
