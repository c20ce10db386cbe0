"""The process runner: commands run to their end, and long-lived ones talked to line by line.

Owns timeouts and the bound on output. Refuses a shell, an inherited environment, unbounded
buffering, and a command that outlives its caller.
"""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal, Self

from chimera.context.child import Child, Head, Sink
from chimera.context.command import Command, Completed, Isolation
from chimera.model import ChimeraError

_ASK_SECONDS = 0.1
_LAST_PUMPS = 64  # more than a pipe can hold
_PROBE = Command(("/bin/sh", "-c", ":"), cwd=Path("/"), timeout=10.0)
Stream = Literal["stdout", "stderr"]
Hear = Callable[[Stream, bytes], None]
_ONE_BY_ONE = (Isolation(network=True), Isolation(files=True), Isolation(processes=True))


class ProcessTimeoutError(ChimeraError):
    """A running process did not answer in time."""


class ProcessEndedError(ChimeraError):
    """A running process is gone, or said more than it may."""


class ProcessCancelledError(ChimeraError):
    """A command was ended because whoever waited for it no longer wants it."""


class Processes:
    """Runs commands and ends them with all that they started; may be used from threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._children: set[Child] = set()
        self._probing = threading.Lock()
        self._allowed: Isolation | None = None
        self._ahead: tuple[Command, Running] | None = None

    def run(
        self,
        command: Command,
        *,
        cancelled: Callable[[], bool] | None = None,
        hear: Hear | None = None,
    ) -> Completed:
        """Run `command` to its end or to its timeout; its return code is the caller's to judge.

        `cancelled` is asked ten times a second; `hear` is given all output as it comes, also what
        is not kept of it. Raises `ProcessCancelledError` where the former came true,
        `ChimeraError` for a command that cannot be started, and `KeyboardInterrupt` where
        `end_all` ended it.
        """
        return self._run(command, self._isolation_of(command), cancelled=cancelled, hear=hear)

    def start(self, command: Command, *, hear: Sink | None = None) -> Running:
        """Start a long-lived process; `command.timeout` is not used, each read has its own.

        `hear` is given what it says on stderr, instead of its being kept. Raises `ChimeraError`
        for a command that cannot be started.
        """
        if self._ahead is not None and self._ahead[0] == command and hear is None:
            (_, running), self._ahead = self._ahead, None
            return running
        isolation = self._isolation_of(command)
        lines = _Lines(command.limits.output_bytes)
        errors = Head(command.limits.output_bytes)
        child = self._start(command, lines.take, hear or errors.take, isolation)
        child.feed(command.stdin)
        return Running(child, command.argv[0], lines, errors, lambda: self._end(child))

    @contextmanager
    def ahead(self, command: Command) -> Iterator[None]:
        """Have `command` start now: `start` gives it to whoever asks for the same one meanwhile.

        It is ended where nobody does. A command that cannot be started is `start`'s to report.
        """
        with suppress(ChimeraError):
            self._ahead = command, self.start(command)
        try:
            yield
        finally:
            left, self._ahead = self._ahead, None
            if left is not None:
                left[1].close()

    def isolation(self) -> Isolation:
        """Return what the kernel lets a command be isolated from; tried once."""
        with self._probing:
            if self._allowed is None:
                self._allowed = Isolation()
                if sys.platform == "linux":
                    self._allowed = self._probe()
            return self._allowed

    def _probe(self) -> Isolation:
        if self._can(Isolation.whole()):
            return Isolation.whole()
        allowed = [one if self._can(one) else Isolation() for one in _ONE_BY_ONE]
        network, files, processes = allowed
        together = Isolation(network.network, files.files, processes.processes)
        return together if self._can(together) else Isolation()

    def _can(self, isolation: Isolation) -> bool:
        try:
            return self._run(_PROBE, isolation).returncode == 0
        except ChimeraError:
            return False

    def _isolation_of(self, command: Command) -> Isolation:
        confined = command.writable is not None
        wanted = Isolation(network=not command.network, files=confined, processes=confined)
        return wanted if wanted == Isolation() else wanted & self.isolation()

    def end_all(self) -> None:
        """End all that runs, from any thread: an interrupt reaches only the main thread's."""
        with self._lock:
            for child in self._children:
                child.cancel()

    def _run(
        self,
        command: Command,
        isolation: Isolation,
        *,
        cancelled: Callable[[], bool] | None = None,
        hear: Hear | None = None,
    ) -> Completed:
        stdout, stderr = Head(command.limits.output_bytes), Head(command.limits.output_bytes)
        sinks = (_both(stdout, "stdout", hear), _both(stderr, "stderr", hear))
        began = time.monotonic()
        deadline = None if command.timeout is None else began + command.timeout
        child = self._start(command, *sinks, isolation)
        try:
            child.feed(command.stdin)
            child.close_input()
            in_time = _wait(child, deadline, cancelled)
            seconds = time.monotonic() - began
        finally:
            self._end(child)
        if child.was_cancelled:
            raise KeyboardInterrupt
        return Completed(
            returncode=child.returncode,
            stdout=stdout.data,
            stderr=stderr.data,
            timed_out=not in_time,
            truncated=stdout.truncated or stderr.truncated,
            isolation=isolation,
            seconds=seconds,
            limit=child.limit,
            leftovers=child.leftovers,
        )

    def _start(self, command: Command, stdout: Sink, stderr: Sink, isolation: Isolation) -> Child:
        executable = _executable(command)
        child = Child(command, executable, isolation=isolation, stdout=stdout, stderr=stderr)
        with self._lock:
            self._children.add(child)
        return child

    def _end(self, child: Child) -> None:
        try:
            child.end()
        finally:
            with self._lock:
                self._children.discard(child)


