"""What a `Schema` document holds files to: its JSON Schema, the files that this may name, places.

Every file is the snapshot's own. Refuses to look anything up elsewhere, and to validate.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote, unquote, urljoin

from chimera.documents import Globs, Tree, load_foreign
from chimera.kinds import Document, nearest
from chimera.model import Diagnostic, Digest, Place, Route, digest_bytes, has_errors
from chimera.policy.schemas.kinds import SchemaSpec

Json = Any

DIALECTS = (
    "https://json-schema.org/draft/2020-12/schema",
    "https://json-schema.org/draft/2019-09/schema",
    "http://json-schema.org/draft-07/schema",
)
_REGULAR = ("100644", "100755")
# Relative references are joined to it as to any URL; nothing of the name can ever be fetched.
_BASE = "https://tree.invalid/"


@dataclass(frozen=True)
class Definition:
    """A JSON Schema and all that it may name, by URI, and where each stands."""

    root: str
    files: Mapping[str, Json]
    places: Mapping[str, Place]

    @property
    def dialect(self) -> str:
        """The metaschema that the schema is written in."""
        return _dialect(self.files[self.root]) or DIALECTS[0]

    @cached_property
    def digest(self) -> Digest:
        """Of everything that it asks, and where each part of that stands."""
        return digest_bytes(self._text)

    @property
    def size(self) -> int:
        """How many bytes it is, more or less."""
        return len(self._text)

    @cached_property
    def _text(self) -> bytes:
        places = {uri: [p.path, p.index, p.route, p.on] for uri, p in self.places.items()}
        return json.dumps([self.root, self.files, places]).encode("ascii")

    def find(self, location: str | None) -> tuple[Place, Json] | None:
        """Return where a keyword stands and the schema that it is a part of.

        `location` is its absolute location; `None` for one in a metaschema.
        """
        uri, _, pointer = (location or "").partition("#")
        if uri not in self._resources:
            return None
        file, start = self._resources[uri]
        value: Json = self.files[file]
        for segment in start:
            value = value[segment]
        around, route = value, list(start)
        for text in pointer.split("/")[1:]:
            key = _key_in(value, unquote(text).replace("~1", "/").replace("~0", "~"))
            if key is None:
                break
            around, value = value, value[key]
            route.append(key)
        return self.places[file].at(*route), around

    @cached_property
    def _resources(self) -> dict[str, tuple[str, Route]]:
        """By base URI, the file that holds a schema and the route to it."""
        found: dict[str, tuple[str, Route]] = {}
        for uri, schema in self.files.items():
            for base, route in _identified(schema, uri):
                found.setdefault(base, (uri, route))
        return found


def define(
    document: Document[SchemaSpec], tree: Tree
) -> tuple[Definition | None, tuple[Diagnostic, ...]]:
    """Return what a Schema asks of its files, `None` where it only has them read, and its faults.

    With an error there is no definition.
    """
    spec = document.spec
    if spec.inline is not None and spec.file is not None:
        return None, (_two_schemas(document),)
    if spec.inline is None and spec.file is None:
        return None, ()
    own = spec.file or document.place.path
    used = _used(document, tree)
    wanted = [*([spec.file] if spec.file else []), *(path for path in used if path != own)]
    faults: list[Diagnostic] = []
    values: dict[str, Json] = {} if spec.inline is None else {own: spec.inline}
    places = {own: document.at("spec", "schema") if spec.inline is not None else Place(own)}
    if spec.file is not None and not _is_file(tree, spec.file):
        return None, (_missing(document, spec.file),)
    for path, found, wrong in load_foreign(tree, wanted):
        faults += wrong
        if len(found) == 1 and isinstance(found[0][1], (dict, bool)):
            values[path] = found[0][1]
            places[path] = Place(path)
        elif not has_errors(wrong):
            faults.append(_no_schema(path))
    faults += (
        _unknown_dialect(schema["$schema"], places[path])
        for path, schema in values.items()
        if isinstance(schema, dict) and "$schema" in schema and _dialect(schema) is None
    )
    if has_errors(faults):
        return None, tuple(faults)
    uris = {path: _BASE + quote(path.encode("utf-8", "surrogateescape")) for path in values}
    return Definition(
        uris[own],
        {uris[path]: value for path, value in values.items()},
        {uris[path]: places[path] for path in values},
    ), tuple(faults)


def _used(document: Document[SchemaSpec], tree: Tree) -> list[str]:
    if not document.spec.uses:
        return []
    globs = Globs(document.spec.uses)
    paths = (entry.path for entry in tree.entries() if entry.mode in _REGULAR)
    return [path for path in globs.filter(paths) if path != document.place.path]


def _is_file(tree: Tree, path: str) -> bool:
    return any(entry.path == path and entry.mode in _REGULAR for entry in tree.entries())


def _dialect(schema: Json) -> str | None:
    """Return the dialect that a schema names, `None` where it names none that is known."""
    named = schema.get("$schema") if isinstance(schema, dict) else None
    plain = named.removesuffix("#") if isinstance(named, str) else None
    return plain if plain in DIALECTS else None


def _key_in(value: Json, text: str) -> str | int | None:
    """Return the key or position in a value that a segment of a JSON pointer means."""
    if isinstance(value, dict):
        return text if text in value else None
    is_position = isinstance(value, list) and text.isdecimal() and int(text) < len(value)
    return int(text) if is_position else None


def _identified(schema: Json, base: str) -> Iterator[tuple[str, Route]]:
    """Yield the base URIs of a file and of the schemas inside it that have an `$id`."""
    yield base, ()
    pending: list[tuple[str, Route, Json]] = [(base, (), schema)]
    for around, route, value in pending:  # grows while it is read
        if isinstance(value, dict):
            own = value.get("$id")
            here = urljoin(around, own).removesuffix("#") if isinstance(own, str) else around
            if here != around:
                yield here, route
            pending += ((here, (*route, key), inner) for key, inner in value.items())
        elif isinstance(value, list):
            pending += ((around, (*route, key), inner) for key, inner in enumerate(value))


def _two_schemas(document: Document[SchemaSpec]) -> Diagnostic:
    return Diagnostic(
        "schema-defined-twice",
        "the Schema has a schema of its own and a file",
        document.at("spec", "file", on_key=True),
        "keep one of the two",
        address=str(document.address),
    )


def _missing(document: Document[SchemaSpec], path: str) -> Diagnostic:
    return Diagnostic(
        "schema-file-missing",
        f"there is no file {path!r} in the tree",
        document.at("spec", "file"),
        "write its path from the repository's root; symlinks are not followed",
        address=str(document.address),
    )


def _no_schema(path: str) -> Diagnostic:
    return Diagnostic(
        "schema-invalid",
        "the file does not hold one JSON Schema, which is a mapping, true or false",
        Place(path),
        "keep one schema in it",
    )


def _unknown_dialect(named: Json, place: Place) -> Diagnostic:
    near = nearest(named, DIALECTS) if isinstance(named, str) else None
    return Diagnostic(
        "schema-dialect-unknown",
        "$schema names no dialect that is known here",
        place.at("$schema"),
        f"did you mean {near}?" if near else f"leave it out, or write one of {', '.join(DIALECTS)}",
    )
