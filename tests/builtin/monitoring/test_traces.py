"""Traces: spans of journals, as JSON and sent to a receiver of OTLP over HTTP that listens here."""

from __future__ import annotations

import gzip
import json
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from chimera.builtin.monitoring.traces import nanoseconds, otlp_json, span_id, spans_of
from chimera.context import Context
from chimera.model import digest_json
from chimera.state import Event, EventKind, Run, RunStatus, open_state, read_state

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
Chimera = Callable[..., Any]


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def a_run(status: RunStatus = RunStatus.SUCCEEDED) -> Run:
    definition = {"spec": {"stages": [{"id": "a", "operation": "command"}]}}
    digest = digest_json(definition)
    return Run("r1", "local", "Workflow/w", definition, digest, None, status, "ada", NOW, at(9))


def test_a_run_its_steps_and_their_attempts_are_spans_within_one_another() -> None:
    events = [
        Event(EventKind.START, "a", 1, at(1)),
        Event(EventKind.RETRY, "a", 1, at(2), {"error": "no"}),
        Event(EventKind.START, "a", 2, at(3)),
        Event(EventKind.PAUSE, "", 0, at(3)),
        Event(EventKind.DONE, "a", 2, at(5)),
    ]
    first, second, step, root = spans_of(a_run(), events)
    assert [span.name for span in (first, second, step, root)] == [
        *("a attempt 1", "a attempt 2", "a", "Workflow/w")
    ]
    assert (first.start, first.end, first.error) == (at(1), at(2), "no")
    assert (second.start, second.end, second.error) == (at(3), at(5), None)
    assert (step.start, step.end, step.error) == (at(1), at(5), None)
    assert step.attributes["chimera.operation"] == "command"
    assert (root.start, root.end, root.parent) == (at(0), at(9), None)
    assert [(one.name, one.at) for one in root.events] == [("pause", at(3))]
    assert first.parent == second.parent == step.id
    assert step.parent == root.id
    assert len({span.id for span in (first, second, step, root)}) == 4
    assert {len(span.trace) for span in (first, root)} == {16}


def test_of_a_run_that_goes_on_what_has_ended_is_there() -> None:
    events = [
        Event(EventKind.START, "a", 1, at(1)),
        Event(EventKind.DONE, "a", 1, at(2)),
        Event(EventKind.START, "b", 1, at(2)),
        Event(EventKind.START, "c", 1, at(2)),
        Event(EventKind.RETRY, "c", 1, at(3), {"error": "again"}),
    ]
    found = spans_of(a_run(RunStatus.RUNNING), events)
    assert [span.name for span in found] == ["a attempt 1", "a", "c attempt 1"]
    assert found[0].trace == spans_of(a_run(), events)[0].trace


def test_a_failure_is_an_error_of_its_step_and_of_its_run() -> None:
    events = [
        Event(EventKind.START, "a", 1, at(1)),
        Event(EventKind.FAIL, "a", 1, at(2), {"error": "x"}),
    ]
    _, step, root = spans_of(a_run(RunStatus.FAILED), events)
    assert (step.error, root.error) == ("x", "it failed")


def test_a_clock_that_went_back_makes_no_span_that_ends_before_it_begins() -> None:
    events = [Event(EventKind.START, "a", 1, at(5)), Event(EventKind.DONE, "a", 1, at(4))]
    assert all(span.start <= span.end for span in spans_of(a_run(), events))


def test_json_is_otlp_with_exact_nanoseconds() -> None:
    spans = spans_of(
        a_run(), [Event(EventKind.START, "a", 1, at(1)), Event(EventKind.DONE, "a", 1, at(2))]
    )
    (resource,) = otlp_json(spans, "1.0")["resourceSpans"]
    attempt, step, root = resource["scopeSpans"][0]["spans"]
    assert attempt["startTimeUnixNano"] == str(nanoseconds(at(1)))
    assert attempt["parentSpanId"] == step["spanId"] == span_id("r1", "a").hex()
    assert "parentSpanId" not in root
    assert root["status"] == {"code": 1}
    assert {"key": "chimera.attempt", "value": {"intValue": "1"}} in attempt["attributes"]
    assert nanoseconds(datetime(1970, 1, 1, 0, 0, 1, 1, tzinfo=UTC)) == 1_000_001_000


