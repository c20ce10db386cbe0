"""HTTP checks against real servers: sound ones, and ones that do everything to be waited for."""

from __future__ import annotations

import re
import socket
import ssl
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from chimera.builtin.services.health.probing import Tools
from tests.builtin.services.health.conftest import Ask, Serve, Server, answer, heard, reset, said

SOON = 0.15
LATE = 3.0


def drip(server: Server, head: bytes, piece: bytes) -> Any:
    """Return a script that sends something, and then a little now and then, without end."""

    def script(connection: socket.socket) -> None:
        heard(connection)
        connection.sendall(head)
        while not server.over.wait(0.02):
            connection.sendall(piece)

    return script


def flood(head: bytes, piece: bytes) -> Any:
    """Return a script that sends without end, as fast as it is taken."""

    def script(connection: socket.socket) -> None:
        heard(connection)
        connection.sendall(head)
        while True:
            connection.sendall(piece * 1000)

    return script


def test_an_answer_is_well_and_its_latency_is_known(serve: Serve, ask: Ask) -> None:
    found = ask("http", serve(answer()).port, path="/health")
    assert (found.ok, found.message) == (True, "/health answered with status 200")
    assert found.latency is not None
    assert 0 < found.latency < LATE


def test_what_is_asked_is_what_the_check_says(serve: Serve, ask: Ask, monkeypatch: Any) -> None:
    monkeypatch.setenv("HEALTH_TOKEN_OF_TEST", "hunter2-and-more")
    requests: list[bytes] = []

    def script(connection: socket.socket) -> None:
        requests.append(heard(connection))
        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    server = serve(script)
    found = ask(
        *("http", server.port),
        path="/health?deep=1",
        method="HEAD",
        headers={"X-Probe": "yes", "user-agent": "mine"},
        secretHeaders={"Authorization": {"env": "HEALTH_TOKEN_OF_TEST"}},
    )
    assert found.ok
    lines = requests[0].decode().split("\r\n")
    assert lines[0] == "HEAD /health?deep=1 HTTP/1.1"
    assert f"Host: 127.0.0.1:{server.port}" in lines
    assert {"X-Probe: yes", "user-agent: mine", "Authorization: hunter2-and-more"} <= set(lines)
    assert "Connection: close" in lines
    assert not any(line.startswith("User-Agent") for line in lines)


@pytest.mark.parametrize(
    ("status", "statuses", "ok"),
    [
        ("200 OK", [], True),
        ("503 Service Unavailable", [], False),
        ("301 Moved", [], False),
        ("301 Moved", [301], True),
        ("200 OK", [204], False),
    ],
)
def test_the_status_decides(
    serve: Serve, ask: Ask, status: str, statuses: list[int], ok: bool
) -> None:
    found = ask("http", serve(answer("no room", status)).port, statuses=statuses)
    assert found.ok is ok
    if not ok:
        assert found.message == f"/ answered with status {status[:3]}: no room"
        assert found.latency is None


@pytest.mark.parametrize(
    ("body", "match", "wrong"),
    [
        ("all is well", {"text": "well"}, None),
        ("all is lost", {"text": "well"}, "does not say 'well', but 'all is lost'"),
        ("up 12 days", {"pattern": r"up \d+ days?"}, None),
        ("down", {"pattern": "^up"}, "nothing in the answer matches '^up'"),
        ('{"a": {"b/c": [1, true]}}', {"json": {"pointer": "/a/b~1c/1", "equals": True}}, None),
        ('{"n": 1}', {"json": {"pointer": "/n", "equals": True}}, "'/n' of the answer is 1, not t"),
        ('{"n": 1.0}', {"json": {"pointer": "/n", "equals": 1}}, None),
        ('{"n": null}', {"json": {"pointer": "/n"}}, None),
        ('{"n": 0}', {"json": {"pointer": "/n", "equals": None}}, "is 0, not null"),
        ('{"n": 1}', {"json": {"pointer": "/m"}}, "there is no '/m' of the answer"),
        ("[1]", {"json": {"pointer": "/01"}}, "there is no '/01'"),
        ("[1, 2]", {"json": {"pointer": "", "equals": [1, 2]}}, None),
        ('{"lag": 7}', {"json": {"pointer": "/lag", "atMost": 5}}, "may be 5 at most"),
        ('{"lag": 7}', {"json": {"pointer": "/lag", "atLeast": 5, "atMost": 9}}, None),
        ('{"s": "b"}', {"json": {"pointer": "/s", "oneOf": ["a", "b"]}}, None),
        ('{"s": "c"}', {"json": {"pointer": "/s", "oneOf": ["a", "b"]}}, "none of what it may be"),
        ("well", {"json": {"pointer": ""}}, "the answer is no JSON: 'well'"),
        ("[" * 100_000, {"json": {"pointer": ""}}, "the answer is no JSON"),
    ],
)
def test_the_body_has_to_say_what_is_asked(
    serve: Serve, ask: Ask, body: str, match: dict[str, Any], wrong: str | None
) -> None:
    found = ask("http", serve(answer(body)).port, body=match)
    assert found.ok is (wrong is None), found
    assert wrong is None or wrong in found.message


