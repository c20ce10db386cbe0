"""Runs that guards are asked about: a real state, a folder of documents, and what is engaged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chimera.builtin.guards.kinds import GuardScope
from chimera.builtin.guards.running import RunningGuard
from chimera.builtin.guards.switches import engage, read_switches, release
from chimera.context import Context
from chimera.gate import Side
from chimera.runtime import RunResult, RunSettings, Step
from chimera.state import EventKind, Run
from tests.gate.conftest import Team, update
from tests.runtime.conftest import House

TARGET = "Thing/a"


@dataclass
class Site:
    """A work tree with a thing, what guards say of it, and a state to run on."""

    team: Team
    house: House

    @property
    def root(self) -> Path:
        return self.team.root

    def guard(self) -> RunningGuard:
        """Return what an engine is given for a run of the thing now."""
        guard = RunningGuard(self.root, self.house.context)
        subject = self.team.subject(update())
        guard.know(subject, [update()], [Side("the work tree", subject.snapshot)])
        return guard

    def new_run(self, definition: Any = None) -> Run:
        return self.house.state.create_run("local", TARGET, definition, None)

    def execute(self, steps: list[Step], run: Run | None = None, **settings: Any) -> RunResult:
        """Execute steps for the thing, new or as they are left; `settings` are the engine's."""
        guard = self.guard()
        try:
            return self.house.execute(
                steps,
                run=run or self.new_run(),
                settings=RunSettings(guards=(guard,), **settings),
            )
        finally:
            guard.close()

    def resume(self, result: RunResult, steps: list[Step], **settings: Any) -> RunResult:
        return self.execute(steps, self.house.state.run(result.run), **settings)

    def engage(self, name: str = "stop", **scope: Any) -> None:
        engage(self.root, self.house.context, name, GuardScope(**scope), "payments are wrong")

    def release(self) -> None:
        release(self.root, read_switches(self.root))

    def invariant(self, expression: str, *, when: str = "[before, after]", **steps: str) -> None:
        """Have a guard ask an expression of steps."""
        chosen = ", ".join(f"{field}: {these}" for field, these in steps.items())
        text = expression.replace("'", "''")
        self.team.write(
            "Guard",
            "caps",
            "reason: money is safe\n"
            f"invariants: [{{id: cap, message: at most ten are paid, expression: '{text}', "
            f"when: {when}, steps: {{{chosen}}}}}]",
        )

    def events(self, result: RunResult) -> list[tuple[str, str]]:
        return [(e.kind.value, e.step) for e in self.house.state.events(result.run)]

    def halts(self, result: RunResult) -> list[Any]:
        found = self.house.state.events(result.run)
        return [e.data for e in found if e.kind is EventKind.HALT]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    team = Team(tmp_path)
    team.write("Thing", "a")
    house = House(tmp_path, Context.system())
    yield Site(team, house)
    house.state.close()
