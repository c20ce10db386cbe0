"""What the parts of the scheduler share: where they write, what they ask, when they are called."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chimera.context import Context
from chimera.runtime.clearance import Clearance
from chimera.runtime.collections import Shelves
from chimera.runtime.executors import Executors
from chimera.runtime.journal import Journal
from chimera.runtime.outbox import Outbox
from chimera.runtime.ready import Ready
from chimera.runtime.recovery import Recovery
from chimera.runtime.settings import RunSettings
from chimera.runtime.steps import Step
from chimera.runtime.timers import Timers
from chimera.state import Json, StateWriter

if TYPE_CHECKING:
    import asyncio

    from chimera.runtime.guarding import Guarding


@dataclass(slots=True)
class Services:
    """One of each for a scheduler; `grace` is how long work that was told to stop is waited for."""

    state: StateWriter
    context: Context
    settings: RunSettings
    loop: asyncio.AbstractEventLoop
    timers: Timers
    journal: Journal
    ready: Ready
    shelves: Shelves
    outbox: Outbox
    clearance: Clearance
    executors: Executors
    grace: float
    guarding: Guarding = field(init=False)

    @property
    def all_need_clearance(self) -> bool:
        """Tell whether steps that say nothing have a breaker or a bulkhead."""
        recovery = self.settings.recovery
        return bool(recovery.breaker or recovery.bulkhead)

    def cached(self, key: str) -> str | None:
        """Return the text of a result kept by content, also of one that is not committed yet."""
        pending = self.journal.turn.cached
        if key in pending:
            text = pending[key]
            return "null" if text is None else text
        return self.state.cached(key)

    def recovery_of(self, step: Step) -> Recovery:
        """Return what is done about failures of a step."""
        return step.recovery if step.recovery is not None else self.settings.recovery

    def masked(self, text: str) -> str:
        """Return a text as it may be seen."""
        return self.context.secrets.mask(text)

    def as_json(self, value: Json) -> str:
        """Return the text of a value of the engine's own, which has no secrets."""
        return json.dumps(value, ensure_ascii=True, separators=(",", ":"))
