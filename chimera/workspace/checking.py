"""Checking: everything that is wrong with a tree, and what was looked at to say so."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from chimera.context import Context
from chimera.kinds import Loaded
from chimera.model import Finding, Outcome, Result, has_errors
from chimera.plugin import PluginManager
from chimera.workspace.judging import Judgement, facts_of, judge


@dataclass(frozen=True)
class CheckReport:
    """What a check looked at; its diagnostics are the result's."""

    judgement: Judgement
    foreign: int

    @property
    def documents(self) -> dict[str, int]:
        """How many documents of each kind were judged."""
        found = Counter(a.kind for a in self.judgement.subject.snapshot.documents)
        return dict(sorted(found.items()))

    @property
    def findings(self) -> dict[str, int]:
        """How many verdicts came out each way."""
        found = Counter(verdict.finding for verdict in self.judgement.verdicts)
        return {finding.value: found[finding] for finding in Finding}


def check(
    loaded: Loaded, plugins: PluginManager, context: Context, environment: str
) -> Result[CheckReport]:
    """Judge a tree as it stands, compared with nothing."""
    judgement = judge(loaded, plugins, context, facts_of(loaded.snapshot, environment))
    report = CheckReport(judgement, loaded.foreign)
    failed = has_errors(judgement.diagnostics) or any(
        verdict.is_unexplained for verdict in judgement.verdicts
    )
    return Result(report, Outcome.FAILED if failed else Outcome.PASSED, judgement.diagnostics)
