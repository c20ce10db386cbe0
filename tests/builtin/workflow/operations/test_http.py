"""The operations `http.*`, against a real server on the loopback interface."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from chimera.model import ChimeraError
from chimera.runtime import PermanentError
from chimera.runtime.recovery import Category, StepError


class Handler(BaseHTTPRequestHandler):
    """Answers by path, and remembers what it was asked."""

    asked: list[dict[str, Any]]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._take
        raise AttributeError(name)

    def _take(self) -> None:
        size = int(self.headers.get("Content-Length", 0))
        self.server.asked.append(  # type: ignore[attr-defined]
            {
                "method": self.command,
                "path": self.path,
                "headers": {name.lower(): value for name, value in self.headers.items()},
                "body": self.rfile.read(size).decode(),
            }
        )
        what, _, detail = self.path[1:].partition("/")
        getattr(self, f"_{what}")(detail)

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _json(self, detail: str) -> None:
        self._answer(200, json.dumps({"detail": detail}).encode(), Set_Cookie="session=1")

    def _latin(self, detail: str) -> None:
        self._answer(200, b"\xe4", Content_Type="text/plain; charset=latin-1")

    def _status(self, detail: str) -> None:
        self._answer(int(detail))

    def _to(self, detail: str) -> None:
        self._answer(302, Location=detail)

    def _loop(self, detail: str) -> None:
        self._answer(302, Location="/loop")

    def _size(self, detail: str) -> None:
        self._answer(200, b"x" * int(detail))

    def _short(self, detail: str) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"short")

    def _drip(self, detail: str) -> None:
        self.send_response(200)
        self.end_headers()
        try:
            while True:
                self.wfile.write(b"x")
                time.sleep(0.05)
        except OSError:
            pass

    def _later(self, detail: str) -> None:
        after, _, sent = detail.partition("/")
        self.send_response_only(503)
        if sent:
            self.send_header("Date", sent.replace("_", " "))
        self.send_header("Retry-After", after.replace("_", " "))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _packed(self, detail: str) -> None:
        self._answer(200, gzip.compress(b"x" * 100), Content_Encoding="gzip")

    def _silence(self, detail: str) -> None:
        time.sleep(5)

    def _headers(self, detail: str) -> None:
        with contextlib.suppress(OSError):
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
            while True:
                self.wfile.write(b"x")
                time.sleep(0.05)

    def _flood(self, detail: str) -> None:
        self.send_response(200)
        self.end_headers()
        with contextlib.suppress(OSError):
            for _ in range(1024):
                self.wfile.write(b"x" * (1 << 20))

    def _hangup(self, detail: str) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def serving() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    with serving() as found:
        yield found


@pytest.fixture
def url(server: ThreadingHTTPServer) -> str:
    return f"http://127.0.0.1:{server.server_port}"


def test_get_gives_the_answer(perform, server: Any, url: str) -> None:
    given = {"url": f"{url}/json/x?q=1", "headers": {"X-Own": "yes"}, "jsonOutput": True}
    outputs = perform("http.get", given)
    assert (outputs["status"], outputs["json"]) == (200, {"detail": "x?q=1"})
    assert outputs["text"] == '{"detail": "x?q=1"}'
    assert outputs["headers"]["content-length"] == "19"
    assert "set-cookie" not in outputs["headers"]
    (asked,) = server.asked
    assert (asked["method"], asked["path"]) == ("GET", "/json/x?q=1")
    assert asked["headers"]["x-own"] == "yes"
    assert asked["headers"]["host"] == url.removeprefix("http://")
    assert "idempotency-key" not in asked["headers"]


def test_head_has_no_body(perform, url: str) -> None:
    outputs = perform("http.get", {"url": f"{url}/size/5", "method": "HEAD"})
    assert (outputs["text"], outputs["headers"]["content-length"]) == ("", "5")


def test_the_charset_of_the_answer_counts(perform, url: str) -> None:
    assert perform("http.get", {"url": f"{url}/latin"})["text"] == "ä"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_send_carries_body_and_idempotency_key(perform, server: Any, url: str, method: str) -> None:
    perform("http.send", {"url": f"{url}/json/x", "method": method, "json": {"b": 1, "a": "ä"}})
    (asked,) = server.asked
    assert (asked["method"], asked["body"]) == (method, '{"a":"ä","b":1}')
    assert asked["headers"]["content-type"] == "application/json"
    assert asked["headers"]["idempotency-key"] == "k" * 64


def test_an_authors_header_wins(perform, server: Any, url: str) -> None:
    headers = {"content-type": "text/plain", "idempotency-key": "own"}
    perform("http.send", {"url": f"{url}/json/x", "body": "hi", "headers": headers})
    (asked,) = server.asked
    assert asked["body"] == "hi"
    assert asked["headers"]["idempotency-key"] == "own"
    assert asked["headers"]["content-type"] == "text/plain"


@pytest.mark.parametrize(
    ("status", "passing"), [(404, False), (400, False), (503, True), (429, True)]
)
def test_an_unexpected_status_is_a_failure(perform, url: str, status: int, passing: bool) -> None:
    with pytest.raises(ChimeraError, match=f"status {status}") as raised:
        perform("http.get", {"url": f"{url}/status/{status}"})
    assert isinstance(raised.value, PermanentError) is not passing


def test_an_expected_status_is_a_result(perform, url: str) -> None:
    given = {"url": f"{url}/status/404", "statuses": [404]}
    assert perform("http.get", given)["status"] == 404
    with pytest.raises(PermanentError, match="status 200"):
        perform("http.get", {"url": f"{url}/json/x", "statuses": [404]})


def test_redirects_are_followed_within_a_bound(perform, url: str) -> None:
    outputs = perform("http.get", {"url": f"{url}/to//json/there"})
    assert (outputs["url"], outputs["status"]) == (f"{url}/json/there", 200)
    with pytest.raises(PermanentError, match="redirects more than 3 times"):
        perform("http.get", {"url": f"{url}/loop", "maxRedirects": 3})
    outputs = perform("http.get", {"url": f"{url}/to//json/there", "statuses": [302]})
    assert outputs["status"] == 302


def test_headers_do_not_follow_to_another_host(perform, server: Any, url: str) -> None:
    secret = {"Authorization": "Bearer hunter2"}
    with serving() as other:
        target = f"http://127.0.0.1:{other.server_port}/json/x"
        perform("http.get", {"url": f"{url}/to/{target}", "headers": secret})
        perform("http.get", {"url": f"{url}/to//json/x", "headers": secret})
        assert "authorization" not in other.asked[0]["headers"]  # type: ignore[attr-defined]
    assert [asked["headers"].get("authorization") for asked in server.asked] == [
        "Bearer hunter2",
        "Bearer hunter2",
        "Bearer hunter2",
    ]


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "ftp://127.0.0.1/", "http://a:b@127.0.0.1/"]
)
def test_a_redirect_leads_to_nothing_but_http(perform, url: str, target: str) -> None:
    with pytest.raises(PermanentError, match="no http or https URL"):
        perform("http.get", {"url": f"{url}/to/{target}"})


def test_what_is_sent_is_not_redirected(perform, server: Any, url: str) -> None:
    with pytest.raises(PermanentError, match="status 302"):
        perform("http.send", {"url": f"{url}/to//json/x"})
    assert len(server.asked) == 1


def test_the_size_of_an_answer_is_bounded(perform, url: str) -> None:
    assert len(perform("http.get", {"url": f"{url}/size/10", "maxBytes": 10})["text"]) == 10
    with pytest.raises(PermanentError, match="larger than 9 bytes"):
        perform("http.get", {"url": f"{url}/size/10", "maxBytes": 9})


def test_an_answer_that_ends_too_early_is_a_failure(perform, url: str) -> None:
    with pytest.raises(ChimeraError, match="received 5 bytes, expected 100"):
        perform("http.get", {"url": f"{url}/short"})


def test_a_timeout_holds_for_the_whole_answer(perform, url: str) -> None:
    with pytest.raises(ChimeraError, match=r"no whole answer within 0\.3 s"):
        perform("http.get", {"url": f"{url}/drip", "timeout": "300ms"})


def test_a_request_can_be_cancelled(perform, server: Any, url: str) -> None:
    with pytest.raises(ChimeraError, match="was cancelled"):
        perform("http.get", {"url": f"{url}/drip"}, cancelled=lambda: bool(server.asked))


def test_nobody_answering_is_a_failure_that_may_pass(perform) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(ChimeraError, match=f"no whole answer from 127.0.0.1:{port}") as raised:
            perform("http.get", {"url": f"http://127.0.0.1:{port}/"})
    assert not isinstance(raised.value, PermanentError)


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "\0"])
def test_a_header_smuggles_nothing(perform, url: str, value: str) -> None:
    with pytest.raises(PermanentError, match="headers"):
        perform("http.get", {"url": f"{url}/json/x", "headers": {"X-Own": value}})


@pytest.mark.parametrize("target", ["/a b", "/a\r\nX: 1", "/ä"])
def test_a_url_smuggles_nothing(perform, url: str, target: str) -> None:
    with pytest.raises(PermanentError, match="URL"):
        perform("http.get", {"url": url + target})


@pytest.mark.parametrize("path", ["silence", "headers", "drip"])
def test_a_server_that_keeps_one_waiting_is_a_transient_failure(
    perform, url: str, path: str
) -> None:
    with pytest.raises(StepError, match=r"no whole answer within 0\.3 s") as raised:
        perform("http.get", {"url": f"{url}/{path}", "timeout": "300ms"})
    assert (raised.value.transient, raised.value.category) == (True, Category.COMMUNICATION)


def test_an_answer_without_end_is_not_read_to_its_end(perform, url: str) -> None:
    with pytest.raises(PermanentError, match="larger than") as raised:
        perform("http.get", {"url": f"{url}/flood", "maxBytes": 1 << 20})
    assert raised.value.category is Category.RESOURCE


def test_an_encoding_that_nobody_asked_for_is_refused(perform, url: str) -> None:
    with pytest.raises(PermanentError, match="encoded as gzip"):
        perform("http.get", {"url": f"{url}/packed"})


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("later/7", timedelta(seconds=7)),
        (
            "later/Sat,_21_Nov_2026_09:01:00_GMT/Sat,_21_Nov_2026_09:00:00_GMT",
            timedelta(minutes=1),
        ),
        ("later/Sat,_21_Nov_2026_08:00:00_GMT/Sat,_21_Nov_2026_09:00:00_GMT", timedelta()),
        ("later/soon", None),
        ("later/-3", None),
    ],
)
def test_a_server_says_how_long_to_wait(
    perform, url: str, path: str, wanted: timedelta | None
) -> None:
    with pytest.raises(StepError, match="status 503") as raised:
        perform("http.get", {"url": f"{url}/{path}"})
    assert raised.value.transient
    assert raised.value.retry_after == wanted


@pytest.mark.parametrize(
    ("method", "honours", "path", "transient"),
    [
        ("POST", True, "status/500", True),
        ("POST", False, "status/500", False),
        ("PATCH", False, "hangup", False),
        ("POST", True, "hangup", True),
        ("PUT", False, "status/500", True),
        ("DELETE", False, "hangup", True),
        ("POST", False, "later/1", True),  # the server says that it has not begun
    ],
)
def test_what_may_have_been_done_is_sent_again_only_where_that_is_safe(
    perform, server: Any, url: str, method: str, honours: bool, path: str, transient: bool
) -> None:
    given = {"url": f"{url}/{path}", "method": method, "idempotencyKey": honours}
    with pytest.raises(StepError) as raised:
        perform("http.send", given)
    assert raised.value.transient is transient
    assert isinstance(raised.value, PermanentError) is not transient
    assert ("idempotency-key" in server.asked[0]["headers"]) is honours


def test_what_was_never_connected_may_be_sent_again(perform) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        target = f"http://127.0.0.1:{unheard.getsockname()[1]}/"
        with pytest.raises(StepError) as raised:
            perform("http.send", {"url": target, "idempotencyKey": False})
    assert raised.value.transient


def test_an_answer_must_contain_what_is_asked_of_it(perform, url: str) -> None:
    perform("http.get", {"url": f"{url}/json/ready", "contains": ["ready", "detail"]})
    with pytest.raises(ChimeraError, match="does not contain 'done'") as raised:
        perform("http.get", {"url": f"{url}/json/ready", "contains": ["ready", "done"]})
    assert not isinstance(raised.value, PermanentError)


def test_no_proxy_of_the_environment_is_used(
    perform, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert perform("http.get", {"url": f"{url}/json/x"})["status"] == 200
