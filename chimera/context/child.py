"""One supervised child as its parent sees it: pipes, the control socket, and its end.

Everything moves in `pump`, which waits for all of them at once, so that no pipe can fill up while
another is waited for. Refuses to be used by two threads at once, except for `cancel`.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from chimera.context.command import Command
from chimera.model import ChimeraError

_SUPERVISOR = Path(__file__).with_name("supervisor.py")
_CHUNK = 64 * 1024
# The supervisor itself takes its grace and a moment; past this it is stuck, and killed.
_BACKSTOP_SECONDS = 10.0
# What the interpreter may need to find its own shared libraries; the command sees none of it.
_LOADER = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH")

Sink = Callable[[bytes], None]


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
        self, command: Command, executable: str, *, isolate: bool, stdout: Sink, stderr: Sink
    ) -> None:
        self._name = command.argv[0]
        self._messages: dict[str, Any] = {}
        self._unread = b""
        self._outgoing = bytearray()
        self._input_closes = False
        self._selector = selectors.DefaultSelector()
        self.was_cancelled = False
        self._control, theirs = socket.socketpair()
        with theirs:
            self._supervisor = _start_supervisor(self._control, theirs)
        with contextlib.suppress(ConnectionError, BrokenPipeError):  # seen again by `pump`
            self._control.sendall(_request(command, executable, isolate=isolate))
        supervisor = self._supervisor
        assert supervisor.stdin is not None
        assert supervisor.stdout is not None
        assert supervisor.stderr is not None
        self._input = supervisor.stdin
        self._reading: set[IO[bytes]] = set()
        self._read(supervisor.stdout, stdout)
        self._read(supervisor.stderr, stderr)
        os.set_blocking(self._input.fileno(), False)
        self._control.setblocking(False)
        self._selector.register(self._control, selectors.EVENT_READ, self._hear)

    @property
    def has_exited(self) -> bool:
        """Whether the command itself is gone, or never came to be."""
        return "exited" in self._messages or self.is_gone

    @property
    def is_gone(self) -> bool:
        """Whether the supervisor is gone, and with it every descendant."""
        return "gone" in self._messages

    @property
    def returncode(self) -> int:
        """How the command ended; raises `ChimeraError` where it could not be run."""
        if "failed" in self._messages:
            raise ChimeraError(f"cannot run {self._name!r}: {self._messages['failed']}")
        if "exited" not in self._messages:
            raise ChimeraError(
                f"the process that supervised {self._name!r} was killed",
                help="see whether the machine ran out of memory, and run it again",
            )
        return int(self._messages["exited"])

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
            if not self.pump(deadline) and deadline is not None and time.monotonic() >= deadline:
                return False
        return True

    def cancel(self) -> None:
        """Have the command ended; may be called from any thread."""
        self.was_cancelled = True
        self._tell_to_end()

    def end(self) -> None:
        """End the command and its descendants, and take what they had still written."""
        self._tell_to_end()
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
        if not self.is_gone:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if "started" in self._messages:
                    os.killpg(self._messages["started"], signal.SIGKILL)
            self._supervisor.kill()
        self._supervisor.wait()
        self._selector.close()
        self._control.close()
        for pipe in (self._input, *self._reading):
            pipe.close()

    def _tell_to_end(self) -> None:
        with contextlib.suppress(OSError):  # it is gone already
            self._control.shutdown(socket.SHUT_WR)

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
        try:
            data = self._control.recv(_CHUNK)
        except ConnectionError:
            data = b""
        if not data:
            self._selector.unregister(self._control)
            self._messages["gone"] = True
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            self._messages |= json.loads(line)


def _start_supervisor(ours: socket.socket, theirs: socket.socket) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - our own interpreter and script
            [sys.executable, "-I", "-S", str(_SUPERVISOR), str(theirs.fileno())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={name: os.environ[name] for name in _LOADER if name in os.environ},
            pass_fds=(theirs.fileno(),),
            start_new_session=True,
            bufsize=0,
        )
    except OSError as error:
        ours.close()
        raise ChimeraError(f"cannot start another process: {error}") from error


def _request(command: Command, executable: str, *, isolate: bool) -> bytes:
    limits = command.limits
    request = {
        "executable": executable,
        "argv": list(command.argv),
        "cwd": str(command.cwd),
        "env": dict(command.env),
        "isolate": isolate,
        "limits": {
            "cpu_seconds": limits.cpu_seconds,
            "memory_bytes": limits.memory_bytes,
            "file_bytes": limits.file_bytes,
        },
    }
    return json.dumps(request).encode() + b"\n"
