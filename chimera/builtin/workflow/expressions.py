"""Predicates of stages: what they may name, with which types, and what they see when they run.

`when` and the cases of a `switch` are CEL over `input.x`, `stage.output` and, for a stage that goes
through a list, its item. Owns names and types; CEL itself is `policy`'s. Refuses names of stages
that may not have finished.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from chimera.builtin.workflow.branching import judge_text
from chimera.builtin.workflow.kinds import StageSpec
from chimera.builtin.workflow.references import INPUT, SECRET
from chimera.builtin.workflow.scope import Scope
from chimera.builtin.workflow.shapes import Shape
from chimera.builtin.workflow.wording import Suggestions, names
from chimera.model import Diagnostic, Place, Route
from chimera.policy import Predicate, Predicates

_OPAQUE = r"'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"|//[^\n]*"
_NAME = re.compile(rf"{_OPAQUE}|(?<![\w.])([A-Za-z][\w-]*)(?:\s*\.\s*([A-Za-z_]\w*))?")
_TYPES: dict[str, Any] = {
    "string": "string", "integer": "int", "boolean": "bool", "array": "list", "object": "map",
}  # fmt: skip
_UNDECLARED = re.compile(r"undeclared reference to '([^']*)'")
_CONTAINER = re.compile(r" \(in container '[^']*'\)")


@dataclass(frozen=True, slots=True)
class Stated:
    """One predicate of a workflow: where it stands, and what it names."""

    route: Route
    predicate: Predicate
    sources: Mapping[str, tuple[str, ...]] = field(compare=False)
    """For each name the source and the way into it."""


def predicates_of(stage: StageSpec, index: int) -> Iterator[tuple[Route, str, bool]]:
    """Yield the predicates of a stage, where they stand below the spec, and if they see an item."""
    if stage.when is not None:
        yield ("stages", index, "when"), stage.when, False
    for at, case in enumerate(stage.switch or ()):
        if case.when is not None:
            yield ("stages", index, "switch", at, "when"), case.when, True


def state(scope: Scope, index: int, route: Route, text: str, *, item: bool) -> Stated:
    """Return a predicate with the types of the names in it, as far as these are known."""
    sources: dict[str, tuple[str, ...]] = {}
    types: list[tuple[str, Any]] = []
    for source, member in _named(text):
        if not _is_visible(scope, source, index, item=item):
            continue
        shape = scope.source(source, index if item else None)
        may_miss = _may_miss(scope, source, index)
        is_whole = [branch.schema.get("type") for branch in shape.branches] != ["object"]
        if is_whole:
            name, of = source, _type(shape)
        elif member is None or (found := shape.member(member)) is None:
            continue  # CEL says that there is no such name
        else:
            name, of = f"{source}.{member}", _type(found)
        if name not in sources:
            sources[name] = (source,) if is_whole else (source, member or "")
            types.append((name, "any" if may_miss else of))
    return Stated(route, Predicate(text, tuple(types)), sources)


def _named(text: str) -> Iterator[tuple[str, str | None]]:
    """Yield what may be a source and the name after its dot; `a-b` may be one source or two."""
    for match in _NAME.finditer(text):
        if match[1] is None:
            continue
        yield match[1], match[2]
        *first, last = match[1].split("-")
        if first:
            yield last, match[2]
            yield from ((one, None) for one in first if one)


def _is_visible(scope: Scope, source: str, index: int, *, item: bool) -> bool:
    if source == INPUT or (item and source == scope.variable(index)):
        return True
    first = scope.position.get(source)
    return source != SECRET and first is not None and scope.order.is_before(first, index)


def _may_miss(scope: Scope, source: str, index: int) -> bool:
    first = scope.position.get(source)
    return first is not None and scope.presence.may_be_skipped(first)


def _type(shape: Shape) -> Any:
    found = {branch.schema.get("type") for branch in shape.branches}
    return _TYPES.get(str(found.pop()), "any") if len(found) == 1 else "any"


def stated_in(scope: Scope) -> Iterator[Stated]:
    """Yield all predicates of a workflow."""
    for index, stage in enumerate(scope.spec.stages):
        for route, text, item in predicates_of(stage, index):
            yield state(scope, index, route, text, item=item)


@dataclass(frozen=True, slots=True)
class Asked:
    """A workflow whose predicates are judged."""

    scope: Scope
    place: Place
    address: str


def judge_predicates(
    asked: Sequence[Asked], predicates: Predicates
) -> Iterator[tuple[Asked, Diagnostic]]:
    """Yield what is wrong with the predicates of several workflows; one child serves for all."""
    every = [(one, stated) for one in asked for stated in stated_in(one.scope)]
    if not every:
        return
    different = list(dict.fromkeys(stated.predicate for _, stated in every))
    told = dict(zip(different, predicates.faults(different), strict=True))
    meant = Suggestions()
    for one, stated in every:
        index = stated.route[1]
        assert isinstance(index, int)
        seen, where = tuple(stated.sources.values()), one.place.at(*stated.route)
        for found in judge_text(one.scope, index, stated.predicate.expression, seen, where):
            yield one, replace(found, address=one.address)
        for fault in told[stated.predicate]:
            message = _CONTAINER.sub("", fault.message)
            undeclared = _UNDECLARED.search(message)
            help = "write CEL that gives true or false"
            if undeclared:
                help = _help(one.scope, stated, undeclared[1], meant)
            yield (
                one,
                Diagnostic(
                    "workflow-predicate-invalid",
                    f"the predicate is not CEL: {fault.line}:{fault.column}: {message}",
                    where,
                    help,
                    address=one.address,
                ),
            )


def _help(scope: Scope, stated: Stated, name: str, meant: Suggestions) -> str:
    """Return what to do about a name that there is none of."""
    index = stated.route[1]
    assert isinstance(index, int)
    source, _, member = name.partition(".")
    as_written = next((one for one in scope.position if one.replace("-", "_") == source), source)
    first = scope.position.get(as_written)
    if first is not None and not scope.order.is_before(first, index):
        return f"add {as_written} to the stage's dependencies: it may not have finished otherwise"
    if source == INPUT or first is not None:
        shape = scope.source(as_written, None)
        known = [f"{as_written}.{one}" for one in shape.properties]
        there = f"name one of {names(known)}" if known else f"{as_written} is {shape}"
        return meant(f"{as_written}.{member}", known, there) if member else there
    every = [INPUT, *scope.position]
    return meant(name, every, "a predicate can name input.x and outputs of stages, as stage.x")


def values_for(stated: Stated, sources: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of the names of a predicate; what is not there is null."""
    return {name: _follow(sources, path) for name, path in stated.sources.items()}


def _follow(value: Any, path: Iterable[str]) -> Any:
    for segment in path:
        value = value.get(segment) if isinstance(value, Mapping) else None
    return value
