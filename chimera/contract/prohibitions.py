"""The closed vocabulary of `prohibits`: each word a predicate over roles of fields.

Owns the thirteen words of Chimera; plugins add others through `chimera_register_prohibitions`. A
predicate never asks what a kind is called, except where the word itself names kinds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from chimera.contract.facts import LayerFacts, field_of
from chimera.documents import Globs
from chimera.kinds import AUTOMATIC_TRIGGERS, Kind, Registry, Role
from chimera.model import Diagnostic, UsageError

_POLICIES = frozenset({"Policy"})
_GUARDRAILS = frozenset({"Gate", "Guard"})
_POLICY_ROOT = "policies/"
_WILDCARD = re.compile(r"[*?\[$]")


@dataclass(frozen=True, slots=True)
class Prohibition:
    """A word that a layer can list under `prohibits`, and the predicate that enforces it.

    `refuses` yields a diagnostic for each thing that acts against the word; it makes them with
    `LayerFacts.refuse`, so that each stands at the offending field and cites the contract.
    """

    word: str
    summary: str
    refuses: Callable[[LayerFacts], Iterable[Diagnostic]]


def _automation(facts: LayerFacts) -> Iterator[Diagnostic]:
    for one, found in facts.playing(Role.TRIGGER):
        document = one.document
        if str(found.value) in AUTOMATIC_TRIGGERS:
            yield facts.refuse(
                f"{document.address} is started by {found.value} and {one.how}",
                document,
                found.route,
                "let a person start it: trigger: human",
            )
        elif facts.subject.acting(document.address).kind == "automation" and (
            facts.is_run(document) or (found.value == "apply" and facts.is_changed(document))
        ):
            yield facts.refuse(
                f"{document.address} would be executed by {facts.subject.actor.name}, "
                f"which is automation, and {one.how}",
                document,
                found.route,
                "let a person do it, or where it is protected sign it: `chimera approve`",
            )


def _cadence(facts: LayerFacts) -> Iterator[Diagnostic]:
    for one in facts.concerned:
        when = list(facts.marks.playing(one.document, Role.CADENCE))
        starts = facts.marks.playing(one.document, Role.TRIGGER)
        # A schedule says when it is due; its trigger is told of only where nothing else says so.
        for found in when or (trigger for trigger in starts if trigger.value == "schedule"):
            yield facts.refuse(
                f"{one.document.address} has a {field_of(found)} and {one.how}"
                if when
                else f"{one.document.address} is started by a schedule and {one.how}",
                one.document,
                found.route,
                f"remove {field_of(found)}" if when else "write trigger: human",
            )


def _while_playing(
    role: Role, deed: str, help: str
) -> Callable[[LayerFacts], Iterator[Diagnostic]]:
    """Return the predicate that refuses any document concerned in which a field plays `role`.

    `deed` says what such a document does; `{value}` in it is the field's value.
    """

    def refuses(facts: LayerFacts) -> Iterator[Diagnostic]:
        for one, found in facts.playing(role):
            yield facts.refuse(
                f"{one.document.address} {deed.format(value=found.value)} and {one.how}",
                one.document,
                found.route,
                help.format(field=field_of(found)),
            )

    return refuses


def _writing(kinds: frozenset[str], what: str) -> Callable[[LayerFacts], Iterator[Diagnostic]]:
    """Return the predicate that refuses what writes documents of `kinds`."""

    def refuses(facts: LayerFacts) -> Iterator[Diagnostic]:
        paths = tuple(
            document.place.path
            for document in facts.subject.snapshot.documents.values()
            if document.kind.name in kinds
        )
        for one, found in facts.playing(Role.WRITES):
            target = str(found.value)
            if target in kinds or _may_write(target, paths, kinds):
                yield facts.refuse(
                    f"{one.document.address} writes {what} ({found.value}) and {one.how}",
                    one.document,
                    found.route,
                    f"let it suggest, and a person change {what}",
                )

    return refuses


def _may_write(target: str, paths: Iterable[str], kinds: frozenset[str]) -> bool:
    """Tell whether a glob can name one of `paths`, or a new policy in the folder of policies.

    A placeholder (`${...}`) can become anything: what precedes it decides.
    """
    fixed = _WILDCARD.split(target, maxsplit=1)[0]
    if "$" in target:
        roots = (*paths, _POLICY_ROOT) if kinds == _POLICIES else tuple(paths)
        return any(root.startswith(fixed) or fixed.startswith(root) for root in roots)
    try:
        globs = Globs((target,))
    except UsageError:
        return True  # what leaves the tree can come back into it
    if any(globs.matches(path) for path in paths):
        return True
    return kinds == _POLICIES and (
        fixed.startswith(_POLICY_ROOT) or globs.matches(f"{_POLICY_ROOT}new.yaml")
    )


def _decision_making(facts: LayerFacts) -> Iterator[Diagnostic]:
    for use, name in facts.uses(Role.DECIDES):
        yield facts.refuse(
            f"{use.document.address} chooses by {name}",
            use.document,
            use.route,
            f"choose by something else: {name} only informs",
        )
    for name in facts.names:
        for use in facts.marks.quotations(name):
            yield facts.refuse(
                f"an expression of {use.document.address} chooses by {name}",
                use.document,
                use.route,
                f"choose by something else: {name} only informs",
            )


def _required_outputs(facts: LayerFacts) -> Iterator[Diagnostic]:
    for use, name in facts.uses(Role.OWES):
        yield facts.refuse(
            f"{use.document.address} owes {name}",
            use.document,
            use.route,
            f"owe something else: nothing of {facts.layer.name} is required",
        )
    admitted = facts.layer.layer.admits.kinds
    for document, found in facts.marks.owing:
        if found.value in admitted:
            yield facts.refuse(
                f"{document.address} owes a {found.value}, which stands in {facts.layer.name}",
                document,
                found.route,
                f"owe something else: nothing of {facts.layer.name} is required",
            )


def _tooling(facts: LayerFacts) -> Iterator[Diagnostic]:
    registry = facts.subject.snapshot.registry
    admits = facts.layer.layer.admits.kinds
    for index, name in enumerate(admits):
        kind = registry.kinds.get(name)
        tool = tool_of(kind, registry) if kind else None
        if tool:
            route = ("spec", "layers", facts.layer.index, "admits", "kinds", index)
            yield facts.refuse(
                f"{facts.layer.name} admits {name}, which is {tool}",
                facts.layer.contract,
                route,
                "admit only kinds that nothing carries out",
            )
    for member in facts.members:
        tool = tool_of(member.kind, registry)
        if tool and member.kind.name not in admits:
            yield facts.refuse(
                f"{member.address} stands in {facts.layer.name} and its kind is {tool}",
                member,
                ("metadata", "layers"),
                "place it in another layer",
            )


def tool_of(kind: Kind, registry: Registry) -> str | None:
    """Say what carries out documents of `kind`: an executor, a command, an operation or nothing."""
    if kind.executable:
        return f"executable by the plugin {kind.room}"
    for what, names in (("command", registry.commands), ("operation", registry.operations)):
        own = sorted(name for name in names if registry.rooms.get(name) == kind.room)
        if own and kind.room:
            return f"served by the {what} {own[0]} of the plugin {kind.room}"
    return None


PROHIBITIONS = (
    Prohibition(
        "automation",
        "no event or schedule starts it, and no automation executes it",
        _automation,
    ),
    Prohibition(
        "background-execution",
        "it starts nothing that outlives the command that started it",
        _while_playing(
            Role.BACKGROUND,
            "starts what outlives its command",
            "remove {field}, or let it end with its command",
        ),
    ),
    Prohibition("cadence", "it has no schedule, interval, due date or review period", _cadence),
    Prohibition(
        "enforcement",
        "it is no policy or gate with a denying action",
        _while_playing(
            Role.DENIES, "can refuse a change", "let it warn, or place it in another layer"
        ),
    ),
    Prohibition(
        "auto-approval",
        "it counts no approval without a human's signature",
        _while_playing(
            Role.AUTO_APPROVES,
            "counts an approval that no person signed",
            "remove {field}: people approve",
        ),
    ),
    Prohibition(
        "automatic-policy-change",
        "nothing that it writes is a policy",
        _writing(_POLICIES, "policies"),
    ),
    Prohibition(
        "automatic-guardrail-change",
        "nothing that it writes is a gate or a guard",
        _writing(_GUARDRAILS, "gates or guards"),
    ),
    Prohibition("decision-making", "no condition, gate or policy chooses by it", _decision_making),
    Prohibition("tooling", "no plugin, command or operation is registered for it", _tooling),
    Prohibition(
        "ownership",
        "it names no owner, assignee or role",
        _while_playing(Role.OWNER, "names the owner {value}", "remove {field}"),
    ),
    Prohibition("required-outputs", "no gate owes it and no proof needs it", _required_outputs),
    Prohibition(
        "participation",
        "it names nobody who must take part or approve",
        _while_playing(
            Role.PARTICIPANT, "says that {value} must take part", "remove {field}: nobody must"
        ),
    ),
    Prohibition(
        "interpretation",
        "it turns a proof's result into nothing but pass or fail",
        _while_playing(
            Role.INTERPRETS,
            "turns a result into more than pass or fail",
            "remove {field}: a proof passes or fails",
        ),
    ),
)
"""The vocabulary of DESIGN §5."""
