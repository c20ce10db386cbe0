"""A state with runs, large values, records and evidence, and a folder for its backups."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from chimera.builtin.backups import creating, restoring, verifying
from chimera.builtin.backups.choosing import Backup, look, origin_of
from chimera.builtin.backups.store import Store
from chimera.context import Context, FixedClock
from chimera.model import Address
from chimera.plugin import load_plugins
from chimera.proof import EvidenceStore
from chimera.proof.evidence.store import STATEMENT_TYPE
from chimera.state import Event, EventKind, RunStatus, open_state
from chimera.workspace.recording import Recorder

LARGE = "x" * 100_000
HOLDINGS = [h for given in load_plugins().hook.chimera_contribute_backup() for h in given]


def write_run(state, context, target, value, status=RunStatus.SUCCEEDED):
    """Add a run of one step that gave `value`."""
    run = state.create_run("local", target, {"steps": [target]}, None)
    now = context.clock.now()
    start, done = Event(EventKind.START, "a", 1, now), Event(EventKind.DONE, "a", 1, now, value)
    ended = status is not RunStatus.RUNNING
    state.record(run.uid, [start, done] if ended else [start], status=status)
    return run.uid


def content(root: Path) -> dict[str, bytes]:
    """Return all that a state holds and a restore brings back, by path."""
    found = {}
    for path in sorted((root / ".chimera").rglob("*")):
        name = path.relative_to(root / ".chimera").as_posix()
        passing = name.startswith(("before-restore", "state.db-", "lock"))
        if path.is_file() and not passing:
            found[name] = path.read_bytes()
    return found


@dataclass
class House:
    """One work tree, and the store of its backups."""

    root: Path
    store: Store
    context: Context

    def tick(self, seconds=1.0):
        later = self.context.clock.now() + timedelta(seconds=seconds)
        self.context = replace(self.context, clock=FixedClock(later))

    @contextmanager
    def state(self):
        with open_state(self.root, self.context, command="test", wait=5) as state:
            yield state

    def run(self, target="Workflow/a", value="small", status=RunStatus.SUCCEEDED):
        self.tick()
        with self.state() as state:
            return write_run(state, self.context, target, value, status)

    def record(self, name):
        Recorder(self.root, self.context).write("Approval", name, {"of": name})

    def prove(self, claim):
        statement = {"_type": STATEMENT_TYPE, "claim": claim}
        store = EvidenceStore.below(self.root)
        return store.put(Address("Proof", "p"), "sha256:" + "0" * 64, statement)

    def fill(self):
        """Do one of each."""
        self.run("Workflow/a", LARGE)
        self.record("first")
        self.prove("it holds")

    def create(self):
        self.tick()
        return creating.create(self.root, self.context, self.store, "test")

    def known(self):
        return look(self.store)

    def verify(self, *, tries=True):
        known = self.known()
        progress = self.context.progress
        tried = known.backups if tries else ()
        return verifying.verify(self.store, known, known.backups, tried, HOLDINGS, progress)

    def restore(self, name, **options):
        self.tick()
        manifest = self.store.manifest(name)
        one = Backup(name, manifest)
        return restoring.restore(self.root, self.context, self.store, one, HOLDINGS, **options)

    def undo(self):
        self.tick()
        return restoring.undo(self.root, self.context, HOLDINGS)

    @property
    def origin(self):
        return origin_of(self.root)


@pytest.fixture
def house(tmp_path: Path) -> House:
    root = tmp_path / "team"
    root.mkdir()
    context = Context.system()
    context = replace(context, clock=FixedClock(context.clock.now()))
    return House(root, Store(tmp_path / "backups"), context)


def git(root: Path, *arguments: str) -> str:
    identity = {
        f"GIT_{who}_{what}": "a" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    done = subprocess.run(
        ["git", *arguments],
        cwd=root,
        env={**os.environ, **identity, "GIT_CONFIG_GLOBAL": "/dev/null"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@contextmanager
def started(name: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Start a script of this folder, and end it."""
    script = Path(__file__).with_name(name)
    process = subprocess.Popen(
        [sys.executable, str(script), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(script.parents[3])},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=30)
