"""What is asked of freezes that stand: a scope that is there, and an end after the beginning.

A freeze of a misspelt layer would freeze nothing, and nobody would know. Refuses to ask it of one
that is over: a record stays true when what it is about is gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from chimera.builtin.records.kinds import FreezeSpec
from chimera.contract import LayerContractSpec
from chimera.gate import environments
from chimera.kinds import Document, Snapshot, Subject, suggestion
from chimera.model import Diagnostic, Finding, Verdict

Freeze = Document[FreezeSpec]


def judge_freezes(subject: Subject) -> Iterator[Verdict]:
    """Return one verdict for each freeze, in order of name."""
    for freeze in subject.snapshot.of_model(FreezeSpec):
        faults = (*_times(freeze), *_scope(freeze, subject))
        yield Verdict(
            "freezes",
            str(freeze.address),
            Finding.FAIL if faults else Finding.PASS,
            tuple(fault.message for fault in faults),
            faults,
        )


def _times(freeze: Freeze) -> Iterator[Diagnostic]:
    if freeze.spec.is_backwards:
        yield Diagnostic(
            "freeze-never-stands",
            f"it ends at {freeze.spec.until}, before it begins",
            freeze.at("spec", "until"),
            "write an until that is after from, or leave it out",
            address=str(freeze.address),
        )


def _scope(freeze: Freeze, subject: Subject) -> Iterator[Diagnostic]:
    if freeze.spec.is_over(subject.now):
        return
    for field, known in _known(subject.snapshot):
        for index, name in enumerate(getattr(freeze.spec.scope, field)):
            if name not in known:
                listed = f"there is: {', '.join(sorted(known)) or 'none'}"
                yield Diagnostic(
                    "freeze-scope-unknown",
                    f"{name!r} is not among the {field} here, so that it freezes none by it",
                    freeze.at("spec", "scope", field, index),
                    suggestion(name, known, listed),
                    address=str(freeze.address),
                )


def _known(snapshot: Snapshot) -> Iterable[tuple[str, set[str]]]:
    layers = {
        f"{contract.address.name}/{layer.id}"
        for contract in snapshot.of_model(LayerContractSpec)
        for layer in contract.spec.layers
    }
    return (
        ("environments", {f"Environment/{name}" for name in environments(snapshot)}),
        ("kinds", set(snapshot.registry.kinds)),
        ("layers", layers),
    )
