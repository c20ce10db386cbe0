"""What work takes from the machine: clock, ids, streams, processes, files, secrets, progress.

The only room that starts processes, and the only one that reads the wall clock, random ids and
`os.environ`. Refuses to let a process outlive the one that started it.
"""

from chimera.context.clock import Clock, FixedClock, SystemClock, is_to_come, parse_instant
from chimera.context.command import Command, Completed, Isolation, Limits
from chimera.context.context import Context
from chimera.context.environment import (
    actor_of,
    base_environment,
    own_environment,
    pinned_environment,
    variable_marks,
)
from chimera.context.files import write_whole
from chimera.context.folders import exchange, sync_file, sync_folder
from chimera.context.ids import Ids, SequentialIds, SystemIds
from chimera.context.processes import (
    ProcessCancelledError,
    ProcessEndedError,
    Processes,
    ProcessTimeoutError,
    Running,
)
from chimera.context.progress import Progress, SilentProgress
from chimera.context.secrets import Secrets
from chimera.context.streams import stream

__all__ = [
    "Clock",
    "Command",
    "Completed",
    "Context",
    "FixedClock",
    "Ids",
    "Isolation",
    "Limits",
    "ProcessCancelledError",
    "ProcessEndedError",
    "ProcessTimeoutError",
    "Processes",
    "Progress",
    "Running",
    "Secrets",
    "SequentialIds",
    "SilentProgress",
    "SystemClock",
    "SystemIds",
    "actor_of",
    "base_environment",
    "exchange",
    "is_to_come",
    "own_environment",
    "parse_instant",
    "pinned_environment",
    "stream",
    "sync_file",
    "sync_folder",
    "variable_marks",
    "write_whole",
]
