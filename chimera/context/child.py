"""One supervised child as its parent sees it: pipes, reports, and its end.

Everything moves in `pump`, which waits for all of them at once, so that no pipe can fill up while
another is waited for. Refuses to be used by two threads at once, except for `cancel`.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Protocol, runtime_checkable

from chimera.context.command import Command, Isolation
from chimera.model import ChimeraError

_FOLDER = Path(__file__).parent
# Last on the path: some neighbours have names that the standard library has too. Imported, so that
# it is compiled once and not at each start.
_SUPERVISE = (
    "import sys; sys.path.append(sys.argv[1]); import supervisor; "
    "supervisor.main(int(sys.argv[2]), int(sys.argv[3]))"
)
_AT_ONCE = b"k"  # as the supervisor reads it
_CHUNK = 64 * 1024
# The supervisor itself takes its grace and a moment; past this it is stuck, and killed.
_BACKSTOP_SECONDS = 10.0
# What the interpreter may need to find its own shared libraries; the command sees none of it.
_LOADER = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH")

Sink = Callable[[bytes], None]


@runtime_checkable
class _Pollable(Protocol):
    """What the selectors of Linux and macOS are, and plain `poll` is not."""

    def fileno(self) -> int: ...


class Head:
    """A sink that keeps the first `limit` bytes and drops the rest."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept = bytearray()
        self.truncated = False

    def take(self, data: bytes) -> None:
        """Keep what there is room for."""
        room = self._limit - len(self._kept)
        self._kept += data[:room]
        self.truncated = self.truncated or len(data) > room

    @property
    def data(self) -> bytes:
        """What was kept."""
        return bytes(self._kept)


class Child:
    """A command under its supervisor, from its start to the end of its last descendant."""

    def __init__(
        self,
        command: Command,
        executable: str,
        *,
        isolation: Isolation,
        stdout: Sink,
        stderr: Sink,
    ) -> None:
        self._name = command.argv[0]
        self._leftovers: list[str] = []
        self._heard: dict[str, str] = {}
        self._unread = b""
        self._outgoing = bytearray()
        self._input_closes = False
        self._selector = selectors.DefaultSelector()
        self.was_cancelled = False
        self._supervisor, self._lifeline, self._reports = _start_supervisor()
        supervisor = self._supervisor
        assert supervisor.stdin is not None
        assert supervisor.stdout is not None
        assert supervisor.stderr is not None
        self._input = supervisor.stdin
        self._reading: set[IO[bytes]] = set()
        self._read(supervisor.stdout, stdout)
        self._read(supervisor.stderr, stderr)
        os.set_blocking(self._input.fileno(), False)
        self._selector.register(self._reports, selectors.EVENT_READ, self._hear)
        with contextlib.suppress(BrokenPipeError):  # heard of again by `pump`
            _write_all(self._lifeline, _request(command, executable, isolation))

    @property
    def has_exited(self) -> bool:
        """Whether the command itself is gone, or never came to be."""
        return "exited" in self._heard or self.is_gone

    @property
    def is_gone(self) -> bool:
        """Whether the supervisor is gone, and with it every descendant."""
        return "gone" in self._heard

    @property
    def limit(self) -> str | None:
        """What the command had used up, where that ended it."""
        return self._heard.get("limited")

    @property
    def leftovers(self) -> tuple[str, ...]:
        """The command lines of what the command left running."""
        return tuple(self._leftovers)

    @property
    def returncode(self) -> int:
        """How the command ended; raises `ChimeraError` where it could not be run."""
        if "failed" in self._heard:
            raise ChimeraError(f"cannot run {self._name!r}: {self._heard['failed']}")
        if "exited" not in self._heard:
            raise ChimeraError(
                f"the process that supervised {self._name!r} was killed",
                help="see whether the machine ran out of memory, and run it again",
            )
        return int(self._heard["exited"])

    def feed(self, data: bytes) -> None:
        """Queue `data` for the command's input; `pump` writes it."""
        if data and not self._outgoing and not self._input.closed:
            self._selector.register(self._input, selectors.EVENT_WRITE, self._write)
        self._outgoing += data

    def close_input(self) -> None:
        """Close the command's input as soon as what was queued is written."""
        self._input_closes = True
        if not self._outgoing:
            self._input.close()

    def pump(self, deadline: float | None) -> bool:
        """Move what can be moved, waiting until `deadline`; return whether anything was."""
        wait = None if deadline is None else max(0.0, deadline - time.monotonic())
        ready = self._selector.select(wait)
        for key, _ in ready:
            key.data()
        return bool(ready)

    def wait(self, deadline: float | None) -> bool:
        """Pump until the command has exited; return whether it did before `deadline`."""
        while not self.has_exited:
            if deadline is not None and time.monotonic() >= deadline:
                return False
            self.pump(deadline)
        return True

    def cancel(self) -> None:
        """Have the command ended; may be called from any thread."""
        self.was_cancelled = True
        self._lifeline.close()

    def fileno(self) -> int:
        """Return the descriptor that can be read when `pump` has something to move."""
        assert isinstance(self._selector, _Pollable)
        return self._selector.fileno()

    def kill(self) -> None:
        """Have the command and its descendants killed, without asking them to end first."""
        if not self._lifeline.closed:
            with contextlib.suppress(OSError):
                self._lifeline.write(_AT_ONCE)
            self._lifeline.close()

    def end(self) -> None:
        """End the command and its descendants, and take what they had still written."""
        self._lifeline.close()
        try:
            deadline = time.monotonic() + _BACKSTOP_SECONDS
            while not self.is_gone and time.monotonic() < deadline:
                self.pump(deadline)
            # Every writer is gone, or (where orphans can hide) not worth waiting for: what the
            # pipes hold is all that comes, and it is less than this many chunks.
            for _ in range(64):
                if not self._reading or not self.pump(0.0):
                    break
        finally:
            self._release()

    def _release(self) -> None:
        try:
            self._supervisor.wait(_BACKSTOP_SECONDS)
            is_orphaned = "exited" not in self._heard  # the supervisor was killed
        except subprocess.TimeoutExpired:
            is_orphaned = True
            self._supervisor.kill()
            self._supervisor.wait()
        if is_orphaned and "started" in self._heard:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(int(self._heard["started"]), signal.SIGKILL)
        self._selector.close()
        for pipe in (self._input, self._reports, *self._reading):
            pipe.close()

    def _read(self, pipe: IO[bytes], sink: Sink) -> None:
        def take() -> None:
            data = os.read(pipe.fileno(), _CHUNK)
            if data:
                sink(data)
            else:
                self._selector.unregister(pipe)
                self._reading.discard(pipe)
                pipe.close()

        self._reading.add(pipe)
        self._selector.register(pipe, selectors.EVENT_READ, take)

    def _write(self) -> None:
        try:
            written = os.write(self._input.fileno(), memoryview(self._outgoing)[:_CHUNK])
            del self._outgoing[:written]
        except BrokenPipeError:  # the command does not want it, which is its right
            self._outgoing.clear()
            self._input_closes = True
        if not self._outgoing:
            self._selector.unregister(self._input)
            if self._input_closes:
                self._input.close()

    def _hear(self) -> None:
        data = os.read(self._reports.fileno(), _CHUNK)
        if not data:
            self._selector.unregister(self._reports)
            self._heard["gone"] = ""
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            what, _, detail = line.decode().partition(" ")
            if what == "left":
                self._leftovers.append(detail)
            else:
                self._heard[what] = detail


