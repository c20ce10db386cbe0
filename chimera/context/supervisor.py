"""The process between Chimera and a command: sets its limits, and ends all that it leaves behind.

Started as `python -I -S -c '… import supervisor; supervisor.main(REQUEST_FD, REPORT_FD)'`, so it
imports nothing of Chimera but its neighbour, and little else: its start is a good part of what
running a command costs. The request says what to run; the reports say `started PID`, `failed
REASON`, `limited WHAT`, `left COMMAND` or `exited CODE`. When the request's other end closes, be
it on purpose, by a crash or by SIGKILL, the command and all of its descendants are ended: they are
asked to first, unless no grace is wanted. Setting limits here and not between fork and exec of a
threaded process (`preexec_fn`) is what makes it safe. Refuses to touch the command's output.
"""

# Importing pathlib costs more than all else that is done here.
# ruff: noqa: PTH112, PTH123, PTH208
from __future__ import annotations

import contextlib
import ctypes
import marshal
import os
import resource
import select
import signal
import sys
import time

TYPE_CHECKING = False  # importing typing for it costs as much
if TYPE_CHECKING:
    from typing import Any, NoReturn

_AT_ONCE = b"k"  # what is written before the request's other end is closed, to have no grace
GRACE_SECONDS = 1.0  # between SIGTERM and SIGKILL
_SETTLE_SECONDS = 1.0  # in which what is about to end by itself is not yet a leftover
_POLL_SECONDS = 0.02
_WATCH_SECONDS = 0.1
_MOST_TOLD = 8
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_ADDR_NO_RANDOMIZE = 0x0040000
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def main(requests: int, reports: int) -> None:
    """Run the command that is asked for, until it and its descendants are gone."""
    for fd in (requests, reports):
        os.set_inheritable(fd, False)
    request = _read_request(requests)
    if request is None:
        return  # whoever asked is gone already
    try:
        first = _isolate(request["isolate"], request["shared_limits"]["processes"])
    except OSError as error:
        _report(reports, f"failed {error.strerror or error}")
        return
    if first is not None:  # which does all the rest, from within
        os.close(requests)
        _let_go_of_pipes()
        os.waitpid(first, 0)
        return
    woken = _wake_on(signal.SIGCHLD, signal.SIGTERM)
    _control(_PR_SET_CHILD_SUBREAPER, 1)
    pid = os.fork()
    if pid == 0:
        _become(request, reports)
    _let_go_of_pipes()
    _Supervision(pid, requests, reports, woken, request).run()


