"""What an engine asks between two steps: switches of this machine, maintenance, invariants.

A look costs one question to the file system where no switch is engaged here and no maintenance is
near. Refuses to know of documents that were edited since the run began: the next one sees them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from chimera.builtin.guards.kinds import GuardScope
from chimera.builtin.guards.scoping import stops
from chimera.builtin.guards.standing import document_halts, guards_of, machine_halt
from chimera.builtin.guards.switches import Switch, folder_of, read_switches, signature
from chimera.gate import Halt, Side
from chimera.model import Address, Change

if TYPE_CHECKING:
    from chimera.builtin.guards.standing import Guard
    from chimera.context import Context
    from chimera.kinds import Subject
    from chimera.policy import Predicates
    from chimera.runtime.guarding import Invariants
    from chimera.state import Run

_FOLLOWS = os.access not in os.supports_follow_symlinks


@dataclass(frozen=True)
class _Known:
    """One thing that is carried out, and the guards of documents that are about it."""

    subject: Subject
    change: Change
    guards: tuple[tuple[Side, Guard], ...]

    @property
    def layers(self) -> frozenset[str]:
        target = self.change.target
        placed = self.subject.placed(target) if isinstance(target, Address) else ()
        return frozenset(placement.layer for placement in placed)


class RunningGuard:
    """Stops what is executed on this machine."""

    def __init__(self, root: Path, context: Context) -> None:
        self._root = root
        self._context = context
        folder = os.fsencode(folder_of(root))
        # Asked in every turn of every run: on most days it is all that is done.
        self._is_there = partial(os.access, folder, os.F_OK, follow_symlinks=_FOLLOWS)
        self._known: dict[tuple[str, str], _Known] = {}
        self._maintains = False
        self._switches: tuple[Switch, ...] = ()
        self._seen: object = None
        self._is_meant: dict[tuple[Path, str, str], bool] = {}
        self._now = context.clock.now()
        self._predicates: Predicates | None = None

    def know(self, subject: Subject, changes: Iterable[Change], sides: Sequence[Side]) -> None:
        """Take in what is to be carried out, and which guards of documents are about it."""
        guards = tuple(guards_of(sides))
        self._is_meant.clear()
        for change in changes:
            about = tuple(
                (side, guard) for side, guard in guards if stops(guard.spec.scope, change, subject)
            )
            self._known[subject.environment.name, str(change.target)] = _Known(
                subject, change, about
            )
            self._maintains |= any(guard.spec.maintenance for _, guard in about)

    def look(self, now: datetime) -> bool:
        """Tell whether anything may be stopped at `now`."""
        if self._is_there():
            self._read()
        elif self._switches:
            self._switches, self._seen = (), None
        elif not self._maintains:
            return False
        self._now = now
        return True

    def _read(self) -> None:
        """Read the switches, unless they are those that were read before."""
        found = signature(self._root)
        if found is None or found != self._seen:
            self._switches, self._seen = read_switches(self._root), found
            self._is_meant.clear()

    def halt(self, environment: str, target: str) -> Halt | None:
        """Return what stops a target: a switch in whose scope it is, or a time of maintenance."""
        return next(self._halts(environment, target), None)

    def _halts(self, environment: str, target: str) -> Iterator[Halt]:
        known = self._known.get((environment, target))
        for switch in self._switches:
            key = (switch.path, environment, target)
            if key not in self._is_meant:
                self._is_meant[key] = self._is_in(switch.scope, environment, known)
            if self._is_meant[key]:
                yield machine_halt(switch)
        for side, guard in known.guards if known else ():
            for halt in document_halts(side, guard, self._now):
                if halt.is_standing:
                    yield halt

    def _is_in(self, scope: GuardScope, environment: str, known: _Known | None) -> bool:
        if known is not None:
            return stops(scope, known.change, known.subject)
        return not scope.environments or f"Environment/{environment}" in scope.environments

    def invariants(self, run: Run) -> Invariants | None:
        """Return what must hold around the steps of a run; `None` where nothing must."""
        known = self._known.get((run.environment, run.target))
        if known is None or not any(guard.spec.invariants for _, guard in known.guards):
            return None
        from chimera.builtin.guards.invariants import BOUNDS, Invariant, RunInvariants
        from chimera.policy import Predicates

        if self._predicates is None:
            self._predicates = Predicates(self._context.processes, BOUNDS)
        return RunInvariants(
            run,
            known.subject.environment,
            [Invariant(str(g.address), one) for _, g in known.guards for one in g.spec.invariants],
            known.layers,
            self._predicates,
            self._context.secrets.mask,
        )

    def close(self) -> None:
        """End the child that evaluates, if there is one."""
        if self._predicates is not None:
            predicates, self._predicates = self._predicates, None
            predicates.close()
