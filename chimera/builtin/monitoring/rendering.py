"""Health, its history and traces as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from chimera.render.paint import table
from chimera.runtime.health import Health

if TYPE_CHECKING:
    from chimera.builtin.monitoring.health import Report
    from chimera.builtin.monitoring.traces import Span
    from chimera.render.paint import Paint, Style

_STYLES: Mapping[str, Style] = {"healthy": "good", "degraded": "warn", "unhealthy": "bad"}


def report_text(report: Report, paint: Paint) -> str:
    """Return what was found: a line for each part, with what to do where it is not well."""
    lines = []
    for check in report.checks:
        status = paint(f"{check.status.value:<9}", _STYLES[check.status.value])
        lines.append(f"{status}  {check.subject}: {check.message}".rstrip(": "))
        if check.status is not Health.HEALTHY and check.help:
            lines.append(f"           {check.help}")
    for alert in report.alerts:
        lines.append(f"{paint('alert    ', 'bad')}  {alert.name} ({alert.severity}): {alert.text}")
        if alert.message != alert.name:
            lines.append(f"           {alert.message}")
    whole = report.status.value
    lines.append(f"{report.environment} is {paint(whole, _STYLES[whole])}")
    return "\n".join(lines)


def history_text(reports: Sequence[Mapping[str, Any]], paint: Paint) -> str:
    """Return what was found before, a line each."""
    if not reports:
        return "nothing has been looked at yet"
    rows = []
    for report in reports:
        unwell = [c["subject"] for c in report["checks"] if c["status"] != "healthy"]
        told = [alert["alert"] for alert in report["alerts"]]
        rows.append((report["at"][:19], report["status"], ", ".join((*unwell, *told))))
    return table(rows, ("AT", "STATUS", "NOT WELL"), paint)


def trace_text(spans: Sequence[Span], paint: Paint) -> str:
    """Return a trace in order of time: what began when, how long it took, and how it went."""
    if not spans:
        return "nothing of it has ended yet"
    start = min(span.start for span in spans)
    depth: dict[bytes, int] = {}
    for span in reversed(spans):
        depth[span.id] = depth.get(span.parent, 0) + 1 if span.parent else 0
    rows = [
        (
            f"{(span.start - start).total_seconds():.3f}",
            f"{(span.end - span.start).total_seconds():.3f}",
            "  " * depth[span.id] + span.name,
            span.error or "",
        )
        for span in sorted(spans, key=lambda span: (span.start, depth[span.id], span.name))
    ]
    head = f"trace {spans[0].trace.hex()}"
    return "\n".join([head, table(rows, ("AT S", "TOOK S", "SPAN", "ERROR"), paint)])