def _isolate(wanted: dict[str, Any] | None, most: int | None) -> int | None:
    """Leave what is not wanted behind; return the process that goes on, where it is not this one.

    Raises `OSError` where the kernel refuses.
    """
    if wanted is None:
        return None
    import isolation  # type: ignore[import-not-found] # only who asks for it pays for it

    files, processes = wanted["files"], wanted["processes"]
    isolation.enter(network=wanted["network"], files=files is not None, processes=processes)
    if processes:
        first = os.fork()
        if first != 0:
            return first
        # The kernel ends a namespace with its first process: nothing in it outlives this one.
        _control(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if files is not None:
        isolation.restrict_files(files["writable"], files["private"], files["kept"])
    if processes:
        isolation.see_own_processes()
        if most is not None:
            isolation.bound_processes(most)
    if files is not None:
        isolation.protect_kernel()
    return None


class _Supervision:
    """Waits for the command, then ends what is left."""

    def __init__(
        self, pid: int, requests: int, reports: int, woken: int, request: dict[str, Any]
    ) -> None:
        self._pid = pid
        self._requests = requests
        self._reports = reports
        self._woken = woken
        self._exited = False
        self._has_grace = True
        self._tells_leftovers = request["tell_leftovers"]
        shared = request["shared_limits"]
        self._shared = {name: limit for name, limit in shared.items() if limit is not None}
        self._pause = _WATCH_SECONDS

    def run(self) -> None:
        """Return when nothing of the command is left."""
        ended_itself = self._wait()
        if self._everything_is_gone():
            return
        if ended_itself and self._tells_leftovers:
            self._tell_leftovers()
        deadline = time.monotonic()
        if self._has_grace:
            self._signal_all(signal.SIGTERM)
            deadline += GRACE_SECONDS
        while not self._everything_is_gone():
            if time.monotonic() >= deadline:
                self._signal_all(signal.SIGKILL)
            self._sleep(_POLL_SECONDS)

    def _wait(self) -> bool:
        """Wait until the command has exited; return whether it did without being told to."""
        look = time.monotonic() + self._pause
        while not self._exited:
            if self._is_told_to_end():
                return False
            self._reap()
            began = time.monotonic()
            if self._shared and not self._exited and began >= look:
                if self._has_used_up():
                    self._signal_all(signal.SIGKILL)
                    return False
                # However many processes there are to read of, it takes a twentieth of the time.
                self._pause = max(_WATCH_SECONDS, 19 * (time.monotonic() - began))
                look = time.monotonic() + self._pause
        return True

    def _is_told_to_end(self) -> bool:
        """Sleep until something happens; there is one request, so readable again means closed."""
        pause = self._pause if self._shared else None
        readable = _wait_for(pause, self._woken, self._requests)
        if self._requests in readable:
            self._has_grace = os.read(self._requests, 1) != _AT_ONCE
            return True
        return signal.SIGTERM in self._wakings()

    def _has_used_up(self) -> bool:
        """Report a limit that all processes together have passed; return whether there is one."""
        found = list(_descendants().values())
        reaped = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = {
            "processes": len(found),
            "memory": sum(process.memory for process in found),
            "cpu": sum(process.cpu for process in found) + reaped.ru_utime + reaped.ru_stime,
        }
        for name, limit in self._shared.items():
            if used[name] > limit:
                _report(self._reports, f"limited {name}")
                return True
        return False

    def _tell_leftovers(self) -> None:
        deadline = time.monotonic() + _SETTLE_SECONDS
        while not self._everything_is_gone():
            if time.monotonic() >= deadline:
                for pid in list(_descendants() or (self._pid,))[:_MOST_TOLD]:
                    _report(self._reports, f"left {_command_line(pid)}")
                return
            self._sleep(_POLL_SECONDS)

    def _sleep(self, seconds: float) -> None:
        _wait_for(seconds, self._woken)
        self._wakings()

    def _wakings(self) -> bytes:
        try:
            return os.read(self._woken, 4096)
        except BlockingIOError:
            return b""

    def _reap(self) -> bool:
        """Collect what has exited; return whether any child, own or adopted, is left."""
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return True
                if pid == self._pid:
                    self._exited = True
                    _report(self._reports, f"exited {os.waitstatus_to_exitcode(status)}")
        return False

    def _everything_is_gone(self) -> bool:
        if self._reap():
            return False
        # Without a subreaper (macOS) orphans are not ours to wait for: ask for the group.
        try:
            os.killpg(self._pid, 0)
        except (ProcessLookupError, PermissionError):  # the latter: only zombies are left
            return True
        return False

    def _signal_all(self, number: signal.Signals) -> None:
        if os.getpid() == 1:  # the first of a namespace: all others at once, however fast they fork
            targets = [(os.kill, -1)]
        else:
            targets = [(os.killpg, self._pid), *((os.kill, pid) for pid in _descendants())]
        for kill, pid in targets:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                kill(pid, number)


class _Process:
    """What /proc says of a process: its parent, and what it and its children have used."""

    def __init__(self, stat: bytes) -> None:
        # The name in parentheses may hold anything; the state and the parent follow it.
        fields = stat.rpartition(b")")[2].split()
        self.is_zombie = fields[0] == b"Z"
        self.parent = int(fields[1])
        self.cpu = sum(map(int, fields[11:15])) / _TICKS
        self.memory = int(fields[21]) * _PAGE


def _wait_for(seconds: float | None, *fds: int) -> set[int]:
    """Return which of the descriptors can be read; `select` refuses those beyond 1023."""
    poller = select.poll()
    for fd in fds:
        poller.register(fd, select.POLLIN)
    return {fd for fd, _ in poller.poll(None if seconds is None else seconds * 1000)}


def _descendants() -> dict[int, _Process]:
    """Return all descendants, those that left the session included, where there is a /proc."""
    every: dict[int, _Process] = {}
    children: dict[int, list[int]] = {}
    for pid in filter(str.isdigit, os.listdir("/proc") if os.path.isdir("/proc") else ()):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/stat", "rb") as stat:
            process = every[int(pid)] = _Process(stat.read())
            children.setdefault(process.parent, []).append(int(pid))
    found = [os.getpid()]
    for ancestor in found:
        found += children.get(ancestor, [])
    return {pid: every[pid] for pid in found[1:] if not every[pid].is_zombie}


def _command_line(pid: int) -> str:
    """Return what a process was started as, on one line and not long."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
        words = file.read(200).decode(errors="replace").replace("\0", " ").strip()
        if words:
            return "".join(char if char.isprintable() else "?" for char in words)
    return "a process without a name"


def _wake_on(*numbers: signal.Signals) -> int:
    """Make the signals readable as bytes of a pipe, so that one select waits for everything."""
    woken, waking = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(waking, False)
    signal.set_wakeup_fd(waking, warn_on_full_buffer=False)
    for number in numbers:
        signal.signal(number, lambda *_: None)
    return woken


def _control(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _let_go_of_pipes() -> None:
    """Leave the command's pipes to the command, so that their ends mean its end."""
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)


