"""Health, its history and traces as text."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from chimera.render.paint import table, unbroken
from chimera.runtime.health import Health

if TYPE_CHECKING:
    from chimera.builtin.monitoring.health import Report
    from chimera.builtin.monitoring.traces import Span
    from chimera.render.paint import Paint, Style
    from chimera.runtime.health import HealthCheck

_STYLES: Mapping[str, Style] = {"healthy": "good", "degraded": "warn", "unhealthy": "bad"}
_INDENT = " " * 11


def report_text(report: Report, paint: Paint) -> str:
    """Return what was found: a line for each part, with what to do where it is not well.

    The checks of a service stand below it, where there are several.
    """
    parts = _parts(report.checks)
    width = max((len(check.subject) for check in parts), default=0)
    lines: list[str] = []
    for check in parts:
        lines += _check_lines(check, check.subject, width, paint)
        below = [one for one in report.checks if one.subject.startswith(f"{check.subject}/")]
        for one in below if len(below) > 1 else ():
            lines += _check_lines(one, f"  {one.subject.rpartition('/')[2]}", width, paint)
    for alert in report.alerts:
        lines.append(f"{paint('alert    ', 'bad')}  {alert.name} ({alert.severity}): {alert.text}")
        if alert.message != alert.name:
            lines.append(f"{_INDENT}{alert.message}")
    whole = report.status.value
    lines.append(f"{report.environment} is {paint(whole, _STYLES[whole])}")
    return "\n".join(lines)


def _parts(checks: Sequence[HealthCheck]) -> list[HealthCheck]:
    """Return what stands by itself."""
    subjects = {check.subject for check in checks}
    return [check for check in checks if check.subject.rpartition("/")[0] not in subjects]


def _check_lines(check: HealthCheck, name: str, width: int, paint: Paint) -> Iterator[str]:
    status = paint(f"{check.status.value:<9}", _STYLES[check.status.value])
    took = "" if check.latency is None else f", in {_seconds(check.latency)}"
    yield f"{status}  {name:<{width}}  {unbroken(check.message)}{took}".rstrip()
    if check.status is not Health.HEALTHY and check.help:
        yield f"{_INDENT}{' ' * (width + 2)}{paint(unbroken(check.help), 'dim')}"


def _seconds(latency: float) -> str:
    if latency < 0.001:
        return f"{latency * 1e6:.0f} µs"
    return f"{latency * 1e3:.3g} ms" if latency < 1 else f"{latency:.3g} s"


def watched_text(report: Report, warnings: Sequence[str], paint: Paint) -> str:
    """Return one look as a picture of a watch."""
    head = paint(f"{report.at[:19]}  {report.environment}", "dim")
    told = [f"{paint('warning', 'warn')}: {unbroken(reason)}" for reason in warnings]
    return "\n".join((head, report_text(report, paint), *told))


def look_text(report: Report) -> str:
    """Return one look in one line: what is not well."""
    unwell = [
        f"{check.subject} is {check.status.value}"
        for check in _parts(report.checks)
        if check.status is not Health.HEALTHY
    ]
    told = [f"{alert.name} is past" for alert in report.alerts]
    return "  ".join((report.at[:19], report.status.value, ", ".join((*unwell, *told)))).rstrip()


def history_text(
    reports: Sequence[Mapping[str, Any]], paint: Paint, only: Collection[str] = ()
) -> str:
    """Return what was found before, a line each; of `only` some subjects, what was said of each."""
    if only:
        rows = [
            _look_row(report, check)
            for report in reports
            for check in report["checks"]
            if check["subject"] in only
        ]
        header: tuple[str, ...] = ("AT", "SUBJECT", "STATUS", "TOOK", "FOUND")
    else:
        rows = [_report_row(report) for report in reports]
        header = ("AT", "STATUS", "NOT WELL")
    return table(rows, header, paint) if rows else "nothing has been looked at yet"


def _look_row(report: Mapping[str, Any], check: Mapping[str, Any]) -> tuple[str, ...]:
    took = _seconds(check["latency"]) if "latency" in check else ""
    said = unbroken(check.get("message", ""))
    return report["at"][:19], check["subject"], check["status"], took, said


def _report_row(report: Mapping[str, Any]) -> tuple[str, ...]:
    subjects = {check["subject"] for check in report["checks"]}
    unwell = [
        check["subject"]
        for check in report["checks"]
        if check["status"] != "healthy" and check["subject"].rpartition("/")[0] not in subjects
    ]
    told = [alert["alert"] for alert in report["alerts"]]
    return report["at"][:19], report["status"], ", ".join((*unwell, *told))


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
