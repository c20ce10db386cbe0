"""What a confined command cannot reach, and what is said where the kernel really refuses."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

import chimera
from chimera.context import Command, Completed, Isolation, Limits, Processes, base_environment

ROOT = Path(chimera.__file__).parents[1]


@pytest.fixture(scope="module")
def processes() -> Processes:
    found = Processes()
    if found.isolation() != Isolation.whole():
        pytest.skip(f"the kernel allows only {found.isolation()}")
    return found


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """A folder of whoever runs this, and not one for temporary files."""
    with tempfile.TemporaryDirectory(dir=Path.home(), prefix=".chimera-test-") as folder:
        yield Path(folder)


def confined(processes: Processes, script: str, folder: Path, **options: object) -> Completed:
    command = Command(
        ("sh", "-c", textwrap.dedent(script)),
        folder,
        base_environment(),
        writable=(folder,),
        **options,  # type: ignore[arg-type]
    )
    done = processes.run(command)
    assert done.isolation.files
    assert done.isolation.processes
    return done


def test_command_writes_to_its_folders_and_to_nothing_else(
    processes: Processes, tmp_path: Path, elsewhere: Path
) -> None:
    (elsewhere / "kept").write_text("as it was")
    done = confined(
        processes,
        f"""
        echo mine > here
        echo other > {elsewhere}/kept
        rm {elsewhere}/kept
        touch {elsewhere}/new
        chmod 777 {elsewhere}
        touch /etc/chimera-was-here $HOME/chimera-was-here
        ln -s {elsewhere} way && echo other > way/kept
        echo other > /proc/1/root{elsewhere}/kept
        """,
        tmp_path,
    )
    assert (tmp_path / "here").read_text() == "mine\n"
    assert (elsewhere / "kept").read_text() == "as it was"
    assert [path.name for path in elsewhere.iterdir()] == ["kept"]
    assert not Path("/etc/chimera-was-here").exists()
    assert done.stderr.count(b"Read-only file system") >= 5


def test_mounts_cannot_be_undone_from_within(
    processes: Processes, tmp_path: Path, elsewhere: Path
) -> None:
    undo = f"mount -o remount,bind,rw /; mount -o remount,rw /; touch {elsewhere}/new"
    done = confined(
        processes,
        f"""
        {undo}
        unshare --user --map-root-user --mount sh -c '{undo}; umount -l /tmp; umount -l /proc;
            mount -t tmpfs x /mnt && echo nested'
        grep -c . /proc/self/status
        """,
        tmp_path,
    )
    assert list(elsewhere.iterdir()) == []
    assert b"Read-only file system" in done.stderr


def test_temporary_files_of_others_are_out_of_sight(processes: Processes, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (tmp_path / "other").write_text("secret")
    done = confined(
        processes,
        f"cat {tmp_path}/other; ls {tmp_path}; ls /tmp; echo x > /tmp/mine && cat /tmp/mine",
        own,
    )
    assert b"secret" not in done.stdout
    assert done.stdout.split()[0] == b"own"
    assert done.stdout.endswith(b"x\n")
    assert not Path("/tmp/mine").exists()


def test_sockets_of_what_runs_here_are_out_of_sight(processes: Processes, tmp_path: Path) -> None:
    """As Docker's, through which a command could have anything done for it."""
    folders = [tmp_path, *(path for path in (Path("/run"),) if os.access(path, os.W_OK))]
    names = [str(folder / f"chimera-{os.getpid()}.sock") for folder in folders]
    own = tmp_path / "own"
    own.mkdir()
    with contextlib.ExitStack() as opened:
        for name in names:
            server = opened.enter_context(socket.socket(socket.AF_UNIX))
            server.bind(name)
            server.listen()
            opened.callback(Path(name).unlink)
        (own / "connect.py").write_text(
            "import socket, sys\n"
            "for name in sys.argv[1:]:\n"
            "    print(socket.socket(socket.AF_UNIX).connect_ex(name))\n"
        )
        done = confined(processes, f"{sys.executable} connect.py {' '.join(names)}", own)
    assert done.stdout.split() == [str(errno.ENOENT).encode()] * len(names)


