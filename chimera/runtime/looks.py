"""What was found at each look at health: the newest one by one, and all of them by hour.

Read by whoever computes from it: objectives, reports, and who watches a rollback. Refuses to guess
what a look would have found that nobody took.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from math import ceil, exp, log
from typing import TYPE_CHECKING, Any

from chimera.runtime.health import Health, HealthCheck

if TYPE_CHECKING:
    from chimera.state import Json, StateReader

REPORTS = "health"
"""Collection of what was found at each look, by its moment; a large one is in several pieces."""
HOURS = "health-hours"
"""Collection of what was found of each subject in each hour, by its start and the subject."""

_GROWTH = log(1.02)
"""Of a bucket's bounds the upper is 2 % greater, so that its middle is off by 1 % at most."""


@dataclass(frozen=True, slots=True)
class Look:
    """What was found of one subject at one moment.

    `status` is what people were told, `ok` whether this look found it well; `latency` is in
    seconds, `None` where it was not. Nothing was asked where it was not `looked` at: a breaker is
    open, and it was not well when it was looked at last.
    """

    subject: str
    at: datetime
    status: Health
    ok: bool
    latency: float | None = None
    looked: bool = True


@dataclass(frozen=True, slots=True)
class Latencies:
    """How long answers took, counted by logarithmic buckets: percentiles are within 1 %."""

    buckets: Mapping[int, int] = field(default_factory=dict)

    @staticmethod
    def of(seconds: Iterable[float]) -> Latencies:
        """Count some latencies; what took less than a microsecond took one."""
        return Latencies(Counter(round(log(max(each, 1e-6)) / _GROWTH) for each in seconds))

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(self.buckets.values())

    def percentile(self, share: float) -> float | None:
        """Return what a share of them took at most, in seconds, by nearest rank; `None` of none."""
        left = ceil(share * self.count)
        for bucket in sorted(self.buckets):
            left -= self.buckets[bucket]
            if left <= 0:
                return exp(bucket * _GROWTH)
        return None

    def __add__(self, other: Latencies) -> Latencies:
        return Latencies(Counter(self.buckets) + Counter(other.buckets))


@dataclass(frozen=True, slots=True)
class Hour:
    """What all looks at one subject found that were taken within one hour."""

    subject: str
    start: datetime
    looks: int
    ok: int
    statuses: Mapping[Health, int]
    latencies: Latencies

    def __add__(self, other: Hour) -> Hour:
        return Hour(
            self.subject,
            min(self.start, other.start),
            self.looks + other.looks,
            self.ok + other.ok,
            Counter(self.statuses) + Counter(other.statuses),
            self.latencies + other.latencies,
        )


def looks(
    state: StateReader,
    environment: str,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Iterator[Look]:
    """Yield the newest looks, the oldest first, then by subject; `until` itself is left out."""
    for report in reports(state, environment, since=since, until=until):
        yield from looks_of(report)


def reports(
    state: StateReader,
    environment: str,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Iterator[dict[str, Any]]:
    """Yield the newest reports as they were shown, the oldest first; their pieces are together."""
    found: dict[str, dict[str, Any]] = {}
    for item in state.items(environment, REPORTS, first=_id(since) or "", until=_id(until)):
        piece: Any = item.value
        whole = found.setdefault(piece["at"], {**piece, "checks": []})
        whole["checks"] += piece["checks"]
    yield from found.values()


def looks_of(report: Json) -> Iterator[Look]:
    """Yield what a kept report found, by subject; what could not be looked at is left out."""
    told: Any = report
    found = [_look(check, told["at"]) for check in told["checks"]]
    yield from sorted(filter(None, found), key=lambda look: look.subject)


def _look(check: Mapping[str, Any], at: str) -> Look | None:
    measures, status = check.get("measures", {}), Health(check["status"])
    looked = measures.get("looked", True)
    if not looked and "ok" not in measures:
        return None
    return Look(
        check["subject"],
        datetime.fromisoformat(check.get("at", at)),
        status,
        measures.get("ok", status is not Health.UNHEALTHY),
        check.get("latency"),
        looked,
    )


def hours(
    state: StateReader,
    environment: str,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Iterator[Hour]:
    """Yield every hour that overlaps the time asked for, the oldest first, then by subject."""
    first = "" if since is None else hour_start(since).isoformat()
    for item in state.items(environment, HOURS, first=first, until=_id(until)):
        yield hour_of(item.id, item.value)


def _id(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat()


def hour_start(at: datetime) -> datetime:
    """Return when the hour began, in UTC, in which a moment lies."""
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def hour_id(look: Look) -> str:
    """Return the id under which all looks of an hour at one subject are kept: its start in UTC."""
    return f"{hour_start(look.at).isoformat()}/{look.subject}"


def hour_of(id: str, kept: Json | None) -> Hour:
    """Return what is kept of an hour; nothing was looked at where nothing is."""
    start, _, subject = id.partition("/")
    value: Any = kept or {"looks": 0, "ok": 0, "statuses": {}}
    return Hour(
        subject,
        datetime.fromisoformat(start),
        value["looks"],
        value["ok"],
        {Health(status): count for status, count in value["statuses"].items()},
        Latencies({int(bucket): count for bucket, count in value.get("latency", {}).items()}),
    )


def counted(kept: Json | None, look: Look) -> Json:
    """Return what is kept of an hour with one more look in it."""
    latency = () if look.latency is None else (look.latency,)
    hour = hour_of(hour_id(look), kept)
    hour += replace(
        hour, looks=1, ok=int(look.ok), statuses={look.status: 1}, latencies=Latencies.of(latency)
    )
    statuses = {status.value: hour.statuses[status] for status in Health if status in hour.statuses}
    buckets = {str(bucket): count for bucket, count in sorted(hour.latencies.buckets.items())}
    found: dict[str, Json] = {"looks": hour.looks, "ok": hour.ok, "statuses": statuses}
    return {**found, "latency": buckets} if buckets else found


def check_json(check: HealthCheck) -> dict[str, Json]:
    """Return a check as a report has it."""
    told: dict[str, Json] = {
        "message": check.message,
        "help": check.help,
        "measures": dict(check.measures),
        "at": None if check.at is None else check.at.isoformat(),
        "latency": check.latency,
    }
    found: dict[str, Json] = {"subject": check.subject, "status": check.status.value}
    return {**found, **{name: value for name, value in told.items() if value not in (None, {}, "")}}
