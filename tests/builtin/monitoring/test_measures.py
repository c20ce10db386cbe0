"""Metrics: sums of the journal against its events, and text that Prometheus reads."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from chimera.builtin.monitoring.measures import operation_of, storage_of
from chimera.context import Context
from chimera.state import Event, EventKind, RunStatus, open_state, read_state
from chimera.state.measuring import busy_seconds, run_tallies, step_tallies

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
Chimera = Callable[..., Any]


def samples(text: str) -> dict[tuple[str, str], float]:
    """Return samples by name and the label that tells them apart."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = {k: v for k, v in sample.labels.items() if k != "environment"}
            found[sample.name, ",".join(labels.values())] = sample.value
    return found


def test_what_ran_is_counted_and_timed(ran: Chimera) -> None:
    found = json.loads(ran("metrics", "-o", "json").out)
    assert found["completedWorkflows"] == 1
    assert found["failedWorkflows"] == 1
    assert found["failedWorkflowShare"] == 0.5
    assert found["activeWorkflows"] == found["interruptedRuns"] == 0
    assert 0 < found["averageWorkflowDuration"] < 60
    assert 0 <= found["cpuUsage"] <= 1
    assert 0 < found["memoryUsage"] <= 1
    assert 0 < found["storageUsage"] < 1
    operations = found["operationPerformance"]
    assert (operations["command"]["done"], operations["command"]["failed"]) == (2, 1)
    assert operations["file.digest"]["done"] == 1
    assert 0 < operations["command"]["averageDuration"] <= operations["command"]["longestDuration"]


def test_what_nothing_measured_is_not_there(chimera: Chimera) -> None:
    found = json.loads(chimera("metrics", "-o", "json").out)
    for name in ("networkLatency", "averageWorkflowDuration", "failedWorkflowShare"):
        assert name not in found
    assert found["completedWorkflows"] == 0


def test_prometheus_reads_what_is_printed(ran: Chimera) -> None:
    found = samples(ran("metrics").out)
    assert found["chimera_runs", "Workflow,succeeded"] == 1
    assert found["chimera_run_duration_seconds_count", "Workflow"] == 2
    assert found["chimera_operation_attempts_total", "command,failed"] == 1
    assert found["chimera_operation_duration_seconds_count", "command"] == 3
    assert found["chimera_health", "healthy,state"] == 1
    assert found["chimera_health", "unhealthy,state"] == 0
    assert found["chimera_memory_limit_bytes", ""] > 2**20
    assert not any(name.startswith("chimera_network") for name, _ in found)


def test_a_textfile_is_written_whole_and_only_where_it_is_read(
    ran: Chimera, tmp_path: Path
) -> None:
    answer = ran("metrics", "--textfile", "out/chimera.prom")
    assert (answer.code, answer.out) == (0, "")
    written = (tmp_path / "out" / "chimera.prom").read_text()
    assert samples(written)["chimera_workflows_completed", ""] == 1
    refused = ran("metrics", "--textfile", "out/chimera.txt")
    assert refused.code == 4
    assert "name it something.prom" in refused.err


def test_only_the_newest_runs_are_measured_where_that_is_asked(ran: Chimera) -> None:
    found = json.loads(ran("metrics", "--runs", "1", "-o", "json").out)
    assert "file.digest" not in found["operationPerformance"]
    assert found["completedWorkflows"] == 1


ENDS = st.sampled_from([EventKind.DONE, EventKind.FAIL, EventKind.RETRY, None])
ATTEMPTS = st.lists(
    st.tuples(st.integers(0, 10**9), st.integers(0, 10**8), ENDS), min_size=1, max_size=4
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.dictionaries(st.sampled_from(["a", "b", "fan[0]", "fan[1]", "x/fan[2]/y"]), ATTEMPTS))
def test_sums_of_the_database_are_those_of_the_events(
    tmp_path_factory: pytest.TempPathFactory, steps: dict[str, Any]
) -> None:
    """Microseconds are: the database's own functions of time would lose them."""
    root = tmp_path_factory.mktemp("state")
    expected: dict[str, list[float]] = {}
    with open_state(root, Context.system(), command="test") as state:
        run = state.create_run("local", "Workflow/w", {"spec": {}}, None)
        for step, attempts in steps.items():
            name, _, _ = step.partition("[")
            seconds = expected.setdefault(name, [])
            for number, (begin, took, end) in enumerate(attempts):
                at = NOW + timedelta(microseconds=begin)
                events = [Event(EventKind.START, step, number + 1, at)]
                if end is not None:
                    events.append(Event(end, step, number + 1, at + timedelta(microseconds=took)))
                    seconds.append(took / 1e6)
                state.record(run.uid, events)
    with read_state(root) as reader:
        tallies = {one.step: one for one in step_tallies(reader)}
        total = busy_seconds(reader, reader.run(run.uid))
    assert tallies.keys() == expected.keys()
    for name, seconds in expected.items():
        assert tallies[name].ended == len(seconds)
        assert tallies[name].seconds == pytest.approx(sum(seconds), abs=1e-5)
        assert tallies[name].longest == pytest.approx(max(seconds, default=0.0), abs=1e-5)
    assert total == pytest.approx(sum(map(sum, expected.values())), abs=1e-4)


