"""Judges every contract, and every document by the layers that it stands in.

A failing verdict is about the document at fault and names the contract's rule; a contract that
nobody breaks gets one that passes, with what it only has to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from chimera.contract.activation import check_changes
from chimera.contract.conduct import check_dormant, check_mode, check_triggers
from chimera.contract.definition import (
    check_admissions,
    check_documentation,
    check_exchanges,
    check_ids,
    check_principles,
    check_refusals,
    check_words,
    exchange_verdict,
)
from chimera.contract.facts import LayerFacts, Marks
from chimera.contract.layers import Contract, ContractLayer, all_layers, contracts_of, layers_of
from chimera.contract.prohibitions import Prohibition
from chimera.kinds import Document, Model, Subject
from chimera.model import Diagnostic, Finding, Severity, Verdict


def judge(subject: Subject, prohibitions: Mapping[str, Prohibition]) -> list[Verdict]:
    """Return the verdicts of all contracts of `subject`, in order of contract and rule."""
    snapshot = subject.snapshot
    marks = Marks(snapshot)
    contracts = contracts_of(snapshot)
    if not contracts:
        return []
    layers = all_layers(contracts)
    members = members_of(subject)
    verdicts: list[Verdict] = []
    for contract in contracts:
        faults = [*_definition(contract, subject, prohibitions, layers)]
        for layer in layers_of(contract):
            here = members.get(layer.name, ())
            faults += conduct(layer, here, subject, marks, prohibitions)
        verdicts += _verdicts(contract, faults)
        verdicts += exchange_verdict(contract, snapshot)
    return verdicts


def members_of(subject: Subject) -> dict[str, tuple[Document[Model], ...]]:
    """Return the documents that stand in each layer, by the layer's name."""
    found: dict[str, list[Document[Model]]] = {}
    for address, placements in subject.placements.items():
        for placement in placements:
            found.setdefault(placement.layer, []).append(subject.snapshot.documents[address])
    return {layer: tuple(documents) for layer, documents in found.items()}


def _definition(
    contract: Contract,
    subject: Subject,
    prohibitions: Mapping[str, Prohibition],
    layers: Mapping[str, ContractLayer],
) -> Iterator[Diagnostic]:
    yield from check_ids(contract)
    yield from check_admissions(contract, subject.snapshot)
    yield from check_refusals(contract)
    yield from check_words(contract, prohibitions)
    yield from check_documentation(contract, subject.snapshot)
    yield from check_principles(contract, subject)
    yield from check_exchanges(contract, layers)
    yield from check_changes(contract, subject)


def conduct(
    layer: ContractLayer,
    members: tuple[Document[Model], ...],
    subject: Subject,
    marks: Marks,
    prohibitions: Mapping[str, Prohibition],
) -> Iterator[Diagnostic]:
    """Yield what a layer's documents, and those that lean on them, do that it forbids."""
    facts = LayerFacts(subject, layer, marks, members, "", layer.at("status"))
    if layer.is_dormant:
        yield from check_dormant(facts)
    else:
        yield from check_triggers(facts)
        yield from check_mode(facts)
    for index, word in enumerate(layer.layer.prohibits):
        if word in prohibitions:
            line = layer.at("prohibits", index)
            facts = LayerFacts(subject, layer, marks, members, word, line)
            yield from prohibitions[word].refuses(facts)


def _verdicts(contract: Contract, faults: list[Diagnostic]) -> Iterator[Verdict]:
    """Group errors by rule and document at fault; the contract's own verdict carries all faults."""
    errors: dict[tuple[str, str], list[Diagnostic]] = {}
    for fault in dict.fromkeys(faults):
        if fault.severity is Severity.ERROR:
            errors.setdefault((fault.rule, fault.address or str(contract.address)), []).append(
                fault
            )
    for (rule, address), found in sorted(errors.items()):
        reasons = tuple(fault.message for fault in found)
        judge = f"{contract.address}#{rule}"
        yield Verdict(judge, address, Finding.FAIL, reasons, tuple(found))
    yield Verdict(
        str(contract.address),
        str(contract.address),
        Finding.FAIL if errors else Finding.PASS,
        (
            f"broken: {', '.join(sorted({rule for rule, _ in errors}))}"
            if errors
            else _summary(contract),
        ),
        tuple(dict.fromkeys(faults)),
    )


def _summary(contract: Contract) -> str:
    layers = contract.spec.layers
    dormant = sum(layer.status == "dormant" for layer in layers)
    return f"{len(layers)} layers, {dormant} of them dormant"
