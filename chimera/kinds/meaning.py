"""What somebody who misspelt something most likely meant: a field, a value, a name.

Looks first where the mistake stands, then at the other branches of a union, then at the rest of the
kind. Refuses to suggest what was written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, Tag
from pydantic_core import ErrorDetails

from chimera.kinds.fields import Model
from chimera.kinds.wording import nearest

_MOST_LISTED = 12
_QUOTED = re.compile(r"'([^']*)'")


@dataclass(frozen=True)
class _Branch:
    """A model that can stand at a place, and the tag by which a union knows it."""

    model: type[BaseModel]
    tag: str | None = None

    def is_told_by(self, segment: int | str) -> bool:
        """Tell whether pydantic's `loc` names the branch so."""
        told_by = self.told_by
        return segment in {self.tag, self.model.__name__, told_by and told_by[1]}

    @property
    def told_by(self) -> tuple[str, str] | None:
        """The field and value that tell it apart, as an author writes them."""
        for name, info in self.model.model_fields.items():
            if get_origin(info.annotation) is Literal and info.is_required():
                return info.alias or name, str(get_args(info.annotation)[0])
        return None


def field_help(model: type[BaseModel], loc: Sequence[int | str]) -> str:
    """Return what to do about a field of `model` that is unknown, at pydantic's `loc`."""
    name = str(loc[-1])
    here, others = _branches_at(model, tuple(0 if isinstance(s, int) else s for s in loc[:-1]))
    own = sorted({field for branch in here for field in _fields(branch.model)})
    near = _translated(name, here) or nearest(name, own)
    if near:
        return f"did you mean {near}?"
    for branch in others:
        if branch.told_by and name in _fields(branch.model):
            field, value = branch.told_by
            return f"did you mean {field}: {value}? That has {name}"
    owner = _owners(model).get(name)
    if owner:
        return f"did you mean {owner}.{name}?"
    if len(own) <= _MOST_LISTED:
        return f"remove it; there is: {', '.join(own) or 'nothing'}"
    return "remove it; `chimera explain` lists the fields"


def _translated(name: str, branches: Iterable[_Branch]) -> str | None:
    """Return what a word of another vocabulary is called here."""
    for branch in branches:
        if issubclass(branch.model, Model) and name in branch.model.other_words:
            return branch.model.other_words[name]
    return None


def value_meant(error: ErrorDetails) -> str | None:
    """Return which of the values that a field takes a misspelt one meant, if any is near."""
    context = error.get("ctx", {})
    if error["type"] == "union_tag_invalid":
        return nearest(str(context["tag"]), _QUOTED.findall(context["expected_tags"]))
    value = error["input"]
    if not isinstance(value, str):
        return None
    if error["type"] in {"literal_error", "enum"}:
        return nearest(value, _QUOTED.findall(context["expected"]))
    if error["type"] == "string_pattern_mismatch":
        tries = (value[:1].upper() + value[1:], value.lower(), value.lower().replace("_", "-"))
        fits = (text for text in tries if re.search(context["pattern"], text))
        return next(fits, None)
    return None


@lru_cache(maxsize=1024)
def _branches_at(
    model: type[BaseModel], loc: tuple[int | str, ...]
) -> tuple[Sequence[_Branch], Sequence[_Branch]]:
    """Return the models that stand at `loc`, and the other branches of the same union."""
    here, others = [_Branch(model)], []
    for segment in loc:
        tagged = [branch for branch in here if branch.is_told_by(segment)]
        if tagged and len(here) > 1:
            here, others = tagged, [b for b in here if b not in tagged]
            continue
        found = [inner for b in here if (inner := _inside(b.model, segment)) is not None]
        if found:
            here, others = [branch for inner in found for branch in inner], []
    return here, others


def _inside(model: type[BaseModel], segment: int | str) -> list[_Branch] | None:
    """Return the models that a field takes; `None` where the model has no such field."""
    for name, info in model.model_fields.items():
        if segment == (info.alias or name):
            return list(_branches(info.annotation))
    return None


def _branches(annotation: Any, tag: str | None = None) -> Iterator[_Branch]:
    for mark in getattr(annotation, "__metadata__", ()):
        tag = mark.tag if isinstance(mark, Tag) else tag
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield _Branch(annotation, tag)
    for argument in getattr(annotation, "__args__", ()):
        yield from _branches(argument, tag)
    origin = getattr(annotation, "__origin__", None)
    if origin is not None and not isinstance(origin, type):
        yield from _branches(origin, tag)


def _fields(model: type[BaseModel]) -> Iterable[str]:
    return [info.alias or name for name, info in model.model_fields.items()]


@cache
def _owners(model: type[BaseModel]) -> Mapping[str, str]:
    """Return for each field inside `model` the way to the nearest field whose model has it."""
    owners: dict[str, str] = {}
    seen = {model}
    pending: list[tuple[str, type[BaseModel]]] = [("", model)]
    for route, outer in pending:  # grows while it is read
        for field, info in outer.model_fields.items():
            way = f"{route}.{info.alias or field}".lstrip(".")
            for branch in _branches(info.annotation):
                for name in _fields(branch.model):
                    owners.setdefault(name, way)
                if branch.model not in seen:
                    seen.add(branch.model)
                    pending.append((way, branch.model))
    return owners