def test_no_other_process_is_seen_or_signalled(processes: Processes, tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "600"]) as other:
        done = confined(
            processes,
            f"""
            echo /proc/[0-9]* | wc -w
            ls /proc/1/root /proc/1/fd/
            kill -9 {other.pid}; kill -9 $PPID; kill -9 1; kill -9 -1
            echo still here
            """,
            tmp_path,
        )
        assert other.poll() is None
        other.kill()
    assert int(done.stdout.split()[0]) <= 4  # the first, the shell, and the two of the pipeline
    assert done.stdout.endswith(b"still here\n")


def test_interpreter_below_a_temporary_folder_is_still_there(
    processes: Processes, tmp_path: Path
) -> None:
    """As where a virtual environment, or this very repository, lies in /tmp."""
    script = f"""
        import subprocess, sys
        sys.path.append({str(tmp_path / "library")!r})
        from pathlib import Path
        from chimera.context import Command, Processes, base_environment
        folder = Path({str(tmp_path)!r}) / "run"
        folder.mkdir()
        done = Processes().run(Command(
            ("sh", "-c", "cat ../library/module.py; touch ../library/x; cat ../hidden"),
            folder, base_environment(), writable=(folder,)))
        sys.stdout.buffer.write(done.stdout + done.stderr)
    """
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "module.py").write_text("print('module')\n")
    (tmp_path / "hidden").write_text("hidden")
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), *sys.path))},
        capture_output=True,
        check=True,
    )
    assert done.stdout.startswith(b"print('module')\n")
    assert b"Read-only file system" in done.stdout
    assert b"hidden" not in done.stdout.replace(b"../hidden", b"")


def test_rights_over_files_are_kept(processes: Processes, tmp_path: Path) -> None:
    (tmp_path / "private").write_text("mine")
    (tmp_path / "private").chmod(0o600)
    done = confined(processes, "cat private; echo; id -u; touch new; stat -c %u new", tmp_path)
    assert done.stdout.split() == [b"mine", *[str(os.getuid()).encode()] * 2]


def test_programs_cannot_gain_rights(processes: Processes, tmp_path: Path) -> None:
    done = confined(
        processes, "grep NoNewPrivs /proc/self/status; grep CapBnd /proc/self/status", tmp_path
    )
    lines = dict(line.split(":") for line in done.stdout.decode().splitlines())
    assert lines["NoNewPrivs"].strip() == "1"
    assert not int(lines["CapBnd"], 16) & (1 << 21 | 1 << 19)  # neither CAP_SYS_ADMIN nor _PTRACE


def test_kernel_keeps_its_settings(processes: Processes, tmp_path: Path) -> None:
    """Root may write them wherever it is; this one runs a program of the writer's choice."""
    for path in ("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger"):
        done = confined(processes, f": 2>&1 >> {path} && echo could", tmp_path)
        assert b"could" not in done.stdout


def test_confined_command_can_confine_another(processes: Processes, tmp_path: Path) -> None:
    script = f"""
        import sys
        sys.path[:0] = {[str(ROOT), *sys.path]!r}
        from pathlib import Path
        from chimera.context import Command, Processes, base_environment
        Path("inner").mkdir()
        folder = Path("inner").resolve()
        done = Processes().run(Command(
            ("sh", "-c", "touch ok; touch ../outer"), folder, base_environment(),
            writable=(folder,), network=False))
        print(done.isolation, Path("inner/ok").exists(), Path("outer").exists())
    """
    (tmp_path / "script.py").write_text(textwrap.dedent(script))
    done = confined(processes, f"{sys.executable} script.py", tmp_path)
    # Where parts of /proc had to be hidden from root, no other /proc can be shown within.
    held = Isolation(network=True, files=True, processes=os.getuid() != 0)
    assert done.stdout.decode().strip() == f"{held} True False", done.stderr


# Leftovers


def test_what_is_left_running_is_told_and_ended(processes: Processes, tmp_path: Path) -> None:
    done = confined(
        processes, "sleep 611 & setsid sleep 612 & nohup sleep 613 >/dev/null 2>&1 &", tmp_path
    )
    assert sorted(done.leftovers) == ["sleep 611", "sleep 612", "sleep 613"]
    assert not [p for p in Path("/proc").glob("[0-9]*/cmdline") if b"sleep\x0061" in read(p)]


def test_what_ends_by_itself_in_a_moment_is_no_leftover(
    processes: Processes, tmp_path: Path
) -> None:
    assert confined(processes, "sleep 0.2 &", tmp_path).leftovers == ()


