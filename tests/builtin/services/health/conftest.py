"""Servers that answer, and servers that do everything but; real Redis and PostgreSQL."""

from __future__ import annotations

import os
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from chimera.builtin.services.health import command, http, postgres, redis, sockets
from chimera.builtin.services.health.looking import Found, Probe, look
from chimera.builtin.services.health.probing import Tools
from chimera.builtin.services.health.selecting import Target
from chimera.builtin.services.spec.checks import (
    CommandCheck,
    HttpCheck,
    PostgresCheck,
    RedisCheck,
)
from chimera.context import Context

Script = Callable[[socket.socket], None]
_POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
_QUIET: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
_MODELS: dict[str, Any] = {
    "http": (HttpCheck, http),
    "redis": (RedisCheck, redis),
    "postgres": (PostgresCheck, postgres),
}


def missing(name: str) -> None:
    """Skip a test whose server is not installed, and fail it where everything has to be."""
    if os.environ.get("CI"):
        pytest.fail(f"{name} is not installed")
    pytest.skip(f"{name} is not installed")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


@pytest.fixture
def closed() -> Iterator[int]:
    """A port on which nothing listens, and that nobody else is given meanwhile."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def reset(connection: socket.socket) -> None:
    """Close with RST: what is not sent is lost, and the other end is told so."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def heard(connection: socket.socket) -> bytes:
    """Read a request to the end of its head."""
    data = b""
    while b"\r\n\r\n" not in data and (more := connection.recv(65536)):
        data += more
    return data


def said(data: bytes) -> Script:
    """Return a script that answers a request, and closes."""

    def script(connection: socket.socket) -> None:
        heard(connection)
        connection.sendall(data)

    return script


def answer(body: str | bytes = "ok", status: str = "200 OK", *headers: str) -> Script:
    """Return a script that answers as a sound server does."""
    data = body.encode() if isinstance(body, str) else body
    lines = (f"HTTP/1.1 {status}", f"Content-Length: {len(data)}", *headers, "", "")
    return said("\r\n".join(lines).encode() + data)


class Server:
    """A server that does by a script what it does with each connection."""

    def __init__(self, script: Script) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port: int = self._listening.getsockname()[1]
        self.script = script
        self.connections = 0
        self.over = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            self.script(connection)

    def hang(self, connection: socket.socket) -> None:
        """Take a connection and say nothing until the test is over."""
        self.over.wait(30)

    def close(self) -> None:
        self.over.set()
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()


Serve = Callable[[Script | None], Server]
Ask = Callable[..., Found]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start servers; without a script they hang."""
    servers: list[Server] = []

    def start(script: Script | None = None) -> Server:
        server = Server(script or (lambda connection: None))
        if script is None:
            server.script = server.hang
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def tools(tmp_path: Path) -> Tools:
    return Tools(Context.system(), tmp_path)


@pytest.fixture
def ask(tools: Tools) -> Ask:
    """Look once at something, by the fields of a check."""

    def once(type: str, port: int = 0, *, host: str = "127.0.0.1", **fields: Any) -> Found:
        secure = fields.pop("secure", False)
        seconds = fields.pop("seconds", 5.0)
        attempts = fields.pop("attempts", 1)
        target = Target(host, port, secure)
        if type == "command":
            check: Any = CommandCheck.model_validate({"id": "it", "type": type, **fields})
            work: Any = partial(command.ask, check, tools)
        elif type == "tcp":

            def work(deadline: Any) -> str:
                with sockets.connected(tools, host, port, deadline):
                    return "connected"
        else:
            model, module = _MODELS[type]
            check = model.model_validate({"id": "it", "type": type, **fields})
            work = partial(module.ask, check, target, tools)
        (found,) = look([Probe(work, seconds, attempts, 0.01, abandonable=type != "command")])
        return found

    return once


@dataclass(frozen=True)
class Redis:
    """A Redis server on a port."""

    port: int

    def say(self, *words: str) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
            parts = [f"*{len(words)}\r\n", *(f"${len(one)}\r\n{one}\r\n" for one in words)]
            connection.sendall("".join(parts).encode())
            return connection.recv(65536)


@contextmanager
def _redis(folder: Path, *options: str) -> Iterator[Redis]:
    program = shutil.which("redis-server")
    if program is None:
        missing("redis-server")
    given = ("--bind", "127.0.0.1", "--dir", str(folder), "--save", "", *options)
    process, port = _listening(
        lambda port: subprocess.Popen([str(program), "--port", str(port), *given], **_QUIET),
        _takes,
    )
    try:
        yield Redis(port)
    finally:
        process.kill()
        process.wait()


def _takes(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def _listening(
    start: Callable[[int], subprocess.Popen[bytes]], is_ready: Callable[[int], bool]
) -> tuple[subprocess.Popen[bytes], int]:
    """Start a server on a port that is free; on another where somebody was quicker."""
    for _ in range(5):
        port = free_port()
        process = start(port)
        for _ in range(300):
            if process.poll() is not None:
                break
            if is_ready(port) and process.poll() is None:
                return process, port
            time.sleep(0.02)
        process.kill()
        process.wait()
    raise AssertionError("the server does not start")


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[Callable[..., Redis]]:
    """Start Redis servers with options, each in the same folder."""
    with ExitStack() as stack:
        yield lambda *options: stack.enter_context(_redis(tmp_path, *options))


def is_ready(programs: Path, port: int) -> int:
    """Return what pg_isready says: 0 accepting, 1 rejecting, 2 no response."""
    command = [str(programs / "pg_isready"), "-h", "127.0.0.1", "-p", str(port), "-q"]
    return subprocess.run(command).returncode


@dataclass
class Postgres:
    """A PostgreSQL server, run as a user who may run one."""

    port: int
    bin: Path
    process: subprocess.Popen[bytes]

    def is_ready(self) -> int:
        """Return what pg_isready says."""
        return is_ready(self.bin, self.port)

    def connect(self) -> socket.socket:
        """Open a session of the user postgres, who is trusted."""
        connection = socket.create_connection(("127.0.0.1", self.port), 5)
        body = struct.pack("!i", 3 << 16) + b"user\0postgres\0\0"
        connection.sendall(struct.pack("!i", len(body) + 4) + body)
        assert connection.recv(65536)[:1] == b"R"
        return connection


@pytest.fixture
def postgres_server() -> Iterator[Postgres]:
    """A PostgreSQL server that accepts connections."""
    if not _POSTGRES:
        missing("postgresql")
    programs = _POSTGRES[-1]
    folder = Path(tempfile.mkdtemp(prefix="chimera-postgres-"))
    given: dict[str, Any] = dict(_QUIET)
    if os.geteuid() == 0:  # it refuses to be run by root
        shutil.chown(folder, "postgres", "postgres")
        given |= {"user": "postgres", "group": "postgres", "extra_groups": []}
    made = ["--no-sync", "--auth=trust", "--username=postgres", "-D", str(folder / "data")]
    subprocess.run([str(programs / "initdb"), *made], check=True, cwd=folder, **given)
    settings = {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": folder,
        "fsync": "off",
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    command = [str(programs / "postgres"), "-D", str(folder / "data"), *options]
    process, port = _listening(
        lambda port: subprocess.Popen([*command, "-p", str(port)], cwd=folder, **given),
        lambda port: is_ready(programs, port) == 0,
    )
    try:
        yield Postgres(port, programs, process)
    finally:
        process.terminate()
        process.send_signal(3)  # SIGQUIT: at once
        process.wait()
        shutil.rmtree(folder)
