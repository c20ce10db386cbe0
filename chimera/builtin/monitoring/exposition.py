"""Metrics as Prometheus reads them, and as JSON by the names of seed 003.

Names follow Prometheus' conventions: base units, `_total` for what only rises. What was not
measured has no sample. What counts up is counted in the journal, and begins again with what is left
when runs are pruned.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from chimera.builtin.monitoring.measures import ENDED, Metrics, Performance
from chimera.runtime.health import Health

if TYPE_CHECKING:
    from prometheus_client import Metric


def exposition(metrics: Metrics) -> bytes:
    """Return the text that Prometheus and node_exporter's textfile collector read."""
    from prometheus_client import CollectorRegistry, generate_latest

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected(metrics))
    return generate_latest(registry)


class _Collected:
    """What prometheus_client asks for metrics."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        """Return all that was measured."""
        parts = (_runs(self._metrics), _work(self._metrics), _machine(self._metrics))
        return [metric for part in parts for metric in part if metric.samples]


def _runs(metrics: Metrics) -> Iterator[Metric]:
    runs = _gauge("chimera_runs", "Runs by where they stand.", "environment", "kind", "status")
    took = _summary(
        "chimera_run_duration_seconds", "How long runs took that ended.", "environment", "kind"
    )
    ended: dict[tuple[str, str], tuple[int, float]] = {}
    for one in metrics.runs:
        runs.add_metric([one.environment, one.kind, one.status.value], one.runs)
        if one.status in ENDED:
            count, seconds = ended.get((one.environment, one.kind), (0, 0.0))
            ended[one.environment, one.kind] = count + one.runs, seconds + one.seconds
    for labels, (count, seconds) in ended.items():
        took.add_metric(list(labels), count, seconds)
    yield runs
    yield took
    values, labels_ = metrics.values(), ["environment"]
    for name, help, measure in _WORKFLOWS:
        gauge = _gauge(name, help, *labels_)
        if (value := values[measure]) is not None:
            gauge.add_metric([metrics.environment], value)
        yield gauge


_WORKFLOWS = (
    ("chimera_workflows_active", "Runs of workflows that are carried on.", "activeWorkflows"),
    ("chimera_workflows_completed", "Runs of workflows that succeeded.", "completedWorkflows"),
    ("chimera_workflows_failed", "Runs of workflows that failed.", "failedWorkflows"),
    (
        "chimera_workflow_duration_seconds_average",
        "How long a run of a workflow took that ended, on average.",
        "averageWorkflowDuration",
    ),
    ("chimera_runs_interrupted", "Runs that nothing carries on.", "interruptedRuns"),
)


def _work(metrics: Metrics) -> Iterator[Metric]:
    yield from _performance(
        "chimera_operation", "operation", metrics.operations.items(), metrics.environment
    )
    yield from _performance(
        "chimera_module", "module", metrics.by_module().items(), metrics.environment
    )
    network = metrics.network
    latency = _summary(
        "chimera_network_latency_seconds", "How long requests of http took.", "environment"
    )
    if network.ended:
        latency.add_metric([metrics.environment], network.ended, network.seconds)
    yield latency
    health = _gauge("chimera_health", "1 for how a part is.", "subject", "status")
    measured = _gauge("chimera_health_measure", "What was looked at.", "subject", "measure")
    for check in metrics.health:
        for status in Health:
            health.add_metric([check.subject, status.value], float(check.status is status))
        for name, value in sorted(check.measures.items()):
            if isinstance(value, (int, float)):
                measured.add_metric([check.subject, name], value)
    yield health
    yield measured


def _performance(
    prefix: str, label: str, rows: Iterable[tuple[str, Performance]], environment: str
) -> Iterator[Metric]:
    from prometheus_client.core import CounterMetricFamily

    attempts = CounterMetricFamily(
        f"{prefix}_attempts",
        f"Attempts of each {label}, by how they ended.",
        labels=["environment", label, "outcome"],
    )
    took = _summary(
        f"{prefix}_duration_seconds",
        f"How long attempts of each {label} took.",
        "environment",
        label,
    )
    longest = _gauge(
        f"{prefix}_duration_seconds_max",
        f"The longest attempt of each {label}.",
        "environment",
        label,
    )
    for name, one in rows:
        for outcome in ("done", "failed", "retried"):
            attempts.add_metric([environment, name, outcome], getattr(one, outcome))
        took.add_metric([environment, name], one.ended, one.seconds)
        longest.add_metric([environment, name], one.longest)
    yield from (attempts, took, longest)


def _machine(metrics: Metrics) -> Iterator[Metric]:
    from prometheus_client.core import CounterMetricFamily

    used, machine = metrics.used, metrics.machine
    yield from _values(
        ("chimera_cpu_usage_ratio", "Share of the CPU in use.", metrics.cpu_usage),
        ("chimera_cpu_cores", "Cores that this process may use.", machine.cpu / 1000),
        ("chimera_memory_usage_ratio", "Share of the memory in use.", metrics.memory_usage),
        ("chimera_memory_used_bytes", "Memory in use.", used.memory),
        ("chimera_memory_limit_bytes", "Memory that may be used.", machine.memory),
        ("chimera_gpus", "GPUs that this process may open.", len(machine.gpus)),
        ("chimera_storage_usage_ratio", "Share of the disk in use.", metrics.storage.usage),
        ("chimera_storage_free_bytes", "What the disk has left.", metrics.storage.free),
    )
    spent = CounterMetricFamily("chimera_cpu_seconds", "CPU used by the cgroup.", labels=["of"])
    resident = _gauge("chimera_process_resident_memory_bytes", "Memory of the writer.")
    if used.cpu_seconds is not None:
        spent.add_metric(["cgroup"], used.cpu_seconds)
    if (writer := metrics.writer) is not None:
        if writer.cpu_seconds is not None:
            spent.add_metric(["writer"], writer.cpu_seconds)
        if writer.memory is not None:
            resident.add_metric([], writer.memory)
    parts = _gauge("chimera_storage_bytes", "What the state takes on its disk.", "part")
    for name, size in metrics.storage.parts.items():
        parts.add_metric([name], size)
    yield from (spent, resident, parts)


def _values(*rows: tuple[str, str, float | None]) -> Iterator[Metric]:
    for name, help, value in rows:
        gauge = _gauge(name, help)
        if value is not None:
            gauge.add_metric([], value)
        yield gauge


def _gauge(name: str, help: str, *labels: str) -> Any:
    from prometheus_client.core import GaugeMetricFamily

    return GaugeMetricFamily(name, help, labels=list(labels))


def _summary(name: str, help: str, *labels: str) -> Any:
    from prometheus_client.core import SummaryMetricFamily

    return SummaryMetricFamily(name, help, labels=list(labels))


def metrics_json(metrics: Metrics) -> dict[str, Any]:
    """Return the system metrics of seed 003; what was not measured is not there."""
    values = {n: round(value, 6) for n, value in metrics.values().items() if value is not None}
    return {
        "format": "chimera-metrics/1",
        "environment": metrics.environment,
        **values,
        "moduleHealth": metrics.module_health(),
        "modulePerformance": {n: _shown(one) for n, one in metrics.by_module().items()},
        "operationPerformance": {n: _shown(one) for n, one in metrics.operations.items()},
    }


def _shown(one: Performance) -> dict[str, Any]:
    timed = {}
    if one.average is not None:
        timed = {"averageDuration": round(one.average, 6), "longestDuration": round(one.longest, 6)}
    return {"done": one.done, "failed": one.failed, "retried": one.retried, **timed}
