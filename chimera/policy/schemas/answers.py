"""What Schemas say of one file, as a value that can be kept between runs. Refuses to judge."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from chimera.kinds import diagnostic_json, read_diagnostic
from chimera.model import Diagnostic

Json = Any


@dataclass(frozen=True, slots=True)
class Answer:
    """What is wrong with one file.

    `faults` are of what cannot be read. `said` has an entry for each Schema that means any document
    of the file, and `missed` the positions of documents that none means, with what may be why.
    """

    path: str
    faults: tuple[Diagnostic, ...] = ()
    said: Mapping[str, tuple[Diagnostic, ...]] = field(default_factory=dict)
    missed: tuple[tuple[int, tuple[Diagnostic, ...]], ...] = ()


def answer_json(answer: Answer) -> Json:
    """Return an answer as JSON."""
    return [
        _json(answer.faults),
        {name: _json(faults) for name, faults in answer.said.items()},
        [[index, _json(faults)] for index, faults in answer.missed],
    ]


def read_answer(path: str, data: Json, schemas: Collection[str]) -> Answer | None:
    """Read what `answer_json` wrote of a file that `schemas` claim; `None` for anything else."""
    try:
        faults, said, missed = data
        found = Answer(
            path,
            _read(faults),
            {name: _read(faults) for name, faults in said.items()},
            tuple((int(index), _read(faults)) for index, faults in missed),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    return found if found.said.keys() <= set(schemas) else None


def _json(faults: Collection[Diagnostic]) -> list[Json]:
    return [diagnostic_json(fault) for fault in faults]


def _read(faults: list[Json]) -> tuple[Diagnostic, ...]:
    return tuple(map(read_diagnostic, faults)) if faults else ()
