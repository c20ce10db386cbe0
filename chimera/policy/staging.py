"""A case made into a small snapshot and its subject, to be judged like the real one.

A case may leave out fields that its kind requires; what it does say must fit the kind, for a case
about a field that no document can have shows nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from chimera.context import Context
from chimera.documents import RawDocument
from chimera.kinds import (
    API_VERSION,
    Document,
    EnvironmentFacts,
    Metadata,
    Model,
    Snapshot,
    Subject,
    validate,
)
from chimera.model import (
    Action,
    Actor,
    Address,
    Change,
    Diagnostic,
    PathSet,
    Place,
    Placement,
    Target,
    digest_json,
)
from chimera.policy.candidates import SNAPSHOT, foreign_candidate
from chimera.policy.foreign import ForeignDocument
from chimera.policy.kinds import PolicyCase, PolicyMatch, PolicySpec

_NAME = "example"

Value = Mapping[str, Any]


@dataclass(frozen=True)
class Staged:
    """A case as a subject; what it is about is called `name`, and `faults` are the case's own."""

    subject: Subject
    name: str
    foreign: tuple[ForeignDocument, ...]
    faults: tuple[Diagnostic, ...]


def stage(
    policy: Document[PolicySpec],
    snapshot: Snapshot,
    context: Context,
    now: datetime | None,
    number: int,
    case: PolicyCase,
) -> Staged:
    """Make the small snapshot that a case describes, with the tree and kinds of `snapshot`.

    It is judged as of `now` if that is given and the case says no time.
    """
    place = policy.at("spec", "cases", number)
    match = policy.spec.match
    foreign = _foreign(case, match, place)
    stand_in = _stand_in(policy.spec)
    given = None if foreign else _complete(case.object, stand_in)
    before = None if foreign else _complete(case.before, given or stand_in)
    judged = given or before
    target: Target = _address(judged) if judged else PathSet.of(match.paths)
    faults = [*_faults_of(case, place), *_misfits(match, case, place)]
    documents: list[Document[Model]] = []
    values = [(place.at("documents", n), _complete(v, {})) for n, v in enumerate(case.documents)]
    for where, value in [(place.at("object"), given), *values]:
        if value is not None:
            document, found = _document(value, where, snapshot)
            documents += [document] if document else []
            faults += found
    change = _change(case, target, before, given)
    subject = Subject(
        snapshot=Snapshot.of(snapshot.tree, snapshot.registry, documents),
        placements=_placements(case, documents, target),
        environment=EnvironmentFacts(case.environment.name, case.environment.protected),
        actor=Actor(case.actor.name, case.actor.kind),
        now=_time(case, now),
        changes=None if change is None else () if foreign else (change,),
        before={target: before} if before and isinstance(target, Address) else {},
        context=context,
    )
    name = SNAPSHOT.subject if match.snapshot else str(target)
    if foreign:
        name = foreign_candidate(foreign[0]).subject
    return Staged(subject, name, foreign, tuple(faults))


def _time(case: PolicyCase, now: datetime | None) -> datetime:
    says_one = "now" in case.model_fields_set
    return datetime.fromisoformat(case.now) if says_one or now is None else now


def _foreign(case: PolicyCase, match: PolicyMatch, place: Place) -> tuple[ForeignDocument, ...]:
    """Return the foreign document of a case; a pattern, read as a path, mostly matches itself."""
    value = case.before if case.object is None else case.object
    if value is None or not match.means_paths:
        return ()
    path = case.file or match.paths[0]
    change = _change(case, PathSet.of([path]), case.before, case.object)
    change = change and replace(change, paths=(path,))
    where = place.at("before" if case.object is None else "object")
    return (ForeignDocument(path, 0, value, where, (), change, case.before),)


def _stand_in(spec: PolicySpec) -> dict[str, Any]:
    """Return the envelope of a document that says nothing of itself."""
    kinds = spec.match.kinds
    return {"metadata": {"name": _NAME}} | ({"kind": kinds[0]} if len(kinds) == 1 else {})


