"""From the results of commands to reports. Refuses to leave out what was not exercised."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from chimera.documents import spans_of
from chimera.model import (
    Address,
    Diagnostic,
    Finding,
    Outcome,
    Place,
    Related,
    Result,
    Span,
    UsageError,
    Verdict,
    in_order,
)
from chimera.plan import Plan
from chimera.render.changes import compared_text
from chimera.render.check import checked_text
from chimera.render.guards import halt_lines
from chimera.render.paint import count, unbroken
from chimera.render.report import Changes, Report

if TYPE_CHECKING:
    from chimera.gate import Ruling
    from chimera.kinds import Snapshot
    from chimera.policy import CasesReport
    from chimera.proof import ProofReport
    from chimera.runtime import ItemResult
    from chimera.workspace import ApplyReport, CheckReport, Judgement, PlanReport, ProveReport
    from chimera.workspace.running import RunReport

_ITEMS = {
    "applied": Finding.PASS,
    "failed": Finding.FAIL,
    "blocked": Finding.NOT_EXERCISED,
    "waiting": Finding.NOT_EXERCISED,
}


def report_of(
    command: str,
    outcome: Outcome,
    verdicts: Iterable[Verdict] = (),
    diagnostics: Iterable[Diagnostic] = (),
    *,
    changes: Changes | None = None,
    notes: Iterable[str] = (),
    places: Mapping[str, str] | None = None,
    list_files: Callable[[], tuple[str, ...]] = tuple,
) -> Report:
    """Return a report; what located verdicts carry joins the other diagnostics."""
    verdicts = tuple(verdicts)
    carried = (diagnostic for verdict in verdicts for diagnostic in verdict.diagnostics)
    found = in_order((*diagnostics, *carried))
    places = places or {}
    return Report(command, outcome, found, verdicts, changes, tuple(notes), list_files, places)


def places_of(snapshot: Snapshot, verdicts: Iterable[Verdict]) -> dict[str, str]:
    """Return the files of the documents that verdicts without a place are about, or come from.

    Looks at no other document: most of a large snapshot has not been read.
    """
    spoken = (v for v in verdicts if v.finding is not Finding.PASS or v.waiver is not None)
    names = {name.partition("#")[0] for v in spoken for name in (v.subject, v.judge)}
    found: dict[str, str] = {}
    for name in sorted(names):
        with suppress(UsageError):  # not every subject is an address
            document = snapshot.get(Address.parse(name))
            if document is not None:
                found[name] = document.place.path
    paths = {name for name in names - set(found) if "/" in name or "." in name}
    return found | {path: path for path in paths & _foreign(snapshot)} if paths else found


def _foreign(snapshot: Snapshot) -> set[str]:
    from chimera.policy.foreign import claims_of

    return set(claims_of(snapshot).schemas)


def _files(snapshot: Snapshot) -> tuple[str, ...]:
    own = {document.place.path for document in snapshot.documents.values()}
    return tuple(sorted(own | _foreign(snapshot)))


def check_report(result: Result[CheckReport]) -> Report:
    """Return what a check found; compared with a base, also what changes and what that owes."""
    report = result.value
    notes = [checked_text(report)]
    if report.left_aside:
        notes.append(f"left aside {count(report.left_aside, 'document')} of other systems")
    changes = changes_of(report.planned) if report.planned else None
    return _judged("check", result, report.judgement, changes, notes)


def plan_report(result: Result[PlanReport]) -> Report:
    """Return what would change, and what judging that found."""
    report = result.value
    return _judged("plan", result, report.judgement, changes_of(report), halt_lines(report.halts))


def changes_of(planned: PlanReport) -> Changes:
    """Return what a plan says of the changes."""
    plan = planned.plan
    compared = planned.compared
    return Changes(
        plan,
        compared_text(compared) if compared else f"compared with {plan.compared_with}",
        planned.by_layer,
        planned.cosmetic,
        tuple(touch for touch in planned.touches if touch.asks or not touch.is_layer),
        planned.affected,
        planned.drafts,
    )


def _judged(
    command: str,
    result: Result[CheckReport] | Result[PlanReport],
    judgement: Judgement,
    changes: Changes | None,
    notes: Iterable[str],
) -> Report:
    snapshot = judgement.subject.snapshot
    return report_of(
        command,
        result.outcome,
        _located(judgement.verdicts, snapshot),
        result.diagnostics,
        changes=changes,
        notes=notes,
        places=places_of(snapshot, judgement.verdicts),
        list_files=lambda: _files(snapshot),
    )


def _located(verdicts: tuple[Verdict, ...], snapshot: Snapshot) -> Iterator[Verdict]:
    """Yield the verdicts with lines and columns in what they carry; each file is read once."""
    carried = [diagnostic for verdict in verdicts for diagnostic in verdict.diagnostics]
    places = (w for d in carried for w in (d.where, *(related.where for related in d.related)))
    spans = spans_of(snapshot.tree, (place for place in places if isinstance(place, Place)))

    def at(where: Place | Span) -> Span:
        return where if isinstance(where, Span) else spans[where]

    for verdict in verdicts:
        shown = tuple(
            replace(
                d,
                where=at(d.where),
                related=tuple(Related(r.message, at(r.where)) for r in d.related),
            )
            for d in verdict.diagnostics
        )
        yield replace(verdict, diagnostics=shown) if shown else verdict


def verdicts_report(
    command: str, result: Result[tuple[Verdict, ...]], snapshot: Snapshot | None = None
) -> Report:
    """Return located verdicts as a report."""
    places = places_of(snapshot, result.value) if snapshot else None
    return report_of(command, result.outcome, result.value, result.diagnostics, places=places)


def cases_report(result: Result[CasesReport], snapshot: Snapshot) -> Report:
    """Return how the cases of the policies came out, and how many rules they show."""
    found = result.value
    shown = sum(rule.is_shown for rule in found.coverage)
    total = count(len(found.coverage), "rule")
    return report_of(
        "policy test",
        result.outcome,
        found.verdicts,
        result.diagnostics,
        notes=(f"{shown} of {total} shown by cases to hold and to find fault",),
        places=places_of(snapshot, found.verdicts),
    )


def prove_report(result: Result[ProveReport]) -> Report:
    """Return what each proof showed, and what evidence stood already."""
    verdicts = tuple(_proofs(result.value))
    snapshot = result.value.snapshot
    places = places_of(snapshot, verdicts) if snapshot is not None else {}
    notes = (f"reused {r.proof}: {unbroken(r.origin)}" for r in result.value.reused)
    return report_of(
        "prove", result.outcome, verdicts, result.diagnostics, notes=notes, places=places
    )


def _proofs(report: ProveReport) -> Iterator[Verdict]:
    yield from (standing.verdict for standing in report.reused)
    yield from map(_proof, report.proven)


def _proof(report: ProofReport) -> Verdict:
    divergences = tuple(
        "\n".join((f"{d.place} differs between {' and '.join(d.between)}:", *d.diff))
        for d in report.divergences
    )
    return replace(report.verdict, reasons=(*report.reasons, *divergences))


def apply_report(result: Result[ApplyReport], snapshot: Snapshot) -> Report:
    """Return what was proven, what the gate ruled, and what became of every change."""
    report = result.value
    return _ruled(
        "apply", result, report.plan, report.proofs, report.ruling, report.items, snapshot
    )


def run_report(result: Result[RunReport], snapshot: Snapshot) -> Report:
    """Return what was proven, what the gate ruled, and how the run ended."""
    report = result.value
    items = (report.item,) if report.item else ()
    plan = report.planned.plan
    return _ruled("run", result, plan, report.proofs, report.ruling, items, snapshot)


def _ruled(
    command: str,
    result: Result[ApplyReport] | Result[RunReport],
    plan: Plan,
    proofs: ProveReport,
    ruling: Ruling | None,
    items: Iterable[ItemResult],
    snapshot: Snapshot,
) -> Report:
    ruled = ruling.verdicts if ruling else ()
    verdicts = (*_proofs(proofs), *ruled, *(_item(command, item) for item in items))
    return report_of(
        command,
        result.outcome,
        verdicts,
        result.diagnostics,
        changes=_planned(plan),
        places=places_of(snapshot, verdicts),
    )


def _planned(plan: Plan) -> Changes:
    """Return the changes of a plan that nothing else is known about."""
    layers = sorted({item.layers for item in plan.changing}, key=lambda key: (not key, key))
    by_layer = {key: tuple(i for i in plan.changing if i.layers == key) for key in layers}
    return Changes(plan, f"compared with {plan.compared_with}", by_layer)


def _item(command: str, item: ItemResult) -> Verdict:
    reasons = tuple(text for text in (item.message, item.help) if text)
    return Verdict(command, str(item.change.target), _ITEMS[item.status], reasons)
