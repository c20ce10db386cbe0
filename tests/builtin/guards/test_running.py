"""An engaged guard stops runs between two steps; released, they end as if it had not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chimera.model import Outcome
from chimera.runtime import Engine, RunSettings, Step, StepCall, Wait, guarding
from chimera.state import Event, EventKind, RunStatus
from tests.builtin.guards.conftest import Site
from tests.runtime.killing import graph as twelve_stages
from tests.runtime.two_hundred import graph as two_hundred

REPOSITORY = Path(__file__).parents[3]


def chain(count: int, *, at: int, act: Callable[[], None], begun: list[int]) -> list[Step]:
    """Return steps in a row, of which one does something else besides, the first time."""

    def step(n: int) -> Step:
        async def work(call: StepCall) -> int:
            if n == at and n not in begun:
                act()
            begun.append(n)
            return n

        return Step(f"s{n}", work, (f"s{n - 1}",) if n else ())

    return [step(n) for n in range(count)]


def results(events: tuple[Event, ...] | list[Event]) -> dict[str, Any]:
    return {e.step: e.data for e in events if e.kind is EventKind.DONE}


def test_a_switch_engaged_from_another_process_stops_two_hundred_stages_resumably(
    site: Site, tmp_path: Path
) -> None:
    calm, stopped = tmp_path / "calm", tmp_path / "stopped"
    calm.mkdir()
    stopped.mkdir()
    wanted = site.execute(list(two_hundred(calm).steps))
    assert wanted.status is RunStatus.SUCCEEDED
    steps = list(two_hundred(stopped).steps)
    middle = next(n for n, step in enumerate(steps) if step.id == "s9.5")
    usual: Any = steps[middle].work

    async def engaging(call: StepCall) -> Any:
        if call.attempt == 1 and not (tmp_path / "engaged").exists():
            (tmp_path / "engaged").touch()
            command = [sys.executable, "-m", "chimera", "-C", str(site.root), "guard", "engage"]
            subprocess.run(
                [*command, "stop", "--reason", "it is wrong"],
                check=True,
                capture_output=True,
                env={"PYTHONPATH": str(REPOSITORY), "PATH": "", "HOME": str(tmp_path)},
            )
        return await usual(call)

    steps[middle] = replace(steps[middle], work=engaging)
    result = site.execute(steps)
    assert result.status is RunStatus.INTERRUPTED
    assert result.outcome is Outcome.FAILED
    assert result.message.startswith("Guard/stop stops it: it is wrong (engaged by ")
    assert "chimera guard release stop" in (result.help or "")
    events = site.house.state.events(result.run)
    at = next(n for n, e in enumerate(events) if e.kind is EventKind.HALT)
    assert not [e for e in events[at:] if e.kind is EventKind.START], "nothing begins after it"
    starts = {e.step for e in events if e.kind is EventKind.START}
    assert starts == set(results(events)), "what was in flight came back, and is recorded"
    assert 0 < len(starts) < 200
    again = site.resume(result, steps)
    assert (again.status, results(site.house.state.events(result.run)).keys()) == (
        RunStatus.INTERRUPTED,
        starts,
    ), "it stays stopped until somebody releases it"
    site.release()
    ended = site.resume(result, steps)
    assert (ended.status, ended.outputs) == (RunStatus.SUCCEEDED, wanted.outputs)
    assert results(site.house.state.events(result.run)) == results(
        site.house.state.events(wanted.run)
    )
    run = site.house.state.run(result.run)
    assert (run.total, run.done, run.failed) == (200, 200, 0)
    left = {path.name: path.read_bytes() for path in (stopped / "things").iterdir()}
    assert left == {path.name: path.read_bytes() for path in (calm / "things").iterdir()}
    done = [e for e in site.house.state.events(result.run) if e.kind is EventKind.DONE]
    assert len(done) == 200, "none was done twice"


@pytest.mark.parametrize("effects", [True, False])
def test_nothing_begins_in_the_turn_after_it(site: Site, effects: bool) -> None:
    begun: list[int] = []
    steps = chain(50, at=20, act=site.engage, begun=begun)
    if not effects:
        steps = [replace(step, effects=False) for step in steps]
    result = site.execute(steps)
    assert begun == list(range(21))
    assert result.status is RunStatus.INTERRUPTED
    (halt,) = site.halts(result)
    assert (halt["guard"], halt["kind"], halt["where"]) == (
        "Guard/stop",
        "machine",
        "this machine",
    )
    site.release()
    assert site.resume(result, steps).status is RunStatus.SUCCEEDED
    assert begun == list(range(50))


def test_a_run_in_which_everything_waits_is_stopped(site: Site) -> None:
    steps = [Step("wait", wait=Wait(seconds=3600.0)), Step("last", needs=("wait",))]
    threading.Timer(0.05, site.engage).start()
    result = site.execute(steps, patience=None)
    assert result.status is RunStatus.INTERRUPTED
    (halt,) = site.halts(result)
    assert halt["guard"] == "Guard/stop"
    site.release()
    assert site.resume(result, steps).status is RunStatus.WAITING


def test_a_switch_out_of_whose_scope_a_run_is_stops_nothing(site: Site) -> None:
    begun: list[int] = []

    def act() -> None:
        site.engage("a", kinds=("Workflow",))
        site.engage("b", environments=("Environment/production",))
        site.engage("c", addresses=("Thing/other",))

    assert site.execute(chain(5, at=1, act=act, begun=begun)).status is RunStatus.SUCCEEDED
    site.engage("d", addresses=("Thing/a",))
    assert site.execute(chain(1, at=9, act=act, begun=[])).status is RunStatus.INTERRUPTED


def test_a_damaged_file_stops_a_run(site: Site) -> None:
    def act() -> None:
        site.engage("only-workflows", kinds=("Workflow",))
        (path,) = (site.root / ".chimera" / "guards").iterdir()
        path.write_bytes(path.read_bytes()[:-20])

    begun: list[int] = []
    result = site.execute(chain(9, at=3, act=act, begun=begun))
    assert (result.status, begun) == (RunStatus.INTERRUPTED, [0, 1, 2, 3])
    assert "cannot be read as it was written" in result.message


class SetClock:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 21, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def put(self, hour: int) -> None:
        self.at = self.at.replace(hour=hour)


def test_maintenance_begins_in_the_middle_of_a_run_and_ends_by_itself(site: Site) -> None:
    clock = SetClock()
    site.house.context = replace(site.house.context, clock=clock)
    site.house.restart()
    site.team.write(
        "Guard",
        "night",
        "reason: the disks are moved\n"
        "maintenance: {from: '2026-11-21T02:00:00Z', until: '2026-11-21T04:00:00Z'}",
    )
    steps = [Step("wait", wait=Wait(seconds=86_400.0))]
    threading.Timer(0.05, clock.put, [2]).start()
    result = site.execute(steps, patience=None)
    assert result.status is RunStatus.INTERRUPTED
    assert "Guard/night stops it: the disks are moved" in result.message
    (halt,) = site.halts(result)
    assert (halt["kind"], halt["until"]) == ("maintenance", "2026-11-21T04:00:00Z")
    assert site.resume(result, steps).status is RunStatus.INTERRUPTED
    clock.put(4)
    assert site.resume(result, steps).status is RunStatus.WAITING


def test_what_undoes_a_run_is_stopped_too_and_goes_on_afterwards(site: Site) -> None:
    undone: list[str] = []

    def make(name: str, *needs: str) -> Step:
        def undo(call: StepCall) -> None:
            if not undone:
                site.engage()
            undone.append(name)

        return Step(name, lambda call: 1, needs, compensate=undo)

    def fail(call: StepCall) -> None:
        raise ValueError("no")

    steps = [make("a"), make("b", "a"), make("c", "b"), Step("last", fail, ("c",))]
    guard = site.guard()
    run = site.new_run()
    settings = RunSettings(guards=(guard,))
    result = site.house.execute(steps, run=run, settings=settings, on_failure="compensate")
    assert (result.status, undone) == (RunStatus.INTERRUPTED, ["c"])
    site.release()
    run = site.house.state.run(run.uid)
    result = site.house.execute(steps, run=run, settings=settings, on_failure="compensate")
    assert (result.status, undone) == (RunStatus.COMPENSATED, ["c", "b", "a"])


def test_a_run_without_guards_is_never_looked_at(site: Site, monkeypatch: Any) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(guarding.Guarding, "look", refuse)
    monkeypatch.setattr(guarding.Guarding, "before", refuse)
    monkeypatch.setattr(guarding.Guarding, "after", refuse)
    assert site.house.execute(chain(3, at=9, act=refuse, begun=[])).status is RunStatus.SUCCEEDED


def test_a_run_killed_in_the_moment_of_a_switch_stays_stopped_until_it_is_released(
    site: Site,
) -> None:
    run = site.new_run()
    site.house.state.close()

    def deadly() -> None:
        site.engage()
        os.kill(os.getpid(), signal.SIGKILL)

    pid = os.fork()
    if pid == 0:
        site.house.restart()
        site.execute(chain(30, at=12, act=deadly, begun=[]), run)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    assert status & 0x7F == signal.SIGKILL
    site.house.restart()
    begun: list[int] = []
    steps = chain(30, at=99, act=deadly, begun=begun)
    result = site.execute(steps, site.house.state.run(run.uid))
    assert (result.status, begun) == (RunStatus.INTERRUPTED, [])
    site.release()
    ended = site.resume(result, steps)
    assert ended.status is RunStatus.SUCCEEDED
    assert begun == list(range(12, 30)), "what was done is not done again"
    assert ended.outputs == {f"s{n}": n for n in range(30)}


class Engager:
    """Engages a switch at one instant of a run, in place of killing its process."""

    def __init__(self, site: Site, name: str, number: int) -> None:
        self._site, self._instant = site, (name, number)
        self.counts = {"work": 0, "effect": 0}

    def at(self, name: str) -> None:
        self.counts[name] += 1
        if (name, self.counts[name]) == self._instant:
            self._site.engage()


@pytest.mark.parametrize("is_doomed", [False, True])
def test_whenever_a_run_is_stopped_it_ends_as_if_it_had_not_been(
    site: Site, tmp_path: Path, is_doomed: bool
) -> None:
    """Chains, fans, timers, retries, undoing: a switch at many attempts of them."""

    def carry_out(name: str, instant: int) -> tuple[Any, ...]:
        root = tmp_path / name
        root.mkdir()
        engager = Engager(site, "work" if instant % 4 < 2 else "effect", instant)
        made = twelve_stages(root, engager, is_doomed)
        run = site.house.state.create_run("local", "Thing/a", made.definition, None)
        guard = site.guard()
        settings = RunSettings(guards=(guard,), patience=None)
        engine = Engine(site.house.state, site.house.context, settings=settings)
        result = engine.execute(run, made)
        was_stopped = bool(result.held)
        if was_stopped:
            assert result.status is RunStatus.INTERRUPTED
            site.release()
            made = twelve_stages(root, Engager(site, "", 0), is_doomed)
            result = engine.execute(site.house.state.run(run.uid), made)
        site.release()
        outputs = {id: value for id, value in result.outputs.items() if id != "timer"}
        done = Counter(
            (e.kind, e.step)
            for e in site.house.state.events(run.uid)
            if e.kind in {EventKind.DONE, EventKind.COMP_DONE, EventKind.SKIP, EventKind.FAIL}
        )
        names = sorted(path.read_text() for path in (root / "things").iterdir())
        return was_stopped, (result.status, outputs, dict(result.failed), done, names)

    _, calm = carry_out("calm", 0)
    stopped = 0
    for instant in range(1, 26, 2) if is_doomed else range(1, 14):
        was_stopped, found = carry_out(str(instant), instant)
        stopped += was_stopped
        assert found == calm, instant
    assert stopped >= 8
