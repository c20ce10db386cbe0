"""From one raw YAML document to a typed `Document`, or to diagnostics that say everything wrong."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from chimera.documents import RawDocument
from chimera.kinds.document import Document
from chimera.kinds.fields import Model
from chimera.kinds.kind import API_VERSION, Kind, Metadata
from chimera.kinds.meaning import field_help, value_meant
from chimera.kinds.registry import Registry
from chimera.kinds.wording import describe, is_about_type, nearest, shown
from chimera.model import Address, Diagnostic, Place, Route

M = TypeVar("M", bound=BaseModel)

_ENVELOPE = ("apiVersion", "kind", "metadata", "spec")
_WHOLE = frozenset(_ENVELOPE)


def validate(
    raw: RawDocument, registry: Registry
) -> tuple[Document[Model] | None, list[Diagnostic]]:
    """Validate the envelope, the metadata and the spec of `raw`, and report every fault at once."""
    document, faults = salvage(raw, registry)
    return None if faults else document, faults


def salvage(
    raw: RawDocument, registry: Registry
) -> tuple[Document[Model] | None, list[Diagnostic]]:
    """Validate `raw`; where unknown fields are all that is wrong, return what they leave as well.

    So the references and layers of a document with a misspelt field are judged in the same go. One
    whose values are not sound gives faults alone.
    """
    place = Place(raw.path, raw.index)
    faults = list(_envelope_faults(raw.value, place))
    kind, name = _kind(raw.value, registry), _name(raw.value)
    address = f"{kind.name}/{name}" if kind and name else None
    metadata = None
    if "metadata" in raw.value:
        metadata, found = _salvage_part(Metadata, raw.value["metadata"], place, "metadata", address)
        faults += found
    if kind is None:
        if isinstance(raw.value.get("kind"), str):
            faults.append(_unknown_kind(raw.value["kind"], registry, place))
        return None, faults
    spec, found = _salvage_part(kind.spec, raw.value.get("spec", {}), place, "spec", address)
    faults += found
    is_judgeable = raw.sound and all(fault.rule == "field-unknown" for fault in faults)
    if metadata is None or spec is None or not is_judgeable:
        return None, faults
    document = Document(Address(kind.name, metadata.name), kind, metadata, spec, raw.value, place)
    return document, faults


def _envelope_faults(value: dict[str, Any], place: Place) -> Iterator[Diagnostic]:
    is_whole = value.keys() == _WHOLE and value["apiVersion"] == API_VERSION
    if is_whole and isinstance(value["kind"], str):
        return
    meant = {nearest(key, _ENVELOPE) for key in value if key not in _ENVELOPE}
    if value.get("apiVersion", API_VERSION) != API_VERSION:
        yield Diagnostic(
            "document-api-version",
            f"apiVersion is {shown(value['apiVersion'])}, not {API_VERSION}",
            place.at("apiVersion"),
            f"write apiVersion: {API_VERSION}",
        )
    for field, example in (("apiVersion", f": {API_VERSION}"), ("kind", ""), ("metadata", "")):
        if field not in value and field not in meant:
            yield Diagnostic(
                "field-missing", f"the field {field!r} is missing", place, f"add {field}{example}"
            )
    if "kind" in value and not isinstance(value["kind"], str):
        yield Diagnostic(
            "kind-unknown", "kind is not a string", place.at("kind"), "name one kind, as in: Policy"
        )
    for key in value:
        if key not in _ENVELOPE:
            near = nearest(key, _ENVELOPE)
            rest = f"a document has {', '.join(_ENVELOPE)}, and nothing else at its top"
            yield Diagnostic(
                "field-unknown",
                f"unknown field {key!r}",
                place.at(key, on="key"),
                f"did you mean {near}? {rest}" if near else rest,
            )


def _kind(value: dict[str, Any], registry: Registry) -> Kind | None:
    name = value.get("kind")
    return registry.kinds.get(name) if isinstance(name, str) else None


def _name(value: dict[str, Any]) -> str | None:
    metadata = value.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return name if isinstance(name, str) else None


def _unknown_kind(name: str, registry: Registry, place: Place) -> Diagnostic:
    near = registry.nearest(name)
    return Diagnostic(
        "kind-unknown",
        f"unknown kind {name!r}",
        place.at("kind"),
        f"did you mean {near}?" if near else "`chimera explain` lists the kinds there are",
    )


def validate_model(
    model: type[M], value: Any, place: Place, address: str | None
) -> tuple[M | None, list[Diagnostic]]:
    """Validate what stands at `place` against `model`, and report every fault at once."""
    found, faults = salvage_model(model, value, place, address)
    return None if faults else found, faults


def is_valid(model: type[BaseModel], value: Any) -> bool:
    """Tell whether `value` is valid: dearer than to validate only where it is not."""
    try:
        _validated(model, value)
    except ValidationError:
        return False
    return True


def _validated(model: type[M], value: Any) -> M:
    """Do what `model_validate` does, which takes half as long again to look at its options."""
    found: M = model.__pydantic_validator__.validate_python(value)
    return found


def salvage_model(
    model: type[M], value: Any, place: Place, address: str | None
) -> tuple[M | None, list[Diagnostic]]:
    """Validate against `model`; past fields that it does not know, the rest is validated too."""
    try:
        return _validated(model, value), []
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=True)
    meant = {(*d["loc"][:-1], field_help(model, d["loc"])) for d in details if _is_unknown(d)}
    causes = [d for d in details if not _is_consequence(d, details) and not _is_misspelt(d, meant)]
    faults = [_diagnostic(d, model, value, place, address) for d in _branches(causes, value)]
    if not all(map(_is_unknown, details)):
        return None, faults
    known = _without(value, {_within(value, d["loc"]) for d in details})
    if known == value:
        return None, faults
    found, more = salvage_model(model, known, place, address)
    return found, faults + more


def _salvage_part(
    model: type[M], value: Any, place: Place, part: str, address: str | None
) -> tuple[M | None, list[Diagnostic]]:
    """Do so for a part of the document at `place`: no place is made where nothing is wrong."""
    try:
        return _validated(model, value), []
    except ValidationError:
        return salvage_model(model, value, place.at(part), address)


def _without(value: Any, routes: set[Route], here: Route = ()) -> Any:
    """Return a copy of `value` that lacks what stands at `routes`."""
    if isinstance(value, dict):
        kept = {k: v for k, v in value.items() if (*here, k) not in routes}
        return {k: _without(v, routes, (*here, k)) for k, v in kept.items()}
    if isinstance(value, list):
        return [_without(v, routes, (*here, i)) for i, v in enumerate(value)]
    return value


def _is_consequence(error: ErrorDetails, all_errors: list[ErrorDetails]) -> bool:
    """Tell whether a sequence is only too short because its invalid items do not count."""
    loc = error["loc"]
    return error["type"] == "too_short" and any(
        len(other["loc"]) > len(loc) and other["loc"][: len(loc)] == loc for other in all_errors
    )


def _is_unknown(error: ErrorDetails) -> bool:
    return error["type"] == "extra_forbidden"


def _is_misspelt(error: ErrorDetails, meant: Collection[tuple[int | str, ...]]) -> bool:
    """Tell whether a field is only missing because one beside it, whose help is `meant`, is not."""
    loc = error["loc"]
    return error["type"] == "missing" and (*loc[:-1], f"did you mean {loc[-1]}?") in meant


def _branches(errors: list[ErrorDetails], value: Any) -> list[list[ErrorDetails]]:
    """Put errors about the type of one value together: a union complains once a branch."""
    found: dict[Any, list[ErrorDetails]] = {}
    for number, error in enumerate(errors):
        key = _within(value, error["loc"]) if is_about_type(error) else number
        found.setdefault(key, []).append(error)
    return list(found.values())


def _diagnostic(
    errors: list[ErrorDetails],
    model: type[BaseModel],
    value: Any,
    place: Place,
    address: str | None,
) -> Diagnostic:
    error = errors[0]
    route = _within(value, error["loc"])
    kind, field = error["type"], error["loc"][-1] if error["loc"] else None
    if kind == "extra_forbidden":
        return Diagnostic(
            "field-unknown",
            f"unknown field {field!r}",
            place.at(*route, on="key"),
            field_help(model, error["loc"]),
            address=address,
        )
    if kind in {"missing", "union_tag_not_found"}:
        # Without the field that tells the branches of a union apart nothing else can be judged.
        field = field if kind == "missing" else error["ctx"]["discriminator"].strip("'")
        return Diagnostic(
            "field-missing",
            f"the field {field!r} is missing",
            place.at(*route),
            f"add {field}",
            address=address,
        )
    if kind == "union_tag_invalid":
        route += (error["ctx"]["discriminator"].strip("'"),)
    rule = kind if "-" in kind else "field-invalid"
    where = ".".join(str(segment) for segment in route) or str(place.route[-1])
    meant = value_meant(error) if len(errors) == 1 else None
    asking = f"`chimera explain {_explained(place.at(*route), address)}` says what it takes"
    return Diagnostic(
        rule,
        f"{where}: {describe(errors)}",
        place.at(*route),
        f"did you mean {meant}? {asking}" if meant else asking,
        address=address,
    )


def _explained(place: Place, address: str | None) -> str:
    """Return what to ask `explain` for: the field, one below the envelope's, that holds `place`."""
    kind = (address or "KIND").partition("/")[0]
    return ".".join((kind, *map(str, place.route[:2])))


def _within(value: Any, loc: tuple[int | str, ...]) -> Route:
    """Follow pydantic's `loc` as far as the document goes, skipping union tags and `[key]`.

    A tag can be named like a field beside it (a step of `run: evolution` has a field `evolution`):
    of two ways the one that ends where `loc` does is meant.
    """
    if not loc:
        return ()
    skipped = _within(value, loc[1:])
    if not _leads_on(value, loc[0]):
        return skipped
    followed = (loc[0], *_within(value[loc[0]], loc[1:]))
    return max(followed, skipped, key=lambda route: (route[-1:] == loc[-1:], len(route)))


def _leads_on(value: Any, segment: int | str) -> bool:
    if isinstance(value, list):
        return isinstance(segment, int) and segment < len(value)
    return isinstance(value, dict) and segment in value
