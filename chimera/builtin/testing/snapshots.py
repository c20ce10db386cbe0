"""Golden files of tests in Python: what a test is given, against what is stored beside it.

Owns where they are kept: `snapshots/MODULE/TEST/NAME` beside the test's module. Refuses tolerance,
and to write anything unless that was asked for.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from chimera.context import write_whole
from chimera.proof.running.regions import region_of

_HARMLESS = re.compile(r"[^A-Za-z0-9._=,-]+")


@dataclass(frozen=True, slots=True)
class Snapshots:
    """What is stored for one test."""

    folder: Path
    update: bool
    _seen: dict[str, bytes] = field(default_factory=dict)

    @staticmethod
    def of_test(module: Path, test: str, *, update: bool) -> Snapshots:
        """Return the snapshots of the test of that name in a module."""
        folder = module.parent / "snapshots" / module.stem / _HARMLESS.sub("_", test)
        return Snapshots(folder, update)

    def __call__(self, value: Any, name: str = "output.txt") -> None:
        """Fail the test unless `value` is as stored under `name`.

        Text is compared as UTF-8, bytes as they are, and anything else as JSON with sorted keys.
        """
        __tracebackhide__ = True
        data = _bytes(value)
        if self._seen.setdefault(name, data) != data:
            pytest.fail(f"two values are to be kept as {name}: give each a name of its own")
        file = self.folder / _HARMLESS.sub("_", name)
        stored = file.read_bytes() if file.is_file() else None
        if stored == data:
            return
        if self.update:
            write_whole(file, data)
            return
        pytest.fail(_difference(file, stored, data), pytrace=False)


def _bytes(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8")
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False).encode() + b"\n"


def _difference(file: Path, stored: bytes | None, data: bytes) -> str:
    hint = "if it is right, write it with --chimera-update-snapshots"
    if stored is None:
        return f"nothing is stored at {file}; {hint}"
    region = region_of(stored, data)
    where = f"{file}:{region.line}" if region.line else f"{file}, byte {region.offset}"
    return "\n".join((f"{where}: it is another now; {hint}", *region.diff))
