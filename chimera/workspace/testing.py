"""Running the cases of the policies."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from chimera.documents import locate
from chimera.kinds import suggestion
from chimera.model import Finding, Outcome, Result, UsageError, has_errors
from chimera.policy import CasesReport, PolicySpec, run_cases
from chimera.workspace.judging import located

if TYPE_CHECKING:
    from chimera.workspace.workspace import Workspace


def policy_cases(
    workspace: Workspace, names: Sequence[str], now: datetime | None
) -> Result[CasesReport]:
    """Run the cases of all policies, or of those named; no case at all is not a pass."""
    loaded = workspace.loaded
    policies = {str(d.address) for d in loaded.snapshot.of_model(PolicySpec)}
    wanted = {name if "/" in name else f"Policy/{name}" for name in names}
    unknown = sorted(wanted - policies)
    if unknown:
        listed = f"there is: {', '.join(sorted(policies)) or 'none'}"
        raise UsageError(f"there is no {unknown[0]}", help=suggestion(unknown[0], policies, listed))
    report = run_cases(loaded.snapshot, workspace.context, now=now)
    meant = wanted or policies
    chosen = [verdict for verdict in report.verdicts if _policy_of(verdict.judge) in meant]
    shown = located(chosen, loaded.snapshot.tree)
    coverage = tuple(c for c in report.coverage if _policy_of(c.rule) in meant)
    faults = locate(loaded.diagnostics, loaded.snapshot.tree)
    broken = tuple(d for d in faults if has_errors((d,)))
    if broken or any(v.finding is Finding.FAIL for v in shown):
        outcome = Outcome.FAILED
    else:
        outcome = Outcome.PASSED if shown else Outcome.NOT_EXERCISED
    return Result(CasesReport(shown, coverage), outcome, broken)


def _policy_of(judge: str) -> str:
    return judge.partition("#")[0]
