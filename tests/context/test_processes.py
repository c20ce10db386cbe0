"""Commands run, are bounded, and leave nothing behind: all with real processes."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import chimera.context
from chimera.context import (
    Command,
    Completed,
    Isolation,
    Limits,
    ProcessCancelledError,
    ProcessEndedError,
    Processes,
    ProcessTimeoutError,
    base_environment,
)
from chimera.model import ChimeraError

ROOT = Path(chimera.context.__file__).parents[2]


@pytest.fixture(scope="module")
def processes() -> Processes:
    return Processes()


def shell(script: str, cwd: Path, **options: object) -> Command:
    return Command(("sh", "-c", script), cwd, base_environment(), **options)  # type: ignore[arg-type]


def python(script: str, cwd: Path, **options: object) -> Command:
    argv = (sys.executable, "-c", textwrap.dedent(script))
    return Command(argv, cwd, base_environment(), **options)  # type: ignore[arg-type]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def eventually(happened: object, *, within: float = 20.0) -> bool:
    """Wait for something that another process does."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if happened():  # type: ignore[operator]
            return True
        time.sleep(0.01)
    return False


def pid_in(file: Path) -> int:
    assert eventually(lambda: file.exists() and file.read_text().endswith("\n"))
    return int(file.read_text())


# Running to the end


def test_a_command_has_its_input_outputs_and_return_code(
    processes: Processes, tmp_path: Path
) -> None:
    done = processes.run(shell("cat; echo oops >&2; exit 3", tmp_path, stdin=b"hello"))
    assert (done.returncode, done.stdout, done.stderr) == (3, b"hello", b"oops\n")
    assert not done.timed_out
    assert not done.truncated
    assert not done.isolation.network


