"""Who may write: one process at a time, known by name, and none after its death."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from chimera.context import Context
from chimera.model import StateError
from chimera.state import Applied, Holder, Layout, open_state, read_state
from chimera.state.lock import Lock, holder_of, is_held

ROOT = Path(__file__).parents[2]
HOLD = """
import sys
from pathlib import Path
from chimera.context import Context
from chimera.state import open_state
state = open_state(Path(sys.argv[1]), Context.system(), command="apply --env local")
print("held", flush=True)
sys.stdin.read()
state.close()
"""


@pytest.fixture
def holder(tmp_path):
    """Start a process that holds the lock until its stdin is closed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "CHIMERA_ACTOR": "grace"},
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()


def test_second_writer_is_told_who_holds_the_lock(tmp_path, holder):
    with pytest.raises(StateError) as caught:
        open_state(tmp_path, Context.system(), command="apply")
    for word in ("grace", str(holder.pid), "apply --env local"):
        assert word in caught.value.message
    assert caught.value.help == "try again when it has finished"
    with pytest.raises(StateError) as caught:
        open_state(tmp_path, Context.system(), command="apply", wait=0.0)
    assert "--wait" in caught.value.help
    with read_state(tmp_path) as reader:
        assert reader.writer().pid == holder.pid


def test_second_writer_waits_for_the_first(tmp_path, holder):
    release = threading.Timer(0.4, holder.stdin.close)
    release.start()
    with open_state(tmp_path, Context.system(), command="apply", wait=30) as state:
        assert state.writer().pid == os.getpid()
    release.join()


def test_lock_ends_with_a_killed_holder(tmp_path, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with read_state(tmp_path) as reader:
        assert reader.writer() is None
    with open_state(tmp_path, Context.system(), command="apply"):
        pass


def test_writer_whose_lock_file_was_removed_is_fenced_off(tmp_path):
    context = Context.system()
    applied = Applied("Gate/a", "d", context.clock.now())
    first = open_state(tmp_path, context, command="apply")
    Layout(tmp_path).lock.unlink()
    with open_state(tmp_path, context, command="apply") as second:
        with pytest.raises(StateError, match="taken over"):
            first.put_applied("local", applied)
        assert second.applied("local") == {}
        second.put_applied("local", applied)
    first.close()


def test_lock_file_removed_while_waiting_is_not_taken_for_the_lock(tmp_path):
    path = tmp_path / "lock"
    me = Holder(os.getpid(), "ada", "apply", "now")
    first = Lock.acquire(path, me)
    first.release()
    path.unlink()
    again = Lock.acquire(path, me)
    assert is_held(path)
    again.release()
    again.release()
    assert not is_held(path)


@pytest.mark.parametrize("content", ["", "{", "[]", json.dumps({"pid": 1})])
def test_unreadable_holder_is_nobody_known(tmp_path, content):
    path = tmp_path / "lock"
    path.write_text(content)
    assert holder_of(path) is None
    assert not is_held(path)
