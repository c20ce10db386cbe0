"""Plays one seed: processes that execute runs and are killed, and somebody who interferes.

A play goes on until every run is over, or nobody would let it go on any more. What it leaves is
its journal and its effects, which `laws` hold against what was promised.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

from chimera.context import Context
from chimera.runtime import ControlAction, Engine, RunSettings, RunStatus, control_run
from chimera.runtime.control import leave_request
from chimera.runtime.recovery import BulkheadRule
from chimera.state import Layout, open_state, read_state

from .graphs import SIGNAL_DATA, Builder, concurrency_of, plans
from .world import AT_THE_GATE, Crash, SimulatedIds, SimulatedLoop, World, stream

EXECUTORS = {
    "inline": "chimera.runtime.executors.inline:Inline",
    "thread": f"{__package__}.world:Simulated",
}
BULKHEADS = {"gate": BulkheadRule(AT_THE_GATE, None)}
MOST_PROCESSES = 60
"""A play that is not over by then never will be."""

OVER = {RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.COMPENSATED}


@dataclass(frozen=True)
class Scene:
    """How rough one play is."""

    errors: float = 0.1
    hangs: float = 0.05
    crashes: int = 3
    orders: int = 3
    """How often somebody pauses a run."""
    cancels: bool = False
    dooms: bool = False
    """Whether one step of each run fails for good, and the run is compensated."""
    runs: int = 2


@dataclass
class History:
    """What a play left."""

    scene: Scene
    world: World
    seeds: dict[str, object]
    """The seed of each run's graph, by its uid."""
    statuses: dict[str, RunStatus]
    events: dict[str, tuple]
    counter: int

    def can_be_undone(self, uid, step):
        """Tell whether a step of a run has effects, and says how they are undone."""
        plan = {plan.id: plan for plan in plans(self.seeds[uid])}[re.split(r"[/[]", step)[0]]
        if plan.kind == "plain":
            return plan.effects
        return (plan.kind == "fan" and "[" in step) or step.endswith("/first")


class Play:
    """One seed, played on the state at `root`."""

    def __init__(self, seed, root, scene):
        self.seed, self.root, self.scene = seed, root, scene
        self.world = World(seed, errors=scene.errors, hangs=scene.hangs)
        self.random = stream(seed, "play")
        self.builder = Builder(self.world)
        self.context = replace(
            Context.system(), clock=self.world.clock, ids=SimulatedIds(f"p{seed}")
        )
        self.seeds = {}
        self.crashes_left = scene.crashes
        self.orders_left = scene.orders
        self.is_dead = False
        self.transactions_left = None

    def run(self):
        """Play until every run is over; return what is left."""
        with self._state() as state:
            for number in range(self.scene.runs):
                run = state.create_run(f"e{self.seed}", f"Workflow/{number}", {"n": number}, None)
                self.seeds[run.uid] = seed = f"{self.seed}/{number}"
                self.world.bounds[run.uid] = concurrency_of(seed)
                plain = [plan.id for plan in plans(seed) if plan.kind == "plain"]
                if self.scene.dooms and plain:
                    self.world.doomed.add(f"{run.uid}/{self.random.choice(plain)}")
        for _ in range(MOST_PROCESSES):
            left = self._runs_left()
            if not left:
                return self._history()
            # Clocks are set while nobody looks: a little back, or far ahead.
            self.world.clock.elapsed += timedelta(
                seconds=self.random.choice((0, 1, 10, 10, -5, 86_400))
            )
            self._encourage(left)
            self._process()
        raise AssertionError(f"seed {self.seed}: not over after {MOST_PROCESSES} processes: {left}")

    @contextmanager
    def _state(self):
        state = open_state(self.root, self.context, command="simulation")
        try:
            yield state
        finally:
            state.close()

    def _runs_left(self):
        with read_state(self.root) as reader:
            runs = [reader.run(uid) for uid in self.seeds]
        return [run for run in runs if run.status not in OVER]

    def _encourage(self, left):
        """Let paused runs go on, and send the signals that somebody waits for."""
        for run in left:
            if run.status is RunStatus.PAUSED:
                control_run(self.root, self.context, run.uid, ControlAction.RESUME, "enough")
            if run.status is RunStatus.WAITING:
                self._send_signals(run.uid)

    def _send_signals(self, uid):
        for plan in plans(self.seeds[uid]):
            key = ("sent", uid, plan.id)
            if plan.kind == "signal" and not self.world.executions[key]:
                self.world.executions[key] += 1
                self._leave(uid, ControlAction.SIGNAL, name=plan.id, payload=SIGNAL_DATA)

    def _leave(self, uid, action, **what):
        leave_request(Layout(self.root), self.context, uid, action, "the play", **what)

    def _process(self):
        """Be one process: execute what is left, until it ends or is killed."""
        self.is_dead = False
        self.transactions_left = None
        if self.crashes_left and self.random.random() < 0.7:
            self.crashes_left -= 1
            self.transactions_left = self.random.randint(1, 25)
        try:
            with self._state() as state:
                self._make_mortal(state)
                settings = RunSettings(
                    limits={"db": 3}, bulkheads=BULKHEADS, durability="normal", max_runs=2
                )
                engine = Engine(
                    *(state, self.context),
                    settings=settings,
                    executors=EXECUTORS,
                    grace=2.0,
                    new_loop=self._new_loop,
                )
                runs = [
                    (run, lambda run=run: self._graph(run))
                    for run in (state.run(uid) for uid in self.seeds)
                    if run.status not in OVER and run.status is not RunStatus.PAUSED
                ]
                for _ in engine.execute_all(runs):
                    pass  # what it came to is in the journal
        except Crash:
            self.world.in_flight.clear()

    def _graph(self, run):
        on_failure = "compensate" if self.scene.dooms else "stop"
        return self.builder.graph(self.seeds[run.uid], run.definition, on_failure)

    def _new_loop(self):
        loop = SimulatedLoop()
        self.world.clock.adopt(loop)
        self._interfere(loop)
        return loop

    def _interfere(self, loop):
        if self.orders_left and self.random.random() < 0.5:
            self.orders_left -= 1
            uid = self.random.choice(list(self.seeds))
            actions = [ControlAction.PAUSE]
            if self.scene.cancels:
                actions.append(ControlAction.CANCEL)
            action = self.random.choice(actions)
            loop.call_later(self.random.expovariate(0.5), self._leave, uid, action)
        if self.random.random() < 0.3:
            uid = self.random.choice(list(self.seeds))
            loop.call_later(self.random.expovariate(0.5), self._send_signals, uid)

    def _make_mortal(self, state):
        """Have the process die before, or just after, one of its commits."""
        transaction = state.transaction

        @contextmanager
        def mortal():
            self._die_if_dead()
            with transaction():
                yield
                if self._is_time() and self.random.random() < 0.5:
                    self._die()
            if self.is_last:
                self._die()

        state.transaction = mortal

    is_last = False

    def _is_time(self):
        if self.transactions_left is None:
            return False
        self.transactions_left -= 1
        self.is_last = self.transactions_left == 0
        return self.is_last

    def _die(self):
        self.is_dead, self.is_last = True, False
        raise Crash

    def _die_if_dead(self):
        if self.is_dead:
            raise Crash

    def _history(self):
        with read_state(self.root) as reader:
            environment = f"e{self.seed}"
            counted = {item.id: item.value for item in reader.items(environment, "counter")}
            return History(
                self.scene,
                self.world,
                self.seeds,
                {uid: reader.run(uid).status for uid in self.seeds},
                {uid: reader.events(uid) for uid in self.seeds},
                counted.get("all", 0),
            )
