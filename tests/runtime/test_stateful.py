"""Pause, resume, cancel, signal and retry in any order, from several real processes.

A run is executed by a process of its own, or by none; requests come from others. A small model says
how the run may stand. Whatever was asked is taken, nothing happens after a cancel, and a run that
is let go on always comes to an end.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chimera.context import Context
from chimera.model import UsageError
from chimera.runtime import ControlAction, RunStatus, control_run, due_runs, run_status
from chimera.state import EventKind, open_state, read_state

ROOT = Path(__file__).parents[2]
SIGNALS = ("go", "stop")
OVER = {RunStatus.SUCCEEDED, RunStatus.CANCELLED}

WORKER = """
import json, os, sys, time
from pathlib import Path
from chimera.context import Context
from chimera.runtime import Engine, Graph, Step, Wait
from chimera.runtime.asking import take_requests
from chimera.state import open_state

def graph(root):
    def work(call):
        with (root / "effects").open("a") as file:
            file.write(f"{call.key}\\n")
        time.sleep(0.01)
        if (root / "broken").exists():
            raise ValueError("broken")
        return 1
    return Graph(None, [
        Step("a", work), Step("b", work, ("a",)),
        Step("go", wait=Wait(signal="go"), needs=("b",), effects=False),
        Step("c", work, ("go",)), Step("d", work, ("c",)),
        Step("stop", wait=Wait(signal="stop"), needs=("d",), effects=False),
        Step("e", work, ("stop",)),
    ])

def serve(root, uid):
    context = Context.system()
    with open_state(root, context, command="worker", wait=10) as state:
        run = take_requests(state, context, state.run(uid))
        if run.status.value in ("paused", "cancelled"):
            return run.status.value
        return Engine(state, context).execute(run, graph(root)).status.value

if __name__ == "__main__":
    for line in sys.stdin:
        root, uid = line.split()
        pid = os.fork()
        if pid == 0:
            try:
                said = serve(Path(root), uid)
            except BaseException as error:
                said = f"raised {error!r}"
            os.write(1, (json.dumps(said) + "\\n").encode())
            os._exit(0)
        os.waitpid(pid, 0)
"""


class Worker:
    """A process that forks one executor at a time; two of them are two rivals."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        self.is_busy = False

    def begin(self, root, uid):
        self.process.stdin.write(f"{root} {uid}\n")
        self.process.stdin.flush()
        self.is_busy = True

    def end(self):
        self.is_busy = False
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=30)
        self.process.stdout.close()


_workers: list[Worker] = []


def workers():
    """Return the two that all examples share: a fork costs little, an interpreter much."""
    while len(_workers) < 2:
        _workers.append(Worker())
    return _workers


def teardown_module():
    for worker in _workers:
        worker.close()
    _workers.clear()


