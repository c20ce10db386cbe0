"""Documentation that a contract names changes with it, and with the layer that it is about."""

from __future__ import annotations

from collections.abc import Iterator

from chimera.contract.activation import former_layer, raw_layers
from chimera.contract.definition import documented
from chimera.contract.layers import Contract
from chimera.documents import Globs
from chimera.kinds import Subject
from chimera.model import Action, Diagnostic, PathSet


def stale_documentation(contract: Contract, subject: Subject) -> Iterator[Diagnostic]:
    """Report paths that stayed the same; a layer's count only where the layer itself changed."""
    raw = raw_layers(contract.value)
    for path, route, layer in documented(contract):
        if layer is not None and raw[layer.layer.id] == former_layer(layer, subject):
            continue
        if not _has_changed(path, contract, subject):
            title = layer.name if layer else str(contract.address)
            yield Diagnostic(
                "layer-documentation-unchanged",
                f"{title} changed and its documentation {path} did not",
                contract.at(*route),
                f"change {path} together with the contract",
                address=str(contract.address),
            )


def _has_changed(path: str, contract: Contract, subject: Subject) -> bool:
    """Tell whether a file that `path` names changed: another document's, or a governed one.

    The contract's own file does not count, which changes with it whatever it says. Against a base
    without a tree a path set says that it differs, and not where; that counts.
    """
    globs = Globs((path,))
    for change in subject.changes or ():
        if change.action is Action.NO_OP:
            continue
        if isinstance(change.target, PathSet):
            others = [changed for changed in change.paths if changed != contract.place.path]
            if path in change.target.globs and (not change.paths or globs.filter(others)):
                return True
        else:
            document = subject.snapshot.get(change.target)
            if document not in (None, contract) and globs.matches(document.place.path):
                return True
    return False