class Receiver(BaseHTTPRequestHandler):
    """Takes what is sent by OTLP over HTTP, as a collector does."""

    taken: list[bytes]
    status: int

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        server: Any = self.server
        server.taken.append((self.path, self.headers["Content-Type"], body))
        self.send_response(server.status)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Any]:
    server: Any = HTTPServer(("127.0.0.1", 0), Receiver)
    server.taken, server.status = [], 200
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def the_run(chimera: Chimera, target: str) -> str:
    runs = json.loads(chimera("runs", "list", "-o", "json").out)["runs"]
    found: str = next(run["run"] for run in runs if run["target"] == target)
    return found


def test_a_collector_gets_the_spans_that_json_shows(ran: Chimera, receiver: Any) -> None:
    pytest.importorskip("opentelemetry.sdk")
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    uid = the_run(ran, "Workflow/bad")
    url = f"http://127.0.0.1:{receiver.server_port}/v1/traces"
    answer = ran("runs", "trace", uid, "--otlp", url)
    assert (answer.code, answer.out) == (0, "")
    assert "sent " in answer.err
    ((path, content_type, body),) = receiver.taken
    assert (path, content_type) == ("/v1/traces", "application/x-protobuf")
    sent = ExportTraceServiceRequest.FromString(body).resource_spans[0]
    got = {span.span_id.hex(): span for span in sent.scope_spans[0].spans}
    shown = json.loads(ran("runs", "trace", uid, "-o", "json").out)
    spans = shown["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert got.keys() == {span["spanId"] for span in spans}
    for span in spans:
        one = got[span["spanId"]]
        assert one.name == span["name"]
        assert one.trace_id.hex() == span["traceId"]
        assert one.parent_span_id.hex() == span.get("parentSpanId", "")
        assert str(one.start_time_unix_nano) == span["startTimeUnixNano"]
        assert str(one.end_time_unix_nano) == span["endTimeUnixNano"]
        assert one.status.code == span["status"]["code"]
        assert one.status.message == span["status"].get("message", "")
        assert {a.key for a in one.attributes} == {a["key"] for a in span["attributes"]}
    assert {a.key for a in sent.resource.attributes} >= {"service.name", "service.version"}


def test_a_collector_that_refuses_and_an_address_that_is_none_are_told(
    ran: Chimera, receiver: Any
) -> None:
    pytest.importorskip("opentelemetry.sdk")
    uid = the_run(ran, "Workflow/good")
    receiver.status = 400
    refused = ran(
        "runs", "trace", uid, "--otlp", f"http://127.0.0.1:{receiver.server_port}/v1/traces"
    )
    assert refused.code == 1
    assert "did not take the trace" in refused.err
    assert ran("runs", "trace", uid, "--otlp", "localhost:4318").code == 4
    assert ran("runs", "trace", "nobody").code == 4


def test_without_the_extra_it_says_what_to_install(
    ran: Chimera, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [n for n in sys.modules if n.startswith("opentelemetry")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    uid = the_run(ran, "Workflow/good")
    answer = ran("runs", "trace", uid, "--otlp", "http://127.0.0.1:9/v1/traces")
    assert answer.code == 4
    assert "pip install 'chimera[tracing]'" in answer.err
    assert "Workflow/good" in ran("runs", "trace", uid).out


def test_a_run_without_an_end_shows_nothing_yet(chimera: Chimera, tmp_path: Path) -> None:
    with open_state(tmp_path, Context.system(), command="test") as state:
        run = state.create_run("local", "Workflow/w", {"spec": {}}, None)
    with read_state(tmp_path) as reader:
        assert spans_of(reader.run(run.uid), reader.events(run.uid)) == ()
    assert "nothing of it has ended yet" in chimera("runs", "trace", run.uid).out
