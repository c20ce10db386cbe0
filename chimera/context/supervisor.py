"""The process between Chimera and a command: sets its limits, and ends all that it leaves behind.

Run as a script (`python -I -S supervisor.py REQUEST_FD REPORT_FD`), so it imports nothing of
Chimera, and little else: its start is a good part of what running a command costs. The request
says what to run; the reports say `started PID`, `failed REASON` or `exited CODE`. When the
request's other end closes, be it on purpose, by a crash or by SIGKILL, the command and all of its
descendants are ended. Setting limits here and not between fork and exec of a threaded process
(`preexec_fn`) is what makes it safe. Refuses to touch the command's output.
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

GRACE_SECONDS = 1.0  # between SIGTERM and SIGKILL
_POLL_SECONDS = 0.02
_PR_SET_CHILD_SUBREAPER = 36
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1


def main(requests: int, reports: int) -> None:
    """Run the command that is asked for, until it and its descendants are gone."""
    for fd in (requests, reports):
        os.set_inheritable(fd, False)
    request = _read_request(requests)
    if request is None:
        return  # whoever asked is gone already
    woken = _wake_on(signal.SIGCHLD, signal.SIGTERM)
    _adopt_orphans()
    pid = os.fork()
    if pid == 0:
        _become(request, reports)
    _let_go_of_pipes()
    _Supervision(pid, requests, reports, woken).run()


class _Supervision:
    """Waits for the command, then ends what is left."""

    def __init__(self, pid: int, requests: int, reports: int, woken: int) -> None:
        self._pid = pid
        self._requests = requests
        self._reports = reports
        self._woken = woken
        self._exited = False

    def run(self) -> None:
        """Return when nothing of the command is left."""
        while not self._exited and not self._is_told_to_end():
            self._reap()
        if self._everything_is_gone():
            return
        self._signal_all(signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        while not self._everything_is_gone():
            if time.monotonic() >= deadline:
                self._signal_all(signal.SIGKILL)
            self._sleep(_POLL_SECONDS)

    def _is_told_to_end(self) -> bool:
        """Sleep until something happens; there is one request, so readable again means closed."""
        readable, _, _ = select.select([self._woken, self._requests], [], [])
        return self._requests in readable or signal.SIGTERM in self._wakings()

    def _sleep(self, seconds: float) -> None:
        select.select([self._woken], [], [], seconds)
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
        for kill, pid in [(os.killpg, self._pid), *((os.kill, pid) for pid in _descendants())]:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                kill(pid, number)


def _descendants() -> list[int]:
    """Return all descendants, those that left the session included, where there is a /proc."""
    children: dict[int, list[int]] = {}
    for pid in filter(str.isdigit, os.listdir("/proc") if os.path.isdir("/proc") else ()):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/stat", "rb") as stat:
            # The name in parentheses may hold anything; the state and the parent follow it.
            parent = stat.read().rpartition(b")")[2].split()[1]
            children.setdefault(int(parent), []).append(int(pid))
    found = [os.getpid()]
    for ancestor in found:
        found += children.get(ancestor, [])
    return found[1:]


def _wake_on(*numbers: signal.Signals) -> int:
    """Make the signals readable as bytes of a pipe, so that one select waits for everything."""
    woken, waking = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(waking, False)
    signal.set_wakeup_fd(waking, warn_on_full_buffer=False)
    for number in numbers:
        signal.signal(number, lambda *_: None)
    return woken


def _adopt_orphans() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


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
        os.chdir(request["cwd"])
        if request["isolate"]:
            _leave_network()
        _report(reports, f"started {os.getpid()}")
        _limit(request["limits"])
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


def _leave_network() -> None:
    """Move into a network of its own that has nothing but loopback; raises `OSError`.

    Root needs no user namespace for it, and without one keeps its rights over files.
    """
    uid, gid = os.geteuid(), os.getegid()
    unshare = ctypes.CDLL(None, use_errno=True).unshare
    if uid != 0 or unshare(_CLONE_NEWNET) != 0:
        if unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
            number = ctypes.get_errno()
            raise OSError(number, f"the network cannot be isolated: {os.strerror(number)}")
        for name, value in (
            ("setgroups", "deny"),
            ("uid_map", f"{uid} {uid} 1"),
            ("gid_map", f"{gid} {gid} 1"),
        ):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(value)
    _raise_loopback()


def _raise_loopback() -> None:
    # Only a command without network pays for these.
    import fcntl
    import socket
    import struct

    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        flags = fcntl.ioctl(probe, _SIOCGIFFLAGS, struct.pack("16sH14x", b"lo", 0))
        up = struct.unpack("16sH14x", flags)[1] | _IFF_UP
        fcntl.ioctl(probe, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", up))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
