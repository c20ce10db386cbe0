"""What is asked of alerts and notifications: a threshold that can be passed, and one channel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chimera.builtin.monitoring.kinds import AlertSpec
from chimera.builtin.monitoring.notification import NotificationSpec
from chimera.kinds import Document
from chimera.model import Diagnostic, Finding, Verdict

_SHARES = frozenset({"failedWorkflowShare", "cpuUsage", "memoryUsage", "storageUsage"})


def judge(alert: Document[AlertSpec]) -> Verdict:
    """Judge one alert."""
    return _verdict("alerts", alert, tuple(_faults(alert)))


def judge_notification(notification: Document[NotificationSpec]) -> Verdict:
    """Judge one notification."""
    spec = notification.spec
    if (spec.file is None) != (spec.webhook is None):
        return _verdict("notifications", notification, ())
    fault = Diagnostic(
        "notification-channel-unclear",
        "it is sent to a file and to a webhook" if spec.file else "it is sent nowhere",
        notification.at("spec"),
        "name either file or webhook; two notifications tell both",
        address=str(notification.address),
    )
    return _verdict("notifications", notification, (fault,))


def _verdict(judge: str, document: Document[Any], faults: tuple[Diagnostic, ...]) -> Verdict:
    return Verdict(
        judge,
        str(document.address),
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