def test_a_pattern_takes_linear_time_where_others_blow_up(serve: Serve, ask: Ask) -> None:
    found = ask("http", serve(answer("a" * 200_000 + "b")).port, body={"pattern": "^(a+)+$"})
    assert "nothing in the answer matches" in found.message


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"y"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"z"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nz\r\n"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"z"),
    ],
    ids=["status", "headers", "header", "interim", "body", "chunks", "unbounded"],
)
def test_who_answers_byte_by_byte_is_late_as_a_whole(
    serve: Serve, ask: Ask, head: bytes, piece: bytes
) -> None:
    server = serve(None)
    server.script = drip(server, head, piece)
    began = time.monotonic()
    found = ask("http", server.port, seconds=SOON)
    assert time.monotonic() - began < LATE
    assert not found.ok
    assert re.match(r"no whole answer within 0.15 s, only \d+ bytes", found.message)


def test_who_takes_the_connection_and_hangs_is_late(serve: Serve, ask: Ask) -> None:
    found = ask("http", serve(None).port, seconds=SOON)
    assert found.message == "it took the connection and said nothing for 0.15 s"


@pytest.mark.parametrize(
    ("head", "piece", "message"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", b"z", "the answer is larger than 1048576 bytes"),
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n", "its answer cannot be read"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"y", "its answer cannot be read"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n", "and was not done"),
        (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n", "it announced an answer 10 times"),
        (b"", b"z", "its answer cannot be read"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"1\r\nz\r\n",
            "and was not done",
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"0" * 100,
            "the connection broke|its answer cannot be read|is not whole",
        ),
    ],
    ids=["body", "headers", "header", "continue", "hints", "line", "chunks", "chunk"],
)
def test_who_never_ends_is_left_after_a_bound(
    serve: Serve, ask: Ask, head: bytes, piece: bytes, message: str
) -> None:
    found = ask("http", serve(flood(head, piece)).port)
    assert not found.ok
    assert re.search(message, found.message)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok",
            "the answer is not whole: it said that 9 bytes would come, and 2 did",
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nok",
            "the answer is not whole: it ended in the middle of a chunk",
        ),
        (b"", "it closed the connection without an answer"),
        (b"HTTP/1.1 200", None),
        (b"220 mail.example ESMTP\r\n", "it answered with no HTTP: 220 mail.example ESMTP"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok",
            "the answer is not whole: it ended in the middle of a chunk",
        ),
    ],
)
def test_an_answer_that_is_not_whole_is_none(
    serve: Serve, ask: Ask, data: bytes, message: str | None
) -> None:
    found = ask("http", serve(said(data)).port)
    assert found.ok is (message is None), found
    assert message is None or found.message == message


