"""What a changed contract owes: documentation that changes too, and what an activated layer needs.

Judges only where the snapshot was compared with something. What the contract said *before* the
change counts, so that a change cannot loosen the conditions that it must meet. Approvals and proofs
are weighed at the gate; `obligations` owes them.
"""

from __future__ import annotations

from collections.abc import Iterator

from chimera.contract.activation import (
    Activation,
    activations,
    dormant_before,
    freed,
    proofs_in,
)
from chimera.contract.documenting import stale_documentation
from chimera.contract.layers import Contract, all_layers, contracts_of
from chimera.kinds import Document, Model, Subject, answers, mismatch
from chimera.model import Action, Diagnostic, Finding, Related, Verdict

DECISION = "Decision"
CHANGELOG_ENTRY = "ChangelogEntry"


def check_changes(contract: Contract, subject: Subject) -> Iterator[Diagnostic]:
    """Report documentation that did not change with the contract, and layers activated unduly."""
    changed = {change.target: change.action for change in subject.changes or ()}
    is_updated = changed.get(contract.address) is Action.UPDATE
    if is_updated and contract.address in subject.before:
        yield from stale_documentation(contract, subject)
    for one in activations(subject):
        if one.layer.contract.address == contract.address:
            yield from _missing(one, subject)


def vanished(subject: Subject) -> Iterator[Verdict]:
    """Refuse documents that a dormant layer lets go of by being deleted: they would act."""
    present = all_layers(contracts_of(subject.snapshot))
    activated = {one.was for one in activations(subject)}
    for name in dormant_before(subject):
        if name in present or name in activated:
            continue
        for document in freed(name, subject):
            fault = Diagnostic(
                "layer-vanished",
                f"{name} was dormant and is gone, so that {document.address}, which stood in it,"
                " would act",
                document.place,
                "keep the layer, and activate it by its name; or delete its documents with it",
                address=str(document.address),
            )
            judge = f"LayerContract/{name.partition('/')[0]}#layer-vanished"
            subject_name = str(document.address)
            yield Verdict(judge, subject_name, Finding.FAIL, (fault.message,), (fault,))


def _missing(one: Activation, subject: Subject) -> Iterator[Diagnostic]:
    """Yield everything that the activation lacks, each with how to provide it."""
    yield from _without_decision(one, subject)
    for name in one.routes_through or ("",):
        yield from _without_entry(one, name, subject)
    for name in one.must_pass:
        if not proofs_in(name, subject):
            yield _refusal(
                one,
                subject,
                "layer-activated-unproven",
                f"and must pass {name}, in which no proof stands",
                f"add a Proof that {name} admits and that shows the change",
            )
    yield from _unbound(one, subject)


def _without_decision(one: Activation, subject: Subject) -> Iterator[Diagnostic]:
    decisions = [r for r in subject.snapshot.records if r.kind.name == DECISION]
    meant = [d for d in decisions if getattr(d.spec, "activates", None) == one.layer.name]
    if any(answers(decision, one.change) for decision in meant):
        return
    others = [
        f"{d.address} activates {getattr(d.spec, 'activates', None) or 'nothing'}"
        for d in decisions
        if d not in meant and answers(d, one.change)
    ]
    offered = [
        mismatch(d, one.change) or f"{d.address} does not name {one.change.target}" for d in meant
    ]
    yield _refusal(
        one,
        subject,
        "layer-activated",
        "without a Decision record that says so" + _but([*offered, *others]),
        f"add a Decision with activates: {one.layer.name} and answers with "
        f"target: {one.change.target} and after: {one.change.after}",
    )


def _without_entry(one: Activation, layer: str, subject: Subject) -> Iterator[Diagnostic]:
    """Report that no entry, in `layer` if one is named, records exactly this change."""
    entries = [r for r in subject.snapshot.records if r.kind.name == CHANGELOG_ENTRY]
    answering = [entry for entry in entries if answers(entry, one.change)]
    if any(not layer or _stands_in(entry, layer, subject) for entry in answering):
        return
    offered = [f"{entry.address} does not stand in {layer}" for entry in answering]
    offered += (why for entry in entries if (why := mismatch(entry, one.change)))
    through = f" in {layer}" if layer else ""
    yield _refusal(
        one,
        subject,
        "layer-activated-unrecorded",
        f"without a {CHANGELOG_ENTRY}{through} for this change" + _but(offered),
        f"add one whose answers have target: {one.change.target} and after: {one.change.after}",
    )


def _stands_in(document: Document[Model], layer: str, subject: Subject) -> bool:
    return any(placement.layer == layer for placement in subject.placed(document.address))


def _but(offered: list[str]) -> str:
    return f" ({'; '.join(offered)})" if offered else ""


def _unbound(one: Activation, subject: Subject) -> Iterator[Diagnostic]:
    """Report what the layer was to keep to, were it active, and says no longer."""
    layer, conditions = one.layer.layer, one.conditions
    for word in dict.fromkeys(w for c in conditions for w in c.prohibits):
        if word not in layer.prohibits:
            yield _refusal(
                one,
                subject,
                "layer-activated-unbound",
                f"and no longer prohibits {word}, which its whenActive keeps",
                f"add {word} to prohibits",
            )
    for field in ("trigger", "mode"):
        said = getattr(layer, field)
        for bound in dict.fromkeys(getattr(c, field) for c in conditions):
            if bound not in {None, said}:
                yield _refusal(
                    one,
                    subject,
                    "layer-activated-unbound",
                    f"and does not say {field}: {bound}, as its whenActive does",
                    f"write {field}: {bound}",
                )


def _refusal(one: Activation, subject: Subject, rule: str, message: str, help: str) -> Diagnostic:
    """Return one thing that is missing; beside it stands what the gate will ask for besides."""
    renamed = f", as {one.was}," if one.was != one.layer.name else ""
    return Diagnostic(
        rule,
        f"{one.layer.name} was dormant{renamed} and becomes active {message}",
        one.layer.at("status"),
        help,
        address=str(one.layer.contract.address),
        related=(
            one.layer.cite("these conditions bind it", "whenActive"),
            Related(_besides(one, subject), one.layer.at("id")),
        ),
    )


def _besides(one: Activation, subject: Subject) -> str:
    """Say what the gate asks of an activation: proofs, and people where it is protected."""
    proofs = (str(p.address) for name in one.must_pass for p in proofs_in(name, subject))
    people = (
        f"approval of {matter} by {'a person' if who == 'human' else who}"
        for who, matter in one.approvals
    )
    shown = [f"`chimera prove {name}`" for name in dict.fromkeys(proofs)]
    asked = ", ".join((*shown, *people))
    return f"besides it owes {asked}: `chimera approve` where it is protected"
