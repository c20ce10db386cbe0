"""Health: what is found where it is well and where it is not, its history, and alerts."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from chimera.builtin.monitoring import health, keeping
from chimera.builtin.monitoring.alerts import parse_alert
from chimera.builtin.monitoring.plugin import chimera_check_document
from chimera.context import Context
from chimera.kinds import Registry
from chimera.model import UsageError
from chimera.plugin import hookimpl, load_plugins
from chimera.runtime.health import Health, HealthTask, worst
from chimera.runtime.health import HealthCheck as Check
from chimera.state import RunStatus, open_state
from chimera.workspace import Workspace

Chimera = Callable[..., Any]


def found(answer: Any) -> dict[str, Any]:
    """Return checks by what they are of."""
    return {check["subject"]: check for check in json.loads(answer.out)["checks"]}


def test_a_folder_without_a_state_is_well(chimera: Chimera) -> None:
    answer = chimera("health", "--no-record", "-o", "json")
    assert answer.code == 0
    checks = found(answer)
    assert list(checks) == ["memory", "disk", "state", "lock", "journal"]
    assert checks["state"]["message"] == "there is none yet"


def test_what_is_found_is_kept_and_shown_again(ran: Chimera) -> None:
    for _ in range(2):
        assert ran("health").code == 0
    assert ran("health", "--no-record").code == 0
    history = json.loads(ran("health", "--history", "-o", "json").out)["reports"]
    assert [report["status"] for report in history] == ["healthy", "healthy"]
    assert history[0]["at"] < history[1]["at"]
    assert "healthy" in ran("health", "--history").out


def test_only_the_newest_reports_are_kept(
    ran: Chimera, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "KEPT", 2)
    for _ in range(4):
        ran("health")
    assert len(json.loads(ran("health", "--history", "-o", "json").out)["reports"]) == 2


def test_while_another_process_writes_it_looks_and_says_that_nothing_is_kept(
    ran: Chimera, tmp_path: Path
) -> None:
    with open_state(tmp_path, Context.system(), command="busy"):
        answer = ran("health", "-o", "json")
    assert answer.code == 0
    assert "this is not kept in the history" in answer.err
    assert "is writing" in found(answer)["lock"]["message"]


def test_a_run_that_nothing_carries_on_is_told(ran: Chimera, tmp_path: Path) -> None:
    with open_state(tmp_path, Context.system(), command="killed") as state:
        state.create_run("local", "Workflow/good", {"spec": {}}, None)
    answer = ran("health", "-o", "json")
    assert answer.code == 0
    journal = found(answer)["journal"]
    assert (journal["status"], journal["measures"]["interrupted"]) == ("degraded", 1)
    assert json.loads(answer.out)["status"] == "degraded"
    with open_state(tmp_path, Context.system(), command="going"):
        assert found(ran("health", "-o", "json"))["journal"]["status"] == "healthy"


def test_a_missing_value_and_a_result_recorded_twice_are_unhealthy(
    ran: Chimera, tmp_path: Path
) -> None:
    database = sqlite3.connect(tmp_path / ".chimera" / "state.db")
    database.execute("UPDATE run SET input = '@sha256:' || ? WHERE id = 1", ("ab" * 32,))
    database.execute(
        "INSERT INTO event (run, kind, step, attempt, epoch, at)"
        " SELECT run, kind, step, attempt, epoch, at FROM event WHERE kind = 'DONE' LIMIT 1"
    )
    database.commit()
    database.close()
    answer = ran("health")
    assert answer.code == 1
    assert "the file of a large value is missing: sha256:abab" in answer.out
    assert "not kept in the history: the state is not whole" in answer.err
    assert "as done twice" in answer.out


def test_a_large_value_that_is_there_is_well(chimera: Chimera, tmp_path: Path) -> None:
    with open_state(tmp_path, Context.system(), command="test") as state:
        run = state.create_run("local", "Workflow/w", {"spec": {}}, "x" * 100_000)
        state.record(run.uid, status=RunStatus.SUCCEEDED)
    assert chimera("health").code == 0


def test_a_full_disk_and_full_memory_are_told(
    chimera: Chimera, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chimera.builtin.monitoring.measures import Storage
    from chimera.context.machine import Machine, Used

    monkeypatch.setattr(health, "storage_of", lambda _: Storage({}, 1000 * 2**30, 2**20))
    monkeypatch.setattr(health, "measure", lambda: Machine(1000, 1000, ()))
    monkeypatch.setattr(health, "used_by_group", lambda: Used(1.0, 950))
    answer = chimera("health", "--no-record", "-o", "json")
    assert answer.code == 1
    checks = found(answer)
    assert (checks["disk"]["status"], checks["memory"]["status"]) == ("unhealthy", "degraded")
    assert "make room" in checks["disk"]["help"]


class Sick:
    """A plugin whose answer is an exception, and one part that is not well."""

    def __init__(self, answer: Iterable[Check] | Exception) -> None:
        self._answer = answer

    @hookimpl
    def chimera_observe_health(self, task: HealthTask) -> Iterable[Check]:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


def test_a_plugin_that_cannot_say_how_its_parts_are_is_a_finding(tmp_path: Path) -> None:
    workspace = Workspace.open(tmp_path, Context.system())
    workspace.plugins.register(Sick(KeyError("x")), "sick")
    workspace.plugins.register(Sick([Check("z", Health.DEGRADED)]), "other")
    with workspace.read_state() as state:
        checks = list(health.observe(workspace, health.task_of(workspace, state, "local")))
    assert [(c.subject, c.status) for c in checks[-2:]] == [
        ("plugin sick", Health.UNHEALTHY),
        ("z", Health.DEGRADED),
    ]
    assert worst(checks) is Health.UNHEALTHY
    assert worst([]) is Health.HEALTHY


def test_alerts_of_the_tree_and_of_the_command_are_told(
    ran: Chimera, write: Callable[..., None]
) -> None:
    write(
        {
            "Alert/failures": {
                "measure": "failedWorkflows",
                "threshold": 0,
                "message": "look at them",
            },
            "Alert/idle": {
                "measure": "activeWorkflows",
                "threshold": 1,
                "when": "below",
                "severity": "low",
                "message": "m",
            },
            "Alert/slow": {"measure": "averageWorkflowDuration", "threshold": 1e6, "message": "m"},
            "Alert/network": {"measure": "networkLatency", "threshold": 0, "message": "m"},
        }
    )
    answer = ran("health", "-o", "json", "--alert", "completedWorkflows>0")
    alerts = {a["alert"]: a for a in json.loads(answer.out)["alerts"]}
    assert alerts.keys() == {"Alert/failures", "Alert/idle", "completedWorkflows>0"}
    assert alerts["Alert/failures"]["reason"] == "failedWorkflows is 1, above 0"
    assert answer.code == 1
    assert "look at them" in ran("health", "--no-record").out


def test_an_alert_of_low_severity_degrades_and_does_not_fail(
    ran: Chimera, write: Callable[..., None]
) -> None:
    low = {"measure": "failedWorkflows", "threshold": 0, "severity": "low", "message": "m"}
    write({"Alert/failures": low})
    answer = ran("health")
    assert answer.code == 0
    assert "local is degraded" in answer.out


@pytest.mark.parametrize("text", ["cpuUsage", "cpuUsage>", ">1", "cpuUsage=1", "cpuUsage>1>2"])
def test_what_is_no_threshold_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no threshold"):
        parse_alert(text)


def test_an_unknown_measure_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError) as it:
        parse_alert("cpuUse>0.5")
    assert "cpuUsage" in (it.value.help or "")
    assert parse_alert(" cpuUsage < 0.5 ").when == "below"


@pytest.mark.parametrize(
    ("rule", "spec"),
    [
        ("alert-threshold-unreachable", {"threshold": 1}),
        ("alert-threshold-unreachable", {"threshold": 0, "when": "below"}),
        (None, {"threshold": 0.9}),
        (None, {"measure": "averageWorkflowDuration", "threshold": 90}),
        (None, {"threshold": 0.1, "when": "below"}),
    ],
)
def test_an_alert_that_could_never_be_told_of_is_refused(
    tmp_path: Path, write: Callable[..., None], rule: str | None, spec: dict[str, Any]
) -> None:
    write({"Alert/a": {"measure": "cpuUsage", "message": "m", **spec}})
    workspace = Workspace.open(tmp_path, Context.system())
    registry = Registry.collect(load_plugins())
    (document,) = workspace.loaded.snapshot.of_kinds({"Alert"})
    (verdict,) = chimera_check_document(document, registry)
    assert [fault.rule for fault in verdict.diagnostics] == ([rule] if rule else [])
