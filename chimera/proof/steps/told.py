"""What pytest told of a run: the files of its processes, read and held against one another.

Refuses a file that was edited, cut off or never closed, and a test that was to run and has no
outcome: a run that ended early has not shown what it left out.
"""

from __future__ import annotations

import hmac
import json
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

_LARGEST = 256 << 20  # bytes: half a million tests
_ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]{6,}")
_BAD = ("failed", "error")
_FAILURES = frozenset(
    {
        "PytestCollectionWarning",
        "PytestReturnNotNoneWarning",
        "PytestUnhandledCoroutineWarning",
        "PytestUnhandledThreadExceptionWarning",
        "PytestUnraisableExceptionWarning",
    }
)
"""Warnings by which pytest tells of a failure, or of tests that it leaves out, and still passes."""
_SAID = ("assertion is always true", "was never awaited")
"""What Python's own warnings say of code that showed nothing."""


@dataclass(frozen=True, slots=True, order=True)
class Warned:
    """One warning: its category, the test or phase that it came from, and what it says."""

    category: str
    where: str
    message: str

    @property
    def tells_of_a_failure(self) -> bool:
        """Whether something failed, or was left out, that no outcome says."""
        return self.category in _FAILURES or any(text in self.message for text in _SAID)


@dataclass
class Told:
    """All that the processes of one run told."""

    outcomes: dict[str, str] = field(default_factory=dict)
    selected: dict[str, None] = field(default_factory=dict)
    left_out: int = 0
    warnings: set[Warned] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    _raised: set[str] = field(default_factory=set)
    _started: dict[str, None] = field(default_factory=dict)
    _flipped: dict[str, None] = field(default_factory=dict)
    _unstable: dict[str, None] = field(default_factory=dict)

    @staticmethod
    def read(folder: Path, key: str) -> Told:
        """Read every file of the folder."""
        told = Told()
        files = sorted(folder.glob("*.jsonl"))
        if not files:
            told.faults.append("pytest kept no outcomes: it ended before it began to collect")
        for file in files:
            for what, *values in told._sealed(file, key):
                told._take(what, values)
        return told

    def _sealed(self, file: Path, key: str) -> Iterator[list[Any]]:
        """Yield what stands in a file before its seal; note where the seal is not right."""
        status = file.lstat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST:
            self.faults.append("what pytest told was put out of reach by test code")
            return
        *lines, last = file.read_bytes().splitlines(keepends=True) or [b""]
        seal = hmac.new(key.encode(), b"".join(lines), "sha256").hexdigest()
        found = _parsed(last)
        if found[:1] != ["seal"]:
            lines.append(last)
            self.faults.append("pytest ended before its session did")
        elif found != ["seal", seal]:
            self.faults.append("the outcomes were altered after pytest had kept them")
        yield from filter(None, map(_parsed, lines))

    def _take(self, what: str, values: Sequence[Any]) -> None:
        match what, values:
            case "selected", [list(names), int(left_out)]:
                self.selected |= dict.fromkeys(map(self._name, names))
                self.left_out = max(self.left_out, left_out)
            case "start", [str(name)]:
                self._started[self._name(name)] = None
            case "raised", [str(name), _]:
                self._raised.add(self._name(name))
            case "outcome", [str(name), str(outcome)]:
                name = self._name(name)
                if self.outcomes.setdefault(name, outcome) != outcome:
                    self._flipped[name] = None
                self.outcomes[name] = outcome
            case "warning", [str(category), str(where), str(message)]:
                message = _ADDRESS.sub("at 0x…", message)
                self.warnings.add(Warned(category, self._name(where), message))

    def _name(self, nodeid: str) -> str:
        """Return a node id without addresses, which are others in every process."""
        name = _ADDRESS.sub("at 0x…", nodeid)
        if name != nodeid:
            self._unstable[name] = None
        return name

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """How many tests had each outcome, and how many were deselected."""
        found: dict[str, int] = {}
        for outcome in self.outcomes.values():
            found[outcome] = found.get(outcome, 0) + 1
        return found | ({"deselected": self.left_out} if self.left_out else {})

    def reasons(self) -> Iterator[str]:
        """Yield why the run has not passed, whatever exit code pytest gave."""
        for name, outcome in self.outcomes.items():
            if name in self._flipped:
                yield f"{name} came out differently when it was run again: flaky"
            elif outcome in _BAD:
                yield f"{name} {outcome}"
            elif outcome == "passed" and name in self._raised:
                yield f"{name} raised, and passed when it was run again or reported anew: flaky"
        for name in self._unstable:
            yield f"{name} is named by an address in memory: give its parameters ids"
        yield from self._unfinished()

    def _unfinished(self) -> Iterator[str]:
        missing = [name for name in self.selected if name not in self.outcomes]
        running = [name for name in missing if name in self._started]
        for fault in dict.fromkeys(self.faults):
            yield fault + (f", in {running[-1]}" if running else "")
        if missing and not self.faults and not any(o in _BAD for o in self.outcomes.values()):
            of = f"{len(missing)} of {len(self.selected)} tests that were to run have no outcome"
            yield f"{of}: {missing[0]}" + (", …" if len(missing) > 1 else "")


def _parsed(line: bytes) -> list[Any]:
    """Return the list that a line holds, an empty one where it holds none."""
    try:
        value = json.loads(line)
    except ValueError:
        return []
    return value if isinstance(value, list) and value else []
