"""A disk that is full, or may not be written, at every commit: a clean stop, and nothing lost."""

import os
import sqlite3
import subprocess
from contextlib import contextmanager, suppress
from datetime import timedelta

import pytest

from chimera.model import ChimeraError, StateError
from chimera.runtime import (
    ControlAction,
    Expansion,
    Recovery,
    Retry,
    RunSettings,
    RunStatus,
    Step,
    Wait,
    control_run,
)
from chimera.state import EventKind, open_state, read_state

resource = pytest.importorskip("resource")

RETRIED = Recovery(Retry(3, timedelta(milliseconds=1), timedelta(milliseconds=2)))
LARGE = 200_000  # characters: kept in a file of its own
PATIENT = RunSettings(patience=None)


def steps(effects):
    """Return every form of step; what they do to the outside is counted by key."""

    def work(call):
        effects.append((call.inputs, call.key))
        return call.inputs

    def flaky(call):
        if call.attempt == 1:
            raise ConnectionError("once")
        return work(call)

    def large(call):
        work(call)
        return "x" * LARGE

    def count(call):
        call.store.put("counter", "all", (call.store.get("counter", "all") or 0) + 1)

    def step(id, *needs, work=work, **options):
        return Step(id, work, needs, lambda outputs: id, recovery=RETRIED, **options)

    return [
        step("first"),
        step("flaky", "first", work=flaky),
        step("large", "flaky", work=large),
        Step("count", count, ("large",), executor="inline"),
        Step("wait", wait=Wait(seconds=0.01), needs=("count",)),
        Step(
            "fan",
            needs=("wait",),
            expand=lambda i: Expansion(count=3, make=lambda n: step("e"), collect=len),
        ),
        step("last", "fan"),
    ]


@contextmanager
def no_file_may_grow():
    """Refuse every write of this process to a file, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def read_only(state):
    """Refuse to write to the database, as one on a read-only disk does."""
    state._writing.execute("PRAGMA query_only = 1")
    try:
        yield
    finally:
        with suppress(sqlite3.Error):
            state._writing.execute("PRAGMA query_only = 0")


@contextmanager
def at_commit(state, number, fault):
    """Let a fault begin with the commit of a number, and stay."""
    transaction, count, held = state.transaction, [0], []

    @contextmanager
    def failing():
        count[0] += 1
        if count[0] == number:
            held.append(fault())
            held[0].__enter__()
        with transaction():
            yield

    state.transaction = failing
    try:
        yield count
    finally:
        del state.transaction
        for one in held:
            one.__exit__(None, None, None)


FAULTS = {
    "full": (lambda state: no_file_may_grow, "make room"),
    "read-only": (lambda state: lambda: read_only(state), "writable"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_disk_that_fails_at_any_commit_stops_cleanly_and_loses_nothing(house, fault):
    make, said = FAULTS[fault]
    effects, number, stopped = [], 0, 0
    while True:
        number += 1
        run, done, fault = house.new_run(), [], None
        with at_commit(house.state, number, make(house.state)) as commits:
            try:
                result = house.execute(steps(done), run=run, settings=PATIENT, grace=1.0)
            except StateError as error:
                fault = error
        if fault is not None:
            stopped += 1
            assert said in (fault.help or "")
            assert any(name in fault.message for name in ("state.db", "objects"))
        else:
            assert result.status is RunStatus.SUCCEEDED
            if commits[0] < number:
                break
        house.restart()
        before = [e for e in house.state.events(run.uid) if e.kind is EventKind.DONE]
        result = house.execute(steps(done), run=house.state.run(run.uid), settings=PATIENT)
        assert result.status is RunStatus.SUCCEEDED
        check(house, run, done, before)
        effects.append(done)
    assert stopped >= 8


def check(house, run, done, before):
    events = house.state.events(run.uid)
    ends = [e.step for e in events if e.kind is EventKind.DONE]
    assert len(ends) == len(set(ends)) == 10
    assert [e.step for e in before] == ends[: len(before)], "what was recorded stays so"
    assert not [e for e in events if e.kind is EventKind.FAIL]
    keys = {}
    for name, key in done:
        keys.setdefault(name, set()).add(key)
    assert {len(found) for name, found in keys.items() if name != "e"} == {1}
    starts = sum(e.kind is EventKind.START and e.step == "flaky" for e in events)
    assert starts >= 2
    counted = house.state.item("local", "counter", "all")
    runs = house.state.runs()
    assert counted.value == len(runs), "counted once a run"


def test_database_that_may_not_grow_stops_cleanly_and_goes_on_when_it_may(house):
    run = house.new_run()
    (pages,) = house.state._writing.execute("PRAGMA page_count").fetchone()
    house.state._writing.execute(f"PRAGMA max_page_count = {pages + 2}")
    many = [
        Step(f"s{n}", lambda call: "x" * 10_000, (f"s{n - 1}",) if n else ()) for n in range(40)
    ]
    with pytest.raises(StateError, match="full") as caught:
        house.execute(many, run=run, grace=1.0)
    assert "make room" in caught.value.help
    house.restart()
    assert house.execute(many, run=house.state.run(run.uid)).status is RunStatus.SUCCEEDED


def test_request_that_finds_no_room_says_so_and_leaves_nothing(house):
    run = house.new_run()
    house.state.close()
    with no_file_may_grow(), pytest.raises(StateError) as caught:
        control_run(house.root, house.context, run.uid, ControlAction.CANCEL)
    assert caught.value.help
    assert list(house.state.layout.control.glob("*")) == []
    house.restart()
    assert house.state.run(run.uid).status is RunStatus.RUNNING


def test_state_that_cannot_be_opened_for_want_of_room_is_free_for_the_next(house):
    house.state.close()
    with no_file_may_grow(), pytest.raises(StateError) as caught:
        open_state(house.root, house.context, command="test")
    assert caught.value.help
    house.state = open_state(house.root, house.context, command="test")
    assert house.execute([Step("x", lambda call: 1)]).status is RunStatus.SUCCEEDED


@pytest.fixture
def small_disk(tmp_path):
    """A real one of two megabytes, where this user may mount it."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)]
    try:
        is_mounted = subprocess.run(mount, capture_output=True).returncode == 0
    except FileNotFoundError:
        is_mounted = False
    if not is_mounted:
        pytest.skip("a disk of its own cannot be mounted here")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def remount(disk, how):
    subprocess.run(["mount", "-o", f"remount,{how}", str(disk)], check=True, capture_output=True)


