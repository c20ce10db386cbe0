"""Files of measurements, from whoever wrote them: read whole, or refused at their line."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera.builtin.services.objectives import measurements
from chimera.builtin.services.objectives.measurements import (
    Measurement,
    UnreadableError,
    read_measurements,
)
from chimera.builtin.services.spec.objective import FileSource

AT = datetime(2026, 11, 21, 6, tzinfo=UTC)


def source(path: str = "m.jsonl", **more: Any) -> FileSource:
    return FileSource.model_validate({"from": "file", "path": path, **more})


def test_rows_of_both_forms_are_read_in_order_of_time() -> None:
    lines = (
        b'{"at": "2026-11-21T07:00:00+01:00", "value": 1.5}\n\n'
        b'{"at": "2026-11-20T06:00:00Z", "value": true}\n'
    )
    table = (
        b"\xef\xbb\xbfname,at,value\r\n"
        b"a,2026-11-21T06:00:00Z,1.5\r\nb,2026-11-20T06:00:00Z,true\r\n"
    )
    wanted = (Measurement(datetime(2026, 11, 20, 6, tzinfo=UTC), 1.0), Measurement(AT, 1.5))
    assert read_measurements(lines, source()) == wanted
    assert read_measurements(table, source("m.csv")) == wanted
    assert read_measurements(b"", source()) == ()


def test_columns_and_units_are_the_authors() -> None:
    row = b'{"when": "2026-11-21T06:00:00Z", "ms": "250", "value": "x"}\n'
    found = read_measurements(row, source(at="when", value="ms", unit="ms"))
    assert found == (Measurement(AT, 0.25),)
    percent = b"at,value\n2026-11-21T06:00:00Z,75\n"
    assert read_measurements(percent, source("m.csv", unit="percent"))[0].value == 0.75


GOOD = b'{"at": "2026-11-21T06:00:00Z", "value": 1}\n'


@pytest.mark.parametrize(
    "row",
    [
        b"not json",
        b"[]",
        b"null",
        b"[" * 4000,
        b'{"a":' * 700,
        b'{"value": 1}',
        b'{"at": "2026-11-21T06:00:00", "value": 1}',
        b'{"at": "yesterday", "value": 1}',
        b'{"at": "0001-01-01T00:00:00+23:00", "value": 1}',
        b'{"at": 5, "value": 1}',
        b'{"at": "2026-11-21T06:00:00Z"}',
        b'{"at": "2026-11-21T06:00:00Z", "value": NaN}',
        b'{"at": "2026-11-21T06:00:00Z", "value": Infinity}',
        b'{"at": "2026-11-21T06:00:00Z", "value": 1e999}',
        b'{"at": "2026-11-21T06:00:00Z", "value": null}',
        b'{"at": "2026-11-21T06:00:00Z", "value": "~150ms"}',
        b'{"at": "2026-11-21T06:00:00Z", "value": [1]}',
        b'{"at": "2026-11-21T06:00:00Z", "value": ' + b"9" * 4000 + b"}",
        b'{"at": "2026-11-21T06:00:00Z", "value": 1, "value": 2}',
        b"\xff\xfe",
        b'{"at": "2026-11-21T06:00:00Z", "value": 1' + b" " * 5000 + b"}",
    ],
)
def test_one_row_that_is_off_refuses_the_file_at_its_line(row: bytes) -> None:
    with pytest.raises(UnreadableError) as raised:
        read_measurements(GOOD + row + b"\n", source())
    assert raised.value.line == 2
    assert raised.value.message.startswith("line 2: ")


@pytest.mark.parametrize(
    "rows", [b"at,value\n1\n", b"at,at\n1,2\n", b'at,value\n"2026,1\n', b"a\nb\n", b"at,value\n,\n"]
)
def test_tables_that_are_none_are_refused(rows: bytes) -> None:
    with pytest.raises(UnreadableError):
        read_measurements(rows, source("m.csv"))


def test_what_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measurements, "MOST_ROWS", 2)
    with pytest.raises(UnreadableError, match="more than 2 rows"):
        read_measurements(GOOD * 3, source())
    monkeypatch.setattr(measurements, "MOST_BYTES", 10)
    with pytest.raises(UnreadableError, match="longer than"):
        read_measurements(GOOD, source())


def test_another_suffix_is_refused() -> None:
    with pytest.raises(UnreadableError, match="ends in none"):
        read_measurements(GOOD, source("m.xlsx"))


@given(st.binary(max_size=300), st.sampled_from(["m.csv", "m.jsonl"]))
def test_bytes_of_anybody_are_read_or_refused(data: bytes, path: str) -> None:
    with contextlib.suppress(UnreadableError):
        read_measurements(data, source(path))
