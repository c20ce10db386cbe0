"""Looks at health as measurements: the newest one by one, those before them by the hour.

Of hours that are kept as counts, latencies are within 1 %; an hour that is not wholly in the window
is left out. Refuses to count a look at which nobody looked.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from chimera.builtin.services.objectives.measurements import Measurement
from chimera.runtime.looks import (
    REPORTS,
    Hour,
    Latencies,
    Look,
    hour_start,
    hours,
    looks_of,
    reports,
)

if TYPE_CHECKING:
    from chimera.builtin.services.spec.objective import HealthSource, Indicator
    from chimera.state import StateReader

LATENCY = "latency"
_HOUR = timedelta(hours=1)


def looked(
    indicator: Indicator,
    source: HealthSource,
    state: StateReader,
    environment: str,
    since: datetime,
    until: datetime,
) -> Iterator[Measurement]:
    """Yield what was found of the subjects after `since`, until `until` and at it."""
    border = since
    if source.measure in (None, LATENCY) and not source.together:
        border = _border(state, environment, since, until)
        for hour in hours(state, environment, since=since, until=border):
            if hour.subject in source.subjects and since <= hour.start < border:
                yield from _of_hour(indicator, source, hour)
    for report in reports(state, environment, since=border):
        at = datetime.fromisoformat(report["at"])
        if since < at <= until:
            yield from _of_report(indicator, source, report)


def _border(state: StateReader, environment: str, since: datetime, until: datetime) -> datetime:
    """Return from when on looks are taken one by one: the first hour of which all are kept so.

    It is the beginning of the window where nothing older than the oldest of them is known.
    """
    ids = state.item_ids(environment, REPORTS)
    if not ids:
        return until
    start = hour_start(datetime.fromisoformat(ids[0]))
    is_all = not any(hours(state, environment, until=start))
    return since if is_all or not since < start + _HOUR <= until else start + _HOUR


def _of_hour(indicator: Indicator, source: HealthSource, hour: Hour) -> Iterator[Measurement]:
    if source.measure == LATENCY:
        for bucket, count in sorted(hour.latencies.buckets.items()):
            value = Latencies({bucket: 1}).percentile(1)
            assert value is not None
            yield Measurement(hour.start, value, count)
        return
    for value, count in ((1.0, hour.ok), (0.0, hour.looks - hour.ok)):
        if count:
            good = value if indicator.type == "availability" else 1 - value
            yield Measurement(hour.start, good, count)


def _of_report(
    indicator: Indicator, source: HealthSource, report: dict[str, Any]
) -> Iterator[Measurement]:
    at = datetime.fromisoformat(report["at"])
    if source.measure in (None, LATENCY):
        seen = [look for look in looks_of(report) if look.subject in source.subjects]
        values = [_of_look(indicator, source, look) for look in seen]
    else:
        checks = [check for check in report["checks"] if check["subject"] in source.subjects]
        values = [_number(check.get("measures", {}).get(source.measure)) for check in checks]
    found = [value for value in values if value is not None]
    if source.together and found:
        found = [min(found) if indicator.type == "availability" else max(found)]
    yield from (Measurement(at, value) for value in found)


def _of_look(indicator: Indicator, source: HealthSource, look: Look) -> float | None:
    if source.measure == LATENCY:
        return look.latency
    return float(look.ok if indicator.type == "availability" else not look.ok)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)
