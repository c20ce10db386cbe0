"""The runtime: apply, durable steps, the operations that they call, and runs.

Promises that each result is recorded exactly once and that work is executed at least once, always
with the same idempotency key. Refuses to run one run twice at a time, to apply without a permit,
and to know what a kind is for.
"""

from typing import TYPE_CHECKING

from chimera.model.lazily import import_lazily

if TYPE_CHECKING:
    from chimera.runtime.apply import ItemResult, apply
    from chimera.runtime.control import ControlAction
    from chimera.runtime.engine import Engine
    from chimera.runtime.fold import StepState, StepStatus
    from chimera.runtime.modules import ModuleType
    from chimera.runtime.operations import Operation, OperationCall
    from chimera.runtime.result import RunResult
    from chimera.runtime.runs import Runs, RunView, control_run, list_runs, read_log, show_run
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
    from chimera.state import Json, LogLine, Run, RunStatus

__all__ = [
    "Build",
    "ControlAction",
    "Engine",
    "Graph",
    "ItemResult",
    "Json",
    "LogLine",
    "ModuleType",
    "Operation",
    "OperationCall",
    "Outputs",
    "PermanentError",
    "ReconcileTask",
    "Retry",
    "Run",
    "RunError",
    "RunResult",
    "RunStatus",
    "RunSteps",
    "RunView",
    "Runs",
    "Step",
    "StepCall",
    "StepState",
    "StepStatus",
    "apply",
    "control_run",
    "idempotency_key",
    "list_runs",
    "read_log",
    "show_run",
]

import_lazily(
    __name__,
    {
        ".apply": "ItemResult apply",
        ".control": "ControlAction",
        ".engine": "Engine",
        ".fold": "StepState StepStatus",
        ".modules": "ModuleType",
        ".operations": "Operation OperationCall",
        ".result": "RunResult",
        ".runs": "Runs RunView control_run list_runs read_log show_run",
        ".steps": "Graph Outputs PermanentError Retry Step StepCall idempotency_key",
        ".task": "Build ReconcileTask RunError RunSteps",
        "chimera.state": "Json LogLine Run RunStatus",
    },
)
