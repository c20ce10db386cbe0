"""`chimera new`: the first document of a kind, from a template or from the kind's own model.

Owns where it goes and that it is valid: it fits its kind and its references lead somewhere, or it
is not written. Refuses to judge beyond that; `chimera check` does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from chimera.builtin.scaffold.blanks import Blanks
from chimera.builtin.scaffold.outline import flow, outline
from chimera.builtin.scaffold.writing import require_name, template
from chimera.contract import LayerContractSpec
from chimera.documents import RawDocument, edit, parse
from chimera.kinds import (
    API_VERSION,
    Document,
    Kind,
    LayerReference,
    Model,
    Reference,
    Registry,
    Snapshot,
    check_references,
    kind_schema,
    marked,
    validate,
)
from chimera.model import Address, Diagnostic, Place, Route, UsageError, has_errors

_MADE = {
    "Approval": "`chimera approve` makes it; `chimera record` copies it into the tree",
    "Genome": "an evolution run makes it; `chimera record` copies it into the tree",
    "Promotion": "`chimera evolve promote` makes it: it also writes the values, and the proof",
    "ReleaseProof": "`chimera prove` makes it; `chimera record` copies it into the tree",
}
"""Documents that nobody writes: one made up would say that something was shown, or is in use."""

_REPOSITORY = "specs/repository.yaml"


@dataclass(frozen=True, slots=True)
class Draft:
    """A document ready to be written."""

    path: str
    text: str
    address: Address


def draft(
    snapshot: Snapshot,
    kind_name: str,
    name: str | None = None,
    *,
    today: date,
    settings: Mapping[str, str],
    to: str | None = None,
) -> Draft:
    """Return a first document of a kind for the repository of `snapshot`.

    `settings` maps fields to values, each text or JSON. Raises `UsageError` where something is
    missing or does not fit, with the flag that gives it.
    """
    kind = _kind(snapshot.registry, kind_name)
    name = require_name(name or f"first-{_dashed(kind)}")
    path = _path(kind, name, to)
    given = {_route(field): _value(text) for field, text in settings.items()}
    schemas = "../" * path.count("/") + ".chimera/schemas"
    words = {"NAME": name, "TODAY": today.isoformat(), "PATH": flow(path), "SCHEMAS": schemas}
    text = template(f"new/{kind.name}.{name}.yaml", words)
    text = text or template(f"new/{kind.name}.yaml", words)
    if text is None:
        text = _outlined(snapshot, kind, name, path, today, given, schemas)
    elif given:
        text = edit(text, lambda document: _put_all(document, given))
    return Draft(path, text, _require_valid(snapshot, path, text))


def _dashed(kind: Kind) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", kind.name).lower()


def _kind(registry: Registry, name: str) -> Kind:
    """Return the kind of that name; `policy` and `layer-contract` are understood too."""
    plain = name.replace("-", "").lower()
    kind = next((kind for kind in registry if plain == kind.name.lower()), None)
    if kind is None:
        near = registry.nearest(name) or registry.nearest(name.title().replace("-", ""))
        listed = ", ".join(registry.kinds)
        raise UsageError(
            f"there is no kind named {name!r}",
            help=f"did you mean {near}?" if near else f"there is: {listed}",
        )
    if kind.name in _MADE:
        raise UsageError(f"a {kind.name} is not written by hand", help=_MADE[kind.name])
    return kind


def _path(kind: Kind, name: str, to: str | None) -> str:
    if to is None and kind.name == "Repository":
        return _REPOSITORY
    if to is not None and not to.endswith("/"):
        if not to.endswith((".yaml", ".yml")):
            raise UsageError(f"{to} is no YAML file", help="end it in .yaml, or in / for a folder")
        return to
    return f"{kind.folder if to is None else to.rstrip('/')}/{name}.yaml".removeprefix("./")


def _route(field: str) -> Route:
    """Return where a setting goes; as in `explain`, `spec` may be left out."""
    segments: list[str | int] = [int(s) if s.isdecimal() else s for s in field.split(".")]
    if segments[0] in ("apiVersion", "kind"):
        raise UsageError(f"{field} cannot be set", help="KIND gives it")
    return tuple(segments) if segments[0] in ("metadata", "spec") else ("spec", *segments)


def _value(text: str) -> Any:
    """Read JSON; anything else is text, NaN and Infinity too, which YAML writes otherwise."""
    try:
        return json.loads(text, parse_constant=str)
    except ValueError:
        return text


def _put_all(document: Any, given: Mapping[Route, Any]) -> None:
    for route, value in given.items():
        _put(document, route, value)


def _put(document: Any, route: Route, value: Any) -> None:
    """Set the value at `route`, making the mappings on the way that are missing."""
    target: Any = document
    try:
        for segment in route[:-1]:
            if isinstance(target, dict):
                target.setdefault(segment, {})
            target = target[segment]
        target[route[-1]] = value  # a scalar on the way takes no item: TypeError
    except (LookupError, TypeError):
        raise UsageError(
            f"--set {'.'.join(map(str, route))} leads nowhere",
            help="`chimera explain KIND.FIELD` lists the fields; list items count from zero",
        ) from None


def _outlined(
    snapshot: Snapshot,
    kind: Kind,
    name: str,
    path: str,
    today: date,
    given: Mapping[Route, Any],
    schemas: str,
) -> str:
    schema = kind_schema(kind)
    blanks = Blanks(schema, today)
    value = {
        "apiVersion": API_VERSION,
        "kind": kind.name,
        "metadata": {"name": name},
        "spec": blanks.fill(schema["properties"]["spec"], ("spec",)),
    }
    _put_all(value, given)
    for route in list(blanks.choices):
        if any(route[: len(other)] == other for other in given):
            del blanks.choices[route]
    document = _settle(value, blanks, path, snapshot.registry)
    _refer(document, value, blanks, snapshot)
    head = f"# yaml-language-server: $schema={schemas}/{kind.name}.json\n# {kind.summary}\n"
    return head + outline(schema, value, blanks)


def _settle(
    value: dict[str, Any], blanks: Blanks, path: str, registry: Registry
) -> Document[Model]:
    """Try the next candidate of every blank that its validator refuses, until none is refused."""
    while True:
        document, faults = validate(RawDocument(path, 0, value), registry)
        if document is not None:
            return document
        refused = {f.where.route for f in faults if isinstance(f.where, Place)}
        open_routes = [route for route in refused if blanks.choices.get(route)]
        if not open_routes:
            raise _missing(value["kind"], faults)
        for route in open_routes:
            _put(value, route, blanks.choices[route].pop(0))


def _refer(
    document: Document[Model], value: dict[str, Any], blanks: Blanks, snapshot: Snapshot
) -> None:
    """Let blanks that are references lead to what the repository has."""
    for found in marked(document.spec, ("spec",)):
        if found.route not in blanks.choices:
            continue
        field = ".".join(map(str, found.route[1:]))
        if isinstance(found.mark, Reference):
            targets = _targets(snapshot, found.mark.kinds)
            wanted = " or ".join(found.mark.kinds) or "document"
            if not targets:
                first = found.mark.kinds[0] if found.mark.kinds else "Workflow"
                raise UsageError(
                    f"{document.kind.name}.{field} refers to a {wanted}, and there is none yet",
                    help=f"chimera new {first}, or --set {field}=Kind/name",
                )
            _put(value, found.route, targets[0])
        elif isinstance(found.mark, LayerReference):
            layers = _layers(snapshot)
            if not layers:
                raise UsageError(
                    f"{document.kind.name}.{field} names a layer, and there is none yet",
                    help=f"chimera new LayerContract, or --set {field}=contract/id",
                )
            _put(value, found.route, layers[0])


def _targets(snapshot: Snapshot, kinds: Sequence[str]) -> list[str]:
    return [str(d.address) for d in snapshot.desired if not kinds or d.address.kind in kinds]


def _layers(snapshot: Snapshot) -> list[str]:
    return [
        f"{contract.address.name}/{layer.id}"
        for contract in snapshot.of_model(LayerContractSpec)
        for layer in contract.spec.layers
        if layer.status == "active"
    ]


def _require_valid(snapshot: Snapshot, path: str, text: str) -> Address:
    """Return the address of a text that fits its kind and refers to what is there."""
    documents, diagnostics = parse(path, text.encode())
    faults = [d for d in diagnostics if has_errors((d,))]
    if faults or len(documents) != 1:
        raise _missing("document", faults)
    document, faults = validate(documents[0], snapshot.registry)
    if document is None:
        raise _missing(documents[0].value["kind"], faults)
    known = snapshot.get(document.address)
    if known is not None:
        raise UsageError(
            f"there is a {document.address} already, in {known.place.path}",
            help="give another NAME",
        )
    whole = Snapshot.of(snapshot.tree, snapshot.registry, [*snapshot.documents.values(), document])
    dangling = [d for d in check_references(whole) if d.address == str(document.address)]
    if dangling:
        raise _missing(document.kind.name, dangling)
    return document.address


def _missing(kind: str, faults: Sequence[Diagnostic]) -> UsageError:
    """Return the refusal that names every field which has to be given."""
    said = dict.fromkeys(fault.message for fault in faults)
    routes = [fault.where.route for fault in faults if isinstance(fault.where, Place)]
    fields = {".".join(map(str, route)).removeprefix("spec.") for route in routes} - {"", "spec"}
    flags = " ".join(f"--set {field}=VALUE" for field in sorted(fields))
    return UsageError(
        f"the {kind} is not valid like this: {'; '.join(said)}",
        help=f"give {flags or '--set FIELD=VALUE'}; `chimera explain {kind}` lists the fields",
    )
