"""The runtime: durable steps, the operations that they call, and runs.

Promises that each result is recorded exactly once and that work is executed at least once, always
with the same idempotency key. Refuses to run two steps of one run twice at a time, and to know
what a kind is for.
"""

from chimera.runtime.operations import Operation, OperationCall
from chimera.runtime.result import RunResult
from chimera.runtime.steps import (
    Graph,
    Outputs,
    PermanentError,
    Retry,
    Step,
    StepCall,
    idempotency_key,
)
from chimera.runtime.task import Build, ReconcileTask, RunError, RunSteps
from chimera.state import Json, RunStatus

__all__ = [
    "Build",
    "Graph",
    "Json",
    "Operation",
    "OperationCall",
    "Outputs",
    "PermanentError",
    "ReconcileTask",
    "Retry",
    "RunError",
    "RunResult",
    "RunStatus",
    "RunSteps",
    "Step",
    "StepCall",
    "idempotency_key",
]
