"""How documents of a layer may behave: what may start them, and whether they may decide.

Judges `trigger` and `mode` of active layers, and everything by which a dormant layer would act.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from chimera.contract.facts import LayerFacts, field_of, texts
from chimera.contract.informing import check_informing
from chimera.contract.layers import ContractLayer
from chimera.contract.prohibitions import tool_of
from chimera.kinds import AUTOMATIC_TRIGGERS, Document, Marked, Model, Plays, Role, marked
from chimera.model import Diagnostic, Route, is_dormant

_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_DATE = re.compile(
    rf"\b(20\d\d-(0[1-9]|1[0-2])(-\d\d)?|Q[1-4][ /-]?20\d\d|({_MONTHS}) (\d+, )?20\d\d)\b"
)
_ACTS = AUTOMATIC_TRIGGERS | {"apply"}


def check_triggers(facts: LayerFacts) -> Iterator[Diagnostic]:
    """Report documents of an active layer that something starts which may not."""
    layer = facts.layer.layer
    if layer.trigger in {None, "automatic"}:
        return
    for member in facts.members:
        for found in facts.marks.playing(member, Role.TRIGGER):
            if layer.trigger == "human" and str(found.value) in AUTOMATIC_TRIGGERS:
                yield _fault(
                    "layer-human-triggered",
                    f"{member.address} is started by {found.value}, and only people start what "
                    f"stands in {facts.layer.name}",
                    member,
                    found.route,
                    "write trigger: human, and let people start it with `chimera run`",
                    facts.layer,
                    ("trigger",),
                )
            elif layer.trigger == "none":
                yield _fault(
                    "layer-untriggered",
                    f"{member.address} is started by {found.value}, and nothing starts what "
                    f"stands in {facts.layer.name}",
                    member,
                    found.route,
                    "place it in a layer whose documents are started",
                    facts.layer,
                    ("trigger",),
                )


def check_mode(facts: LayerFacts) -> Iterator[Diagnostic]:
    """Report documents of a layer that only informs, or only simulates, which do more."""
    mode = facts.layer.layer.mode
    if mode in {None, "enforcing"}:
        return
    if mode == "informational":
        yield from check_informing(facts)
    for member in facts.members:
        for found in facts.marks.playing(member, Role.DENIES):
            yield _fault(
                f"layer-{mode}",
                f"{member.address} can refuse a change, and {facts.layer.name} is {mode}",
                member,
                found.route,
                "let it warn, or place it in an enforcing layer",
                facts.layer,
                ("mode",),
            )
        for found in facts.marks.playing(member, Role.WRITES) if mode == "simulation" else ():
            yield _fault(
                f"layer-{mode}",
                f"{member.address} writes {found.value}, and {facts.layer.name} is {mode}",
                member,
                found.route,
                "let it report what it would write",
                facts.layer,
                ("mode",),
            )
    for use, name in facts.uses(Role.DECIDES):
        yield _fault(
            f"layer-{mode}",
            f"{use.document.address} chooses by {name}, and {facts.layer.name} is {mode}",
            use.document,
            use.route,
            f"choose by something else: {name} only informs",
            facts.layer,
            ("mode",),
        )


def check_dormant(facts: LayerFacts) -> Iterator[Diagnostic]:
    """Report everything by which a dormant layer would act; a document merely placed is fine."""
    yield from _triggers(facts)
    yield from _references(facts)
    yield from _plugins(facts)
    yield from _schedules_and_owners(facts)


def _triggers(facts: LayerFacts) -> Iterator[Diagnostic]:
    for member in facts.members:
        for found in facts.marks.playing(member, Role.TRIGGER):
            if str(found.value) in _ACTS:
                yield _fault(
                    "dormant-trigger",
                    f"{member.address} would be started by {found.value}, "
                    f"and {facts.layer.name} is dormant",
                    member,
                    found.route,
                    "write trigger: human, or place it in an active layer",
                    facts.layer,
                )


def _references(facts: LayerFacts) -> Iterator[Diagnostic]:
    """Any reference from what is in force acts, but for those that say that they only cite."""
    placements = facts.subject.placed
    for member in facts.members:
        for use in facts.marks.calls(str(member.address)):
            source = use.document
            if not is_dormant(placements(source.address)):
                yield _fault(
                    "dormant-reference",
                    f"{source.address} would make {member.address} act, "
                    f"and {facts.layer.name} is dormant",
                    source,
                    use.route,
                    f"remove the reference, or place {member.address} in an active layer",
                    facts.layer,
                )


def _plugins(facts: LayerFacts) -> Iterator[Diagnostic]:
    registry = facts.subject.snapshot.registry
    for index, name in enumerate(facts.layer.layer.admits.kinds):
        kind = registry.kinds.get(name)
        tool = tool_of(kind, registry) if kind else None
        if tool:
            yield _fault(
                "dormant-plugin",
                f"{facts.layer.name} is dormant and admits {name}, which is {tool}",
                facts.layer.contract,
                ("spec", "layers", facts.layer.index, "admits", "kinds", index),
                "admit the kind in an active layer: a dormant one has no implementation",
                facts.layer,
            )


def _schedules_and_owners(facts: LayerFacts) -> Iterator[Diagnostic]:
    """A definition is not a roadmap: the layer and what stands in it have no dates or owners."""
    here = ("spec", "layers", facts.layer.index)
    contract = facts.layer.contract
    for found in marked(facts.layer.layer, here):
        if found.value:
            yield from _dated_or_owned(facts, contract, found)
    for route, text in texts(facts.layer.at().route, _raw_layer(facts.layer)):
        date = _DATE.search(text)
        if date and route[-1] != "due":
            yield _fault(
                "dormant-dated",
                f"{facts.layer.name} is dormant and names the date {date[0]}",
                contract,
                route,
                "remove the date: a definition is not a roadmap",
                facts.layer,
            )
    for member in facts.members:
        for found in facts.marks.playing(member, Role.CADENCE, Role.OWNER):
            yield from _dated_or_owned(facts, member, found)


def _dated_or_owned(
    facts: LayerFacts, document: Document[Model], found: Marked
) -> Iterator[Diagnostic]:
    for role, rule, what in (
        (Role.CADENCE, "dormant-dated", "a date or schedule"),
        (Role.OWNER, "dormant-owned", "an owner"),
    ):
        if found.mark == Plays(role):
            yield _fault(
                rule,
                f"{document.address} has {what} ({field_of(found)}), "
                f"and {facts.layer.name} is dormant",
                document,
                found.route,
                f"remove {field_of(found)}: a definition is not a roadmap",
                facts.layer,
            )


def _raw_layer(layer: ContractLayer) -> Any:
    return layer.contract.value["spec"]["layers"][layer.index]


def _fault(
    rule: str,
    message: str,
    document: Document[Model],
    route: Route,
    help: str,
    layer: ContractLayer,
    line: Route = ("status",),
) -> Diagnostic:
    """Return a diagnostic at `route` of `document` that cites the layer's line."""
    says = f"{layer.name} says {line[-1]}: {getattr(layer.layer, str(line[-1]))}"
    return Diagnostic(
        rule,
        message,
        document.at(*route),
        help,
        address=str(document.address),
        related=(layer.cite(says, *line),),
    )
