"""Recovery: what a failure is, and what is done about one; pure, without I/O and without a clock.

What the scheduler calls, in the order in which it does:

1. Before an attempt departs: `bulkheads[name].enter(id)`, where `recovery.bulkhead` names one, and
   `breaker.ask(rule, now)` for `recovery.breaker`. What is not let in fails with the error that
   it is told, `BulkheadFullError` or `CircuitOpenError`, as an attempt that raised it would have.
2. When an attempt has failed: `failure = classify(error)`, then
   `decide(recovery, failure, attempt, key, Facts(...))`. `Again` is RETRY with `delay`; `Use` is
   DONE with `value` or the recorded result, or the step `fallback.step` in this one's place, and
   its flags tell it apart; `GiveUp` is FAIL, after which `rollback` is owed where there is one.
   An alternative that has failed in its turn is decided on with `Facts(tried=use.number)`.
3. For a decision that is not `Again`: `owed(recovery, failure, decision, attempt, facts)` are the
   notices to give, each a durable step `ID!escalate[rule]` that runs the operation `notify`.
   A step of that id that the journal knows is not owed again.
4. When an attempt has ended: `bulkheads[name].leave(id)`; of the breaker `succeeded(rule, now)`,
   `failed(rule, now)` where `is_counted(failure)`, and otherwise `released()`. A breaker that has
   changed is put into the collection `breaker` with the transaction of the turn.

Refuses to know how steps are scheduled, stored or shown.
"""

from typing import TYPE_CHECKING

from chimera.model.lazily import import_lazily

if TYPE_CHECKING:
    from chimera.runtime.recovery.breakers import (
        Breaker,
        BreakerRule,
        CircuitOpenError,
        is_counted,
    )
    from chimera.runtime.recovery.bulkheads import Bulkhead, BulkheadFullError, BulkheadRule
    from chimera.runtime.recovery.deciding import (
        DEFAULT_RECOVERY,
        Again,
        Decision,
        Escalation,
        Facts,
        Fallback,
        GiveUp,
        Notice,
        Recovery,
        Rollback,
        Use,
        decide,
        owed,
    )
    from chimera.runtime.recovery.failures import (
        Category,
        Failure,
        PermanentError,
        StepError,
        classify,
    )
    from chimera.runtime.recovery.retrying import Retry
    from chimera.runtime.recovery.words import Backoff, FailureCondition, Severity

__all__ = [
    "DEFAULT_RECOVERY",
    "Again",
    "Backoff",
    "Breaker",
    "BreakerRule",
    "Bulkhead",
    "BulkheadFullError",
    "BulkheadRule",
    "Category",
    "CircuitOpenError",
    "Decision",
    "Escalation",
    "Facts",
    "Failure",
    "FailureCondition",
    "Fallback",
    "GiveUp",
    "Notice",
    "PermanentError",
    "Recovery",
    "Retry",
    "Rollback",
    "Severity",
    "StepError",
    "Use",
    "classify",
    "decide",
    "is_counted",
    "owed",
]

import_lazily(
    __name__,
    {
        ".breakers": "Breaker BreakerRule CircuitOpenError is_counted",
        ".bulkheads": "Bulkhead BulkheadFullError BulkheadRule",
        ".deciding": (
            "DEFAULT_RECOVERY Again Decision Escalation Facts Fallback GiveUp Notice"
            " Recovery Rollback Use decide owed"
        ),
        ".failures": "Category Failure PermanentError StepError classify",
        ".retrying": "Retry",
        ".words": "Backoff FailureCondition Severity",
    },
)
