"""Policies: CEL rules over documents and changes, their cases, and waivers that end.

The only room that knows CEL. Refuses side effects, and to let an expression that errs, overruns
its bounds or kills its process count as kept.
"""

from chimera.policy.cases import CasesReport, run_cases
from chimera.policy.coverage import RuleCoverage, Unexercised, unexercised
from chimera.policy.isolation import Bounds
from chimera.policy.judge import judge
from chimera.policy.kinds import PolicySpec, WaiverSpec
from chimera.policy.worker import evaluate

__all__ = [
    "Bounds",
    "CasesReport",
    "PolicySpec",
    "RuleCoverage",
    "Unexercised",
    "WaiverSpec",
    "evaluate",
    "judge",
    "run_cases",
    "unexercised",
]