class Running:
    """A long-lived process that is given lines and answers with lines; used by one thread.

    Whoever has other things to wait for waits until `fileno` can be read, and calls `take_lines`.
    """

    def __init__(
        self, child: Child, name: str, lines: _Lines, errors: Head, end: Callable[[], None]
    ) -> None:
        self._child = child
        self._name = name
        self._lines = lines
        self._errors = errors
        self._end = end
        self._is_closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def stderr(self) -> bytes:
        """The head of what the process has said on stderr, as far as it has been read."""
        return self._errors.data

    def write_line(self, line: bytes) -> None:
        """Queue `line`, which has no line end, for the process; `read_line` sends it."""
        if self._is_closed:
            raise ProcessEndedError(f"{self._name!r} was closed")
        self._child.feed(line + b"\n")

    def read_line(self, timeout: float | None = None) -> bytes:
        """Return the next line of stdout without its end.

        Raises `ProcessTimeoutError` after `timeout` seconds, `ProcessEndedError` when no line can
        come any more or one is longer than `limits.output_bytes`. After either, close it.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while (line := self._lines.next()) is None:
            if self._lines.is_overfull:
                raise ProcessEndedError(f"{self._name!r} answered with more than it may")
            if self._is_closed or (self._child.is_gone and not self._child.pump(0.0)):
                code = self._child.returncode
                raise ProcessEndedError(f"{self._name!r} ended with {code}, without an answer")
            if deadline is not None and time.monotonic() >= deadline:
                raise ProcessTimeoutError(f"{self._name!r} did not answer within {timeout:g} s")
            self._child.pump(deadline)
        return line

    def fileno(self) -> int:
        """Return the descriptor that can be read when there is something to be moved."""
        return self._child.fileno()

    @property
    def has_ended(self) -> bool:
        """Whether the process is gone, as far as has been heard."""
        return self._is_closed or self._child.has_exited

    @property
    def limit(self) -> str | None:
        """What the process had used up, where that ended it: `cpu`, `memory` or `processes`."""
        return self._child.limit

    @property
    def ending(self) -> str:
        """How the process ended that has: for messages."""
        if self.limit is not None:
            return f"used more {self.limit} than it may"
        if self._lines.is_overfull:
            return "answered with more than it may"
        try:
            return f"ended with {self._child.returncode}"
        except ChimeraError as error:
            return f"could not go on: {error}"

    def take_lines(self) -> list[bytes]:
        """Move what can be moved without waiting; return the lines that have come, in order.

        One that says more than it may is killed.
        """
        moved = self._child.pump(0.0)
        for _ in range(_LAST_PUMPS):  # what it had still said before it ended
            moved = moved and self.has_ended and self._child.pump(0.0)
        lines = []
        while (line := self._lines.next()) is not None:
            lines.append(line)
        if self._lines.is_overfull:
            self.kill()
        return lines

    def kill(self, seconds: float = 0.0) -> bool:
        """Have the process and all that it started killed; return whether they are gone.

        That is waited for as long as `seconds`; `close` it all the same.
        """
        if not self._is_closed:
            self._child.kill()
            deadline = time.monotonic() + seconds
            while not self._child.is_gone and time.monotonic() < deadline:
                self._child.pump(deadline)
        return self._is_closed or self._child.is_gone

    def close(self) -> None:
        """End the process and all that it started."""
        if not self._is_closed:
            self._is_closed = True
            self._end()


class _Lines:
    """A sink that cuts into lines, and drops what comes while more than `limit` is unread."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._unread = bytearray()
        self._searched = 0  # so that a long line that comes in pieces is looked through once
        self.is_overfull = False

    def take(self, data: bytes) -> None:
        self.is_overfull = self.is_overfull or len(self._unread) + len(data) > self._limit
        if not self.is_overfull:
            self._unread += data

    def next(self) -> bytes | None:
        end = self._unread.find(b"\n", self._searched)
        if end < 0:
            self._searched = len(self._unread)
            return None
        line = bytes(memoryview(self._unread)[:end])
        del self._unread[: end + 1]
        self._searched = 0
        return line


def _both(head: Head, name: Stream, hear: Hear | None) -> Sink:
    if hear is None:
        return head.take

    def take(data: bytes) -> None:
        head.take(data)
        hear(name, data)

    return take


def _wait(child: Child, deadline: float | None, cancelled: Callable[[], bool] | None) -> bool:
    """Wait until the command has exited; return whether it did before `deadline`."""
    if cancelled is None:
        return child.wait(deadline)
    while True:
        soon = time.monotonic() + _ASK_SECONDS
        if child.wait(soon if deadline is None else min(soon, deadline)):
            return True
        if cancelled():
            raise ProcessCancelledError("the command was cancelled, and ended")
        if deadline is not None and time.monotonic() >= deadline:
            return False


def _executable(command: Command) -> str:
    """Return the path of what `argv[0]` names, as an `execvp` in `cwd` would find it."""
    name = command.argv[0] if command.argv else ""
    if not command.cwd.is_dir():
        raise ChimeraError(
            f"cannot run {name!r}: there is no folder {str(command.cwd)!r}",
            help="run it in a folder that exists",
        )
    if "/" in name:
        found, where = shutil.which(str(command.cwd / name)), "is not an executable file"
    else:
        path = command.env.get("PATH", "")
        found, where = shutil.which(name, path=path), f"is not on the PATH {path!r}"
    if found is None:
        raise ChimeraError(
            f"cannot run {name!r}: it {where}",
            help="install it, or write the path of an executable file",
        )
    return found
