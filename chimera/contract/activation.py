"""What a changed contract owes: documentation that changes too, and a Decision for what it wakes.

Judges only where the snapshot was compared with something. What the contract said *before* the
change counts, so that a change cannot loosen the conditions that it must meet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from chimera.contract.definition import documented
from chimera.contract.kinds import WhenActive
from chimera.contract.layers import Contract, ContractLayer, layers_of
from chimera.documents import Globs
from chimera.kinds import Document, Model, Subject, ValidationError, answers
from chimera.model import Action, Change, Diagnostic, PathSet

DECISION = "Decision"
CHANGELOG_ENTRY = "ChangelogEntry"
PROOF = "Proof"


def check_changes(contract: Contract, subject: Subject) -> Iterator[Diagnostic]:
    """Report documentation that did not change with the contract, and layers activated unduly."""
    change = _change_of(contract, subject)
    if change is None or contract.address not in subject.before:
        return
    yield from _stale_documentation(contract, subject)
    for layer in activated(contract, subject):
        yield from _unmet(layer, _conditions(layer, subject), change, subject)


def former(layer: ContractLayer, subject: Subject) -> Mapping[str, Any]:
    """Return what the layer's author had written before the change; nothing where it was not."""
    before = subject.before.get(layer.contract.address, {})
    return _raw_layers(before).get(layer.layer.id, {})


def activated(contract: Contract, subject: Subject) -> Iterator[ContractLayer]:
    """Yield the layers that the change turns from dormant to active."""
    if _change_of(contract, subject) is None:
        return
    for layer in layers_of(contract):
        if not layer.is_dormant and former(layer, subject).get("status") == "dormant":
            yield layer


def must_pass(layer: ContractLayer, subject: Subject) -> tuple[str, ...]:
    """Return the layers whose proofs an activation of `layer` must pass."""
    names = (name for when in _conditions(layer, subject) for name in when.must_pass)
    return tuple(dict.fromkeys(names))


def proofs_in(layer: str, subject: Subject) -> tuple[Document[Model], ...]:
    """Return the proofs that stand in `layer`."""
    return tuple(
        document
        for document in subject.snapshot.documents.values()
        if document.kind.name == PROOF
        and any(placement.layer == layer for placement in subject.placed(document.address))
    )


def _change_of(contract: Contract, subject: Subject) -> Change | None:
    return next(
        (
            change
            for change in subject.changes or ()
            if change.target == contract.address and change.action is Action.UPDATE
        ),
        None,
    )


def _raw_layers(value: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Read the layers of what may be an older form of the kind: only ids are relied on."""
    spec = value.get("spec")
    layers = spec.get("layers") if isinstance(spec, Mapping) else None
    return {
        str(layer["id"]): layer
        for layer in (layers if isinstance(layers, list) else ())
        if isinstance(layer, Mapping) and "id" in layer
    }


def _conditions(layer: ContractLayer, subject: Subject) -> tuple[WhenActive, ...]:
    """Return the conditions of activation, those from before and those of the change itself."""
    now = layer.layer.when_active
    raw = former(layer, subject).get("whenActive")
    found = [] if now is None else [now]
    if raw is not None:
        try:
            found.append(WhenActive.model_validate(raw))
        except ValidationError:
            # An older form that cannot be read is held to have asked for a person.
            found.append(WhenActive.model_validate({"needsApprovalOf": [{"matter": "this layer"}]}))
    return tuple(found)


def _unmet(
    layer: ContractLayer, conditions: tuple[WhenActive, ...], change: Change, subject: Subject
) -> Iterator[Diagnostic]:
    if not _has_decision(layer, change, subject):
        yield _refusal(
            layer,
            "layer-activated",
            "without a Decision record that says so",
            f"add a Decision with activates: {layer.name} and answers with "
            f"target: {change.target} and after: {change.after}",
        )
    for name in dict.fromkeys(n for c in conditions for n in c.routes_through) or ("",):
        if not _has_entry(name, change, subject):
            through = f" in {name}" if name else ""
            yield _refusal(
                layer,
                "layer-activated-unrecorded",
                f"without a {CHANGELOG_ENTRY}{through} for this change",
                f"add one whose answers have target: {change.target} and after: {change.after}",
            )
    for name in must_pass(layer, subject):
        if not proofs_in(name, subject):
            yield _refusal(
                layer,
                "layer-activated-unproven",
                f"and must pass {name}, in which no proof stands",
                f"add a Proof that {name} admits and that shows the change",
            )
    for approval in dict.fromkeys(a for c in conditions for a in c.needs_approval_of):
        yield _refusal(
            layer,
            "layer-activated-unapproved",
            f"without a {approval.by}'s approval of {approval.matter}",
            "leave the layer dormant: approvals cannot be signed with this version",
        )
    yield from _unbound(layer, conditions)


def _unbound(layer: ContractLayer, conditions: tuple[WhenActive, ...]) -> Iterator[Diagnostic]:
    """Report what the layer was to keep to, were it active, and says no longer."""
    kept = layer.layer.prohibits
    for word in dict.fromkeys(w for c in conditions for w in c.prohibits):
        if word not in kept:
            yield _refusal(
                layer,
                "layer-activated-unbound",
                f"and no longer prohibits {word}, which its whenActive keeps",
                f"add {word} to prohibits",
            )
    for field in ("trigger", "mode"):
        said = getattr(layer.layer, field)
        for bound in dict.fromkeys(getattr(c, field) for c in conditions):
            if bound not in {None, said}:
                yield _refusal(
                    layer,
                    "layer-activated-unbound",
                    f"and does not say {field}: {bound}, as its whenActive does",
                    f"write {field}: {bound}",
                )


def _refusal(layer: ContractLayer, rule: str, message: str, help: str) -> Diagnostic:
    return Diagnostic(
        rule,
        f"{layer.name} was dormant and becomes active {message}",
        layer.at("status"),
        help,
        address=str(layer.contract.address),
        related=(layer.cite("these conditions bind it", "whenActive"),),
    )


def _has_decision(layer: ContractLayer, change: Change, subject: Subject) -> bool:
    return any(
        record.kind.name == DECISION
        and getattr(record.spec, "activates", None) == layer.name
        and answers(record, change)
        for record in subject.snapshot.records
    )


def _has_entry(layer: str, change: Change, subject: Subject) -> bool:
    """Tell whether an entry, in `layer` if one is named, records exactly this change."""
    return any(
        record.kind.name == CHANGELOG_ENTRY
        and answers(record, change)
        and (not layer or any(p.layer == layer for p in subject.placed(record.address)))
        for record in subject.snapshot.records
    )


def _stale_documentation(contract: Contract, subject: Subject) -> Iterator[Diagnostic]:
    """Report paths that stayed the same; a layer's count only where the layer itself changed."""
    raw = _raw_layers(contract.value)
    for path, route, layer in documented(contract):
        if layer is not None and raw[layer.layer.id] == former(layer, subject):
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
