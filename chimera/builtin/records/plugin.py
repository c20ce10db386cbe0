"""Registers the kinds of records and judges them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from chimera.kinds import Kind, Subject
from chimera.model import Obligation, Verdict
from chimera.plugin import hookimpl

if TYPE_CHECKING:
    from chimera.gate import Halt, Side, Weighing
    from chimera.plan import Plan, RecordDraft
    from chimera.runtime.reporting import ReportTask, Section

_JUDGED = (
    *("SeverityModel", "Incident", "Postmortem", "Rollback", "Freeze", "ChangelogEntry"),
    "ReleaseProof",
)
_COMMANDS = "chimera.builtin.records.commands"


@hookimpl
def chimera_register_kinds() -> list[Kind]:
    """Register the kinds of records, and the model by which incidents are judged."""
    return [
        Kind(
            "SeverityModel",
            "chimera.builtin.records.kinds:SeverityModelSpec",
            "The levels by which a team says how bad an incident is, and what each asks of people.",
            home="specs/severities",
        ),
        Kind(
            "Incident",
            "chimera.builtin.records.kinds:IncidentSpec",
            "Something that is wrong: how grave, who commands, and what was seen and done.",
            record=True,
            home="changelog/incidents",
        ),
        Kind(
            "Postmortem",
            "chimera.builtin.records.kinds:PostmortemSpec",
            "The blameless review of an incident, and what is to be done.",
            record=True,
            home="changelog/postmortems",
        ),
        Kind(
            "Rollback",
            "chimera.builtin.records.kinds:RollbackSpec",
            "One change that a person takes back: checklist, evidence, target and observation.",
            record=True,
            home="changelog/rollbacks",
        ),
        Kind(
            "ChangelogEntry",
            "chimera.builtin.records.kinds:ChangelogEntrySpec",
            "One change that affected an environment: what, how risky, how to verify and undo it.",
            record=True,
        ),
        Kind(
            "Freeze",
            "chimera.builtin.records.kinds:FreezeSpec",
            "A time in which nothing in its scope is applied, and who can lift it.",
            record=True,
            home="changelog/freezes",
        ),
    ]


@hookimpl
def chimera_register_commands() -> Mapping[str, str]:
    """Register what people do about incidents, reviews, rollbacks and entries."""
    return {
        "severity": f"{_COMMANDS}.severity:severity",
        "incident": f"{_COMMANDS}.incident:incident",
        "postmortem": f"{_COMMANDS}.postmortem:postmortem",
        "changelog": f"{_COMMANDS}.changelog:changelog",
        "rollback": f"{_COMMANDS}.rollback:rollback",
        "import postmortems": f"{_COMMANDS}.importing:postmortems",
    }


@hookimpl
def chimera_check_snapshot(subject: Subject) -> Iterable[Verdict]:
    """Judge records, and the models that incidents are judged by."""
    sides = (subject.snapshot, subject.former)
    if all(side is None or side.kinds.keys().isdisjoint(_JUDGED) for side in sides):
        return ()
    from chimera.builtin.records.checks.judging import judge

    return tuple(judge(subject))


@hookimpl
def chimera_review_plan(stage: str, weighing: Weighing) -> Iterable[Verdict]:
    """Return which changes a freeze or an open incident stops, and what rollbacks lack."""
    from chimera.builtin.records.reviewing import review, review_approval

    match stage:
        case "freeze":
            return tuple(review(weighing))
        case "approval":
            return tuple(review_approval(weighing))
    return ()


@hookimpl
def chimera_list_halts(sides: Sequence[Side], now: datetime) -> Iterable[Halt]:
    """Return the freezes that stand, and the open incidents that freeze."""
    from chimera.builtin.records.gating.telling import halts

    return tuple(halts(sides, now))


@hookimpl
def chimera_draft_records(plan: Plan, subject: Subject, held: str | None) -> Iterable[RecordDraft]:
    """Return the entry that changes of production owe, as far as the plan tells it."""
    from chimera.builtin.records.gating.proposing import draft_entries

    return tuple(draft_entries(plan, subject, held))


@hookimpl
def chimera_owe(subject: Subject) -> Iterable[Obligation]:
    """Return the entries that changes of production owe, and what rollbacks do."""
    from chimera.builtin.records.gating.owing import owe

    return tuple(owe(subject))


@hookimpl
def chimera_contribute_report(task: ReportTask) -> Iterable[Section]:
    """Say what changed, how incidents went, and what every change lacks."""
    from chimera.builtin.records.reporting import sections

    return tuple(sections(task))
