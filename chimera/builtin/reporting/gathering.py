"""From a workspace to a report: every plugin is asked, and one that cannot answer is told.

Refuses to pass a plugin's silence over as nothing to say: in a compliance report it is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from chimera.builtin.reporting.periods import Asked, period_of
from chimera.model import Outcome, UsageError, Verdict, has_errors
from chimera.plugin import ask_each
from chimera.runtime.reporting import Missing, Period, ReportKind, ReportTask, Section
from chimera.state.periods import known_environments

if TYPE_CHECKING:
    from chimera.context import Context
    from chimera.state import StateReader
    from chimera.workspace import Workspace

HOOK = "chimera_contribute_report"
ORDER = (
    "compliance",
    "availability",
    "latency",
    "runs",
    "errors",
    "utilisation",
    "changes",
    "approvals",
    "incidents",
    "reviews",
    "proofs",
    "objectives",
    "guards",
    "evolution",
    "capacity",
)
"""Where sections stand; others come after these, by their ids."""
_GRACE = timedelta(days=7)
_RECORDS = "chimera.builtin.records.plugin"


@dataclass(frozen=True, slots=True)
class Report:
    """What was said of a period, section by section; `now` is the moment it speaks as of."""

    kind: ReportKind
    period: Period
    now: datetime
    environments: tuple[str, ...]
    sections: tuple[Section, ...]

    @property
    def missing(self) -> tuple[Missing, ...]:
        """Everything that is owed and not there, section by section."""
        return tuple(missing for section in self.sections for missing in section.missing)

    @property
    def outcome(self) -> Outcome:
        """Failed where compliance was asked after and something is missing."""
        failed = self.kind is ReportKind.COMPLIANCE and self.missing
        return Outcome.FAILED if failed else Outcome.PASSED


def make_report(
    workspace: Workspace,
    kind: ReportKind,
    asked: Asked,
    environment: str | None,
    now: datetime | None,
) -> Report:
    """Return the report of a kind about the time that is asked for.

    Without another `now` it speaks as of the present, or as of the end of a period that is over; of
    compliance a week later, when what was owed for the last of its days has come or never will.
    """
    present = now or workspace.context.clock.now()
    period = period_of(kind, asked, present)
    grace = _GRACE if kind is ReportKind.COMPLIANCE else timedelta()
    as_of = present if now else min(present, period.end + grace)
    loaded = workspace.loaded
    with workspace.read_state() as state:
        environments = _environments(workspace, state, environment)
        task = ReportTask(
            *(kind, period, as_of, environments, loaded.snapshot, state),
            *(_held_at(workspace.context, as_of), workspace.root),
        )
        essential = {_RECORDS} if kind is ReportKind.COMPLIANCE else set()
        answers, silent = ask_each(workspace.plugins, HOOK, essential, task=task)
    told: list[Section] = [section for _, given in sorted(answers.items()) for section in given]
    told += _unsaid(silent, faulty=has_errors(loaded.diagnostics))
    return Report(kind, period, as_of, environments, merged(told))


def _held_at(context: Context, now: datetime) -> Context:
    """Return a context whose clock stands at the moment that is spoken of."""
    from chimera.context import FixedClock

    return replace(context, clock=FixedClock(now))


def _environments(workspace: Workspace, state: StateReader, asked: str | None) -> tuple[str, ...]:
    """Return the environments that there are, or the one that is asked for."""
    documents = workspace.loaded.snapshot.of_kinds({"Environment"})
    found = {document.address.name for document in documents} | set(known_environments(state))
    if asked is None:
        return tuple(sorted(found)) or ("local",)
    if asked not in found and asked != "local":
        raise UsageError(
            f"there is no environment {asked!r}",
            help=f"there are: {', '.join(sorted(found))}" if found else "leave --env out",
        )
    return (asked,)


def merged(sections: Iterable[Section]) -> tuple[Section, ...]:
    """Return sections in order; what several rooms say under one id is one section."""
    found: dict[str, Section] = {}
    for section in sections:
        before = found.get(section.id)
        found[section.id] = section if before is None else _joined(before, section)
    return tuple(sorted(found.values(), key=_rank))


def _rank(section: Section) -> tuple[int, str]:
    return (ORDER.index(section.id) if section.id in ORDER else len(ORDER), section.id)


def _joined(one: Section, other: Section) -> Section:
    return Section(
        one.id,
        one.title,
        " ".join(filter(None, (one.summary, other.summary))),
        *((*one.figures, *other.figures), (*one.tables, *other.tables)),
        *((*one.charts, *other.charts), (*one.missing, *other.missing)),
        (*one.notes, *other.notes),
    )


def _unsaid(silent: Sequence[Verdict], *, faulty: bool) -> list[Section]:
    """Return a section of what could not be asked or read, where there is any of it."""
    if not silent and not faulty:
        return []
    help = "fix the plugin, and ask again"
    missing = tuple(
        Missing("section-missing", verdict.judge, verdict.reasons[0], help) for verdict in silent
    )
    note = "documents of the tree that have errors are not in this report: see `chimera check`"
    return [Section("unsaid", "What could not be read", missing=missing, notes=(note,) * faulty)]
