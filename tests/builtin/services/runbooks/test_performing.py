"""Steps that look: at real HTTP servers, at services, and at objectives."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from chimera.builtin.services.runbooks.performing import Performed, Performer
from chimera.builtin.services.spec.runbook import StepSpec
from chimera.documents import dump
from chimera.runtime.looks import REPORTS
from chimera.workspace import Workspace

Open = Callable[..., Workspace]


class Answers(BaseHTTPRequestHandler):
    """Answers with the status that the path names."""

    def do_GET(self) -> None:
        body = b"all is well"
        self.send_response(int(self.path.strip("/").partition("?")[0]))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()
        thread.join()


def check(workspace: Workspace, **what: Any) -> Performed:
    step = StepSpec.model_validate({"id": "s", "title": "t", "check": what})
    return Performer(workspace, "local", workspace.root / ".chimera" / "x").perform(step)


def write(root: Path, kind: str, spec: Any) -> None:
    value = {"apiVersion": "chimera/v1", "kind": kind, "metadata": {"name": "a"}, "spec": spec}
    (root / "specs").mkdir(exist_ok=True)
    (root / "specs" / f"{kind}.yaml").write_text(dump(value))


@pytest.mark.parametrize(
    ("path", "more", "ok"),
    [
        ("/200", {}, True),
        ("/200?a=b", {}, True),
        ("/500", {}, False),
        ("/204", {}, False),
        ("/302", {}, False),
        ("/503", {"status": 503}, True),
        ("/200", {"contains": "is well"}, True),
        ("/200", {"contains": "is bad"}, False),
    ],
)
def test_an_answer_is_as_it_is_expected_or_it_is_not(
    server: str, opened: Open, path: str, more: dict[str, Any], ok: bool
) -> None:
    assert check(opened(), http={"url": server + path, **more}).ok is ok


def test_nobody_who_answers_is_a_finding(opened: Open) -> None:
    found = check(opened(), http={"url": "http://127.0.0.1:1/", "timeout": "1s"})
    assert not found.ok
    assert found.message
    assert not check(opened(), http={"url": "http://127.0.0.1:99999/"}).ok


def test_a_service_is_looked_at_now(server: str, opened: Open, tmp_path: Path) -> None:
    port = int(server.rpartition(":")[2])
    for path, ok in (("/200", True), ("/500", False)):
        endpoint = {"id": "http", "host": "127.0.0.1", "port": port, "protocol": "http"}
        look = {"id": "health", "type": "http", "path": path}
        write(tmp_path, "Service", {"endpoints": [endpoint], "checks": [look]})
        assert check(opened(), service="Service/a").ok is ok
    assert "not looked at in local" in check(opened(), service="Service/b").message


def test_an_objective_that_was_not_measured_is_not_met(opened: Open, tmp_path: Path) -> None:
    source = {"from": "health", "subjects": ["Service/a"]}
    indicator = {"type": "availability", "source": source}
    spec = {"summary": "s", "indicator": indicator, "target": {"atLeast": 0.5}, "minimum": 1}
    write(tmp_path, "Objective", spec)
    workspace = opened()
    found = check(workspace, objective="Objective/a")
    assert not found.ok
    assert found.message.startswith("not measured")
    at = workspace.context.clock.now().isoformat()
    seen = {"subject": "Service/a", "status": "healthy", "measures": {"ok": True}}
    with workspace.open_state("test") as state:
        state.put_items({("local", REPORTS, at): {"at": at, "checks": [seen]}})
    assert check(opened(), objective="Objective/a").ok
    assert not check(opened(), objective="Objective/b").ok


def test_a_program_that_is_not_there_is_a_finding(opened: Open) -> None:
    step = StepSpec.model_validate({"id": "s", "title": "t", "command": ["no-such-program-here"]})
    workspace = opened()
    found = Performer(workspace, "local", workspace.root).perform(step)
    assert not found.ok
    assert "no-such-program-here" in found.message


def test_programs_see_what_is_let_in_and_no_more(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/tmp/config")
    monkeypatch.setenv("OTHER", "hidden")
    step = StepSpec.model_validate({"id": "s", "title": "t", "command": ["env"], "risk": "reads"})
    workspace = opened()
    found = Performer(workspace, "local", workspace.root, ("KUBECONFIG",)).perform(step)
    assert "KUBECONFIG=/tmp/config" in found.output
    assert "OTHER" not in found.output
