"""Faults of records, by how much they weigh. Refuses to find any: the rules do that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from chimera.kinds import Document, Model
from chimera.model import Diagnostic, Finding, Place, Related, Route, Segment, Severity, Verdict

S = TypeVar("S", bound=Model)


@dataclass(frozen=True, slots=True)
class Filed(Generic[S]):
    """A record and its spec, which is read once: of what was kept from a former run, in a file."""

    document: Document[Any]
    spec: S

    @property
    def name(self) -> str:
        """Its address, as others refer to it."""
        return str(self.document.address)

    def at(self, *route: Segment) -> Place:
        """Return the place of a route in its spec."""
        return self.document.at("spec", *route)


def contradiction(
    record: Filed[Any], rule: str, message: str, route: Route, help: str, *also: Related
) -> Diagnostic:
    """Return a fault of a record that cannot be true as it is written; it stops everything."""
    place = record.at(*route)
    return Diagnostic(rule, message, place, help, address=record.name, related=also)


def omission(
    record: Filed[Any], rule: str, message: str, route: Route, help: str, *also: Related
) -> Diagnostic:
    """Return what people owe and have not done: it fails a check, and stops nothing else."""
    place = record.at(*route)
    return Diagnostic(rule, message, place, help, address=record.name, related=also, stops=False)


def remark(
    record: Filed[Any], rule: str, message: str, route: Route, help: str, *also: Related
) -> Diagnostic:
    """Return what was not as it should have been and can no longer be mended."""
    place = record.at(*route)
    return Diagnostic(rule, message, place, help, Severity.WARNING, record.name, also)


def verdicts(
    judge: str, kind: str, found: Iterable[tuple[Filed[Any], tuple[Diagnostic, ...]]]
) -> Iterator[Verdict]:
    """Yield a verdict for each record that something is said of, and one for all others."""
    passed = 0
    for record, faults in found:
        if not faults:
            passed += 1
            continue
        is_broken = any(fault.severity is Severity.ERROR for fault in faults)
        finding = Finding.FAIL if is_broken else Finding.PASS
        yield Verdict(judge, record.name, finding, tuple(f.message for f in faults), faults)
    if passed:
        yield Verdict(judge, kind, Finding.PASS, count=passed)
