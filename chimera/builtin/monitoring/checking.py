"""What is asked of alerts: a threshold, and one that can be passed."""

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
    if spec.above is None and spec.below is None:
        yield Diagnostic(
            "alert-threshold-missing",
            "it names no threshold, so that it can never be told of",
            alert.at("spec"),
            "write above or below, with a number",
            address=str(alert.address),
        )
    least, most = 0.0, 1.0 if spec.measure in _SHARES else float("inf")
    for field, value, never in (
        ("above", spec.above, most),
        ("below", spec.below, least),
    ):
        if value is not None and (value >= never if field == "above" else value <= never):
            yield Diagnostic(
                "alert-threshold-unreachable",
                f"{spec.measure} is never {field} {value:g}",
                alert.at("spec", field),
                "shares are from 0 to 1, and nothing that is measured is below 0",
                address=str(alert.address),
            )
