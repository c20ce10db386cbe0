"""What stands at the targets of a Promotion, what should, and how to put it there.

A value is spliced into its document: nothing else of the file changes. Refuses a field that is not
there yet, since nobody can tell how its author wants it written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from chimera.builtin.evolution.genomes.kinds import FieldTarget
from chimera.builtin.evolution.genomes.values import is_number, plain_values, same_value
from chimera.documents import dump, parse, splice
from chimera.kinds import ValidationError, format_duration, parse_duration
from chimera.model import ChimeraError, Place, Route, has_errors

if TYPE_CHECKING:
    from chimera.builtin.evolution.genomes.kinds import Unit
    from chimera.builtin.evolution.spec.genes import Gene
    from chimera.builtin.evolution.spec.genome import GeneValue

_MISSING = object()
_MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def values_of(layout: Sequence[Gene], genes: Sequence[GeneValue]) -> dict[str, Any]:
    """Return what genes became, by name, as documents hold it."""
    return {g.name: plain_values(g, v) for g, v in zip(layout, genes, strict=True)}


def wanted(target: FieldTarget, values: Mapping[str, Any]) -> Any:
    """Return what has to stand in a field; raises `ChimeraError` where no duration is that long.

    `values` has the target's gene.
    """
    value = values[target.gene]
    if target.unit is None:
        return value
    return (
        [_length(v, target.unit) for v in value] if _is_list(value) else _length(value, target.unit)
    )


def _length(value: Any, unit: Unit) -> str:
    if is_number(value) and value >= 0:
        try:
            return format_duration(timedelta(milliseconds=round(value * _MILLISECONDS[unit])))
        except OverflowError:
            pass
    raise ChimeraError(
        f"{value!r} is no length of time in {unit}", help="leave the unit out, or name another gene"
    )


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def agrees(found: Any, meant: Any, unit: Unit | None) -> bool:
    """Tell whether what stands in a field is what should; a duration may be written otherwise."""
    if unit is None:
        return same_value(found, meant)
    if _is_list(found) and _is_list(meant) and len(found) == len(meant):
        return all(agrees(f, m, unit) for f, m in zip(found, meant, strict=True))
    try:
        return isinstance(found, str) and parse_duration(found) == parse_duration(meant)
    except (ValueError, ValidationError):
        return False


def resolve(value: Any, pointer: str) -> tuple[Route, Any] | None:
    """Return the route that a JSON pointer leads along, and what stands at its end, if anything."""
    route: list[str | int] = []
    for token in pointer.split("/")[1:]:
        key: str | int = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, Mapping):
            value = value.get(key, _MISSING)
        elif _is_list(value) and token.isdecimal() and int(token) < len(value):
            key = int(token)
            value = value[key]
        else:
            return None
        if value is _MISSING:
            return None
        route.append(key)
    return tuple(route), value


def put(text: str, place: Place, found: Any, value: Any) -> str:
    """Return the text of a file with `value` at `place`, where `found` stands now.

    Raises `ChimeraError` where one is a list and the other is not, or of another length.
    """
    if not _is_list(value):
        return splice(text, place, value)
    if not _is_list(found) or len(found) != len(value):
        raise ChimeraError(
            f"the gene holds {len(value)} values, and the field does not",
            help=f"write a list of {len(value)} values there first",
        )
    for index, item in enumerate(value):
        text = splice(text, place.at(index), item)
    return text


def read_file(path: str, data: bytes) -> Any:
    """Return what a target file says; raises `ChimeraError` where that is no mapping."""
    try:
        if path.endswith(".json"):
            value = json.loads(data, object_pairs_hook=_once, parse_constant=_refused)
        else:
            documents, diagnostics = parse(path, data)
            is_one = len(documents) == 1 and not has_errors(diagnostics)
            value = documents[0].value if is_one else None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ChimeraError(f"{path} holds no mapping of genes to values")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a mapping; raises `ValueError` for a key that is there twice: readers differ on it."""
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a key is there twice")
    return dict(pairs)


def _refused(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def write_file(path: str, values: Mapping[str, Any]) -> bytes:
    """Return the content of a target file."""
    if path.endswith(".json"):
        return (json.dumps(values, indent=2, ensure_ascii=False) + "\n").encode()
    return dump(dict(values)).encode()
