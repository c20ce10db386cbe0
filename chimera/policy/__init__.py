"""Policies: CEL rules over documents and changes, their cases, and waivers that end.

The only room that knows CEL. Refuses side effects, and to let an expression that errs, overruns
its bounds or kills its process count as kept.
"""

from typing import TYPE_CHECKING

from chimera.model.lazily import import_lazily

if TYPE_CHECKING:
    from chimera.policy.cases import CasesReport, run_cases
    from chimera.policy.coverage import RuleCoverage, Unexercised, unexercised
    from chimera.policy.functions.patterns import compile_pattern
    from chimera.policy.isolation import Bounds
    from chimera.policy.judge import judge
    from chimera.policy.kinds import PolicySpec, WaiverSpec
    from chimera.policy.predicates import Predicate, PredicateError, Predicates
    from chimera.policy.worker import evaluate, worker_ahead

__all__ = [
    "Bounds",
    "CasesReport",
    "PolicySpec",
    "Predicate",
    "PredicateError",
    "Predicates",
    "RuleCoverage",
    "Unexercised",
    "WaiverSpec",
    "compile_pattern",
    "evaluate",
    "judge",
    "run_cases",
    "unexercised",
    "worker_ahead",
]

import_lazily(
    __name__,
    {
        ".cases": "CasesReport run_cases",
        ".predicates": "Predicate PredicateError Predicates",
        ".functions.patterns": "compile_pattern",
        ".coverage": "RuleCoverage Unexercised unexercised",
        ".isolation": "Bounds",
        ".judge": "judge",
        ".kinds": "PolicySpec WaiverSpec",
        ".worker": "evaluate worker_ahead",
    },
)
