"""Finding the marked values of specs.

Owns the walk through a spec, which is taken again and again: what is known of a model is worked out
once. Refuses to say what a mark means.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from typing import Any, get_args

from pydantic import BaseModel

from chimera.kinds.fields import Mark, Marked
from chimera.model import Route

_Marks = tuple[Mark, ...]
_Types = frozenset[type[Mark]] | None
_FieldMarks = tuple[str, str, _Marks, _Marks]
"""A field's name and alias, and the marks on its values and on models in it."""

_new: Callable[[tuple[Mark, Any, Route]], Marked] = partial(tuple.__new__, Marked)
"""Makes one as its own `__new__` does, which is a function of Python and takes twice as long."""


@cache
def _marks_of(model: type[BaseModel]) -> tuple[_FieldMarks, ...]:
    """Return the fields of a model with the marks on each.

    Marks stand on the field, on the items of a sequence or mapping, or inside an optional.
    """
    found = []
    for name, info in model.model_fields.items():
        alias = info.validation_alias if isinstance(info.validation_alias, str) else name
        own = [mark for mark in info.metadata if isinstance(mark, Mark)]
        inner = list(_annotation_marks(info.annotation))
        on_values = dict.fromkeys([*own, *(mark for mark, on_model in inner if not on_model)])
        on_models = dict.fromkeys([*own, *(mark for mark, on_model in inner if on_model)])
        found.append((name, alias, tuple(on_values), tuple(on_models)))
    return tuple(found)


@cache
def _fields_of(model: type[BaseModel], of: _Types) -> tuple[_FieldMarks, ...]:
    """Return the fields in which marks of some types, or any, can stand, with those marks.

    Most are left out, and whole models in which there is no mark: specs are walked again and again.
    """
    found = []
    for name, alias, *marks in _marks_of(model):
        on_values, on_models = (
            tuple(mark for mark in own if of is None or type(mark) in of) for own in marks
        )
        inner = (mark_types(one) for one in _models_in(model.model_fields[name].annotation))
        if on_values or on_models or any(types if of is None else types & of for types in inner):
            found.append((name, alias, on_values, on_models))
    return tuple(found)


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


_holds_model: Callable[[Any], bool] = cache(_is_model)
"""The same of a value's type: to ask pydantic takes longer than all else asked of a value."""


def _annotation_marks(annotation: Any) -> Iterator[tuple[Mark, bool]]:
    """Yield each mark inside `annotation`, and whether what it stands on is a model."""
    for argument in (*getattr(annotation, "__args__", ()), getattr(annotation, "__origin__", None)):
        if argument is None or argument is annotation or _is_model(argument):
            continue
        on_model = _is_model(getattr(argument, "__origin__", None))
        marks = (m for m in getattr(argument, "__metadata__", ()) if isinstance(m, Mark))
        yield from ((mark, on_model) for mark in marks)
        yield from _annotation_marks(argument)


@cache
def mark_types(model: type[BaseModel]) -> frozenset[type[Mark]]:
    """Return the types of the marks that values of `model` can bear, at any depth."""
    found: set[type[Mark]] = set()
    seen, pending = {model}, [model]
    for one in pending:  # grows while it is read
        for _, _, on_values, on_models in _marks_of(one):
            found.update(type(mark) for mark in (*on_values, *on_models))
        inner = {m for info in one.model_fields.values() for m in _models_in(info.annotation)}
        pending += inner - seen
        seen |= inner
    return frozenset(found)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if _is_model(annotation):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)


def marked(model: BaseModel, route: Route = (), of: _Types = None) -> list[Marked]:
    """Return every marked value of `model`, depth first, with its route in the document.

    With `of`, only those that bear marks of these types, which takes no look at the others.
    """
    found: list[Marked] = []
    _walk(found, of, model, route)
    return found


def _walk(found: list[Marked], of: _Types, model: BaseModel, route: Route) -> None:
    """Gather the marked values of a model."""
    _walk_fields(found, of, model, route, _fields_of(type(model), of))


def _walk_fields(
    found: list[Marked],
    of: _Types,
    model: BaseModel,
    route: Route,
    fields: tuple[_FieldMarks, ...],
) -> None:
    values, gather = model.__dict__, found.append
    for name, alias, on_values, on_models in fields:
        value = values[name]
        if type(value) is str:
            for mark in on_values:
                gather(_new((mark, value, (*route, alias))))
        elif value is not None and value != ():  # most fields are left out
            _walk_value(found, of, value, (*route, alias), on_values, on_models)


def _walk_value(
    found: list[Marked], of: _Types, value: Any, route: Route, on_values: _Marks, on_models: _Marks
) -> None:
    if isinstance(value, str):  # first: most values are text
        found += [Marked(mark, value, route) for mark in on_values]
    elif isinstance(value, (tuple, list)):
        _walk_items(found, of, value, route, on_values, on_models)
    elif isinstance(value, dict):
        for key, item in value.items():
            _walk_value(found, of, item, (*route, key), on_values, on_models)
    elif _holds_model(type(value)):
        found += [Marked(mark, True, route) for mark in on_models]
        _walk(found, of, value, route)
    elif value is not None:
        found += [Marked(mark, value, route) for mark in on_values]


def _walk_items(
    found: list[Marked],
    of: _Types,
    items: Sequence[Any],
    route: Route,
    on_values: _Marks,
    on_models: _Marks,
) -> None:
    """Gather the marked values of a list; what is known of a type is looked up once in a row."""
    last: type | None = None
    fields: tuple[_FieldMarks, ...] | None = None
    for index, item in enumerate(items):
        if type(item) is str:
            found += [_new((mark, item, (*route, index))) for mark in on_values]
            continue
        kind: Any = type(item)
        if kind is not last:
            last = kind
            fields = _fields_of(kind, of) if not on_models and _holds_model(kind) else None
        if fields is None:
            _walk_value(found, of, item, (*route, index), on_values, on_models)
        elif fields:
            _walk_fields(found, of, item, (*route, index), fields)
