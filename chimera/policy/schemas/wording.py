"""What is wrong with a document, in the words of somebody who writes YAML, at the narrowest place.

Of alternatives that all fail, the nearest speaks for itself. Refuses to judge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from chimera.kinds import nearest, shown
from chimera.model import Diagnostic, Place, Related, Segment
from chimera.policy.schemas.checker import Fact
from chimera.policy.schemas.definition import Definition

Json = Any

_TYPES = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "an integer",
    "null": "null",
    "number": "a number",
    "object": "a mapping",
    "string": "a string",
}
_BOUNDS = {
    "exclusiveMaximum": "should be less than",
    "exclusiveMinimum": "should be more than",
    "maximum": "should be at most",
    "minimum": "should be at least",
    "multipleOf": "should be a multiple of",
}
_COUNTS = {
    "maxItems": ("at most", "item"),
    "maxLength": ("at most", "character"),
    "maxProperties": ("at most", "field"),
    "minItems": ("at least", "item"),
    "minLength": ("at least", "character"),
    "minProperties": ("at least", "field"),
}
_ALTERNATIVES = frozenset({"anyOf", "oneOf"})
_UNEXPECTED = frozenset({"additionalProperties", "unevaluatedProperties"})
_MOST_NAMED = 8


@dataclass(frozen=True, slots=True)
class Speaker:
    """Says what is wrong with one document by one schema.

    `who` is the Schema, `definition` what it asks for; without one, a metaschema speaks and cites
    nothing.
    """

    who: str
    instance: Json
    place: Place
    definition: Definition | None = None

    def diagnostics(self, fact: Fact) -> Iterator[Diagnostic]:
        """Yield what an error comes to: one diagnostic for each place that has to be mended."""
        keyword = fact["keyword"]
        if keyword in _UNEXPECTED:
            for name in fact["unexpected"]:
                yield self._unknown(fact, name)
        elif keyword == "required":
            yield self._missing(fact)
        elif keyword in _ALTERNATIVES:
            yield from self._alternatives(fact)
        elif keyword == "falseSchema":
            yield self._forbidden(fact)
        elif keyword == "propertyNames":
            yield self._name(fact)
        else:
            yield self._plain(fact)

    def _unknown(self, fact: Fact, name: str) -> Diagnostic:
        near = nearest(name, self._known_names(fact) - {name})
        help = f"did you mean {near}?" if near else f"remove it, or let {self.who} allow it"
        message = f"unknown field {shown(name)}"
        return self._say("schema-field-unknown", message, help, fact, name, on_key=True)

    def _missing(self, fact: Fact) -> Diagnostic:
        name = fact["property"]
        message = f"the field {shown(name)} is missing"
        return self._say("schema-field-missing", message, f"add {name}", fact)

    def _forbidden(self, fact: Fact) -> Diagnostic:
        name = fact["path"][-1] if fact["path"] else None
        what = f"the field {shown(name)} is" if isinstance(name, str) else "this is"
        help = f"remove it, or let {self.who} allow it"
        on_key = isinstance(name, str)
        return self._say("schema-violated", f"{what} not allowed here", help, fact, on_key=on_key)

    def _name(self, fact: Fact) -> Diagnostic:
        name, error = fact["name"], fact["error"]
        speaker = Speaker(self.who, name, self.place)
        message = f"the name {shown(name)} {speaker.sentence({**error, 'path': []})}"
        return self._say("schema-violated", message, "rename it", fact, name, on_key=True)

    def _plain(self, fact: Fact) -> Diagnostic:
        help = _help(fact, self._value(fact)) or f"correct it, or what {self.who} asks for"
        return self._say("schema-violated", self._about(fact, self.sentence(fact)), help, fact)

    def sentence(self, fact: Fact) -> str:
        """Return what is wrong with a value, to be read after its name."""
        keyword, value = fact["keyword"], self._value(fact)
        if keyword in _BOUNDS:
            (limit,) = (fact[name] for name in ("limit", "multiple_of") if name in fact)
            return f"{_BOUNDS[keyword]} {limit}, not {shown(value)}"
        if keyword in _COUNTS:
            bound, what = _COUNTS[keyword]
            limit = fact["limit"]
            return f"should have {bound} {limit} {what}{'s' * (limit != 1)}, not {len(value)}"
        say = _SENTENCES.get(keyword)
        return say(fact, value) if say else f"breaks {keyword!r} of the schema"

    def _alternatives(self, fact: Fact) -> Iterator[Diagnostic]:
        branches: list[list[Fact]] = fact["alternatives"]
        fitting = [number for number, branch in enumerate(branches, 1) if not branch]
        if fitting or not branches:
            words = " and ".join(map(str, fitting))
            say = (
                f"fits alternatives {words}, and just one may" if fitting else "fits no alternative"
            )
            help = f"make it fit one alternative of {self.who}"
            yield self._say("schema-violated", self._about(fact, say), help, fact)
            return
        wanted = _types_wanted(fact, branches)
        if wanted:
            yield self._plain({**fact, "keyword": "type", "types": wanted})
            return
        near = min(branches, key=lambda branch: _distance(fact, branch))
        for error in near:
            yield from self.diagnostics(error)

    def _known_names(self, fact: Fact) -> set[str]:
        """Return the names of the fields that the schema has where an unknown one was met."""
        found = self.definition.find(fact["location"]) if self.definition else None
        schema = found[1] if found else None
        names = schema.get("properties") if isinstance(schema, dict) else None
        return set(names) if isinstance(names, dict) else set()

    def _value(self, fact: Fact) -> Json:
        value = self.instance
        for segment in fact["path"]:
            value = value[segment]
        return value

    def _about(self, fact: Fact, sentence: str) -> str:
        where = ".".join(map(str, fact["path"])) or "the document"
        return f"{where} {sentence}"

    def _say(
        self, rule: str, message: str, help: str, fact: Fact, *more: Segment, on_key: bool = False
    ) -> Diagnostic:
        found = self.definition.find(fact["location"]) if self.definition else None
        related = (Related(f"{self.who} asks for it here", found[0]),) if found else ()
        place = self.place.at(*fact["path"], *more, on="key" if on_key else "value")
        return Diagnostic(rule, message, place, help, related=related)


def _types(types: list[str]) -> str:
    *rest, last = (_TYPES.get(name, name) for name in types)
    return f"{', '.join(rest)} or {last}" if rest else last


def _options(fact: Fact, value: Json) -> str:
    options = fact["options"]
    named = ", ".join(map(shown, options[:_MOST_NAMED]))
    more = f", and {len(options) - _MOST_NAMED} more" if len(options) > _MOST_NAMED else ""
    return f"should be one of {named}{more}, not {shown(value)}"


_SENTENCES: Mapping[str, Callable[[Fact, Json], str]] = {
    "additionalItems": lambda fact, _: f"should have at most {fact['limit']} items",
    "const": lambda fact, value: f"should be {shown(fact['expected_value'])}, not {shown(value)}",
    "contains": lambda _, __: "should hold items that 'contains' describes, as many as asked",
    "enum": _options,
    "format": lambda fact, value: f"should be in the format {fact['format']}, not {shown(value)}",
    "not": lambda _, __: "is what 'not' of the schema forbids",
    "pattern": lambda fact, value: f"should match {shown(fact['pattern'])}, not {shown(value)}",
    "type": lambda fact, value: f"should be {_types(fact['types'])}, not {shown(value)}",
    "unevaluatedItems": lambda _, __: "should have no further items",
    "uniqueItems": lambda _, __: "should not hold the same item twice",
}


def _help(fact: Fact, value: Json) -> str | None:
    """Return what most likely mends a value, `None` where nobody can tell."""
    if fact["keyword"] == "enum" and isinstance(value, str):
        near = nearest(value, [option for option in fact["options"] if isinstance(option, str)])
        return f"did you mean {near}?" if near else None
    if fact["keyword"] == "type":
        if "string" in fact["types"] and isinstance(value, (bool, int, float)):
            return "quote it"
        is_number = isinstance(value, str) and value.removeprefix("-").isdecimal()
        if is_number and {"integer", "number"} & set(fact["types"]):
            return "write it without quotes"
    return None


def _types_wanted(fact: Fact, branches: list[list[Fact]]) -> list[str]:
    """Return the types that alternatives want, where it is the type that every one refuses."""
    wanted: list[str] = []
    for branch in branches:
        about = [e for e in branch if e["keyword"] == "type" and e["path"] == fact["path"]]
        if not about:
            return []
        wanted += (name for e in about for name in e["types"])
    return list(dict.fromkeys(wanted))


def _distance(fact: Fact, branch: list[Fact]) -> tuple[int, int, int]:
    """Return how far a document is from an alternative: its type, what tells it apart, errors."""
    depth = len(fact["path"])
    return (
        sum(e["keyword"] == "type" and len(e["path"]) == depth for e in branch),
        sum(e["keyword"] in {"const", "enum"} and len(e["path"]) <= depth + 1 for e in branch),
        len(branch),
    )
