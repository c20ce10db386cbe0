"""The child process that validates, and the one place that imports jsonschema-rs.

Run as a script (`python -I -S child.py SITE-PACKAGES`), so it imports nothing of Chimera and starts
in milliseconds. JSON lines come in, and each is answered with one line, so that the other end knows
what a validation died of. Patterns run in linear time and nothing is fetched, but `anyOf` and
`$ref` can still ask for more work than anybody has time for. Refuses to choose words: it answers
with facts.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any
from urllib.parse import urldefrag, urljoin

Json = Any
Fact = dict[str, Json]
"""An error: `keyword`, `path` in the instance, `location` of the keyword, and what it says."""

_DRAFTS = {
    "http://json-schema.org/draft-07/schema": "Draft7",
    "https://json-schema.org/draft/2019-09/schema": "Draft201909",
    "https://json-schema.org/draft/2020-12/schema": "Draft202012",
}
_MOST_ERRORS = 100  # of one document; who mends these learns of the others
_MOST_INSIDE = 20  # alternatives, and errors of each, that are looked at
_DEEPEST_INSIDE = 3
_MOST_OPTIONS = 500
_ALTERNATIVES = frozenset({"anyOf", "oneOf"})
_REFERENCES = frozenset({"$dynamicRef", "$recursiveRef", "$ref"})
_LITERAL = frozenset({"const", "default", "enum", "examples"})  # what holds no schemas


def _fact(error: Any, depth: int = 0) -> Fact:
    """Return an error as JSON; alternatives that go too deep to be of use lose their errors."""
    keyword, details = error.kind.name, error.kind.as_dict()
    fact = {
        "keyword": keyword,
        "path": error.instance_path,
        "location": error.absolute_keyword_location,
    }
    if "context" in details:
        fact["alternatives"] = [
            [_fact(inner, depth + 1) for inner in branch[:_MOST_INSIDE]]
            for branch in details["context"][:_MOST_INSIDE]
            if depth < _DEEPEST_INSIDE
        ]
    elif keyword == "propertyNames":
        fact |= {"error": _fact(details["error"], depth + 1), "name": details["error"].instance}
    elif keyword == "enum":
        fact["options"] = details["options"][:_MOST_OPTIONS]
    elif keyword != "not":
        fact |= details
    return fact


class Bench:
    """The schemas in use by name: each compiled by one request, applied by those that follow."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self._linear = engine.RegexOptions()
        self._validators: dict[str, Any] = {}

    def compile(
        self, root: str, files: dict[str, Json], dialect: str, name: str = ""
    ) -> list[Fact]:
        """Take the schema at the URI `root` into use; return what is wrong with it and its files.

        `dialect` is the metaschema that `files` are written in where they name no other.
        """
        faults = [
            {**_fact(error), "file": uri}
            for uri, schema in files.items()
            for error in islice(self._errors_of(schema, dialect), _MOST_ERRORS)
        ]
        told = {(fault["file"], *fault["path"], *_named(fault)) for fault in faults}
        faults += (f for f in self._pattern_faults(files) if (f["file"], *f["path"]) not in told)
        if not faults:
            faults += self._reference_faults(files, dialect)
        if not faults:
            faults += self._build(root, files, dialect, name)
        return faults

    def judge(self, instance: Json, name: str = "") -> Json:
        """Return the errors of an instance, and whether there are more than are told."""
        errors = islice(self._validators[name].iter_errors(instance), _MOST_ERRORS + 1)
        facts = [_fact(error) for error in errors]
        return {"errors": facts[:_MOST_ERRORS], "more": len(facts) > _MOST_ERRORS}

    def _errors_of(self, schema: Json, dialect: str) -> Iterable[Any]:
        own = schema.get("$schema") if isinstance(schema, dict) else None
        metaschema = own if isinstance(own, str) else dialect
        validator = self._engine.validator_for(
            {"$schema": metaschema, "$ref": metaschema},
            pattern_options=self._linear,
            validate_formats=True,
            offline=True,
        )
        errors: Iterable[Any] = validator.iter_errors(schema)
        return errors

    def _pattern_faults(self, files: dict[str, Json]) -> Iterator[Fact]:
        for uri, schema in files.items():
            for path, pattern in _patterns(schema):
                if not self._is_built(pattern, self._linear):
                    backtracks = self._is_built(pattern, self._engine.FancyRegexOptions())
                    fact = {"keyword": "linear" if backtracks else "regex", "pattern": pattern}
                    yield {"file": uri, "path": path, "location": None, **fact}

    def _is_built(self, pattern: str, options: Any) -> bool:
        try:
            self._engine.Draft202012Validator({"pattern": pattern}, pattern_options=options)
        except ValueError:
            return False
        return True

    def _reference_faults(self, files: dict[str, Json], dialect: str) -> Iterator[Fact]:
        """Yield references that lead nowhere; what is asked of elsewhere is noted and not fetched.

        In its place comes a schema that nothing satisfies.
        """
        missing: set[str] = set()

        def refuse(uri: str) -> Json:
            missing.add(uri)
            return False

        registry = self._registry(files, dialect, refuse)
        for uri, schema in files.items():
            for path, base, reference in _references(schema, uri):
                target = urldefrag(urljoin(base, reference))[0]
                if target in missing or not self._is_found(registry, base, reference):
                    fact: Fact = {"file": uri, "path": path, "location": None, "keyword": "$ref"}
                    yield {**fact, "reference": reference, "outside": target in missing}

    def _is_found(self, registry: Any, base: str, reference: str) -> bool:
        try:
            registry.resolver(base).lookup(reference)
        except self._engine.ReferencingError:
            return False
        return True

    def _registry(
        self, files: dict[str, Json], dialect: str, retriever: Callable[[str], Json]
    ) -> Any:
        draft = getattr(self._engine, _DRAFTS[dialect])
        return self._engine.Registry(list(files.items()), draft=draft, retriever=retriever)

    def _build(self, root: str, files: dict[str, Json], dialect: str, name: str) -> list[Fact]:
        schema = files[root]
        if isinstance(schema, dict):
            schema = {"$schema": dialect, **schema}
        others = {uri: value for uri, value in files.items() if uri != root}
        try:
            self._validators[name] = self._engine.validator_for(
                schema,
                registry=self._registry(others, dialect, lambda uri: False),
                base_uri=root,
                pattern_options=self._linear,
                validate_formats=True,
                offline=True,
            )
        except ValueError as error:
            reason = getattr(error, "message", str(error))
            fact: Fact = {"file": root, "path": [], "location": None, "keyword": "build"}
            return [{**fact, "reason": reason}]
        return []