def test_leftover_that_ignores_its_end_is_ended(processes: Processes, tmp_path: Path) -> None:
    script = (
        "(trap '' TERM HUP INT; setsid sh -c \"trap '' TERM; sleep 614; sleep 614\") & sleep 0.3"
    )
    done = confined(processes, script, tmp_path)
    assert any("sleep 614" in line for line in done.leftovers)
    assert not [p for p in Path("/proc").glob("[0-9]*/cmdline") if b"sleep\x00614" in read(p)]


def test_leftover_cannot_write_over_a_terminal(processes: Processes, tmp_path: Path) -> None:
    (tmp_path / "fork.py").write_text("import os, time\nif os.fork() == 0: time.sleep(60)\n")
    script = f"{sys.executable} fork.py \"$(printf '\\033[2Jx')\""
    (line,) = confined(processes, script, tmp_path).leftovers
    assert line.isprintable()


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


# Limits that hold for all processes together


def test_memory_of_all_processes_together_is_limited(processes: Processes, tmp_path: Path) -> None:
    one = f"{sys.executable} -c 'import time; b = b\"x\" * 60_000_000; time.sleep(60)'"
    limits = Limits(total_memory_bytes=150 << 20)
    done = confined(processes, f"{one} & {one} & {one} & wait", tmp_path, limits=limits, timeout=50)
    assert (done.limit, done.timed_out) == ("memory", False)
    assert done.leftovers == ()


def test_processor_time_of_all_processes_together_is_limited(
    processes: Processes, tmp_path: Path
) -> None:
    script = "for i in 1 2 3 4 5 6 7 8; do timeout 0.3 sh -c 'while :; do :; done'; done"
    limits = Limits(total_cpu_seconds=0.5)
    done = confined(processes, script, tmp_path, limits=limits, timeout=50)
    assert (done.limit, done.timed_out) == ("cpu", False)


def test_number_of_processes_is_limited(processes: Processes, tmp_path: Path) -> None:
    script = "for i in 1 2 3 4 5 6 7 8 9 10; do sleep 60 & done; wait"
    done = confined(processes, script, tmp_path, limits=Limits(processes=6), timeout=50)
    assert (done.limit, done.timed_out) == ("processes", False)


def test_process_that_forks_without_end_is_ended(processes: Processes, tmp_path: Path) -> None:
    script = """
        import os
        while True:
            try:
                os.fork()
            except OSError:
                pass
    """
    (tmp_path / "bomb.py").write_text(textwrap.dedent(script))
    command = f"{sys.executable} bomb.py"
    done = confined(processes, command, tmp_path, limits=Limits(processes=100), timeout=50)
    assert (done.limit, done.timed_out) == ("processes", False)


# Where the kernel refuses

REFUSED = """
    import ctypes, os, sys
    sys.path[:0] = {path!r}
    from pathlib import Path
    from chimera.context import Command, Processes, base_environment, isolation
    isolation.enter(network=False, files=False, processes=False)
    for name in sys.argv[1:]:
        Path("/proc/sys/user/max_" + name + "_namespaces").write_text("0")
    command = ("sh", "-c", "echo ran")
    done = Processes().run(Command(
        command, Path("."), base_environment(), network=False, writable=(Path("."),)))
    print(done.stdout, done.isolation)
"""


@pytest.mark.parametrize(
    ("refused", "left"),
    [
        ((), Isolation.whole()),
        (("net",), Isolation(network=False, files=True, processes=True)),
        (("mnt",), Isolation(network=True)),
        (("pid",), Isolation(network=True, files=True)),
        (("user",), None),  # root needs none of them, anybody else has nothing without
        (("net", "mnt", "pid"), Isolation()),
    ],
)
def test_where_the_kernel_refuses_a_command_runs_and_says_what_held(
    processes: Processes, tmp_path: Path, refused: tuple[str, ...], left: Isolation | None
) -> None:
    script = textwrap.dedent(REFUSED.format(path=[str(ROOT), *sys.path]))
    done = subprocess.run(
        [sys.executable, "-c", script, *refused], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    if left is None:
        left = Isolation.whole() if os.getuid() == 0 else Isolation()
    assert done.stdout.strip() == " ".join((repr(b"ran\n"), str(left)))
