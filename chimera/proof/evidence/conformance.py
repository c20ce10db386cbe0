"""What a statement says, read against in-toto's Statement v1 and its test-result predicate v0.1.

Fields that nobody here knows are passed over, as in-toto asks of those who read. Refuses a
statement that lacks what the specifications or Chimera require of it, or says it in another form.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from chimera.model import Digest, Finding
from chimera.proof.evidence.store import PREDICATE_TYPE, STATEMENT_TYPE, EvidenceError, Statement

MOST_ENTRIES = 10_000
"""Subjects, descriptors or controls that one statement may list."""
_RESULTS = ("PASSED", "WARNED", "FAILED")
_SHA256 = re.compile(r"[0-9a-f]{64}")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Stated:
    """What a statement says of one proving, its types checked and nothing of it believed."""

    proof: str
    subjects: dict[str, Digest]
    engine: Digest | None
    result: str
    finding: Finding
    reasons: tuple[str, ...]
    passed_tests: frozenset[str]
    failed_tests: frozenset[str]
    exercised: int
    repetitions: int
    controls: tuple[Finding, ...]
    isolation: frozenset[str]
    at: str
    actor: str

    def contradictions(self) -> Iterable[str]:
        """Yield where the statement says that the proof passed and says that it did not."""
        if (self.result == "PASSED") != (self.finding is Finding.PASS):
            yield f"it says {self.result} and {self.finding.value}"
        if both := sorted(self.passed_tests & self.failed_tests):
            yield f"it says that {both[0]} passed, and that it failed"
        if self.finding is not Finding.PASS:
            return
        if self.failed_tests:
            yield f"it says that it passed, and that {min(self.failed_tests)} failed"
        if self.exercised < 1:
            yield "it says that it passed, and that no assertion was exercised"
        if any(control is not Finding.FAIL for control in self.controls):
            yield "it says that it passed, and that it does not fail under a control"


def read_statement(statement: Statement) -> Stated:
    """Return what a statement says; raises `EvidenceError` with the first thing that is amiss."""
    if statement.get("_type") != STATEMENT_TYPE:
        raise EvidenceError(f"its type is not {STATEMENT_TYPE}")
    if statement.get("predicateType") != PREDICATE_TYPE:
        raise EvidenceError(
            f"it is not the result of a test: its predicate is not {PREDICATE_TYPE}"
        )
    subjects = _subjects(statement)
    predicate = _of(statement, "predicate", dict)
    result = _of(predicate, "result", str)
    if result not in _RESULTS:
        raise EvidenceError(f"its result is none of {', '.join(_RESULTS)}")
    configuration = _list(predicate, "configuration", _descriptor)
    tests = {
        name: frozenset(_list(predicate, name, _text) if name in predicate else ())
        for name in ("passedTests", "warnedTests", "failedTests")
    }
    volatile = _of(predicate, "volatile", dict)
    return Stated(
        proof=_of(predicate, "proof", str),
        subjects=subjects,
        engine=_engine(configuration),
        result=result,
        finding=_finding(predicate, "predicate"),
        reasons=tuple(_list(predicate, "reasons", _text)),
        passed_tests=tests["passedTests"] | tests["warnedTests"],
        failed_tests=tests["failedTests"],
        exercised=_count(predicate, "exercised"),
        repetitions=_count(predicate, "repetitions"),
        controls=tuple(_list(predicate, "controls", _finding)),
        isolation=_isolation(volatile),
        at=_of(volatile, "at", str),
        actor=_of(_of(volatile, "actor", dict), "name", str),
    )


def _subjects(statement: Statement) -> dict[str, Digest]:
    """Return the subjects by name: each has one, and none has two digests."""
    found: dict[str, Digest] = {}
    for name, digest in _list(statement, "subject", _descriptor):
        if not name or digest is None:
            raise EvidenceError("a subject lacks its name or its SHA-256 digest")
        if name in found:
            raise EvidenceError(f"it names the subject {name} twice")
        found[name] = digest
    if not found:
        raise EvidenceError("it names no subject")
    return found


def _descriptor(value: Any, field: str) -> tuple[str, Digest | None]:
    """Read a ResourceDescriptor: its name and its SHA-256 digest, where it has them.

    in-toto requires one of `uri`, `digest` and `content` of each.
    """
    if not isinstance(value, dict):
        raise EvidenceError(f"an entry of its {field} is no resource descriptor")
    for name in ("name", "uri", "content"):
        if not isinstance(value.get(name, ""), str):
            raise EvidenceError(f"the {name} of an entry of its {field} is no text")
    digests = value.get("digest", {})
    if not isinstance(digests, dict) or not all(isinstance(d, str) for d in digests.values()):
        raise EvidenceError(f"the digest of an entry of its {field} is no set of digests")
    if not digests and not value.get("uri") and "content" not in value:
        raise EvidenceError(f"an entry of its {field} has neither uri nor digest nor content")
    hexadecimal = digests.get("sha256")
    if hexadecimal is None:
        return value.get("name", ""), None
    if not _SHA256.fullmatch(hexadecimal):
        raise EvidenceError(f"an entry of its {field} has a digest that is not SHA-256")
    return value.get("name", ""), f"sha256:{hexadecimal}"


def _engine(configuration: Iterable[tuple[str, Digest | None]]) -> Digest | None:
    engines = [digest for name, digest in configuration if name == "engine"]
    if len(engines) > 1:
        raise EvidenceError("it names two versions of the engine")
    return engines[0] if engines else None


def _isolation(volatile: dict[str, Any]) -> frozenset[str]:
    """Return what isolation held in every run; what is not said did not."""
    held = _of(volatile, "isolation", dict)
    return frozenset(name for name, value in held.items() if value is True)


def _finding(value: Any, field: str) -> Finding:
    try:
        return Finding(value.get("finding") if isinstance(value, dict) else None)
    except ValueError:
        raise EvidenceError(f"a finding of its {field} is none of ours") from None


def _text(value: Any, field: str) -> str:
    if not isinstance(value, str):
        raise EvidenceError(f"an entry of its {field} is no text")
    return value


def _of(value: Any, field: str, form: type[T]) -> T:
    found = value.get(field)
    if not isinstance(found, form):
        raise EvidenceError(f"it does not say its {field} as it has to")
    return found


def _count(value: dict[str, Any], field: str) -> int:
    found = value.get(field)
    if not isinstance(found, int) or isinstance(found, bool) or found < 0:
        raise EvidenceError(f"it does not say its {field} as it has to")
    return found


def _list(value: Any, field: str, read: Callable[[Any, str], T]) -> list[T]:
    found: list[Any] = _of(value, field, list)
    if len(found) > MOST_ENTRIES:
        raise EvidenceError(f"its {field} has more than {MOST_ENTRIES} entries")
    return [read(item, field) for item in found]