def many_of(size):
    return [
        Step(f"s{n}", lambda call: f"{call.key}{'x' * size}", (f"s{n - 1}",) if n else ())
        for n in range(60)
    ]


@pytest.mark.parametrize("size", [30_000, 100_000], ids=["in the database", "in files"])
def test_real_disk_that_runs_full_is_emptied_and_the_run_goes_on(small_disk, house, size):
    context = house.context
    with open_state(small_disk, context, command="test") as state:
        from chimera.runtime import Engine, Graph

        run = state.create_run("local", "Workflow/x", None, None)
        with pytest.raises(StateError) as caught:
            Engine(state, context, grace=1.0).execute(run, Graph(None, many_of(size)))
        assert "make room" in caught.value.help
        assert (
            os.strerror(28) in caught.value.message
            or "full" in caught.value.message
            or ("I/O" in caught.value.message)
        )
    with read_state(small_disk) as reader:
        done = [e.step for e in reader.events(run.uid) if e.kind is EventKind.DONE]
    assert done, "what was finished is kept, and read on the full disk"
    remount(small_disk, "size=20m")
    with open_state(small_disk, context, command="test") as state:
        result = Engine(state, context).execute(state.run(run.uid), Graph(None, many_of(size)))
        assert result.status is RunStatus.SUCCEEDED
        after = [e.step for e in state.events(run.uid) if e.kind is EventKind.DONE]
    assert after[: len(done)] == done
    assert len(after) == len(set(after)) == 60


def test_read_only_disk_is_read_and_refused_to_writers(small_disk, house):
    context = house.context
    with open_state(small_disk, context, command="test") as state:
        run = state.create_run("local", "Workflow/x", None, None)
    remount(small_disk, "ro")
    with read_state(small_disk) as reader:
        assert reader.run(run.uid).status is RunStatus.RUNNING
    with pytest.raises(ChimeraError) as caught:
        open_state(small_disk, context, command="test")
    assert "writable" in caught.value.help
    with pytest.raises(ChimeraError) as caught:
        control_run(small_disk, context, run.uid, ControlAction.CANCEL)
    assert caught.value.help
    remount(small_disk, "rw")
    assert control_run(small_disk, context, run.uid, ControlAction.CANCEL).status is (
        RunStatus.CANCELLED
    )
