"""A worker process: imports the module of a fitness and computes candidates, as it is asked to.

Requests and answers are JSON on lines; rows and values are little-endian float64, in base 64. What
the function prints goes to stderr, and its standard input is empty. Refuses nothing that a function
gives: what is no number is told as that.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import os
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from chimera.builtin.evolution.fitness.outside.candidates import candidate_of
from chimera.builtin.evolution.fitness.outside.failures import Failure, number_of, plain
from chimera.builtin.evolution.spec.causes import CAUSES, Cause

FLUSH_SECONDS = 0.05
"""What was found is told at least this often, so that little is lost with a worker."""

Floats = NDArray[np.float64]
Found = list[float | Failure]


def main() -> None:
    """Serve until the input ends."""
    asked = open(os.dup(0), "rb")  # noqa: PTH123, SIM115 - not a path; open as long as the process
    told = open(os.dup(1), "wb", buffering=0)  # noqa: PTH123, SIM115
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    tell = _Teller(told)
    try:
        computer = _Computer(json.loads(asked.readline()))
    except BaseException as error:  # noqa: BLE001 - importing the author's module may do anything
        tell({"refused": said_of(error)})
        return
    tell({"ready": True})
    for line in asked:
        computer.compute(json.loads(line), tell)


class _Teller:
    """Writes answers."""

    def __init__(self, told: IO[bytes]) -> None:
        self._told = told

    def __call__(self, message: dict[str, Any]) -> None:
        data = memoryview(json.dumps(message, separators=(",", ":")).encode() + b"\n")
        while data:
            data = data[self._told.write(data) :]


class _Computer:
    """A function, and how it wants its candidates."""

    def __init__(self, setup: dict[str, Any]) -> None:
        self._layout: list[dict[str, Any]] = setup["layout"]
        self._genes: int = setup["genes"]
        self._is_seeded: bool = setup["seeded"]
        self._seed: int = setup["seed"]
        self._timeout: float | None = setup["timeout"]
        self._function = function_of(Path(setup["root"]), setup["module"], setup["function"])
        self._is_batch: bool = setup["batch"]

    def compute(self, task: dict[str, Any], tell: _Teller) -> None:
        """Compute the rows of a task; answers `found` come now and then, the last one is `done`."""
        rows = rows_of(task["rows"], self._genes)
        began = told = time.monotonic()
        found: Found = []
        if self._is_batch:
            self._reseed(rows)
            found = self._batch(rows)
            rows = rows[:0]
        for row in rows:
            found.append(self._one(row))
            if (now := time.monotonic()) - told > FLUSH_SECONDS:
                tell(_answer(found, task))
                found, told = [], now
        seconds = (time.monotonic() - began) / max(1, len(rows))
        tell(_answer(found, task) | {"done": True, "seconds": seconds})

    def _one(self, row: Floats) -> float | Failure:
        self._reseed(row)
        began = time.monotonic()
        try:
            given = self._function(candidate_of(self._layout, row.tolist()))
        except BaseException as error:  # noqa: BLE001 - the author's: SystemExit too is its own
            return _failure(error)
        return self._late(began) or number_of(given)

    def _late(self, began: float) -> Failure | None:
        """Return that a function took too long, which it did whether it was ended for it or not."""
        if self._timeout is None or time.monotonic() - began <= self._timeout:
            return None
        return Failure("timeout", late(self._timeout))

    def _batch(self, rows: Floats) -> Found:
        """Return what the function gives for rows; one that fails fails for all of them."""
        began = time.monotonic()
        try:
            given = list(self._function(rows.copy()))
        except BaseException as error:  # noqa: BLE001 - the author's function
            return [_failure(error)] * len(rows)
        if (failure := self._late(began)) is not None:
            return [failure] * len(rows)
        if len(given) != len(rows):
            message = f"{len(rows)} candidates were given, and {len(given)} values came back"
            return [Failure("count", message)] * len(rows)
        return [number_of(value) for value in given]

    def _reseed(self, rows: Floats) -> None:
        """Make what a function draws at random follow from the candidate alone."""
        if not self._is_seeded:
            return
        data = rows.astype("<f8").tobytes() + self._seed.to_bytes(8, "little")
        drawn = int.from_bytes(hashlib.sha256(data).digest()[:8], "little")
        random.seed(drawn)
        np.random.seed(drawn & 0xFFFFFFFF)


def function_of(root: Path, path: str, name: str) -> Callable[..., Any]:
    """Import the module at `path` of the tree and return its function."""
    if str(root) not in sys.path:
        sys.path.append(str(root))  # last: nothing of the tree stands in for what is installed
    spec = importlib.util.spec_from_file_location(module_name(path), root / path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # as dataclasses and others of the module expect
    spec.loader.exec_module(module)
    found = getattr(module, name, None)
    if not callable(found):
        raise AttributeError(f"{path} has no function {name}")
    return found  # type: ignore[no-any-return]


def module_name(path: str) -> str:
    """Return what the module is imported as: no other has this name."""
    return "chimera_fitness_" + hashlib.sha256(path.encode()).hexdigest()[:16]


def said_of(error: BaseException) -> str:
    """Return an exception in a few words."""
    name = type(error).__name__
    try:
        told = str(error)
    except Exception:  # noqa: BLE001 - the author's own class
        told = ""
    return plain(f"{name}: {told}" if told else name)


def late(timeout: float) -> str:
    """Say that a candidate took too long."""
    return f"it took longer than {timeout:g} s"


def text_of(numbers: Floats) -> str:
    """Return numbers as text."""
    return base64.b64encode(np.ascontiguousarray(numbers, "<f8").tobytes()).decode()


def rows_of(text: str, width: int) -> Floats:
    """Return the rows that `text_of` wrote."""
    flat = np.frombuffer(base64.b64decode(text), "<f8").astype(np.float64)
    return flat.reshape(-1, width)


def _failure(error: BaseException) -> Failure:
    cause: Cause = "memory" if isinstance(error, MemoryError) else "exception"
    return Failure(cause, said_of(error))


def _answer(found: Sequence[float | Failure], task: dict[str, Any]) -> dict[str, Any]:
    values = [np.nan if isinstance(one, Failure) else one for one in found]
    return {
        "task": task["task"],
        "values": text_of(np.array(values, np.float64)),
        "failed": [
            [index, one.cause, one.message[:2000]]
            for index, one in enumerate(found)
            if isinstance(one, Failure)
        ],
        "done": False,
    }


def read_answer(line: bytes) -> dict[str, Any] | None:
    """Return what a worker tells, with its values as numbers.

    `None` is for what no worker says by itself: its function has written where it must not.
    """
    try:
        told: dict[str, Any] = json.loads(line)
        if told.keys() & {"ready", "refused"}:
            return told
        told["values"] = rows_of(told["values"], 1)[:, 0]
        told["failed"] = [(int(n), cause, str(text)) for n, cause, text in told["failed"]]
        is_whole = told["task"] >= 0 and (not told["done"] or told["seconds"] >= 0)
        places = [n for n, cause, _ in told["failed"] if cause in CAUSES]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
        return None
    is_whole = is_whole and len(places) == len(told["failed"])
    return told if is_whole and all(0 <= n < len(told["values"]) for n in places) else None