def _complete(value: Value | None, stand_in: Value) -> dict[str, Any] | None:
    """Fill in what the author left out of the envelope."""
    if value is None:
        return None
    metadata = value.get("metadata", {})
    names = {"name": stand_in.get("metadata", {}).get("name", _NAME)}
    kind = {"kind": stand_in["kind"]} if "kind" in stand_in else {}
    full = {"apiVersion": API_VERSION, **kind, "spec": {}, **value}
    return {**full, "metadata": {**names, **metadata} if isinstance(metadata, dict) else metadata}


def _address(value: Value) -> Address:
    """Return the address that an envelope names; one that names none is reported elsewhere."""
    metadata = value["metadata"]
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return Address(str(value.get("kind", "")), str(name))


def _document(
    value: dict[str, Any], where: Place, snapshot: Snapshot
) -> tuple[Document[Model] | None, list[Diagnostic]]:
    """Return the document of a case, with an empty spec if fields that it requires are missing."""
    document, found = validate(RawDocument(where.path, where.index, value), snapshot.registry)
    faults = [
        _fault(where.at(*_route(fault)), fault.message, fault.help)
        for fault in found
        if fault.rule != "field-missing"
    ]
    if document is not None or faults:
        return document, faults
    kind = snapshot.registry.kinds.get(str(value.get("kind")))
    if kind is None:
        fault = _fault(
            where, "the document says no kind", "add its kind: the policy is about several"
        )
        return None, [fault]
    metadata = Metadata.model_validate(value["metadata"])
    return Document(_address(value), kind, metadata, Model(), value, where), []


def _route(fault: Diagnostic) -> tuple[str | int, ...]:
    return fault.where.route if isinstance(fault.where, Place) else ()


def _change(
    case: PolicyCase, target: Target, before: Value | None, after: Value | None
) -> Change | None:
    if case.change is None:
        return None
    return Change(
        target,
        Action(case.change),
        None if before is None else digest_json(before),
        None if after is None else digest_json(after),
        f"the case {case.name} makes it",
        case.paths,
    )


def _placements(
    case: PolicyCase, documents: list[Document[Model]], target: Target
) -> dict[Address, tuple[Placement, ...]]:
    """Return where documents stand: as they assert, and the judged one as the case says."""
    layers: dict[Address, tuple[str, ...]] = {d.address: d.metadata.layers for d in documents}
    if isinstance(target, Address):
        layers[target] = tuple(sorted({*layers.get(target, ()), *case.layers}))
    return {
        address: tuple(Placement(address, layer, dormant=False) for layer in names)
        for address, names in layers.items()
    }


def _faults_of(case: PolicyCase, place: Place) -> Iterator[Diagnostic]:
    if case.change == "delete" and case.object is not None:
        yield _fault(place.at("object"), "what is deleted has no object", "write it as before")
    if case.change is None and (case.before is not None or case.paths):
        yield _fault(place, "the case says what changes and not how", "add change: update")
    if case.paths and case.object is not None:
        yield _fault(place.at("paths"), "a case is about paths or a document", "make it two cases")


def _misfits(match: PolicyMatch, case: PolicyCase, place: Place) -> Iterator[Diagnostic]:
    """Yield what does not go with what the policy is about."""
    names_one = case.object is not None or case.before is not None or bool(case.paths)
    if match.snapshot and (names_one or case.change is not None):
        yield _fault(
            place, "the policy judges the snapshot as a whole", "write all of it as documents"
        )
    elif not match.snapshot and not names_one:
        yield _fault(place, "the case has nothing to judge", "give it an object, before or paths")
    if case.file is not None and not match.means_paths:
        yield _fault(place.at("file"), "only a foreign document stands in a file", "leave it out")


def _fault(where: Place, message: str, help: str) -> Diagnostic:
    return Diagnostic("policy-case-invalid", message, where, help)
