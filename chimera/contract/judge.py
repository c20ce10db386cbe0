"""Judges every contract, and every document by the layers that it stands in.

A failing verdict is about the document at fault and names the contract's rule; a contract that
nobody breaks gets one that passes, with what it only has to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from chimera.contract.changing import check_changes
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
from chimera.contract.prohibitions import PROHIBITIONS, Prohibition
from chimera.kinds import Document, Model, NoMemo, Subject, diagnostic_json, read_diagnostic
from chimera.model import Diagnostic, Digest, Finding, Severity, Verdict, digest_json


def judge(subject: Subject, prohibitions: Mapping[str, Prohibition]) -> list[Verdict]:
    """Return the verdicts of all contracts of `subject`, in order of contract and rule."""
    snapshot = subject.snapshot
    contracts = contracts_of(snapshot)
    if not contracts:
        return []
    layers = all_layers(contracts)
    forbidden = _forbidden(contracts, subject, prohibitions)
    verdicts: list[Verdict] = []
    for contract, conducted in zip(contracts, forbidden, strict=True):
        faults = [*_definition(contract, subject, prohibitions, layers), *conducted]
        verdicts += _verdicts(contract, faults)
        verdicts += exchange_verdict(contract, snapshot)
    return verdicts


def _forbidden(
    contracts: Sequence[Contract], subject: Subject, prohibitions: Mapping[str, Prohibition]
) -> list[list[Diagnostic]]:
    """Return what documents do that each contract forbids.

    Any document can lean on any layer, so that it is remembered for all documents together.
    """
    key = _key(contracts, subject, prohibitions)
    known = subject.memo.get(key) if key else None
    if known is not None:
        return [list(map(read_diagnostic, faults)) for faults in known]
    marks, members = Marks(subject.snapshot), members_of(subject)
    found = [
        [
            fault
            for layer in layers_of(contract)
            for fault in conduct(layer, members.get(layer.name, ()), subject, marks, prohibitions)
        ]
        for contract in contracts
    ]
    if key:
        subject.memo.put(key, [list(map(diagnostic_json, faults)) for faults in found])
    return found


def _key(
    contracts: Sequence[Contract], subject: Subject, prohibitions: Mapping[str, Prohibition]
) -> Digest | None:
    """Return what the answer depends on; `None` where that is more than documents and actor.

    That is so where something changes, and where a word is a plugin's, which may look at anything.
    """
    words = {word for c in contracts for layer in c.spec.layers for word in layer.prohibits}
    ours = {prohibition.word: prohibition for prohibition in PROHIBITIONS}
    has_others = any(
        word in prohibitions and prohibitions[word] != ours.get(word) for word in words
    )
    if subject.changes is not None or has_others or isinstance(subject.memo, NoMemo):
        return None
    actor = [subject.actor.name, subject.actor.kind]
    return digest_json(["conduct/1", actor, [shard.key for shard in subject.snapshot.shards]])


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
