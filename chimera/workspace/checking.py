"""Checking: everything that is wrong with a tree, and what was looked at to say so."""

from __future__ import annotations

from collections import Counter
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chimera.context import Context
from chimera.kinds import Loaded, Source
from chimera.model import Finding, Outcome, Result, Severity
from chimera.plugin import PluginManager
from chimera.policy.foreign import judged_files
from chimera.workspace.judging import Judgement, facts_of, judge

if TYPE_CHECKING:
    from chimera.workspace.planning import PlanReport


@dataclass(frozen=True)
class CheckReport:
    """What a check looked at; its diagnostics are the result's."""

    judgement: Judgement
    left_aside: int | None
    """How many documents of other systems stand among our own; not counted with a base."""
    planned: PlanReport | None = None
    """What changes, and what that owes, where the tree was compared with a base."""

    @property
    def documents(self) -> dict[str, int]:
        """How many documents of each kind were judged."""
        return dict(self.judgement.subject.snapshot.kinds)

    @property
    def foreign(self) -> int:
        """How many files of other systems were judged, since a Schema claims them."""
        return sum(1 for _ in judged_files(self.judgement.subject))

    @property
    def findings(self) -> dict[str, int]:
        """How many subjects were judged each way."""
        found: Counter[Finding] = Counter()
        for verdict in self.judgement.verdicts:
            found[verdict.finding] += verdict.count
        return {finding.value: found[finding] for finding in Finding}


def check(
    loaded: Loaded, plugins: PluginManager, context: Context, environment: str
) -> Result[CheckReport]:
    """Judge a tree as it stands, compared with nothing."""
    judgement = judge(loaded, plugins, context, facts_of(loaded.snapshot, environment))
    return _result(CheckReport(judgement, loaded.foreign))


def judging_ahead(source: Source, context: Context) -> AbstractContextManager[None]:
    """Have policies' evaluator start while documents are read: a first look will need it."""
    paths = (path for part in source.parts for path in part.paths)
    if not source.store.is_new or not any(path.startswith("policies/") for path in paths):
        return nullcontext()
    from chimera.policy import worker_ahead

    return worker_ahead(context.processes)


def check_change(planned: PlanReport) -> Result[CheckReport]:
    """Report on a tree that was judged as a change of a base."""
    return _result(CheckReport(planned.judgement, None, planned))


def _result(report: CheckReport) -> Result[CheckReport]:
    judgement = report.judgement
    failed = any(fault.severity is Severity.ERROR for fault in judgement.diagnostics) or any(
        verdict.is_unexplained for verdict in judgement.verdicts
    )
    return Result(report, Outcome.FAILED if failed else Outcome.PASSED, judgement.diagnostics)
