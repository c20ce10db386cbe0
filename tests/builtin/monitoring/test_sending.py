"""Traces that are sent when runs have been executed, where the orchestrator wants them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chimera.builtin.monitoring.plugin import chimera_watch_runs
from chimera.builtin.monitoring.sending import address
from chimera.runtime.system import SystemSettings
from tests.builtin.monitoring.conftest import Chimera
from tests.builtin.monitoring.test_traces import receiver as receiver  # noqa: PLC0414 - a fixture

VARIABLE = "OTEL_EXPORTER_OTLP_ENDPOINT"
WORKFLOW = {
    "trigger": "human",
    "mode": "sequential",
    "stages": [{"id": "a", "operation": "command", "inputs": {"argv": ["true"]}}],
}


def documents(*, tracing: bool) -> dict[str, Any]:
    return {
        "Environment/local": {"protected": False},
        "Orchestrator/one": {"enableDistributedTracing": tracing},
        "Workflow/one": WORKFLOW,
    }


def test_the_spans_of_a_run_are_sent_when_it_has_ended(
    chimera: Chimera,
    write: Callable[..., None],
    receiver: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("opentelemetry.sdk")
    monkeypatch.setenv(VARIABLE, f"http://127.0.0.1:{receiver.server_port}")
    write(documents(tracing=True))
    assert chimera("apply").code == 0
    receiver.taken.clear()
    answer = chimera("run", "Workflow/one")
    assert (answer.code, "not sent" in answer.err) == (0, False)
    ((path, _, body),) = receiver.taken
    assert path == "/v1/traces"
    assert b"Workflow/one" in body


def test_a_trace_that_goes_nowhere_is_told_and_fails_nothing(
    chimera: Chimera, write: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    write(documents(tracing=True))
    assert chimera("apply").code == 0
    answer = chimera("run", "Workflow/one")
    assert answer.code == 0
    assert f"was not sent: {VARIABLE} does not say where to" in answer.err


def test_without_tracing_nothing_is_sent(
    chimera: Chimera, write: Callable[..., None], receiver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, f"http://127.0.0.1:{receiver.server_port}")
    write(documents(tracing=False))
    assert chimera("apply").code == 0
    assert chimera("run", "Workflow/one").code == 0
    assert receiver.taken == []
    assert chimera_watch_runs(SystemSettings()) is None


def test_the_address_is_opentelemetry_s() -> None:
    own = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://a/t"}
    assert address({**own, VARIABLE: "http://b"}) == "http://a/t"
    assert address({VARIABLE: "http://b/"}) == "http://b/v1/traces"
    assert address({}) is None
