"""The state of one clone: what was applied, every run and its journal, below `.chimera/`.

The only room that knows SQLite. Refuses a second writer, and refuses to go on after a loss that
nobody has acknowledged.
"""

from typing import TYPE_CHECKING

from chimera.model.lazily import import_lazily

if TYPE_CHECKING:
    from chimera.state.cache import NoStore, Store, open_cache
    from chimera.state.holdings import Holding
    from chimera.state.layout import Layout
    from chimera.state.lock import Holder
    from chimera.state.opening import acknowledge_loss, open_state, read_state
    from chimera.state.reader import StateReader
    from chimera.state.records import (
        Applied,
        Event,
        EventKind,
        Item,
        Json,
        LogLine,
        Pruned,
        RulingRecord,
        Run,
        RunStatus,
    )
    from chimera.state.turn import EventRow, ItemKey, LogRow, RunRow, Turn
    from chimera.state.writer import StateWriter

__all__ = [
    "Applied",
    "Event",
    "EventKind",
    "EventRow",
    "Holder",
    "Holding",
    "Item",
    "ItemKey",
    "Json",
    "Layout",
    "LogLine",
    "LogRow",
    "NoStore",
    "Pruned",
    "RulingRecord",
    "Run",
    "RunRow",
    "RunStatus",
    "StateReader",
    "StateWriter",
    "Store",
    "Turn",
    "acknowledge_loss",
    "open_cache",
    "open_state",
    "read_state",
]

import_lazily(
    __name__,
    {
        ".cache": "NoStore Store open_cache",
        ".holdings": "Holding",
        ".layout": "Layout",
        ".lock": "Holder",
        ".opening": "acknowledge_loss open_state read_state",
        ".reader": "StateReader",
        ".records": "Applied Event EventKind Item Json LogLine Pruned RulingRecord Run RunStatus",
        ".turn": "EventRow ItemKey LogRow RunRow Turn",
        ".writer": "StateWriter",
    },
)
