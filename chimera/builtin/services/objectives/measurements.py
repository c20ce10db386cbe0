"""Measurements as values, and the files that hold them: CSV and JSON lines from anybody.

A file is read whole or not at all: a row that were passed over could be the one that is bad.
Refuses what is too long, not UTF-8, not a number, or without a moment.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from chimera.model import ChimeraError

if TYPE_CHECKING:
    from chimera.builtin.services.spec.objective import FileSource

MOST_BYTES = 16 << 20
MOST_ROWS = 250_000
_LONGEST_LINE = 4096
_SCALE = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "share": 1.0, "percent": 1e-2, "number": 1.0}
_TRUTH = {"true": 1.0, "false": 0.0, "1": 1.0, "0": 0.0}


@dataclass(frozen=True, slots=True, order=True)
class Measurement:
    """What was measured at a moment: seconds, a share, a number, or 1 for good and 0 for bad.

    `count` is how often: of what is kept by the hour, the moment is the beginning of the hour.
    """

    at: datetime
    value: float
    count: int = 1


class UnreadableError(ChimeraError):
    """A file of measurements that cannot be read; `line` is where, if it is one line's fault."""

    def __init__(self, message: str, line: int | None = None) -> None:
        where = f"line {line}: " if line else ""
        super().__init__(
            f"{where}{message}",
            help="give each row a moment with its zone and a number, in a file of at most "
            f"{MOST_BYTES >> 20} MiB and {MOST_ROWS:,} rows",
        )
        self.line = line


def read_measurements(data: bytes, source: FileSource) -> tuple[Measurement, ...]:
    """Return what a file holds, in order of time; raises `UnreadableError` for any row that is off.

    `data` is the file, cut where it is longer than `MOST_BYTES`.
    """
    if len(data) > MOST_BYTES:
        raise UnreadableError(f"it is longer than {MOST_BYTES >> 20} MiB")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableError("it is not UTF-8", data.count(b"\n", 0, error.start) + 1) from None
    is_table = source.path.endswith(".csv")
    if not is_table and not source.path.endswith((".jsonl", ".ndjson")):
        raise UnreadableError("its name ends in none of .csv, .jsonl and .ndjson")
    rows = _table(text) if is_table else _objects(text)
    found = [
        Measurement(_moment(row, source.at, line), _value(row, source, line)) for line, row in rows
    ]
    return tuple(sorted(found))


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.split("\n"), 1):
        if number > MOST_ROWS:
            raise UnreadableError(f"there are more than {MOST_ROWS:,} rows", number)
        if len(line) > _LONGEST_LINE:
            raise UnreadableError(f"it is longer than {_LONGEST_LINE} characters", number)
        if line.strip():
            yield number, line.rstrip("\r")


def _table(text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    head: list[str] | None = None
    for number, line in _lines(text.removeprefix("\ufeff")):
        try:
            cells = next(csv.reader([line], strict=True))
        except csv.Error as error:
            raise UnreadableError(f"it is no row of CSV: {error}", number) from None
        if head is None:
            head = cells
            if len(set(head)) != len(head):
                raise UnreadableError("two columns have one name", number)
        elif len(cells) != len(head):
            raise UnreadableError(f"it has {len(cells)} cells, not {len(head)}", number)
        else:
            yield number, dict(zip(head, cells, strict=True))


def _objects(text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in _lines(text):
        try:
            row = json.loads(line, object_pairs_hook=_unique)
        except (ValueError, RecursionError):
            raise UnreadableError("it is no JSON object with each name once", number) from None
        if not isinstance(row, dict):
            raise UnreadableError("it is no JSON object", number)
        yield number, row


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _moment(row: Mapping[str, Any], column: str, line: int) -> datetime:
    text = row.get(column)
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise UnreadableError(f"{column!r} is no moment with its zone", line)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise UnreadableError(f"{column!r} is a moment that no calendar has", line) from None


def _value(row: Mapping[str, Any], source: FileSource, line: int) -> float:
    given = row.get(source.value)
    try:
        number = _TRUTH.get(given.strip().lower()) if isinstance(given, str) else None
        if number is None and isinstance(given, str | int | float):
            number = float(given)
    except (ValueError, OverflowError):
        number = None
    if number is None or not math.isfinite(number):
        raise UnreadableError(f"{source.value!r} is no number that was measured", line)
    return number * _SCALE[source.unit]
