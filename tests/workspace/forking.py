"""Processes that run the command line without importing it anew: each is a fork of one that has.

Importing takes most of the time of a small command, and these tests start a thousand of them. A
fork has a process, a folder, an environment and pipes of its own, as any other; it has imported
modules and done nothing else. What an interpreter reads as it starts (`PYTHON*`, the locale) it
cannot be given later: for each of those there is a server of its own.

Run as a script this is such a server: it reads requests from its standard input, a socket.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

ENGINE = Path(__file__).parents[2]
_LARGEST = 1 << 20  # bytes of a request
_DOCUMENT = (
    "apiVersion: chimera/v1\nkind: Environment\nmetadata: {name: local}\nspec: {protected: false}\n"
)


class Forked:
    """A process that was forked, with as much of `subprocess.Popen` as tests ask for."""

    def __init__(self, told: socket.socket, out: int, err: int) -> None:
        self._told, self._pipes = told, {out: bytearray(), err: bytearray()}
        self.pid = int.from_bytes(told.recv(4))
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return how it ended, or `None` while it runs."""
        with contextlib.suppress(TimeoutError, subprocess.TimeoutExpired):
            self.wait(0.0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return how it ended, once it has."""
        if self.returncode is None:
            with selectors.DefaultSelector() as selector:
                selector.register(self._told, selectors.EVENT_READ)
                if not selector.select(timeout):
                    raise subprocess.TimeoutExpired("chimera", timeout or 0.0)
            self.returncode = int.from_bytes(self._told.recv(4), signed=True)
            self._told.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Return what it said, once it has ended."""
        deadline = None if timeout is None else time.monotonic() + timeout
        with selectors.DefaultSelector() as selector:
            for pipe in self._pipes:
                selector.register(pipe, selectors.EVENT_READ)
            while selector.get_map():
                left = None if deadline is None else max(0.0, deadline - time.monotonic())
                ready = selector.select(left)
                if not ready:
                    raise subprocess.TimeoutExpired("chimera", timeout or 0.0)
                for key, _ in ready:
                    data = os.read(key.fd, 1 << 16)
                    self._pipes[key.fd] += data
                    if not data:
                        selector.unregister(key.fd)
                        os.close(key.fd)
        self.wait(None if deadline is None else max(0.0, deadline - time.monotonic()))
        out, err = (data.decode().replace("\r\n", "\n") for data in self._pipes.values())
        return out, err


class Server:
    """A process that has imported the command line and forks."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, __file__],
                cwd=ENGINE,
                env=environment,
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
            )
        atexit.register(self.close)

    def start(self, arguments: tuple[str, ...], cwd: Path, environment: dict[str, str]) -> Forked:
        """Start `python -m chimera` with arguments in a folder."""
        ours, theirs = socket.socketpair()
        out, their_out = os.pipe()
        err, their_err = os.pipe()
        request = json.dumps([arguments, str(cwd), environment]).encode()
        assert len(request) < _LARGEST
        given = (theirs.fileno(), their_out, their_err)
        socket.send_fds(self._socket, [request], given)
        theirs.close()
        os.close(their_out)
        os.close(their_err)
        return Forked(ours, out, err)

    def close(self) -> None:
        """End it; processes that it forked go on."""
        self._socket.close()
        self._process.wait(60)


_servers: dict[str, Server] = {}


def start(arguments: tuple[str, ...], cwd: Path, environment: dict[str, str]) -> Forked:
    """Start `python -m chimera` with arguments in a folder."""
    early = {n: v for n, v in environment.items() if n.startswith(("PYTHON", "LC_", "LANG"))}
    key = json.dumps([os.getpid(), early], sort_keys=True)
    if key not in _servers:
        _servers[key] = Server(environment)
    return _servers[key].start(arguments, cwd, environment)


class _Request(NamedTuple):
    arguments: list[str]
    cwd: str
    environment: dict[str, str]


def _serve(requests: socket.socket) -> _Request | None:
    """Fork for each request; return it in the fork, and `None` once nobody is left to ask."""
    selector = selectors.DefaultSelector()
    selector.register(requests, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.fileobj is not requests:
                _tell_end(selector, key)
                continue
            data, given, _, _ = socket.recv_fds(requests, _LARGEST, 3)
            if not data:
                return None
            pid = os.fork()
            if pid == 0:
                _become_new(selector, given)
                return _Request(*json.loads(data))
            for number in given[1:]:
                os.close(number)
            told = socket.socket(fileno=given[0])
            told.send(pid.to_bytes(4))
            selector.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, told))


def _tell_end(selector: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    pid, told = key.data
    selector.unregister(key.fileobj)
    os.close(key.fd)
    _, status = os.waitpid(pid, 0)
    with told, contextlib.suppress(OSError):  # nobody may want to know any more
        told.send(os.waitstatus_to_exitcode(status).to_bytes(4, signed=True))


def _become_new(selector: selectors.BaseSelector, given: list[int]) -> None:
    """Have of all files only those that a new process is given."""
    for key in list(selector.get_map().values()):
        if key.data:
            os.close(key.fd)
            key.data[1].close()
        else:
            key.fileobj.close()  # type: ignore[union-attr]
    selector.close()
    os.close(given[0])
    for number, wanted in zip(given[1:], (1, 2), strict=True):
        os.dup2(number, wanted)
        os.close(number)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)


def _import_all() -> None:
    """Import what an apply imports, without having applied anything: another fork tells it."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        from chimera.cli.main import run

        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "specs").mkdir()
            (Path(folder) / "specs/local.yaml").write_text(_DOCUMENT)
            for command in (["check"], ["plan", "-o", "json"], ["apply"], ["status"]):
                run(["-C", folder, "--no-cache", *command])
        os.write(write, json.dumps(sorted(sys.modules)).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as file:
        names = json.loads(file.read())
    os.waitpid(pid, 0)
    for name in names:
        if name not in sys.modules and name.partition(".")[0] in _PACKAGES:
            importlib.import_module(name)


_PACKAGES = ("chimera", "pydantic", "pydantic_core", "click", "yaml", "yaml_rs", "rich", "sqlite3")


def main() -> None:
    """Serve, and be the command line in each fork."""
    _import_all()
    gc.collect()
    gc.freeze()
    request = _serve(socket.socket(fileno=os.dup(0)))
    if request is None:
        return
    os.environ.clear()
    os.environ.update(request.environment)
    os.chdir(request.cwd)
    time.tzset()
    sys.path[0] = request.cwd
    sys.argv[:] = [str(ENGINE / "chimera/__main__.py"), *request.arguments]
    from chimera.cli.main import main as run_command_line

    run_command_line()


if __name__ == "__main__":
    main()