class Controlled(RuleBasedStateMachine):
    """`is_cancelled`: somebody was told so; `asked` and `sent` count what was taken."""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.root = Path(self.folder.name)
        self.context = Context.system()
        with open_state(self.root, self.context, command="test") as state:
            self.uid = state.create_run("local", "Workflow/x", None, None).uid
        self.is_cancelled = False
        self.is_refused_rightly = True
        self.asked = dict.fromkeys(ControlAction, 0)
        self.sent = dict.fromkeys(SIGNALS, 0)

    def teardown(self):
        self.join()
        self.folder.cleanup()

    # -- what happens

    @rule(who=st.integers(0, 1))
    def execute(self, who):
        worker = workers()[who]
        if not worker.is_busy:
            worker.begin(self.root, self.uid)

    @rule(seconds=st.sampled_from((0.0, 0.02, 0.1, 0.3)))
    def let_time_pass(self, seconds):
        time.sleep(seconds)

    @rule(is_broken=st.booleans())
    def outside_breaks_or_is_mended(self, is_broken):
        broken = self.root / "broken"
        if is_broken:
            broken.touch()
        else:
            broken.unlink(missing_ok=True)

    @rule(action=st.sampled_from((ControlAction.PAUSE, ControlAction.RESUME)))
    def pause_or_resume(self, action):
        self.ask(action)

    @rule(name=st.sampled_from(SIGNALS))
    def send(self, name):
        if self.ask(ControlAction.SIGNAL, name=name, data={"n": self.sent[name]}):
            self.sent[name] += 1

    @rule(stage=st.sampled_from(("a", "b", "c", "go", "nowhere")))
    def retry_from(self, stage):
        self.ask(ControlAction.RETRY, name=stage)

    @precondition(lambda self: sum(self.asked.values()) > 3)
    @rule()
    def cancel(self):
        self.ask(ControlAction.CANCEL)

    def ask(self, action, **what):
        """Ask, and return whether that was possible: a run that is over takes nothing."""
        before = run_status(self.root, self.uid).status
        try:
            control_run(self.root, self.context, self.uid, action, **what)
        except UsageError as error:
            is_unknown = "has not come to a stage" in error.message
            after = run_status(self.root, self.uid).status
            self.is_refused_rightly = is_unknown or before in OVER or after in OVER
            return False
        self.asked[action] += 1
        return True

    # -- what is promised

    @invariant()
    def only_what_makes_no_sense_is_refused(self):
        assert self.is_refused_rightly

    @invariant()
    def nothing_happens_after_a_cancel(self):
        with read_state(self.root) as reader:
            status = reader.run_status(self.uid)
            events = reader.events(self.uid)
        if status is RunStatus.CANCELLED:
            at = max(n for n, e in enumerate(events) if e.kind is EventKind.CANCEL)
            assert not [e for e in events[at:] if e.kind in (EventKind.START, EventKind.RESUME)]
            self.is_cancelled = True
        assert not self.is_cancelled or status is RunStatus.CANCELLED

    @rule()
    def join(self):
        """Once nobody executes it, the run stands where it may, and every request was taken."""
        busy = [worker for worker in workers() if worker.is_busy]
        if not busy:
            return
        for worker in busy:
            said = worker.end()
            assert said in {status.value for status in RunStatus} or "in use" in said, said
        status = run_status(self.root, self.uid).status
        assert status not in {RunStatus.RUNNING, RunStatus.PAUSING}, "stuck"

    @precondition(lambda self: sum(self.asked.values()) > 2)
    @rule()
    def run_all_that_is_due_until_it_is_over(self):
        """However it stands, it comes to its end once it is mended, resumed and signalled."""
        self.join()
        (self.root / "broken").unlink(missing_ok=True)
        for _ in range(12):
            if run_status(self.root, self.uid).status in OVER:
                break
            self.ask(ControlAction.RESUME)
            for name in SIGNALS:
                self.ask(ControlAction.SIGNAL, name=name)
            with open_state(self.root, self.context, command="due", wait=10) as state:
                run = state.run(self.uid)
                due = [r.uid for r in due_runs(state, "local", self.context.clock.now())]
            assert due == [self.uid] or run.status is RunStatus.FAILED or run.status in OVER
            workers()[0].begin(self.root, self.uid)
            self.join()
        status = run_status(self.root, self.uid).status
        assert status in OVER, f"{status} for ever"
        if status is RunStatus.SUCCEEDED:
            self.check_effects()
        assert list((self.root / ".chimera" / "control").glob("*.json")) == [], "a request was lost"

    def check_effects(self):
        with read_state(self.root) as reader:
            events = reader.events(self.uid)
        keys = (self.root / "effects").read_text().split()
        starts = [e for e in events if e.kind is EventKind.START]
        for key in set(keys):
            assert keys.count(key) <= sum(e.data["key"] == key for e in starts)
        taken = [e.data["request"] for e in events if not e.step and "request" in (e.data or {})]
        assert len(taken) == len(set(taken)), "a request was taken twice"


def examples():
    """Return how many to play: each takes a second, and nights are long."""
    return 300 if settings.get_current_profile_name() == "nightly" else 25


TestControlled = Controlled.TestCase
TestControlled.settings = settings(
    max_examples=examples(),
    stateful_step_count=14,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