def _named(fact: Fact) -> list[str]:
    """Return the field whose name is wrong, where it is a name."""
    return [fact["name"]] if "name" in fact else []


def _walk(schema: Json, base: str = "") -> Iterator[tuple[list[str | int], str, dict[str, Json]]]:
    """Yield every mapping of a schema that may be one, with its path and base URI."""
    pending: list[tuple[list[str | int], str, Json]] = [([], base, schema)]
    while pending:
        path, base, value = pending.pop()
        if isinstance(value, dict):
            own = value.get("$id")
            base = urljoin(base, own) if isinstance(own, str) else base
            yield path, base, value
            inner: Iterable[tuple[str | int, Json]] = value.items()
            pending += (([*path, k], base, v) for k, v in inner if k not in _LITERAL)
        elif isinstance(value, list):
            pending += (([*path, k], base, v) for k, v in enumerate(value))


def _references(schema: Json, base: str) -> Iterator[tuple[list[str | int], str, str]]:
    for path, where, value in _walk(schema, base):
        for keyword in sorted(_REFERENCES & value.keys()):
            if isinstance(value[keyword], str):
                yield [*path, keyword], where, value[keyword]


def _patterns(schema: Json) -> Iterator[tuple[list[str | int], str]]:
    for path, _, value in _walk(schema):
        if isinstance(value.get("pattern"), str):
            yield [*path, "pattern"], value["pattern"]
        if isinstance(value.get("patternProperties"), dict):
            for pattern in value["patternProperties"]:
                yield [*path, "patternProperties", pattern], pattern


def _serve() -> None:
    import jsonschema_rs

    bench = Bench(jsonschema_rs)
    for line in sys.stdin.buffer:
        request = json.loads(line)
        ask = request.pop("ask")
        reply = bench.compile(**request) if ask == "compile" else bench.judge(**request)
        sys.stdout.write(json.dumps(reply, default=str, separators=(",", ":")) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.path.append(sys.argv[1])
    _serve()