def _start_supervisor() -> tuple[subprocess.Popen[bytes], IO[bytes], IO[bytes]]:
    """Return a supervisor, the pipe that it lives by, and the pipe that it reports on."""
    with contextlib.ExitStack() as opened:
        try:
            requests, lifeline = _pipe(opened)
            reports, reporting = _pipe(opened)
            fds = (requests.fileno(), reporting.fileno())
            supervisor = subprocess.Popen(  # noqa: S603 - our own interpreter and script
                [sys.executable, "-I", "-S", "-c", _SUPERVISE, str(_FOLDER), *map(str, fds)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={name: os.environ[name] for name in _LOADER if name in os.environ},
                pass_fds=fds,
                start_new_session=True,
                bufsize=0,
            )
        except OSError as error:
            raise ChimeraError(f"cannot start another process: {error}") from error
        requests.close()
        reporting.close()
        opened.pop_all()
    return supervisor, lifeline, reports


def _write_all(pipe: IO[bytes], data: bytes) -> None:
    while data:
        data = data[pipe.write(data) :]


def _pipe(opened: contextlib.ExitStack) -> tuple[IO[bytes], IO[bytes]]:
    reading, writing = os.pipe()
    return (
        opened.enter_context(open(reading, "rb", buffering=0)),  # noqa: PTH123 - not a path
        opened.enter_context(open(writing, "wb", buffering=0)),  # noqa: PTH123
    )


def _request(command: Command, executable: str, isolation: Isolation) -> bytes:
    limits = command.limits
    request = {
        "executable": executable,
        "argv": list(command.argv),
        "cwd": str(command.cwd),
        "env": dict(command.env),
        "isolate": _walls(command, isolation),
        "umask": command.umask,
        "cpus": command.cpus,
        "fixed_addresses": command.fixed_addresses,
        "limits": {
            "cpu_seconds": limits.cpu_seconds,
            "memory_bytes": limits.memory_bytes,
            "file_bytes": limits.file_bytes,
        },
        "shared_limits": {
            "processes": limits.processes,  # told first: each of too many has memory, too
            "memory": limits.total_memory_bytes,
            "cpu": limits.total_cpu_seconds,
        },
        "tell_leftovers": command.writable is not None,
    }
    data = marshal.dumps(request)
    return len(data).to_bytes(8) + data


def _walls(command: Command, isolation: Isolation) -> dict[str, Any] | None:
    if isolation == Isolation():
        return None
    files = None
    if isolation.files:
        files = {
            "writable": [os.path.realpath(path) for path in command.writable or ()],
            "private": sorted({os.path.realpath(path) for path in _private_folders()}),
            "kept": sorted({os.path.realpath(path) for path in _needed_folders() if path}),
        }
    return {"network": isolation.network, "processes": isolation.processes, "files": files}


def _private_folders() -> tuple[str, ...]:
    """Return the folders for temporary files, and for the sockets of whatever runs here."""
    sockets = () if Path("/run/current-system").exists() else ("/run",)  # NixOS has programs there
    return (
        *("/tmp", "/var/tmp", "/dev/shm", tempfile.gettempdir()),  # noqa: S108 - not written to
        *sockets,
    )


def _needed_folders() -> tuple[str, ...]:
    """Return where the interpreter and all that it imports stand, wherever that is."""
    engine = str(_FOLDER.parents[1])
    resolver = "/run/systemd/resolve"  # which /etc/resolv.conf may lead to
    programs = str(Path(sys.executable).parent)
    return (sys.prefix, sys.base_prefix, programs, engine, resolver, *sys.path)
