"""Redis and PostgreSQL as Debian ships them, connections, names that hang, and commands."""

from __future__ import annotations

import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chimera.builtin.services.health import names
from tests.builtin.services.health.conftest import (
    Ask,
    Postgres,
    Redis,
    Serve,
    said,
)

LATE = 3.0
PASSWORD = "hunter2-and-more"


@pytest.fixture
def password(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setenv("REDIS_PASSWORD_OF_TEST", PASSWORD)
    return {"env": "REDIS_PASSWORD_OF_TEST"}


def shut(connection: socket.socket) -> None:
    """Take a connection and close it."""


def wait_for(found: Callable[[], bool]) -> None:
    for _ in range(300):
        if found():
            return
        time.sleep(0.02)
    raise AssertionError("it never came true")


def test_redis_answers_ping(redis_server: Callable[..., Redis], ask: Ask) -> None:
    found = ask("redis", redis_server().port)
    assert (found.ok, found.message) == (True, "PING was answered with PONG")


def test_redis_wants_its_password(
    redis_server: Callable[..., Redis],
    ask: Ask,
    password: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    port = redis_server("--requirepass", PASSWORD).port
    found = ask("redis", port)
    assert found.message == "it wants a password: NOAUTH Authentication required."
    assert found.help == "give the check a password"
    assert ask("redis", port, password=password).ok
    assert ask("redis", port, username="default", password=password).ok
    monkeypatch.setenv("REDIS_PASSWORD_OF_TEST", "not-the-one-at-all")
    found = ask("redis", port, password=password)
    assert found.message.startswith("it does not take the password: WRONGPASS")
    assert "not-the-one" not in found.message


def test_redis_that_loads_its_data_is_not_well(
    redis_server: Callable[..., Redis], ask: Ask, tmp_path: Path
) -> None:
    first = redis_server("--rdbcompression", "no")
    for number in range(20):
        assert first.say("SET", f"key-{number}", "x" * 2000).startswith(b"+OK")
    assert first.say("SAVE").startswith(b"+OK")
    slow = ("--key-load-delay", "200000", "--loading-process-events-interval-bytes", "1024")
    loading = redis_server(*slow)
    wait_for(lambda: not ask("redis", loading.port).ok)
    found = ask("redis", loading.port)
    assert found.message.startswith("it is still loading its data: LOADING")


def test_redis_that_has_lost_its_master_is_told(
    redis_server: Callable[..., Redis], ask: Ask, closed: int
) -> None:
    gone = ("--replicaof", "127.0.0.1", str(closed))
    replica = redis_server(*gone, "--replica-serve-stale-data", "no")
    found = ask("redis", replica.port)
    assert found.message.startswith("it has lost its master, and serves nothing stale: MASTERDOWN")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"-MASTERDOWN Link with MASTER is down\r\n", "it has lost its master"),
        (b"-DENIED Redis is running in protected mode\r\n", "it is protected"),
        (b"-ERR whatever\r\n", "it refuses to answer: ERR whatever"),
        (b"+PONGPONG\r\n", "it does not answer as Redis: '+PONGPONG'"),
        (b"HTTP/1.1 400 Bad Request\r\n", "it does not answer as Redis"),
        (b"x" * 10_000, "a line of more than 4096 bytes"),
        (b"+PO", "it closed the connection in the middle of its answer"),
        (b"", "it closed the connection without an answer"),
    ],
)
def test_what_is_no_pong_is_no_answer(serve: Serve, ask: Ask, line: bytes, message: str) -> None:
    def script(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(line)

    assert message in ask("redis", serve(script).port).message


def test_postgres_is_judged_as_pg_isready_judges_it(postgres_server: Postgres, ask: Ask) -> None:
    def find() -> Any:
        return ask("postgres", postgres_server.port, user="postgres")

    assert (find().ok, postgres_server.is_ready()) == (True, 0)
    assert find().message == "accepting connections"
    unknown = ask("postgres", postgres_server.port, user="postgres", database="no-such-thing")
    assert unknown.ok
    # A server that was told to end waits for its sessions, and rejects others meanwhile.
    with postgres_server.connect():
        postgres_server.process.send_signal(signal.SIGTERM)
        wait_for(lambda: not find().ok)
        found = find()
        assert found.message == "rejecting connections: the database system is shutting down"
        assert postgres_server.is_ready() == 1
    postgres_server.process.wait(10)
    found = find()
    assert found.message.startswith("no response: nothing listens at 127.0.0.1:")
    assert postgres_server.is_ready() == 2


def error(state: str, text: str) -> bytes:
    fields = b"".join(field.encode() + b"\0" for field in ("SFATAL", f"C{state}", f"M{text}"))
    body = fields + b"\0"
    return b"E" + struct.pack("!i", len(body) + 4) + body


@pytest.mark.parametrize(
    ("data", "ok", "message"),
    [
        (error("53300", "too many clients"), True, "accepting connections (too many clients)"),
        (error("28000", "no entry"), True, "accepting connections (no entry)"),
        (error("57P03", "starting up"), False, "rejecting connections: starting up"),
        (error("", "fork failed"), False, "no response: it answered with an error that has no SQL"),
        (b"Ecould not fork new process\n\0", False, "no response: it does not answer as Postgre"),
        (b"v\0\0\0\x0c\0\0\0\0\0\0\0\0R\0\0\0\x08", True, "accepting connections"),
        (b"v\0\0\0\x04" * 10, False, "no response: it negotiates, and never answers"),
        (b"E\xff\xff\xff\xff", False, "no response: it does not answer as PostgreSQL"),
        (b"HTTP/1.1 400 Bad Request\r\n", False, "no response: it does not answer as PostgreSQL"),
        (b"", False, "no response: it closed the connection without an answer"),
    ],
)
def test_the_first_word_of_postgres_decides(
    serve: Serve, ask: Ask, data: bytes, ok: bool, message: str
) -> None:
    def script(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(data)

    found = ask("postgres", serve(script).port)
    assert found.ok is ok
    assert found.message.startswith(message)


@pytest.mark.parametrize("type", ["redis", "postgres"])
def test_who_takes_the_connection_and_hangs_is_late(serve: Serve, ask: Ask, type: str) -> None:
    found = ask(type, serve(None).port, seconds=0.1)
    assert found.message.endswith("it took the connection and said nothing for 0.1 s")


def test_a_port_on_which_nothing_listens_is_told(ask: Ask, closed: int) -> None:
    found = ask("tcp", closed)
    assert found.message == f"nothing listens at 127.0.0.1:{closed}"
    assert found.help == "start the service, or correct its endpoint"


def test_a_connection_that_is_taken_is_well(serve: Serve, ask: Ask) -> None:
    assert ask("tcp", serve(shut).port).ok
    assert ask("tcp", serve(said(b"")).port, host="localhost").ok


def test_a_listener_that_takes_nobody_is_late(ask: Ask) -> None:
    # What a host that drops packets does: its queue is full, so that no connection comes about.
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        port = server.getsockname()[1]
        full = [socket.socket() for _ in range(4)]
        for one in full:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        found = ask("tcp", port, seconds=0.1)
        for one in full:
            one.close()
    assert found.message == f"127.0.0.1:{port} did not take a connection within 0.1 s"


def test_a_name_that_nobody_knows_is_told(ask: Ask) -> None:
    found = ask("tcp", 80, host="no-such-host.invalid")
    assert found.message.startswith("the name no-such-host.invalid cannot be resolved: ")
    assert "a" * 64 in ask("tcp", 80, host="a" * 64).message


def test_a_name_whose_resolver_hangs_is_late_and_asked_once(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    go_on = threading.Event()
    real = names._resolved

    def hang(host: str, port: int, flags: int) -> Any:
        if flags == 0:
            asked.append(host)
            go_on.wait(10)
        return real(host, port, socket.AI_NUMERICHOST)

    monkeypatch.setattr(names, "_resolved", hang)
    began = time.monotonic()
    for _ in range(3):
        found = ask("tcp", 80, host="hangs.example", seconds=0.05)
        assert found.message == "the name hangs.example was not resolved within 0.05 s"
    go_on.set()
    assert time.monotonic() - began < LATE
    assert asked == ["hangs.example"]


def test_a_host_whose_first_address_is_dead_is_reached_by_its_second(
    serve: Serve, ask: Ask, closed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(shut)
    both = tuple((socket.AF_INET, ("127.0.0.1", port)) for port in (closed, server.port))
    monkeypatch.setattr(names.Names, "resolve", lambda *_: both)
    assert ask("tcp", server.port, host="two.example").ok


def test_a_command_is_judged_by_its_exit_code_and_what_it_says(ask: Ask) -> None:
    assert ask("command", argv=["true"]).message == "true ended with exit code 0"
    assert ask("command", argv=["false"], exits=[1, 2]).ok
    said = [sys.executable, "-c", "import sys; print('half', file=sys.stderr); sys.exit(3)"]
    assert ask("command", argv=said).message.endswith("ended with exit code 3: half")
    assert ask("command", argv=["echo", "ready"], output={"text": "ready"}).ok
    assert not ask("command", argv=["echo", "no"], output={"pattern": "^ready$"}).ok
    assert "is not on the PATH" in ask("command", argv=["no-such-program"]).message


def test_a_command_gets_no_shell_and_only_the_variables_that_it_is_given(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, password: dict[str, str]
) -> None:
    monkeypatch.setenv("LEAKED_OF_TEST", "leaked")
    assert ask("command", argv=["echo", "$HOME; false"], output={"text": "$HOME; false"}).ok
    program = "import os, sys; sys.exit(os.environ.get('LEAKED_OF_TEST', os.environ['TOKEN']))"
    found = ask("command", argv=[sys.executable, "-c", program], secrets={"TOKEN": password})
    assert found.message.endswith("ended with exit code 1: ***")


def test_a_command_that_takes_too_long_is_ended(ask: Ask) -> None:
    began = time.monotonic()
    found = ask("command", argv=["sleep", "60"], seconds=0.1)
    assert found.message == "sleep did not end within 0.1 s, and was ended"
    assert time.monotonic() - began < LATE
