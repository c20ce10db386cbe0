"""A backup, one more of what hardly changed, its verification and a restore, beside plain copies.

    python -m tests.benchmarks.bench_backup [EVENTS]

`cp -a` of a state that is written to is no backup (its database and journal are of two moments),
and stands for what the disk can do; SQLite's own copy is of the database alone. Both are followed
by a sync of what they wrote, as everything in a backup is on disk when it is there.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from chimera.builtin.backups import creating, restoring, verifying
from chimera.builtin.backups.choosing import look
from chimera.builtin.backups.store import Store
from chimera.context import Context
from chimera.plugin import load_plugins
from chimera.state import Event, EventKind, RunStatus, Turn, open_state

EVENTS = 400_000
FILES = 2_000
LARGE = 200
HOLDINGS = [h for given in load_plugins().hook.chimera_contribute_backup() for h in given]


def fill(root: Path, context: Context, events: int) -> None:
    """Write a journal, large values and many small files, as a team's state has them in a year."""
    at = context.clock.now().isoformat()
    with open_state(root, context, command="fill") as state:
        for number in range(events // 4_000):
            run = state.create_run("local", f"Workflow/w{number % 20}", {"n": number}, None)
            turn = Turn()
            for step in range(2_000):
                data = f'"what step {step} of run {number} gave, with some words about it"'
                name = f"stage[{step}]"
                turn.events.append((run.number, "START", name, 1, at, None, None, None, 1))
                turn.events.append((run.number, "DONE", name, 1, at, data, None, None, 1))
            turn.runs[run.number] = (RunStatus.SUCCEEDED.value, 2_000, 2_000, 0, None)
            state.write(turn)
        one_more(state, context, LARGE)
    folder = root / ".chimera/out"
    folder.mkdir()
    for number in range(FILES):
        (folder / f"report-{number:05}.json").write_text(f"{number} " * 300)
    age(root)


def age(root: Path) -> None:
    """Wait until no time of a file is too young to be trusted, as it is between two backups."""
    subprocess.run(["sync", "-f", str(root)], check=True)
    time.sleep(2.1)


def one_more(state, context: Context, values: int) -> None:
    """Add a run with large values."""
    run = state.create_run("local", "Workflow/large", {"values": values}, None)
    now = context.clock.now()
    for number in range(values):
        data = f"{run.uid} {number} " + "value " * 20_000
        state.record(run.uid, [Event(EventKind.DONE, f"s{number}", 1, now, data)])
    state.record(run.uid, status=RunStatus.SUCCEEDED)


def timed(name: str, work: Callable[[], object], note: Callable[[], str] = str) -> float:
    """Print how long some work took."""
    began = time.perf_counter()
    work()
    took = time.perf_counter() - began
    print(f"{name:44} {took * 1000:9.0f} ms   {note()}", flush=True)
    return took


def copy_database(source: Path, target: Path) -> None:
    """Do what `.backup` of SQLite's shell does."""
    with sqlite3.connect(source) as one, sqlite3.connect(target) as other:
        one.backup(other)
    one.close()
    other.close()


def run() -> None:
    """Print each."""
    events = int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS
    context = Context.system()
    with tempfile.TemporaryDirectory() as folder:
        top, root = Path(folder), Path(folder) / "team"
        root.mkdir()
        fill(root, context, events)
        state = root / ".chimera"
        size = sum(path.stat().st_size for path in state.rglob("*") if path.is_file())
        database = (state / "state.db").stat().st_size
        print(
            f"{size / 1e6:.0f} MB in {FILES + LARGE} files and a database of {database / 1e6:.0f}"
        )
        for number in range(3):
            measure(top, root, context, number)


def measure(top: Path, root: Path, context: Context, number: int) -> None:
    """Print one round."""
    print(f"round {number + 1}")
    state, copy = root / ".chimera", top / "copy"
    store = Store(top / f"backups{number}")
    subprocess.run(["sync", "-f", str(top)], check=True)
    timed("cp -a", lambda: both(["cp", "-a", str(state), str(copy)], copy))
    shutil.rmtree(copy)
    timed("SQLite's copy of the database", lambda: copied(state / "state.db", copy))
    copy.unlink()

    def create() -> None:
        creating.create(root, context, store, "bench")

    def written() -> str:
        return f"{store.written / 1e6:.1f} MB written"

    timed("the first backup", create, written)
    timed("one more, nothing changed", create, written)
    with open_state(root, context, command="more") as open_one:
        one_more(open_one, context, 1)
    age(root)
    timed("one more, after a run with a large value", create, written)
    known = look(store)
    newest = known.backups[-1:]
    silent = context.progress
    timed("every byte of all three, by digest", lambda: looked_at(store, known, (), silent))
    timed("the same and a trial restore", lambda: looked_at(store, known, newest, silent))
    timed(
        "restore",
        lambda: restoring.restore(root, context, store, newest[0], HOLDINGS),
    )
    timed("restore --undo", lambda: restoring.undo(root, context, HOLDINGS))
    shutil.rmtree(store.folder)
    shutil.rmtree(state / "before-restore")


def looked_at(store, known, tried, progress) -> None:
    """Verify, and stop at a fault: then nothing was measured."""
    done = verifying.verify(store, known, known.backups, tried, HOLDINGS, progress)
    assert not done.faults, done.faults


def both(command: list[str], target: Path) -> None:
    """Run a command and have what it wrote on disk."""
    subprocess.run(command, check=True)
    subprocess.run(["sync", "-f", str(target)], check=True)


def copied(source: Path, target: Path) -> None:
    """Copy a database and have it on disk."""
    copy_database(source, target)
    fd = os.open(target, os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)


if __name__ == "__main__":
    run()
