"""Rulings as JSON: what the state keeps of one, with the digests of everything that it weighed.

What is read back gets no permit: it tells what was ruled, and rules nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from chimera.documents import OverlayTree, Tree
from chimera.gate.ruling import Ruling, Stage, StageRuling
from chimera.gate.signed import approval_digest
from chimera.gate.weighing import Weighing
from chimera.kinds import Document, Items, Model, Text, ValidationError
from chimera.model import (
    Diagnostic,
    Digest,
    Finding,
    Place,
    Related,
    Severity,
    Span,
    UsageError,
    Verdict,
)

FORMAT = "chimera-ruling/1"


@dataclass(frozen=True, slots=True)
class RecordedItem:
    """One change of the plan that was weighed."""

    target: str
    action: str
    before: Digest | None
    after: Digest | None


@dataclass(frozen=True)
class RecordedRuling:
    """What was ruled, of what, and what was weighed: digests by name, for each sort of thing."""

    ruling: Ruling
    protected: bool
    now: str
    revision: str | None
    trust: tuple[str, str] | None
    """The trusted ref and its revision."""
    items: tuple[RecordedItem, ...]
    weighed: Mapping[str, Mapping[str, Digest]]


def ruling_to_json(ruling: Ruling, weighing: Weighing) -> dict[str, Any]:
    """Return a ruling as JSON, with the digests of all that was weighed."""
    plan, trust = weighing.plan, weighing.trust
    return {
        "format": FORMAT,
        "outcome": ruling.outcome.value,
        "plan": ruling.plan_digest,
        "environment": ruling.environment,
        "protected": plan.protected,
        "now": weighing.now.isoformat(),
        **_revisions(weighing.subject.snapshot.tree),
        "trust": {"ref": trust.ref, "revision": trust.revision} if trust else None,
        "items": [
            {
                "target": str(item.change.target),
                "action": item.change.action.value,
                "before": item.change.before,
                "after": item.change.after,
            }
            for item in plan.changing
        ],
        "stages": [
            {"stage": stage.stage, "verdicts": list(map(_verdict_json, stage.verdicts))}
            for stage in ruling.stages
        ],
        "weighed": _weighed(ruling, weighing),
    }


def _revisions(tree: Tree) -> dict[str, str | None]:
    """Return the commit that is applied; and, where that one is gone back to, the present one."""
    if isinstance(tree, OverlayTree):
        return {"revision": tree.revision, "present": tree.base_revision}
    return {"revision": tree.revision}


def _weighed(ruling: Ruling, weighing: Weighing) -> dict[str, dict[str, Digest]]:
    """Return the digests of what was weighed, by name, for each sort of thing."""
    snapshot = weighing.subject.snapshot
    sides = [d for side in weighing.sides for d in side.snapshot.of_kinds({"Freeze", "Guard"})]
    return {
        "documents": {"the snapshot": snapshot.digest},
        "records": _digests(snapshot.records),
        "evidence": _evidence(ruling),
        "approvals": {str(a.address): approval_digest(a) for a in weighing.approvals},
        "waivers": _digests(snapshot.of_kinds({"Waiver"})),
        "freezes": _digests(d for d in sides if d.address.kind == "Freeze"),
        "guards": _digests(d for d in sides if d.address.kind == "Guard"),
    }


def _evidence(ruling: Ruling) -> dict[str, Digest]:
    """Return the evidence by the obligation that it meets; a proof may be asked in two forms."""
    found: dict[str, Digest] = {}
    for verdict in (v for s in ruling.stages if s.stage == "proof" for v in s.verdicts):
        for number, digest in enumerate(verdict.rests_on):
            form = f" ({number + 1})" if number else ""
            found[f"{verdict.judge} for {verdict.subject}{form}"] = digest
    return found


def _digests(documents: Iterable[Document[Any]]) -> dict[str, Digest]:
    """Return digests by address; of two with one address, as two places have it, both."""
    found: dict[str, Digest] = {}
    for document in documents:
        name = str(document.address)
        if found.get(name, document.digest) != document.digest:
            name = f"{name} ({document.digest[7:19]})"
        found[name] = document.digest
    return dict(sorted(found.items()))


def _verdict_json(verdict: Verdict) -> dict[str, Any]:
    return {
        "judge": verdict.judge,
        "subject": verdict.subject,
        "finding": verdict.finding.value,
        "reasons": list(verdict.reasons),
        "restsOn": list(verdict.rests_on),
        "diagnostics": [
            {
                "rule": d.rule,
                "message": d.message,
                "severity": d.severity.value,
                "at": _span_json(d.where),
                "help": d.help,
                "address": d.address,
                "related": [{"message": r.message, "at": _span_json(r.where)} for r in d.related],
            }
            for d in verdict.diagnostics
        ],
    }


def _span_json(where: Span | Place) -> dict[str, Any]:
    span = where if isinstance(where, Span) else Span(where.path)
    return {"path": span.path, "line": span.line, "column": span.column}


class _At(Model):
    path: Text
    line: int
    column: int

    @property
    def span(self) -> Span:
        return Span(self.path, self.line, self.column)


class _Related(Model):
    message: str
    at: _At


class _Diagnostic(Model):
    rule: str
    message: str
    severity: str
    at: _At
    help: str
    address: str | None
    related: Items[_Related]


class _Verdict(Model):
    judge: str
    subject: str
    finding: str
    reasons: Items[str]
    rests_on: Items[str]
    diagnostics: Items[_Diagnostic]


class _Stage(Model):
    stage: Stage
    verdicts: Items[_Verdict]


class _Item(Model):
    target: str
    action: str
    before: str | None
    after: str | None


class _Trust(Model):
    ref: str
    revision: str


class _Ruling(Model):
    format: str
    outcome: str
    plan: str
    environment: str
    protected: bool
    now: str
    revision: str | None
    present: str | None = None
    trust: _Trust | None
    items: Items[_Item]
    stages: Items[_Stage]
    weighed: dict[str, dict[str, str]]


def ruling_from_json(value: Any) -> RecordedRuling:
    """Read a recorded ruling; raises `UsageError` for what is none, or of another version."""
    try:
        saved = _Ruling.model_validate(value)
        stages = tuple(StageRuling(s.stage, tuple(map(_verdict, s.verdicts))) for s in saved.stages)
    except (ValidationError, ValueError) as error:
        raise UsageError(
            "this ruling is in a form that this version does not know",
            help="show it with the version of Chimera that made it",
        ) from error
    return RecordedRuling(
        Ruling(saved.plan, saved.environment, stages),
        saved.protected,
        saved.now,
        saved.revision,
        (saved.trust.ref, saved.trust.revision) if saved.trust else None,
        tuple(RecordedItem(i.target, i.action, i.before, i.after) for i in saved.items),
        saved.weighed,
    )


def _verdict(saved: _Verdict) -> Verdict:
    diagnostics = tuple(map(_diagnostic, saved.diagnostics))
    finding = Finding(saved.finding)
    told = (saved.judge, saved.subject, finding, saved.reasons, diagnostics)
    return Verdict(*told, rests_on=saved.rests_on)


def _diagnostic(saved: _Diagnostic) -> Diagnostic:
    related = tuple(Related(one.message, one.at.span) for one in saved.related)
    severity = Severity(saved.severity)
    told = (saved.rule, saved.message, saved.at.span, saved.help, severity, saved.address)
    return Diagnostic(*told, related)
