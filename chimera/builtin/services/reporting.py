"""How available services were in a period, and how quickly they answered.

By what looks at health found: counted by hour, and one by one where only a part of an hour belongs
to the period. Refuses to call a time available in which nobody looked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import reduce
from operator import add

from chimera.model.chart import Chart, Line
from chimera.runtime.health import Health
from chimera.runtime.looks import Hour, Latencies, Look, hour_start, hours, looks
from chimera.runtime.reporting import Cell, Column, Figure, Period, ReportTask, Section, Table

_KIND = "Service/"
_HOUR = timedelta(hours=1)
_LINES = 5
_SHOWN = 20

_Service = tuple[str, str]
"""Environment and address."""
_Found = Mapping[_Service, Sequence[Hour]]


_SERVICE = (
    Column("environment", "Environment", is_code=True),
    Column("service", "Service", is_code=True),
)


def sections(task: ReportTask) -> Iterator[Section]:
    """Yield availability and latency of the services that anybody looked at."""
    found = _found(task)
    declared = "Service" in task.snapshot.kinds
    if not found:
        if declared:
            note = "nobody looked at a service in this time: `chimera health` does, and keeps it"
            yield Section("availability", "Availability", notes=(note,))
        return
    sums = {service: reduce(add, those) for service, those in found.items()}
    yield _availability(task, found, sums)
    answered = {service: hour for service, hour in sums.items() if hour.latencies.count}
    if answered:
        yield _latency(task, found, answered)


def _found(task: ReportTask) -> _Found:
    """Return what was found of each service, by hours and parts of hours, in order of time."""
    found: dict[_Service, list[Hour]] = defaultdict(list)
    start, until = task.period.start, task.until
    first, last = _next_hour(start), hour_start(until)
    for environment in task.environments:
        for hour in hours(task.state, environment, since=first, until=last):
            if hour.subject.startswith(_KIND):
                found[environment, hour.subject].append(hour)
        # Where the period ends before its first full hour begins, there is one edge only.
        edges = ((start, min(first, until)), (max(first, last), until))
        for since, end in edges:
            for look in looks(task.state, environment, since=since, until=end):
                if since < end and look.looked and look.subject.startswith(_KIND):
                    found[environment, look.subject].append(_as_hour(look))
    return {s: sorted(those, key=lambda hour: hour.start) for s, those in sorted(found.items())}


def _next_hour(at: datetime) -> datetime:
    hour = hour_start(at)
    return hour if hour == at else hour + _HOUR


def _as_hour(look: Look) -> Hour:
    latency = () if look.latency is None else (look.latency,)
    statuses = {look.status: 1}
    return Hour(look.subject, look.at, 1, int(look.ok), statuses, Latencies.of(latency))


def _availability(task: ReportTask, found: _Found, sums: Mapping[_Service, Hour]) -> Section:
    shares = {service: hour.ok / hour.looks for service, hour in sums.items()}
    worst = sorted(shares, key=lambda service: (shares[service], service))
    columns = (
        *_SERVICE,
        *(Column("availability", "Available", "ratio"), Column("looks", "Looks")),
        *(Column("degraded", "Degraded"), Column("unhealthy", "Unhealthy")),
    )
    rows = [_row(service, sums[service]) for service in worst]
    lowest = worst[0]
    figures = (
        Figure("services", "Services looked at", len(sums)),
        Figure(
            *("availability-lowest", "Lowest availability", shares[lowest], "ratio"),
            *(f"of {lowest[1]} in {lowest[0]}, by {sums[lowest].looks:,} looks",),
            is_key=True,
        ),
    )
    lines = [
        Line(_named(task, service), _points(task, found[service], _share), steps=True)
        for service in worst[:_LINES]
    ]
    told = "; ".join(f"{_named(task, s)}: {shares[s]:.3%}" for s in worst[:_LINES])
    chart = _chart(task, "Availability", "share of looks", lines, told, "ratio")
    note = "A look counts as available where the service answered as its document asks."
    table = Table("availability", "Services", columns, rows, note=note, most=_SHOWN)
    return Section("availability", "Availability", "", figures, (table,), (chart,))


def _row(service: _Service, hour: Hour) -> tuple[Cell, ...]:
    degraded = hour.statuses.get(Health.DEGRADED, 0)
    unhealthy = hour.statuses.get(Health.UNHEALTHY, 0)
    return (*service, hour.ok / hour.looks, hour.looks, degraded, unhealthy)


def _latency(task: ReportTask, found: _Found, answered: Mapping[_Service, Hour]) -> Section:
    slowest = sorted(answered, key=lambda s: (-(_p95(answered[s]) or 0.0), s))
    columns = (
        *_SERVICE,
        *(Column("answers", "Answers"), Column("median", "Median", "seconds")),
        *(Column("p95", "95th percentile", "seconds"), Column("p99", "99th percentile", "seconds")),
    )
    rows = [
        (
            *service,
            answered[service].latencies.count,
            *map(answered[service].latencies.percentile, (0.5, 0.95, 0.99)),
        )
        for service in slowest
    ]
    lines = [
        Line(_named(task, service), _points(task, found[service], _p95), steps=True)
        for service in slowest[:_LINES]
    ]
    told = f"The slowest is {_named(task, slowest[0])}."
    chart = _chart(task, "95th percentile of latency", "seconds", lines, told, "seconds")
    note = "Percentiles of what looks at health took, within 1 %."
    title = "How quickly services answered"
    table = Table("service-latency", title, columns, rows, note=note, most=_SHOWN)
    return Section("latency", "Latency", "", (), (table,), (chart,))


def _share(hour: Hour) -> float | None:
    return hour.ok / hour.looks if hour.looks else None


def _p95(hour: Hour) -> float | None:
    return hour.latencies.percentile(0.95)


def _points(
    task: ReportTask, those: Sequence[Hour], measure: Callable[[Hour], float | None]
) -> list[tuple[float, float | None]]:
    """Return what a measure says of each part of the period; nothing where nobody looked."""
    found: list[tuple[float, float | None]] = []
    for part in task.period.parts():
        within = [hour for hour in those if _is_of(hour, part)]
        value = measure(reduce(add, within)) if within else None
        found.append((part.start.timestamp(), value))
    return found


def _is_of(hour: Hour, part: Period) -> bool:
    """Tell whether an hour is counted in a part: the one in which it begins."""
    return part.contains(hour.start)


def _chart(
    task: ReportTask, title: str, upward: str, lines: Sequence[Line], told: str, unit: str
) -> Chart:
    return Chart(
        *(title, "time", upward, lines),
        description=told,
        is_time=True,
        unit=unit,
        span=(task.period.start.timestamp(), task.period.end.timestamp()),
        is_from_zero=unit == "seconds",
    )


def _named(task: ReportTask, service: _Service) -> str:
    name = service[1].removeprefix(_KIND)
    return name if len(task.environments) == 1 else f"{service[0]}/{name}"
