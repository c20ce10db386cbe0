"""The operation `notify`: a program, a webhook, a file, and always the log."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from chimera.context import Context
from chimera.model import ChimeraError
from chimera.runtime import PermanentError


@pytest.fixture
def webhook() -> Iterator[HTTPServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.server.heard.append((dict(self.headers), json.loads(body)))  # type: ignore[attr-defined]
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.heard = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_without_a_channel_it_is_logged(perform, log: list[str]) -> None:
    given = {"message": "it broke", "severity": "high"}
    assert perform("notify", given) == {"channels": ["log"]}
    assert log == ["[high] to administrator: it broke"]


def test_every_channel_gets_the_same_notice(perform, root: Path, webhook: HTTPServer) -> None:
    given = {
        "message": "it broke",
        "severity": "critical",
        "to": "ops",
        "details": {"step": "deploy"},
        "argv": ["sh", "-c", 'cat > heard; printf %s "$WHO" > who'],
        "env": {"WHO": "us"},
        "url": f"http://127.0.0.1:{webhook.server_port}/hook",
        "headers": {"X-Own": "yes"},
        "file": ".chimera/out/notices.jsonl",
    }
    assert perform("notify", given)["channels"] == ["log", "file", "command", "http"]
    ((headers, posted),) = webhook.heard  # type: ignore[attr-defined]
    assert headers["Idempotency-Key"] == "k" * 64
    assert headers["X-Own"] == "yes"
    assert json.loads((root / "heard").read_text()) == posted
    assert json.loads((root / ".chimera/out/notices.jsonl").read_text()) == posted
    assert (root / "who").read_text() == "us"
    assert posted["severity"] == "critical"
    assert posted["details"] == {"step": "deploy"}


def test_nobody_is_called_told_whom_the_program_did_not_reach(perform) -> None:
    with pytest.raises(ChimeraError, match="exit code 3"):
        perform("notify", {"message": "it broke", "argv": ["sh", "-c", "exit 3"]})


@pytest.mark.parametrize(
    "wrong",
    [{"file": "notices"}, {"severity": "bad"}, {"url": "file:///etc/passwd"}, {"message": ""}],
)
def test_what_cannot_be_a_notice_is_refused(perform, wrong: dict[str, object]) -> None:
    with pytest.raises(PermanentError):
        perform("notify", {"message": "it broke", **wrong})


def test_a_secret_in_a_header_is_seen_by_the_webhook_only(
    perform, log: list[str], webhook: HTTPServer
) -> None:
    context = Context.system()
    context.secrets.add("hunter2-hunter2")
    url = f"http://127.0.0.1:{webhook.server_port}/hook"
    given = {"message": "x", "url": url, "headers": {"Authorization": "hunter2-hunter2"}}
    outputs = perform("notify", given, context=context)
    assert "hunter2" not in json.dumps([outputs, log])
    assert webhook.heard[0][0]["Authorization"] == "hunter2-hunter2"  # type: ignore[attr-defined]