def test_of_a_length_that_is_too_small_only_so_much_counts(serve: Serve, ask: Ask) -> None:
    server = serve(said(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok, but lost"))
    assert ask("http", server.port, body={"text": "ok"}).ok
    assert not ask("http", server.port, body={"text": "lost"}).ok


@pytest.mark.parametrize("early", [True, False])
def test_a_connection_that_is_reset_is_told(serve: Serve, ask: Ask, early: bool) -> None:
    def script(connection: socket.socket) -> None:
        heard(connection)
        if not early:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
        reset(connection)

    found = ask("http", serve(script).port)
    assert found.message == "it reset the connection"


def test_an_encoding_that_nobody_asked_for_is_refused_where_the_body_counts(
    serve: Serve, ask: Ask
) -> None:
    server = serve(answer(b"\x1f\x8b", "200 OK", "Content-Encoding: gzip"))
    assert ask("http", server.port).ok
    assert "encoded as gzip" in ask("http", server.port, body={"text": "x"}).message


def test_a_charset_that_is_none_is_read_as_utf_8(serve: Serve, ask: Ask) -> None:
    for charset in ("utf-16le", "no-such", "hex", "idna", "punycode", "unicode_escape"):
        data = "größer".encode("utf-16le" if charset == "utf-16le" else "utf-8")
        server = serve(answer(data, "200 OK", f"Content-Type: text/plain; charset={charset}"))
        assert ask("http", server.port, body={"text": "größer"}).ok, charset


def test_no_charset_takes_more_than_linear_time(serve: Serve, ask: Ask) -> None:
    body = b"-" + b"z" * (512 << 10)  # read as punycode it takes most of an hour
    server = serve(answer(body, "200 OK", "Content-Type: text/plain; charset=punycode"))
    assert ask("http", server.port, body={"text": "zzz"}).ok


def test_what_a_server_says_is_shown_without_secrets_and_without_moving_the_cursor(
    serve: Serve, ask: Ask, monkeypatch: Any
) -> None:
    monkeypatch.setenv("HEALTH_TOKEN_OF_TEST", "hunter2-and-more")
    body = "\x1b[2Jyou sent hunter2-and-more\r\n\x00" + "x" * 1000
    found = ask(
        *("http", serve(answer(body, "401 Unauthorized")).port),
        secretHeaders={"Authorization": {"env": "HEALTH_TOKEN_OF_TEST"}},
    )
    assert "you sent ***" in found.message
    assert found.message.isprintable()
    assert len(found.message) < 260


def test_a_secret_that_is_not_there_or_cannot_be_sent_is_a_finding(
    serve: Serve, ask: Ask, monkeypatch: Any
) -> None:
    server = serve(answer())
    monkeypatch.setenv("HEALTH_TOKEN_OF_TEST", "two\r\nX-Lines: yes")
    monkeypatch.setenv("HEALTH_KEY_OF_TEST", "schlüssel-€uro-lang")
    for variable, message in (
        ("HEALTH_NOT_SET_OF_TEST", "HEALTH_NOT_SET_OF_TEST is not set"),
        ("HEALTH_TOKEN_OF_TEST", "has characters that cannot be sent"),
        ("HEALTH_KEY_OF_TEST", "has characters that HTTP cannot send"),
    ):
        found = ask("http", server.port, secretHeaders={"Authorization": {"env": variable}})
        assert message in found.message
    assert server.connections <= 1


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate that localhost has signed itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    files = tmp_path / "certificate.pem", tmp_path / "key.pem"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    pem, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    files[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, pem, plain))
    return files


def test_who_is_asked_by_tls_has_to_be_who_it_says(
    serve: Serve,
    ask: Ask,
    tools: Tools,
    certificate: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)

    def script(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            answer('{"status": "ok"}')(secured)

    server = serve(script)
    body = {"json": {"pointer": "/status", "equals": "ok"}}
    found = ask("http", server.port, host="localhost", secure=True)
    assert found.message == "localhost is not who it says: self-signed certificate"
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    tools._tls = None
    assert ask("http", server.port, host="localhost", secure=True, body=body).ok
    found = ask("http", server.port, host="127.0.0.1", secure=True)
    assert found.message.startswith("127.0.0.1 is not who it says: IP address mismatch")
    server.script = drip_tls(context, server)
    found = ask("http", server.port, host="localhost", secure=True, seconds=SOON)
    assert found.message.startswith("no whole answer within 0.15 s, only ")


def drip_tls(context: ssl.SSLContext, server: Server) -> Any:
    """Return a script that says by TLS a little now and then, without end."""

    def script(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            drip(server, b"HTTP/1.1 200 OK\r\n", b"X: y\r\n")(secured)

    return script


def test_who_speaks_no_tls_is_told(serve: Serve, ask: Ask) -> None:
    server = serve(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    found = ask("http", server.port, secure=True)
    assert found.message.startswith("127.0.0.1 did not agree on TLS: ")
    found = ask("http", serve(None).port, secure=True, seconds=SOON)
    assert found.message == "127.0.0.1 did not agree on TLS within 0.15 s"


def test_a_first_failure_is_mended_by_another_attempt(serve: Serve, ask: Ask) -> None:
    server = serve(None)

    def script(connection: socket.socket) -> None:
        answer("no", "503 Busy" if server.connections == 1 else "200 OK")(connection)

    server.script = script
    assert not ask("http", server.port).ok
    server.connections = 0
    found = ask("http", server.port, attempts=2)
    assert (found.ok, found.attempts) == (True, 2)


def test_what_was_said_last_is_told_where_there_is_no_time_for_more(serve: Serve, ask: Ask) -> None:
    server = serve(None)

    def script(connection: socket.socket) -> None:
        if server.connections == 1:
            answer("no", "503 Busy")(connection)
        else:
            server.hang(connection)

    server.script = script
    found = ask("http", server.port, attempts=3, seconds=SOON)
    assert found.message == "/ answered with status 503: no"
