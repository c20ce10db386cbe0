"""Work in worker processes: it lands, is told, is killed with all that it started, is bounded."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from chimera.context import Context
from chimera.runtime.executors import Executors, lines
from chimera.runtime.executors.processes import Workers
from chimera.runtime.flights import AttemptLostError
from chimera.runtime.recovery import Category, PermanentError, StepError
from chimera.runtime.steps import RemoteWork

from .flying import CONTEXT, Heard, flight_of


@pytest.fixture(autouse=True)
def entries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let workers import `elsewhere`, which lies beside this file."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))


def entry(name: str, argument: object = None) -> RemoteWork:
    return RemoteWork(f"elsewhere:{name}", argument)  # type: ignore[arg-type]


def fly(*flights: object, most: int = 1) -> Heard:
    """Let the flights land, one after another, and end the workers."""

    async def main() -> Heard:
        workers, heard = Workers(asyncio.get_running_loop(), CONTEXT, most), Heard()
        try:
            for count, flight in enumerate(flights, 1):
                workers.depart(flight, heard)
                await heard.count(count)
        finally:
            workers.close()
        return heard

    return asyncio.run(main())


async def written(path: Path) -> list[int]:
    """Return the process ids that work has written down, once it has."""
    async with asyncio.timeout(20):
        while not path.exists() or not path.read_text():
            await asyncio.sleep(0.01)
    return [int(word) for word in path.read_text().split()]


def runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def until_gone(*pids: int) -> None:
    deadline = time.monotonic() + 20
    while any(map(runs, pids)):
        assert time.monotonic() < deadline, f"{[p for p in pids if runs(p)]} are still there"
        time.sleep(0.02)


def test_work_gets_its_argument_and_its_call() -> None:
    heard = fly(flight_of(remote=entry("echo", [1]), inputs={"a": 2}))
    value, error = heard.only
    assert error is None
    assert value == {
        "argument": [1],
        "inputs": {"a": 2},
        "key": "k",
        "id": flight_of().call.new_id(),
    }


def test_a_worker_is_kept_for_the_next_work() -> None:
    heard = fly(*(flight_of(remote=entry("pid")) for _ in range(3)))
    assert len({value for _, value, _ in heard.all}) == 1


def test_no_file_of_the_folder_stands_in_for_a_module_of_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit")
    monkeypatch.chdir(tmp_path)
    value, error = fly(flight_of(remote=entry("pid"))).only
    assert error is None
    assert value != os.getpid()


def test_the_executor_is_registered() -> None:
    async def main() -> None:
        executors, heard = Executors(asyncio.get_running_loop(), CONTEXT), Heard()
        executors["process"].depart(flight_of(remote=entry("pid")), heard)
        await heard.count(1)
        executors.close()
        assert heard.only[0] != os.getpid()

    asyncio.run(main())


def test_what_work_logs_prints_and_publishes_comes_across_and_its_input_is_empty() -> None:
    log: list[str] = []
    published: list[object] = []
    heard = fly(flight_of(remote=entry("chatty"), log=log, published=published))
    assert heard.only == ("", None)
    assert sorted(log) == ["logged", "on stderr", "printed"]
    assert published == [("topic", {"n": 1})]


def test_a_secret_that_work_reads_is_masked_here_too() -> None:
    log: list[str] = []
    context = Context.system()

    async def main() -> Heard:
        workers, heard = Workers(asyncio.get_running_loop(), context, 1), Heard()
        workers.depart(flight_of(remote=entry("secretive"), log=log, context=context), heard)
        await heard.count(1)
        workers.close()
        return heard

    heard = asyncio.run(main())
    assert "hunter2" not in str(heard.only[1])
    assert "it is ***" in log
    assert context.secrets.mask("hunter2-hunter2") == "***"


def test_failures_keep_what_they_are() -> None:
    heard = fly(flight_of(remote=entry("refuse")), flight_of(remote=entry("exits")))
    (_, _, refused), (_, _, exited) = heard.all
    assert isinstance(refused, PermanentError)
    assert "it never will" in str(refused)
    assert isinstance(exited, StepError)


def test_work_without_a_remote_form_is_refused() -> None:
    _, error = fly(flight_of(lambda call: 1)).only
    assert isinstance(error, PermanentError)


def test_an_entry_that_is_not_there_is_refused() -> None:
    _, error = fly(flight_of(remote=RemoteWork("elsewhere:nothing"))).only
    assert isinstance(error, PermanentError)
    assert "elsewhere:nothing" in str(error)


def test_a_worker_that_dies_fails_the_attempt_as_transient_and_is_replaced(tmp_path: Path) -> None:
    mark = str(tmp_path / "mark")
    heard = fly(flight_of(remote=entry("once", mark)), flight_of(remote=entry("once", mark)))
    (_, _, first), (_, second, _) = heard.all
    assert isinstance(first, AttemptLostError)
    assert (first.transient, first.category) == (True, Category.SYSTEM)
    assert second == "second"


def test_work_that_is_told_hears_it_and_what_it_started_is_terminated(tmp_path: Path) -> None:
    async def main() -> None:
        workers, heard = Workers(asyncio.get_running_loop(), CONTEXT, 1), Heard()
        told = flight_of(remote=entry("obedient", str(tmp_path / "pid")))
        workers.depart(told, heard)
        (child,) = await written(tmp_path / "pid")
        told.is_told = True
        workers.tell(told)
        await heard.count(1)
        assert f"so was its child: {-signal.SIGTERM}" in str(heard.only[1])
        assert not runs(child)
        # The worker goes on, and the next work is not told.
        workers.depart(flight_of(remote=entry("pid")), heard)
        await heard.count(2)
        workers.close()

    asyncio.run(main())


def test_work_that_ignores_being_told_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    async def main() -> None:
        workers, heard = Workers(asyncio.get_running_loop(), CONTEXT, 1), Heard()
        stuck = flight_of(remote=entry("stubborn", str(tmp_path / "pids")))
        workers.depart(stuck, heard)
        pids = await written(tmp_path / "pids")
        workers.tell(stuck)
        assert all(map(runs, pids))
        assert workers.end(stuck)
        assert not any(map(runs, pids))
        workers.depart(flight_of(remote=entry("pid")), heard)
        await heard.count(1)
        assert heard.only[1] is None
        workers.close()

    asyncio.run(main())


def test_work_that_waits_for_a_worker_never_begins_once_it_is_told(tmp_path: Path) -> None:
    async def main() -> None:
        workers, heard = Workers(asyncio.get_running_loop(), CONTEXT, 1), Heard()
        first = flight_of(remote=entry("stubborn", str(tmp_path / "pids")))
        waiting = flight_of(remote=entry("pid"), id="waiting")
        workers.depart(first, heard)
        workers.depart(waiting, heard)
        workers.tell(waiting)
        await heard.count(1)
        assert heard.all[0][0] == "waiting"
        pids = await written(tmp_path / "pids")
        workers.close()
        until_gone(*pids)

    asyncio.run(main())


def test_work_that_prints_without_end_is_bounded_and_can_be_ended() -> None:
    log: list[str] = []

    async def main() -> None:
        workers, heard = Workers(asyncio.get_running_loop(), CONTEXT, 2), Heard()
        flooding = flight_of(remote=entry("flood"), log=log)
        workers.depart(flooding, heard)
        async with asyncio.timeout(20):
            while lines.DROPPED not in log:
                await asyncio.sleep(0.01)
        workers.depart(flight_of(remote=entry("pid")), heard)  # others go on meanwhile
        await heard.count(1)
        assert workers.end(flooding)
        workers.close()

    asyncio.run(main())
    assert sum(map(len, log)) < lines.LOG_CHARACTERS + lines.TAIL_BYTES + 200


def test_a_large_result_comes_across_and_one_too_large_is_refused() -> None:
    heard = fly(
        flight_of(remote=entry("large", 8 << 20)), flight_of(remote=entry("large", 100 << 20))
    )
    (_, value, _), (_, _, error) = heard.all
    assert len(value) == 8 << 20
    assert isinstance(error, PermanentError)
    assert "write it to a file" in (error.help or "")


def test_a_result_that_is_not_json_is_refused() -> None:
    _, error = fly(flight_of(remote=entry("unusual"))).only
    assert isinstance(error, PermanentError)


def test_work_that_takes_too_much_memory_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chimera.runtime.executors.processes.MEMORY_BYTES", 256 << 20)
    _, error = fly(flight_of(remote=entry("greedy"))).only
    assert isinstance(error, StepError)
    assert "more memory than it may" in str(error)
    assert (error.category, error.transient) == (Category.RESOURCE, False)


def test_nothing_is_left_when_chimera_is_killed(tmp_path: Path) -> None:
    script = f"""
        import asyncio, sys
        sys.path[:] = {sys.path!r}
        from chimera.context import Context
        from chimera.runtime.executors.processes import Workers
        from chimera.runtime.flights import Flight
        from chimera.runtime.steps import RemoteWork, Step, StepCall

        async def main():
            workers = Workers(asyncio.get_running_loop(), Context.system(), 1)
            work = RemoteWork("elsewhere:stubborn", {str(tmp_path / "pids")!r})
            flight = Flight(Step("s", remote=work), 1)
            flight.call = StepCall(None, "k", 1, False, Context.system(), lambda: False, print)
            workers.depart(flight, print)
            await asyncio.sleep(600)

        asyncio.run(main())
    """
    chimera = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)])
    try:
        pids = asyncio.run(written(tmp_path / "pids"))
    finally:
        chimera.kill()
        chimera.wait()
    until_gone(*pids)