def test_runs_are_tallied_by_environment_kind_and_status(tmp_path: Path) -> None:
    with open_state(tmp_path, Context.system(), command="test") as state:
        for environment, target, status in (
            ("local", "Workflow/a", RunStatus.SUCCEEDED),
            ("local", "Workflow/b", RunStatus.SUCCEEDED),
            ("local", "Module/plan", RunStatus.FAILED),
            ("staging", "Workflow/a", RunStatus.PAUSED),
        ):
            run = state.create_run(environment, target, {"spec": {}}, None)
            state.record(run.uid, status=status)
    with read_state(tmp_path) as reader:
        found = [(t.environment, t.kind, t.status.value, t.runs) for t in run_tallies(reader)]
    assert found == [
        ("local", "Module", "failed", 1),
        ("local", "Workflow", "succeeded", 2),
        ("staging", "Workflow", "paused", 1),
    ]


DEFINITION = {
    "spec": {
        "stages": [
            {"id": "a", "operation": "command"},
            {"id": "b", "module": "context", "operation": "createContext"},
            {"id": "c", "workflow": "Workflow/inner"},
            {"id": "d", "wait": {"for": "1s"}},
        ]
    },
    "workflows": {"Workflow/inner": {"stages": [{"id": "a", "operation": "http"}]}},
}


@pytest.mark.parametrize(
    ("step", "operation"),
    [
        ("a", "command"),
        ("a!undo", "command"),
        ("b", "context.createContext"),
        ("c/a", "http"),
        ("c", None),
        ("c/b", None),
        ("d", None),
        ("e", None),
    ],
)
def test_a_step_performs_what_its_definition_says(step: str, operation: str | None) -> None:
    assert operation_of(step, DEFINITION) == operation


@pytest.mark.parametrize("definition", [None, [], {}, {"spec": None}, {"spec": {"stages": 3}}])
def test_a_definition_of_another_kind_names_no_operation(definition: Any) -> None:
    if isinstance(definition, dict) and isinstance(definition.get("spec"), dict):
        definition = {"spec": {"stages": None}}
    assert operation_of("a", definition) is None


def test_storage_is_counted_by_part(tmp_path: Path) -> None:
    (tmp_path / "objects" / "ab").mkdir(parents=True)
    (tmp_path / "objects" / "ab" / "c").write_bytes(b"x" * 100)
    (tmp_path / "state.db").write_bytes(b"x" * 10)
    (tmp_path / "state.db-wal").write_bytes(b"x" * 5)
    found = storage_of(tmp_path)
    assert found.parts == {"database": 15, "objects": 100}
    assert 0 < found.free <= found.total


def test_requests_and_modules_are_measured_by_the_operations_that_stages_perform(
    chimera: Chimera, tmp_path: Path
) -> None:
    with open_state(tmp_path, Context.system(), command="test") as state:
        run = state.create_run("local", "Workflow/w", DEFINITION, None)
        for step, seconds in (("c/a", 2), ("b", 4), ("b!undo", 6)):
            done = NOW + timedelta(seconds=seconds)
            events = [Event(EventKind.START, step, 1, NOW), Event(EventKind.DONE, step, 1, done)]
            state.record(run.uid, events, status=RunStatus.SUCCEEDED)
    found = json.loads(chimera("metrics", "-o", "json").out)
    assert found["networkLatency"] == 2
    (module,) = found["modulePerformance"].items()
    assert module == (
        "context",
        {"done": 2, "failed": 0, "retried": 0, "averageDuration": 5, "longestDuration": 6},
    )
    text = samples(chimera("metrics").out)
    assert text["chimera_network_latency_seconds_sum", ""] == 2
    assert text["chimera_module_duration_seconds_max", "context"] == 6
