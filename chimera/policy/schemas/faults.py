"""What is wrong with a JSON Schema itself, where it stands. Refuses to judge documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from chimera.kinds import Document, shown
from chimera.model import Diagnostic
from chimera.policy.schemas.checker import Fact
from chimera.policy.schemas.definition import Definition
from chimera.policy.schemas.kinds import SchemaSpec
from chimera.policy.schemas.wording import Speaker
from chimera.policy.worker import printable


def schema_faults(
    document: Document[SchemaSpec], definition: Definition, facts: Iterable[Fact]
) -> Iterator[Diagnostic]:
    """Yield the faults of a Schema's JSON Schema and of the files that this may name."""
    address = str(document.address)
    for fact in facts:
        schema, place = definition.files[fact["file"]], definition.places[fact["file"]]
        say = _SAYINGS.get(fact["keyword"])
        if say is not None:
            rule, message, help = say(fact)
            yield Diagnostic(rule, message, place.at(*fact["path"]), help, address=address)
            continue
        for found in Speaker("JSON Schema", schema, place).diagnostics(fact):
            message = f"this is no JSON Schema: {found.message}"
            yield replace(found, rule="schema-invalid", message=message, address=address)


def _dangling(fact: Fact) -> tuple[str, str, str]:
    if fact["outside"]:
        what = "names nothing that the Schema may use"
        help = "let spec.uses name the file of the tree that it means; nothing is fetched"
    else:
        what, help = "leads nowhere", "name a schema that is there"
    return "schema-reference-dangling", f"the reference {shown(fact['reference'])} {what}", help


def _not_linear(fact: Fact) -> tuple[str, str, str]:
    message = (
        f"the pattern {shown(fact['pattern'])} looks around or refers back, so that a hostile text "
        "could keep it busy forever"
    )
    help = "write it without lookaround and back-references"
    return "schema-pattern-not-linear", message, help


def _no_pattern(fact: Fact) -> tuple[str, str, str]:
    message = f"the pattern {shown(fact['pattern'])} is no regular expression, or a too large one"
    return "schema-invalid", message, "correct it, or write less of it"


def _not_usable(fact: Fact) -> tuple[str, str, str]:
    message = f"the schema cannot be used: {printable(fact['reason'])}"
    return "schema-invalid", message, "correct the schema"


_SAYINGS = {
    "$ref": _dangling,
    "build": _not_usable,
    "linear": _not_linear,
    "regex": _no_pattern,
}
