"""That an informational layer only informs: nothing of it starts, schedules or decides anything.

Its documents are for people. A workflow that names one, a gate or policy that refuses by one, and
a condition that asks for one would have them act. Refuses nothing that merely cites them, and not
that changes of the definitions in it are approved like any others.
"""

from __future__ import annotations

from collections.abc import Iterator

from chimera.contract.facts import LayerFacts, Use, field_of
from chimera.contract.layers import is_contract
from chimera.documents import Globs
from chimera.kinds import (
    AUTOMATIC_TRIGGERS,
    Document,
    Governs,
    KindReference,
    LayerReference,
    Marked,
    Model,
    Role,
)
from chimera.model import Diagnostic, Route

RULE = "layer-informational"
_STARTS = AUTOMATIC_TRIGGERS | {"apply"}


def check_informing(facts: LayerFacts) -> Iterator[Diagnostic]:
    """Report what an informational layer's documents start, schedule or decide."""
    yield from _starting(facts)
    yield from _started(facts)
    yield from _acting(facts)
    yield from _deciding(facts)
    yield from _asking(facts)


def _starting(facts: LayerFacts) -> Iterator[Diagnostic]:
    """Documents of the layer that start by themselves, or have a schedule."""
    told = facts.layer.layer.trigger in {"human", "none"}  # which tells of the same by its own rule
    for member in facts.members:
        if member.kind.record:
            continue
        for found in facts.marks.playing(member, Role.TRIGGER):
            if found.value in _STARTS and not (told and found.value in AUTOMATIC_TRIGGERS):
                yield _fault(
                    facts,
                    f"{member.address} is started by {found.value}",
                    member,
                    found.route,
                    "write trigger: human, and let people start it",
                )
        for found in facts.marks.playing(member, Role.CADENCE):
            yield _fault(
                facts,
                f"{member.address} has a {field_of(found)}",
                member,
                found.route,
                f"remove {field_of(found)}: people look at it when they need it",
            )


def _started(facts: LayerFacts) -> Iterator[Diagnostic]:
    """What starts by itself when somebody writes a record of the layer: its paths lead to them.

    A pattern that begins with a wildcard reads the tree as a whole, and means no record by it.
    """
    kinds = facts.subject.snapshot.registry.kinds
    folders = {name: kinds[name].folder for name in _records(facts)}
    for document in facts.subject.snapshot.documents.values():
        if not folders or not document.kind.executable or not _starts(facts, document):
            continue
        for found in document.marks:
            if not isinstance(found.mark, Governs):
                continue
            for name, folder in folders.items():
                if _leads_into(str(found.value), folder):
                    yield _fault(
                        facts,
                        f"{document.address} is started by each {name} that is written",
                        document,
                        found.route,
                        f"leave {folder} out of its paths, or write trigger: human",
                    )


def _starts(facts: LayerFacts, document: Document[Model]) -> bool:
    return any(found.value in _STARTS for found in facts.marks.playing(document, Role.TRIGGER))


def _leads_into(pattern: str, folder: str) -> bool:
    if pattern.startswith(f"{folder}/"):
        return True
    is_near = pattern.partition("/")[0] == folder.partition("/")[0]
    return is_near and Globs([pattern]).matches(f"{folder}/record.yaml")


def _acting(facts: LayerFacts) -> Iterator[Diagnostic]:
    """What is executed and names a document of the layer."""
    inside = {member.address for member in facts.members}
    for member in facts.members:
        for use in facts.marks.calls(str(member.address)):
            source = use.document
            if source.kind.executable and source.address not in inside:
                yield _fault(
                    facts,
                    f"{source.address} acts by {member.address}",
                    source,
                    use.route,
                    f"let a person read {member.address} and decide",
                )


def _deciding(facts: LayerFacts) -> Iterator[Diagnostic]:
    """Gates and policies that refuse changes by what stands in the layer."""
    for document in facts.subject.snapshot.documents.values():
        if document.kind.record or is_contract(document) or not _denies(facts, document):
            continue
        for found in document.marks:
            if found.value in _names(facts, found):
                yield _fault(
                    facts,
                    f"{document.address} can refuse changes by {found.value}",
                    document,
                    found.route,
                    "let it warn; what an open incident freezes stands in its severity model",
                )


def _names(facts: LayerFacts, found: Marked) -> tuple[str, ...]:
    if isinstance(found.mark, LayerReference):
        return (facts.layer.name,)
    return _records(facts) if isinstance(found.mark, KindReference) else ()


def _records(facts: LayerFacts) -> tuple[str, ...]:
    """Return the kinds of records that stand in the layer."""
    kinds = facts.subject.snapshot.registry.kinds
    admitted = facts.layer.layer.admits.kinds
    return tuple(name for name in admitted if name in kinds and kinds[name].record)


def _denies(facts: LayerFacts, document: Document[Model]) -> bool:
    return any(True for _ in facts.marks.playing(document, Role.DENIES))


def _asking(facts: LayerFacts) -> Iterator[Diagnostic]:
    """Expressions that choose by the layer, by its documents or by its kinds of records."""
    for name in (*facts.names, *_records(facts)):
        for use in facts.marks.quotations(name):
            if _chooses(facts, use):
                yield _fault(
                    facts,
                    f"an expression of {use.document.address} chooses by {name}",
                    use.document,
                    use.route,
                    f"choose by something else, or let it warn: {name} only informs",
                )


def _chooses(facts: LayerFacts, use: Use) -> bool:
    if use.document.kind.record or is_contract(use.document):
        return False
    return use.document.kind.executable or _denies(facts, use.document)


def _fault(
    facts: LayerFacts, what: str, document: Document[Model], route: Route, help: str
) -> Diagnostic:
    layer = facts.layer
    return Diagnostic(
        RULE,
        f"{what}, and {layer.name} is informational",
        document.at(*route),
        help,
        address=str(document.address),
        related=(layer.cite(f"{layer.name} says mode: informational", "mode"),),
    )
