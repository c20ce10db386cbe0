"""Which dormant layers a change activates, under whatever name, and what binds each.

A layer that is renamed, moved to another contract or made anew is the layer that it was: what it
asked for binds the layer that takes its place. Judges only where there is a before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from chimera.contract.kinds import LayerContractSpec, WhenActive
from chimera.contract.layers import ContractLayer, all_layers, contracts_of, is_contract
from chimera.kinds import Document, Model, Subject, ValidationError
from chimera.model import Action, Address, Change, is_dormant

Raw = Mapping[str, Any]
PROOF = "Proof"


@dataclass(frozen=True)
class Activation:
    """A layer that was dormant, or takes the place of one, and is active by this change.

    `change` is its contract's, `was` the name under which it was dormant, and `conditions` bind it:
    those from before as well as its own.
    """

    layer: ContractLayer
    change: Change
    was: str
    conditions: tuple[WhenActive, ...]

    @property
    def must_pass(self) -> tuple[str, ...]:
        """The layers whose proofs it must pass."""
        return tuple(dict.fromkeys(name for when in self.conditions for name in when.must_pass))

    @property
    def routes_through(self) -> tuple[str, ...]:
        """The layers in which a record of it is made."""
        names = (name for when in self.conditions for name in when.routes_through)
        return tuple(dict.fromkeys(names))

    @property
    def approvals(self) -> tuple[tuple[str, str], ...]:
        """Who approves what of it where it is protected: a role or any person, and the matter."""
        needed = (one for when in self.conditions for one in when.needs_approval_of)
        asked = dict.fromkeys((one.role or one.by, one.matter) for one in needed)
        return tuple(asked) or (("human", "this layer"),)


def activations(subject: Subject) -> tuple[Activation, ...]:
    """Return every layer that the subject's changes activate, in order of name."""
    changes = _contract_changes(subject)
    present = all_layers(contracts_of(subject.snapshot))
    found: dict[tuple[str, str], Activation] = {}
    for name, raw in dormant_before(subject).items():
        for layer in _successors(name, raw, present, changes, subject):
            change = changes.get(layer.contract.address)
            if change is not None:
                conditions = _conditions(layer, raw)
                found[layer.name, name] = Activation(layer, change, name, conditions)
    return tuple(found[key] for key in sorted(found))


def dormant_before(subject: Subject) -> dict[str, Raw]:
    """Return the layers that were dormant in contracts which the changes edit or delete."""
    return {
        f"{address.name}/{id}": raw
        for address, change in _contract_changes(subject).items()
        if change.action in {Action.UPDATE, Action.DELETE}
        for id, raw in raw_layers(subject.before.get(address, {})).items()
        if raw.get("status") == "dormant"
    }


def freed(name: str, subject: Subject) -> tuple[Document[Model], ...]:
    """Return the documents that stood in a dormant layer, and stand in no dormant one now."""
    documents = subject.snapshot.documents
    stood = {
        a for a, were in subject.former_placements.items() if any(p.layer == name for p in were)
    }
    for change in subject.changes or ():
        if isinstance(change.target, Address):
            metadata = subject.before.get(change.target, {}).get("metadata", {})
            layers = metadata.get("layers", ()) if isinstance(metadata, Mapping) else ()
            stood |= {change.target} if name in layers else set()
    return tuple(
        documents[address]
        for address in sorted(stood & documents.keys())
        if not is_dormant(subject.placed(address))
        and not documents[address].kind.record
        and not is_contract(documents[address])
    )


def former_layer(layer: ContractLayer, subject: Subject) -> Raw:
    """Return what the layer's author had written before the change; nothing where it was not."""
    before = subject.before.get(layer.contract.address, {})
    return raw_layers(before).get(layer.layer.id, {})


def raw_layers(value: Raw) -> dict[str, Raw]:
    """Read the layers of what may be an older form of the kind: only ids are relied on."""
    spec = value.get("spec")
    layers = spec.get("layers") if isinstance(spec, Mapping) else None
    return {
        str(layer["id"]): layer
        for layer in (layers if isinstance(layers, list) else ())
        if isinstance(layer, Mapping) and "id" in layer
    }


def proofs_in(layer: str, subject: Subject) -> tuple[Document[Model], ...]:
    """Return the proofs that stand in `layer`."""
    return tuple(
        document
        for document in subject.snapshot.documents.values()
        if document.kind.name == PROOF
        and any(placement.layer == layer for placement in subject.placed(document.address))
    )


def _contract_changes(subject: Subject) -> dict[Address, Change]:
    kind = subject.snapshot.registry.of_model(LayerContractSpec).name
    return {
        change.target: change
        for change in subject.changes or ()
        if change.changes and isinstance(change.target, Address) and change.target.kind == kind
    }


def _successors(
    name: str,
    raw: Raw,
    present: Mapping[str, ContractLayer],
    changes: Mapping[Address, Change],
    subject: Subject,
) -> Iterator[ContractLayer]:
    """Yield the active layers that a layer from before has become: its own name, or a new one."""
    if name in present:
        if not present[name].is_dormant:
            yield present[name]
        return
    held = {p.layer for one in freed(name, subject) for p in subject.placed(one.address)}
    for layer in present.values():
        is_new = layer.contract.address in changes and not former_layer(layer, subject)
        if is_new and not layer.is_dormant and (layer.name in held or _resembles(layer, raw)):
            yield layer


def _resembles(layer: ContractLayer, raw: Raw) -> bool:
    """Tell whether a layer says of itself what another said: its id, its name, what it admits."""
    now = raw_layers(layer.contract.value).get(layer.layer.id, {})
    if any(
        now.get(field) and now.get(field) == raw.get(field) for field in ("id", "name", "purpose")
    ):
        return True
    return bool(_admitted(now) & _admitted(raw))


def _admitted(raw: Raw) -> set[str]:
    admits = raw.get("admits")
    lists = admits.values() if isinstance(admits, Mapping) else ()
    return {str(one) for some in lists if isinstance(some, list) for one in some}


def _conditions(layer: ContractLayer, raw: Raw) -> tuple[WhenActive, ...]:
    """Return the conditions of activation, those from before and those of the change itself."""
    now, before = layer.layer.when_active, raw.get("whenActive")
    found = [] if now is None else [now]
    if before is not None:
        try:
            found.append(WhenActive.model_validate(before))
        except ValidationError:
            # An older form that cannot be read is held to have asked for a person.
            found.append(WhenActive.model_validate({"needsApprovalOf": [{"matter": "this layer"}]}))
    return tuple(found)
