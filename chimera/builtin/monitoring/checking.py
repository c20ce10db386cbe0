"""What is asked of alerts: a threshold that can be passed."""

from __future__ import annotations

from collections.abc import Iterator

from chimera.builtin.monitoring.kinds import AlertSpec
from chimera.kinds import Document
from chimera.model import Diagnostic, Finding, Verdict

_SHARES = frozenset({"failedWorkflowShare", "cpuUsage", "memoryUsage", "storageUsage"})


def judge(alert: Document[AlertSpec]) -> Verdict:
    """Judge one alert."""
    faults = tuple(_faults(alert))
    return Verdict(
        "alerts",
        str(alert.address),
        Finding.FAIL if faults else Finding.PASS,
        tuple(fault.message for fault in faults),
        faults,
    )


def _faults(alert: Document[AlertSpec]) -> Iterator[Diagnostic]:
    spec = alert.spec
    most = 1.0 if spec.measure in _SHARES else float("inf")
    is_never = spec.threshold >= most if spec.when == "above" else spec.threshold <= 0
    if is_never:
        yield Diagnostic(
            "alert-threshold-unreachable",
            f"{spec.measure} is never {spec.when} {spec.threshold:g}",
            alert.at("spec", "threshold"),
            "shares are from 0 to 1, and nothing that is measured is below 0",
            address=str(alert.address),
        )
