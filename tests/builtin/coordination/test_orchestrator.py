"""The kind Orchestrator: its presets, what each setting does, and that it is alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chimera.builtin.coordination.lifecycle import starting
from chimera.builtin.coordination.modules import types
from chimera.builtin.coordination.orchestrating import holds_in, settings_of, system_of, written
from chimera.builtin.coordination.orchestrator import OrchestratorSpec
from chimera.builtin.coordination.plugin import chimera_check_snapshot, chimera_configure_runs
from chimera.documents import open_work_tree
from chimera.kinds import Model, Registry, Snapshot, load_snapshot, read_source
from chimera.model import Diagnostic, Verdict
from chimera.plugin import load_plugins
from chimera.runtime.recovery import DEFAULT_RECOVERY, BreakerRule, BulkheadRule
from chimera.runtime.settings import SHIPPED
from chimera.runtime.settings import settings_of as settings_in
from chimera.runtime.system import SystemSettings

Faults = Callable[[Callable[..., Iterable[Verdict]]], tuple[Diagnostic, ...]]


def spec(**fields: Any) -> OrchestratorSpec:
    return OrchestratorSpec.model_validate(fields)


def write(root: Path, name: str, spec: str) -> None:
    folder = root / "specs"
    folder.mkdir(exist_ok=True)
    head = f"apiVersion: chimera/v1\nkind: Orchestrator\nmetadata: {{name: {name}}}\nspec: "
    (folder / f"{name}.yaml").write_text(head + spec + "\n")


def environments(root: Path, *names: str) -> None:
    (root / "specs").mkdir(exist_ok=True)
    for name in names:
        (root / "specs" / f"env-{name}.yaml").write_text(
            f"apiVersion: chimera/v1\nkind: Environment\nmetadata: {{name: {name}}}\n"
            "spec: {protected: false}\n"
        )


def snapshot(root: Path, registry: Registry) -> Snapshot:
    return load_snapshot(read_source(open_work_tree(root)), registry).snapshot


def test_the_preset_single_node_is_the_seed_s() -> None:
    found = settings_of(spec())
    assert found.max_runs == 100
    assert found.default_timeout == timedelta(milliseconds=300_000)
    assert found.system.strategy == "fair"
    assert found.system.tracing is False
    assert settings_of(spec(preset="single-node")) == found


def test_the_preset_distributed_is_the_seed_s() -> None:
    found = settings_of(spec(preset="distributed"))
    assert found.max_runs == 1000
    assert found.default_timeout == timedelta(milliseconds=600_000)
    assert found.system.strategy == "performance"
    assert found.system.tracing is True


def test_the_shipped_default_recovery_is_the_seed_s() -> None:
    assert settings_of(spec()).recovery == DEFAULT_RECOVERY


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("maxConcurrentWorkflows", 7, {"max_runs": 7}),
        ("defaultWorkflowTimeout", "1h", {"default_timeout": timedelta(hours=1)}),
        ("workflowHistoryRetention", "7d", {"retention": timedelta(days=7)}),
        ("limits", {"gpu": 2}, {"limits": {"gpu": 2}}),
        ("durability", "normal", {"durability": "normal"}),
        (
            "circuitBreakers",
            {"api": {"failures": 2, "coolDown": "5s"}},
            {"breakers": {"api": BreakerRule(2, cool_down=timedelta(seconds=5))}},
        ),
        (
            "bulkheads",
            {"api": {"limit": 2, "queue": 0, "whenFull": "drop-oldest"}},
            {"bulkheads": {"api": BulkheadRule(2, 0, "drop-oldest")}},
        ),
    ],
)
def test_what_is_written_overrides_the_preset(
    field: str, value: Any, expected: dict[str, Any]
) -> None:
    assert settings_of(spec(**{field: value})) == replace(settings_of(spec()), **expected)


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("moduleStartupTimeout", "5s", {"startup_timeout": timedelta(seconds=5)}),
        ("moduleHealthCheckInterval", "1m", {"health_interval": timedelta(minutes=1)}),
        ("messageQueueSize", 5, {"queue_size": 5}),
        ("messageTimeout", "250ms", {"message_timeout": timedelta(milliseconds=250)}),
        ("resourceAllocationStrategy", "priority", {"strategy": "priority"}),
        ("maxResourceUtilization", 0.8, {"utilisation": 0.8}),
        ("metricsCollectionInterval", "1s", {"metrics_interval": timedelta(seconds=1)}),
        ("logLevel", "error", {"log_level": "error"}),
        ("enableDistributedTracing", True, {"tracing": True}),
    ],
)
def test_settings_of_other_parts_reach_them_by_value(
    field: str, value: Any, expected: dict[str, Any]
) -> None:
    assert settings_of(spec(**{field: value})).system == replace(SystemSettings(), **expected)


def test_what_operations_go_by_reaches_them_by_the_store() -> None:
    said = {
        "messageQueueSize": 5,
        "messageTimeout": "250ms",
        "resourceAllocationStrategy": "priority",
        "maxResourceUtilization": 0.8,
    }
    assert written(spec(**said)) == said


def test_recovery_can_be_another_one() -> None:
    strategy = {
        "retryPolicy": {"maxRetries": 1, "backoffStrategy": "fixed", "baseDelay": "2s"},
        "fallbackActions": [],
        "escalationRules": [{"condition": "given_up", "severity": "low", "to": "ada"}],
    }
    found = settings_of(spec(recovery=strategy)).recovery
    assert (found.retry.max_attempts, found.retry.strategy) == (2, "fixed")
    assert found.retry.on == "transient"
    assert found.fallbacks == ()
    assert [(one.conditions, one.to) for one in found.escalations] == [(("given_up",), "ada")]


def test_a_rule_says_how_it_is_delivered() -> None:
    notify = {"argv": ["mail", "ops"]}
    rule = {"action": "page", "notify": notify}
    (found,) = settings_of(spec(recovery={"escalationRules": [rule]})).recovery.escalations
    assert found.action == "page"
    assert found.delivery == {"inputs": notify, "secrets": {}}


@pytest.mark.parametrize(
    ("notify", "rule"),
    [
        ("{argv: [mail, ops]}", None),
        ("{message: hello}", "orchestrator-escalation-invalid"),
        ('{argv: ["${secret.token}"]}', "orchestrator-escalation-invalid"),
        ("{file: 7}", "field-invalid"),
    ],
)
def test_how_it_is_delivered_is_judged_before(
    tmp_path: Path, faults_by: Faults, notify: str, rule: str | None
) -> None:
    write(tmp_path, "a", f"{{recovery: {{escalationRules: [{{notify: {notify}}}]}}}}")
    faults = faults_by(chimera_check_snapshot)
    assert [fault.rule for fault in faults] == ([] if rule is None else [rule])


def test_it_holds_in_the_environments_that_it_names_or_in_all() -> None:
    named = spec(environments=["Environment/local"])
    assert holds_in(named, "local")
    assert not holds_in(named, "production")
    assert holds_in(spec(), "production")


def test_the_engine_gets_the_settings_of_its_environment(
    tmp_path: Path, registry: Registry
) -> None:
    environments(tmp_path, "local", "production")
    write(tmp_path, "small", "{environments: [Environment/local], maxConcurrentWorkflows: 3}")
    write(tmp_path, "large", "{environments: [Environment/production], preset: distributed}")
    plugins, documents = load_plugins(), snapshot(tmp_path, registry)
    assert settings_in(plugins, documents, "local").max_runs == 3
    assert settings_in(plugins, documents, "production").max_runs == 1000
    assert settings_in(plugins, documents, "elsewhere") == SHIPPED


def test_without_a_document_nothing_is_said(tmp_path: Path, registry: Registry) -> None:
    assert chimera_configure_runs(snapshot(tmp_path, registry), "local") is None


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [
        ("{}", "{}", "every environment"),
        ("{environments: [Environment/local]}", "{}", "Environment/local"),
        (
            "{environments: [Environment/local]}",
            "{environments: [Environment/production, Environment/local]}",
            "Environment/local",
        ),
    ],
)
def test_two_orchestrators_in_one_environment_are_a_fault(
    tmp_path: Path, faults_by: Faults, first: str, second: str, shared: str
) -> None:
    environments(tmp_path, "local", "production")
    write(tmp_path, "a", first)
    write(tmp_path, "b", second)
    (fault,) = faults_by(chimera_check_snapshot)
    assert fault.rule == "orchestrator-duplicate"
    assert fault.message == (
        f"Orchestrator/a holds in {shared}, too: an environment has one orchestrator"
    )
    assert fault.address == "Orchestrator/b"


def test_orchestrators_of_different_environments_stand_beside_one_another(
    tmp_path: Path, faults_by: Faults
) -> None:
    environments(tmp_path, "local", "production")
    write(tmp_path, "a", "{environments: [Environment/local]}")
    write(tmp_path, "b", "{environments: [Environment/production]}")
    assert faults_by(chimera_check_snapshot) == ()


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ("{defaultWorkflowTimeout: 300000}", "duration-invalid"),
        ("{defaultWorkflowTimeout: 0s}", "duration-zero"),
        ("{messageTimeout: 0ms}", "duration-zero"),
        ("{maxConcurrentWorkflows: 0}", "field-invalid"),
        ("{maxResourceUtilization: 1.5}", "field-invalid"),
        ("{preset: cluster}", "field-invalid"),
        ("{environments: [Environment/nowhere]}", "reference-dangling"),
    ],
)
def test_what_cannot_be_meant_is_a_fault(
    tmp_path: Path, faults_by: Faults, fields: str, rule: str
) -> None:
    write(tmp_path, "a", fields)
    assert [fault.rule for fault in faults_by(chimera_check_snapshot)] == [rule]


def test_every_field_is_described() -> None:
    seen: set[type[Model]] = set()

    def look(model: type[Model]) -> None:
        seen.add(model)
        for name, field in model.model_fields.items():
            assert field.description, f"{model.__name__}.{name} is not described"
            inner = [field.annotation, *getattr(field.annotation, "__args__", ())]
            for one in inner:
                if isinstance(one, type) and issubclass(one, Model) and one not in seen:
                    look(one)

    look(OrchestratorSpec)
    assert len(seen) > 3


def test_the_start_up_timeout_is_that_of_each_step_of_a_module_s_start() -> None:
    pinned = {
        "module": "Module/plan",
        "startupTimeout": "7s",
        "spec": {"type": "plan", "version": "1.0.0"},
    }
    steps = list(starting(pinned, {one.name: one for one in types()}))
    assert {step.timeout for step in steps} == {timedelta(seconds=7)}


def test_an_environment_without_an_orchestrator_has_the_usual_settings(
    tmp_path: Path, registry: Registry
) -> None:
    environments(tmp_path, "local", "production")
    write(tmp_path, "a", "{environments: [Environment/local], moduleStartupTimeout: 7s}")
    documents = snapshot(tmp_path, registry)
    assert system_of(documents, "local").startup_timeout == timedelta(seconds=7)
    assert system_of(documents, "production") == SystemSettings()
