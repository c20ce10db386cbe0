"""What was proven in a period: by the statements that are kept here, and the records of the tree.

Refuses to weigh evidence: whether it counts now is `chimera verify`'s.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from chimera.context import parse_instant
from chimera.model import UsageError
from chimera.model.chart import BarChart
from chimera.proof.evidence.store import EvidenceError, EvidenceStore
from chimera.render.paint import count
from chimera.runtime.reporting import Column, Figure, ReportTask, Section, Table, Tone

_PASSED = "pass"
_SERIES = ("passed", "did not pass")


class Proven(NamedTuple):
    """One proving: of what, when, where, and what came of it."""

    at: datetime
    proof: str
    environment: str
    finding: str
    evidence: str


def sections(task: ReportTask) -> Iterator[Section]:
    """Yield what was proven in the environments of the task."""
    damaged, every = _read(task)
    found = sorted(
        each
        for each in every
        if task.period.contains(each.at) and each.environment in task.environments
    )
    notes = (f"{count(damaged, 'statement')} of the store cannot be read",) if damaged else ()
    if not found:
        yield Section("proofs", "Proofs", "Nothing was proven in this time.", notes=notes)
        return
    passed = sum(each.finding == _PASSED for each in found)
    failed = len(found) - passed
    figures = (
        Figure("provings", "Provings", len(found), is_key=True),
        Figure("provings-passed", "Passed", passed),
        Figure(
            *("provings-failed", "Did not pass", failed, "", "failed or not exercised"),
            Tone.BAD if failed else Tone.GOOD,
        ),
    )
    yield Section(
        *("proofs", "Proofs", "", figures, (_table(found),), (_chart(task, found),)), notes=notes
    )


def _read(task: ReportTask) -> tuple[int, list[Proven]]:
    """Return how many statements cannot be read, and the provings by all that can, each once."""
    store, found, damaged = EvidenceStore.below(task.root), {}, 0
    for digest in store.digests():
        try:
            predicate = store.get(digest)["predicate"]
            volatile = predicate["volatile"]
            found[digest] = Proven(
                *(parse_instant(volatile["at"]), str(predicate["proof"])),
                *(str(volatile["environment"]), str(predicate["finding"]), digest),
            )
        except (EvidenceError, UsageError, KeyError, TypeError):
            damaged += 1
    for document in task.snapshot.of_kinds({"ReleaseProof"}):
        spec: Any = document.spec
        evidence = str(spec.evidence)
        if evidence not in found:
            at = parse_instant(str(spec.at)) if isinstance(spec.at, str) else spec.at
            found[evidence] = Proven(at, str(spec.proof), spec.environment, spec.verdict, evidence)
    return damaged, list(found.values())


def _table(found: Sequence[Proven]) -> Table:
    by_proof: dict[str, list[Proven]] = defaultdict(list)
    for each in found:
        by_proof[each.proof].append(each)
    rows = []
    for proof, provings in by_proof.items():
        last = provings[-1]
        passed = sum(each.finding == _PASSED for each in provings)
        rows.append((proof, len(provings), passed, len(provings) - passed, last.at, last.finding))
    rows.sort(key=lambda row: (-row[3], row[0]))
    columns = (
        Column("proof", "Proof", is_code=True),
        *(Column("provings", "Provings"), Column("passed", "Passed"), Column("failed", "Not")),
        *(Column("last", "Last"), Column("finding", "Came to")),
    )
    return Table("provings-by-proof", "Proofs that were run", columns, rows)


def _chart(task: ReportTask, found: Sequence[Proven]) -> BarChart:
    bars = []
    for part in task.parts:
        counts = Counter(each.finding == _PASSED for each in found if part.contains(each.at))
        bars.append((part.name, [float(counts[True]), float(counts[False])]))
    passed = sum(each.finding == _PASSED for each in found)
    said = f"{passed} of {len(found)} provings passed."
    return BarChart("Provings", "provings", _SERIES, bars, said)
