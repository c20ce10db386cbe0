"""SIGKILL in the middle of a backup, a restore and an undo, at instants that are enumerated.

`CHIMERA_CRASHES` says how many of them; the nightly run takes them all, and as many at random.
"""

import os
import random
import shutil
import signal

import pytest

from chimera.builtin.backups import replacing
from chimera.builtin.backups.store import Store
from chimera.model import StateError
from chimera.state import Layout, read_state

from .conftest import LARGE, content, started

KILLS = int(os.environ.get("CHIMERA_CRASHES", "10"))
IS_NIGHTLY = "CHIMERA_CRASHES" in os.environ


@pytest.fixture(scope="module")
def fork():
    with started("crashing.py") as process:

        def run(action, root, store, instant):
            """Return how many calls a fork made, or `None` where it was killed."""
            process.stdin.write(f"{action} {root} {store} {instant}\n")
            process.stdin.flush()
            calls = None
            while not (line := process.stdout.readline()).startswith("ended "):
                assert line, "the runner ended"
                calls = int(line.split()[1])
            code = os.waitstatus_to_exitcode(int(line.split()[1]))
            assert code == 0 if calls else code in {-signal.SIGKILL, -signal.SIGALRM}
            return calls

        yield run


def instants(calls):
    """Return some of the instants, or all, and moments at random."""
    draws = random.Random(20261121)
    every = list(range(1, calls + 1))
    chosen = every if IS_NIGHTLY else sorted(draws.sample(every, min(KILLS, calls)))
    return [*chosen, *(f"+{draws.uniform(0.001, 0.05):.4f}" for _ in range(KILLS // 4))]


def copy(folder, to):
    return shutil.copytree(folder, to, symlinks=True)


def targets(root):
    """Return what runs are of; `None` where it is refused to look: never an empty state."""
    try:
        with read_state(root) as state:
            return [run.target for run in state.runs()]
    except StateError as error:
        if "a restore was interrupted" not in error.message:
            raise
        return None


def test_backup_that_is_killed_is_whole_or_not_there(house, fork, tmp_path):
    house.fill()
    first = house.create()
    house.run("Workflow/b", LARGE + "b")
    house.record("second")
    origin = copy(house.store.folder, tmp_path / "origin")
    calls = fork("create", house.root, copy(origin, tmp_path / "calm"), 0)
    killed = 0
    for instant in instants(calls):
        house.store = Store(copy(origin, tmp_path / "store"))
        killed += fork("create", house.root, house.store.folder, instant) is None
        done = house.verify()
        assert done.faults == ()
        assert first.name in done.backups
        again = house.create()
        assert not house.store.drafts.exists()
        assert house.verify().faults == (), "the next one finds nothing in its way"
        assert again.name in house.store.names()
        lone = {path.name for path in house.store.strangers(again.manifest.pieces)}
        assert lone <= {path.name for path in Store(origin).paths()}, "and clears what was left"
        shutil.rmtree(house.store.folder)
    assert killed > KILLS // 2


@pytest.mark.parametrize("action", ["restore", "undo", "rename"])
def test_restore_that_is_killed_leaves_the_old_state_or_the_new(house, fork, tmp_path, action):
    house.fill()
    old = targets(house.root)
    name = house.create().name
    house.run("Workflow/b", LARGE + "b")
    house.record("second")
    new = targets(house.root)
    if action == "undo":
        house.restore(name)
        old, new = new, old
    origin = copy(house.root, tmp_path / "origin")
    files = everything(origin)
    calls = fork(action, copy(origin, tmp_path / "calm"), house.store.folder, 0)
    assert calls > 20
    killed, met = 0, set()
    for instant in instants(calls):
        house.root = copy(origin, tmp_path / "again")
        killed += fork(action, house.root, house.store.folder, instant) is None
        found = targets(house.root)
        assert found in (old, new) or (action == "rename" and found is None), "never a mixture"
        met.add(tuple(found or new))
        assert files <= everything(house.root), "nothing that was here is lost"
        if replacing.is_unfinished(Layout(house.root)):
            fork("finish", house.root, house.store.folder, 0)
        assert {path.name for path in house.root.iterdir()} == {".chimera"}
        assert not (house.root / ".chimera/restore.json").exists()
        assert targets(house.root) == (found or new)
        if found != old:
            assert asides(house.root) == asides(origin), "and keeps nothing that never was"
        fork("restore", house.root, house.store.folder, 0)
        assert "Workflow/b" not in targets(house.root)
        assert files <= everything(house.root)
        shutil.rmtree(house.root)
    assert killed > KILLS // 2
    assert IS_NIGHTLY is False or met == {tuple(old), tuple(new)}


def asides(root):
    return {path.name for path in (root / ".chimera").glob("before-restore/*")}


def everything(root):
    """Return what files hold, wherever they are kept below `root`."""
    return {data for path in root.rglob("*") if path.is_file() and (data := read(path))}


def read(path):
    # The database is held to by its runs: opening it to look changes it.
    passing = path.name.startswith("state.db") or path.name in {"lock", "restore.json"}
    return None if passing else path.read_bytes()


def test_content_is_compared_by_more_than_names(house):
    house.fill()
    assert {"state.db", "records/Approval/first.yaml"} <= content(house.root).keys()