def _read_request(requests: int) -> dict[str, Any] | None:
    """Return what follows its length of eight bytes, or nothing if it is not all there."""
    received = bytearray()
    while len(received) < 8 or len(received) < 8 + int.from_bytes(received[:8]):
        data = os.read(requests, 65536)
        if not data:
            return None
        received += data
    request: dict[str, Any] = marshal.loads(received[8:])  # noqa: S302 - from our own parent
    return request


def _report(reports: int, text: str) -> None:
    with contextlib.suppress(BrokenPipeError):  # nobody listens any more
        os.write(reports, text.encode(errors="replace") + b"\n")


def _become(request: dict[str, Any], reports: int) -> NoReturn:
    """Turn this forked child into the command."""
    try:
        os.setsid()
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        os.umask(request["umask"])
        if request["cpus"] is not None and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: request["cpus"]])
        if request["fixed_addresses"] and sys.platform == "linux":
            ctypes.CDLL(None).personality(_ADDR_NO_RANDOMIZE)  # some containers forbid it
        os.chdir(request["cwd"])
        wanted = request["isolate"]
        if wanted is None or not wanted["processes"]:  # else the number says nothing outside
            _report(reports, f"started {os.getpid()}")
        _limit(request["limits"])
        _control(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if wanted is not None and wanted["files"] is not None:
            sys.modules["isolation"].give_up_rights()
        os.execve(  # noqa: S606 - a shell is what must not be here
            request["executable"], request["argv"], request["env"]
        )
    except (OSError, ValueError, MemoryError) as error:
        _report(reports, f"failed {str(error) or type(error).__name__}")
    finally:
        os._exit(127)


def _limit(limits: dict[str, int | None]) -> None:
    kinds = {
        "cpu_seconds": resource.RLIMIT_CPU,
        "memory_bytes": resource.RLIMIT_AS,
        "file_bytes": resource.RLIMIT_FSIZE,
    }
    wanted = {kinds[name]: value for name, value in limits.items() if value is not None}
    for kind, value in {resource.RLIMIT_CORE: 0, **wanted}.items():
        _, hard = resource.getrlimit(kind)
        soft = value if hard == resource.RLIM_INFINITY else min(value, hard)
        # One more second of CPU between SIGXCPU and SIGKILL lets the command say what happened.
        spare = 1 if kind == resource.RLIMIT_CPU else 0
        resource.setrlimit(kind, (soft, hard if soft == hard else soft + spare))
