"""The state of one clone: what was applied, every run and its journal, below `.chimera/`.

The only room that knows SQLite. Refuses a second writer, and refuses to go on after a loss that
nobody has acknowledged.
"""

from chimera.state.records import (
    Applied,
    Event,
    EventKind,
    Json,
    LogLine,
    RulingRecord,
    Run,
    RunStatus,
)

__all__ = [
    "Applied",
    "Event",
    "EventKind",
    "Json",
    "LogLine",
    "RulingRecord",
    "Run",
    "RunStatus",
]
