"""What a piece of work is given instead of reaching for it: time, ids, identity, processes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime

from chimera.context.clock import Clock, FixedClock, SystemClock
from chimera.context.environment import actor_of, trust_ref_of
from chimera.context.ids import Ids, SystemIds
from chimera.context.processes import Processes
from chimera.context.progress import Progress, SilentProgress
from chimera.context.secrets import Secrets
from chimera.model import Actor


@dataclass(frozen=True, slots=True)
class Context:
    """Everything that work may take from the machine that it runs on."""

    clock: Clock
    ids: Ids
    actor: Actor
    processes: Processes
    secrets: Secrets
    progress: Progress
    trust_ref: str | None = None
    """The Git ref whose keys, roles and gates count, where the process environment names one."""

    @staticmethod
    def system(*, now: datetime | None = None, progress: Progress | None = None) -> Context:
        """Return the context of this process; `now` holds its clock at an instant."""
        clock = SystemClock() if now is None else FixedClock(now)
        return Context(
            clock=clock,
            ids=SystemIds(clock),
            actor=actor_of(os.environ),
            processes=Processes(),
            secrets=Secrets.from_environment(os.environ),
            progress=progress or SilentProgress(),
            trust_ref=trust_ref_of(os.environ),
        )