def test_a_command_runs_in_its_folder_with_its_environment_alone(
    processes: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEAKED", "yes")
    path = os.environ["PATH"]
    done = processes.run(Command(("env",), tmp_path, {"PATH": path, "ONLY": "one two"}))
    assert sorted(done.stdout.decode().splitlines()) == ["ONLY=one two", f"PATH={path}"]
    assert processes.run(shell("pwd -P", tmp_path)).stdout.decode().strip() == str(
        tmp_path.resolve()
    )


def test_a_signal_shows_as_a_negative_return_code(processes: Processes, tmp_path: Path) -> None:
    assert processes.run(shell("kill -9 $$", tmp_path)).returncode == -signal.SIGKILL


def test_input_that_nobody_reads_is_no_error(processes: Processes, tmp_path: Path) -> None:
    assert processes.run(shell("exit 0", tmp_path, stdin=b"x" * 1_000_000)).returncode == 0


def test_much_input_and_output_at_once_do_not_block(processes: Processes, tmp_path: Path) -> None:
    data = os.urandom(3_000_000)
    done = processes.run(shell("tee /dev/stderr", tmp_path, stdin=data))
    assert done.stdout == data
    assert done.stderr == data


def test_arguments_need_not_be_text(processes: Processes, tmp_path: Path) -> None:
    argument = os.fsdecode(b"\xff\xfe ")
    done = processes.run(Command(("printf", "%s", argument), tmp_path, base_environment()))
    assert done.stdout == b"\xff\xfe "


def test_a_command_inherits_no_file_descriptor(processes: Processes, tmp_path: Path) -> None:
    script = """
        import os
        print([fd for fd in range(3, 256) if os.path.exists(f"/dev/fd/{fd}")])
    """
    with (tmp_path / "open").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        assert processes.run(python(script, tmp_path)).stdout == b"[]\n"


def test_files_get_the_usual_mode_whatever_the_umask(processes: Processes, tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        processes.run(shell("touch made", tmp_path))
    finally:
        os.umask(before)
    assert (tmp_path / "made").stat().st_mode & 0o777 == 0o644


def test_many_threads_run_commands_at_once(processes: Processes, tmp_path: Path) -> None:
    def run(number: int) -> bytes:
        return processes.run(shell(f"echo {number}", tmp_path)).stdout

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(run, range(24))) == [f"{number}\n".encode() for number in range(24)]


# What cannot be started


def test_a_missing_executable_is_named(processes: Processes, tmp_path: Path) -> None:
    with pytest.raises(ChimeraError, match="'no-such-tool': it is not on the PATH"):
        processes.run(Command(("no-such-tool",), tmp_path, base_environment()))


def test_a_file_that_is_not_executable_is_named(processes: Processes, tmp_path: Path) -> None:
    (tmp_path / "script").write_text("echo")
    with pytest.raises(ChimeraError, match=r"'\./script': it is not an executable file"):
        processes.run(Command(("./script",), tmp_path, base_environment()))


def test_a_missing_interpreter_of_a_script_is_told(processes: Processes, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    with pytest.raises(ChimeraError, match=r"cannot run '\./script': .*No such file"):
        processes.run(Command(("./script",), tmp_path, base_environment()))


def test_a_missing_folder_is_named(processes: Processes, tmp_path: Path) -> None:
    with pytest.raises(ChimeraError, match=r"no folder .*gone"):
        processes.run(shell("true", tmp_path / "gone"))


def test_nothing_and_a_null_byte_cannot_be_run(processes: Processes, tmp_path: Path) -> None:
    with pytest.raises(ChimeraError, match="cannot run ''"):
        processes.run(Command((), tmp_path, base_environment()))
    with pytest.raises(ChimeraError, match="null byte"):
        processes.run(Command(("echo", "a\0b"), tmp_path, base_environment()))


# The end of everything that was started


def test_grandchildren_are_gone_when_the_command_has_exited(
    processes: Processes, tmp_path: Path
) -> None:
    done = processes.run(shell("sleep 600 & echo $!", tmp_path))
    assert done.returncode == 0
    assert not is_alive(int(done.stdout))


@pytest.mark.skipif(sys.platform != "linux", reason="needs a subreaper")
def test_a_daemon_in_a_session_of_its_own_is_gone_too(processes: Processes, tmp_path: Path) -> None:
    script = """
        import os, time
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                with open("pid", "w") as file:
                    print(os.getpid(), file=file)
                time.sleep(600)
            os._exit(0)
        while not os.path.exists("pid"):
            time.sleep(0.01)
    """
    assert processes.run(python(script, tmp_path)).returncode == 0
    assert not is_alive(pid_in(tmp_path / "pid"))


def test_a_timeout_ends_the_command_and_its_children(processes: Processes, tmp_path: Path) -> None:
    done = processes.run(shell("echo $$; sleep 600 & echo $!; wait", tmp_path, timeout=0.3))
    assert done.timed_out
    assert done.returncode == -signal.SIGTERM
    assert [is_alive(int(pid)) for pid in done.stdout.split()] == [False, False]


def test_a_timeout_ends_what_ignores_sigterm(processes: Processes, tmp_path: Path) -> None:
    script = "trap '' TERM; echo $$; while :; do sleep 1; done"
    done = processes.run(shell(script, tmp_path, timeout=0.3))
    assert done.timed_out
    assert done.returncode == -signal.SIGKILL
    assert not is_alive(int(done.stdout))


def test_a_timeout_ends_what_never_stops_talking(processes: Processes, tmp_path: Path) -> None:
    done = processes.run(shell("yes", tmp_path, timeout=0.3, limits=Limits(output_bytes=10)))
    assert done.timed_out
    assert done.stdout == b"y\ny\ny\ny\ny\n"


def test_what_is_cancelled_ends_with_its_children(processes: Processes, tmp_path: Path) -> None:
    file = tmp_path / "child"
    command = shell(f"sleep 600 & echo $! >{file}; wait", tmp_path)
    with pytest.raises(ProcessCancelledError):
        processes.run(command, cancelled=file.exists)
    assert eventually(lambda: not is_alive(pid_in(file)))


def test_a_command_that_nobody_cancels_runs_to_its_end_or_timeout(
    processes: Processes, tmp_path: Path
) -> None:
    done = processes.run(shell("exit 3", tmp_path), cancelled=lambda: False)
    assert (done.returncode, done.timed_out) == (3, False)
    command = shell("sleep 600", tmp_path, timeout=0.3)
    assert processes.run(command, cancelled=lambda: False).timed_out


def test_end_all_ends_the_commands_of_other_threads(tmp_path: Path) -> None:
    processes = Processes()
    ended: list[type[BaseException]] = []

    def work() -> None:
        try:
            processes.run(shell("echo $$ > pid; sleep 600", tmp_path))
        except KeyboardInterrupt as error:
            ended.append(type(error))

    thread = threading.Thread(target=work)
    thread.start()
    pid = pid_in(tmp_path / "pid")
    processes.end_all()
    thread.join()
    assert ended == [KeyboardInterrupt]
    assert not is_alive(pid)


@contextlib.contextmanager
def another_chimera(cwd: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run a command from a process that can be killed; yields both, by process and by pid."""
    script = """
        from pathlib import Path
        from chimera.context import Command, Processes, base_environment
        argv = ("sh", "-c", "trap '' INT; sleep 600 & echo $! > pid; wait")
        Processes().run(Command(argv, Path.cwd(), base_environment()))
    """
    caller = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.DEVNULL,
    )
    try:
        yield caller, pid_in(cwd / "pid")
    finally:
        caller.kill()
        caller.wait()


def test_ctrl_c_ends_children(tmp_path: Path) -> None:
    with another_chimera(tmp_path) as (caller, grandchild):
        caller.send_signal(signal.SIGINT)
        assert caller.wait() == -signal.SIGINT
        assert not is_alive(grandchild)


def test_children_end_even_when_the_caller_is_killed(tmp_path: Path) -> None:
    with another_chimera(tmp_path) as (caller, grandchild):
        caller.kill()
        assert eventually(lambda: not is_alive(grandchild))


# Bounds


def test_output_is_cut_and_the_head_kept(processes: Processes, tmp_path: Path) -> None:
    limits = Limits(output_bytes=4)
    done = processes.run(shell("printf 123456; printf ab >&2", tmp_path, limits=limits))
    assert (done.stdout, done.stderr, done.truncated) == (b"1234", b"ab", True)
    exact = processes.run(shell("printf 1234", tmp_path, limits=limits))
    assert (exact.stdout, exact.truncated) == (b"1234", False)


def test_a_gigabyte_of_output_takes_no_memory(processes: Processes, tmp_path: Path) -> None:
    script = """
        import resource
        from pathlib import Path
        from chimera.context import Command, Limits, Processes, base_environment
        unit = 1 if __import__("sys").platform == "darwin" else 1024
        def peak():
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
        argv = ("head", "-c", "1073741824", "/dev/zero")
        command = Command(argv, Path.cwd(), base_environment(), limits=Limits(output_bytes=1 << 20))
        before = peak()
        done = Processes().run(command)
        print(len(done.stdout), done.truncated, done.returncode, peak() - before < 16 << 20)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode().split() == ["1048576", "True", "0", "True"]


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS does not enforce RLIMIT_AS")
def test_memory_is_limited(processes: Processes, tmp_path: Path) -> None:
    def take(megabytes: int) -> Completed:
        limits = Limits(memory_bytes=512 << 20)
        return processes.run(python(f"bytearray({megabytes} << 20)", tmp_path, limits=limits))

    assert take(64).returncode == 0
    assert b"MemoryError" in take(1024).stderr


def test_cpu_time_is_limited(processes: Processes, tmp_path: Path) -> None:
    limits = Limits(cpu_seconds=1)
    done = processes.run(shell("while :; do :; done", tmp_path, limits=limits, timeout=60))
    assert done.returncode == -signal.SIGXCPU
    assert not done.timed_out


def test_file_size_is_limited(processes: Processes, tmp_path: Path) -> None:
    limits = Limits(file_bytes=1000)
    done = processes.run(shell("head -c 5000 /dev/zero > big", tmp_path, limits=limits))
    assert done.returncode != 0
    assert (tmp_path / "big").stat().st_size == 1000


# Network


@pytest.fixture
def listening_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


CONNECT = "import socket, sys; socket.create_connection(('127.0.0.1', {port}), timeout=5).close()"


def test_a_command_has_the_network_unless_told_otherwise(
    processes: Processes, tmp_path: Path, listening_port: int
) -> None:
    done = processes.run(python(CONNECT.format(port=listening_port), tmp_path))
    assert done.returncode == 0
    assert not done.isolation.network


def test_a_command_without_network_reaches_nobody_outside(
    processes: Processes, tmp_path: Path, listening_port: int
) -> None:
    if not processes.isolation().network:
        pytest.skip("the kernel does not permit a network namespace here")
    done = processes.run(python(CONNECT.format(port=listening_port), tmp_path, network=False))
    assert done.isolation.network
    assert done.returncode != 0
    assert b"ConnectionRefusedError" in done.stderr


def test_a_command_without_network_still_has_loopback_of_its_own(
    processes: Processes, tmp_path: Path
) -> None:
    if not processes.isolation().network:
        pytest.skip("the kernel does not permit a network namespace here")
    script = """
        import os, socket
        server = socket.create_server(("127.0.0.1", 0))
        socket.create_connection(server.getsockname(), timeout=5).close()
        print(os.getuid())
    """
    done = processes.run(python(script, tmp_path, network=False))
    assert done.returncode == 0
    assert int(done.stdout) == os.getuid()


def test_where_the_kernel_refuses_a_command_runs_with_network_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    processes = Processes()
    monkeypatch.setattr(processes, "_allowed", Isolation())
    done = processes.run(shell("echo ran", tmp_path, network=False))
    assert done.stdout == b"ran\n"
    assert not done.isolation.network


# Long-lived processes

UPPER = """
    import sys
    print("ready", file=sys.stderr, flush=True)
    for line in sys.stdin:
        print(line.strip().upper(), flush=True)
"""


def test_a_running_process_answers_line_by_line(processes: Processes, tmp_path: Path) -> None:
    with processes.start(python(UPPER, tmp_path)) as worker:
        for word in (b"one", b"two", b"x" * 200_000):
            worker.write_line(word)
            assert worker.read_line(30) == word.upper()
        assert worker.stderr == b"ready\n"


def test_lines_queued_together_come_back_in_order(processes: Processes, tmp_path: Path) -> None:
    with processes.start(python(UPPER, tmp_path)) as worker:
        for number in range(50):
            worker.write_line(f"line {number}".encode())
        assert [worker.read_line(30) for _ in range(50)] == [
            f"LINE {number}".encode() for number in range(50)
        ]


def test_an_answer_that_does_not_come_is_a_timeout(processes: Processes, tmp_path: Path) -> None:
    worker = processes.start(shell("sleep 600", tmp_path))
    with worker, pytest.raises(ProcessTimeoutError, match="did not answer within"):
        worker.read_line(0.1)


def test_last_words_are_read_before_the_end_is_told(processes: Processes, tmp_path: Path) -> None:
    with processes.start(shell("echo last; exit 1", tmp_path)) as worker:
        assert worker.read_line(30) == b"last"
        with pytest.raises(ProcessEndedError, match="ended with 1, without an answer"):
            worker.read_line(30)


def test_a_running_process_that_cannot_be_run_is_named(
    processes: Processes, tmp_path: Path
) -> None:
    script = tmp_path / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    worker = processes.start(Command(("./script",), tmp_path, base_environment()))
    with worker, pytest.raises(ChimeraError, match=r"cannot run '\./script'"):
        worker.read_line(30)


def test_an_endless_line_ends_the_talk(processes: Processes, tmp_path: Path) -> None:
    limits = Limits(output_bytes=1000)
    worker = processes.start(shell("head -c 5000 /dev/zero; sleep 600", tmp_path, limits=limits))
    with worker, pytest.raises(ProcessEndedError, match="more than it may"):
        worker.read_line(30)


def test_close_ends_the_process_and_its_children(processes: Processes, tmp_path: Path) -> None:
    worker = processes.start(shell("sleep 600 & echo $$ $!; wait", tmp_path))
    pids = [int(pid) for pid in worker.read_line(30).split()]
    worker.close()
    worker.close()
    assert [is_alive(pid) for pid in pids] == [False, False]
    with pytest.raises(ProcessEndedError):
        worker.write_line(b"more")


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS does not enforce RLIMIT_AS")
def test_a_running_process_is_limited_too(processes: Processes, tmp_path: Path) -> None:
    script = """
        import sys
        for line in sys.stdin:
            try:
                print(len(bytearray(int(line))), flush=True)
            except MemoryError:
                print("too much", flush=True)
    """
    limits = Limits(memory_bytes=256 << 20)
    with processes.start(python(script, tmp_path, limits=limits)) as worker:
        worker.write_line(b"1000")
        worker.write_line(str(1 << 30).encode())
        assert [worker.read_line(30), worker.read_line(30)] == [b"1000", b"too much"]


def test_a_commands_secrets_stay_out_of_its_representation(tmp_path: Path) -> None:
    command = Command(("true",), tmp_path, {"TOKEN": "sesame"}, stdin=b"sesame")
    assert "sesame" not in repr(command)


PID = "echo $$; sleep 600"


def test_a_process_started_ahead_is_given_to_who_asks_for_the_same(
    processes: Processes, tmp_path: Path
) -> None:
    ours, other = shell(PID, tmp_path), shell(f"{PID} # another", tmp_path)
    with processes.ahead(ours):
        with processes.start(other) as another, processes.start(ours) as worker:
            first = {another.read_line(30), worker.read_line(30)}
        with processes.start(ours) as worker:
            assert worker.read_line(30) not in first, "it is given away once"
    assert len(first) == 2


def test_a_process_started_ahead_that_nobody_asks_for_is_ended(
    processes: Processes, tmp_path: Path
) -> None:
    pid = tmp_path / "pid"
    with processes.ahead(shell(f"echo $$ > {pid}; sleep 600", tmp_path)):
        while not pid.exists() or not pid.read_text().strip():
            time.sleep(0.01)
        assert is_alive(int(pid.read_text()))
    assert not is_alive(int(pid.read_text()))


def test_a_process_that_cannot_be_started_ahead_is_the_starters_to_report(
    processes: Processes, tmp_path: Path
) -> None:
    nothing = Command(("no-such-program",), tmp_path, base_environment())
    with processes.ahead(nothing), pytest.raises(ChimeraError, match="no-such-program"):
        processes.start(nothing)
