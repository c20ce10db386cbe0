"""The runtime: apply, durable steps, the operations that they call, and runs.

Promises that each result is recorded exactly once and that work is executed at least once, always
with the same idempotency key. Refuses to run one run twice at a time, to apply without a permit,
and to know what a kind is for.
"""

from typing import TYPE_CHECKING

from chimera.model.lazily import import_lazily

if TYPE_CHECKING:
    from chimera.runtime.apply import ItemResult, apply
    from chimera.runtime.calls import OperationCall
    from chimera.runtime.collections import Collections
    from chimera.runtime.control import ControlAction
    from chimera.runtime.declared import Declared
    from chimera.runtime.engine import Engine
    from chimera.runtime.fold import StepState, StepStatus
    from chimera.runtime.modules import ModuleType
    from chimera.runtime.operations import Operation
    from chimera.runtime.recovery import PermanentError, Recovery, Retry, StepError
    from chimera.runtime.result import RunResult
    from chimera.runtime.runs import (
        Runs,
        RunView,
        control_run,
        list_runs,
        run_status,
        show_run,
    )
    from chimera.runtime.settings import RunSettings
    from chimera.runtime.steps import (
        Expansion,
        Graph,
        Outputs,
        RemoteWork,
        Step,
        StepCall,
        Wait,
        idempotency_key,
    )
    from chimera.runtime.task import Build, ReconcileTask, RunError, RunSteps
    from chimera.runtime.upkeep import due_runs, migrate_run
    from chimera.state import Json, RunStatus

__all__ = [
    "Build",
    "Collections",
    "ControlAction",
    "Declared",
    "Engine",
    "Expansion",
    "Graph",
    "ItemResult",
    "Json",
    "ModuleType",
    "Operation",
    "OperationCall",
    "Outputs",
    "PermanentError",
    "ReconcileTask",
    "Recovery",
    "RemoteWork",
    "Retry",
    "RunError",
    "RunResult",
    "RunSettings",
    "RunStatus",
    "RunSteps",
    "RunView",
    "Runs",
    "Step",
    "StepCall",
    "StepError",
    "StepState",
    "StepStatus",
    "Wait",
    "apply",
    "control_run",
    "due_runs",
    "idempotency_key",
    "list_runs",
    "migrate_run",
    "run_status",
    "show_run",
]

import_lazily(
    __name__,
    {
        ".apply": "ItemResult apply",
        ".calls": "OperationCall",
        ".collections": "Collections",
        ".control": "ControlAction",
        ".declared": "Declared",
        ".engine": "Engine",
        ".fold": "StepState StepStatus",
        ".modules": "ModuleType",
        ".operations": "Operation",
        ".recovery": "PermanentError Recovery Retry StepError",
        ".result": "RunResult",
        ".runs": "Runs RunView control_run list_runs run_status show_run",
        ".settings": "RunSettings",
        ".steps": "Expansion Graph Outputs RemoteWork Step StepCall Wait idempotency_key",
        ".upkeep": "due_runs migrate_run",
        ".task": "Build ReconcileTask RunError RunSteps",
        "chimera.state": "Json RunStatus",
    },
)
