"""Looks and hours: what is counted once is in one of them, and percentiles are near."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from math import ceil
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera.runtime.health import Health, HealthCheck
from chimera.runtime.looks import (
    Latencies,
    Look,
    check_json,
    counted,
    hour_id,
    hour_of,
    looks_of,
)

START = datetime(2026, 11, 21, 12, tzinfo=UTC)
SECONDS = st.lists(st.floats(1e-5, 600), min_size=1, max_size=60)


@given(seconds=SECONDS, share=st.floats(0.01, 1))
def test_a_percentile_is_within_one_per_cent_of_the_nearest_rank(
    seconds: list[float], share: float
) -> None:
    found = Latencies.of(seconds).percentile(share)
    assert found == pytest.approx(sorted(seconds)[ceil(share * len(seconds)) - 1], rel=0.0101)


@given(one=SECONDS, other=SECONDS)
def test_latencies_that_are_put_together_are_those_of_all(
    one: list[float], other: list[float]
) -> None:
    together = Latencies.of(one) + Latencies.of(other)
    assert together == Latencies.of([*one, *other])
    assert together.count == len(one) + len(other)


def test_of_no_latency_there_is_no_percentile() -> None:
    assert Latencies().percentile(0.95) is None
    assert Latencies.of([0.0]).percentile(1) == pytest.approx(1e-6, rel=0.01)


LOOKS = st.lists(
    st.builds(
        Look,
        st.sampled_from(["Service/a", "Service/b", "disk"]),
        st.just(START),
        st.sampled_from(Health),
        st.booleans(),
        st.one_of(st.none(), st.floats(1e-4, 10)),
    ),
    max_size=30,
)


@given(looks=LOOKS)
def test_an_hour_counts_every_look_once(looks: list[Look]) -> None:
    kept: dict[str, Any] = {}
    for look in looks:
        kept[hour_id(look)] = counted(kept.get(hour_id(look)), look)
    found = {hour.subject: hour for hour in (hour_of(id, value) for id, value in kept.items())}
    for subject in ("Service/a", "Service/b", "disk"):
        mine = [look for look in looks if look.subject == subject]
        assert (subject in found) is bool(mine)
        if mine:
            hour = found[subject]
            assert hour.start == START
            assert hour.looks == len(mine) == sum(hour.statuses.values())
            assert hour.ok == sum(look.ok for look in mine)
            assert hour.latencies.count == sum(look.latency is not None for look in mine)


def test_a_report_gives_back_what_its_checks_found() -> None:
    at = START + timedelta(minutes=3)
    report = {
        "at": START.isoformat(),
        "checks": [
            check_json(
                HealthCheck("b", Health.DEGRADED, "m", None, {"ok": False}, at, 0.25, {"x": 1})
            ),
            check_json(HealthCheck("a", Health.HEALTHY)),
            check_json(HealthCheck("c", Health.UNHEALTHY, measures={"looked": False, "ok": False})),
            check_json(HealthCheck("d", Health.DEGRADED, measures={"looked": False})),
        ],
    }
    assert list(looks_of(report)) == [
        Look("a", START, Health.HEALTHY, ok=True),
        Look("b", at, Health.DEGRADED, ok=False, latency=0.25),
        Look("c", START, Health.UNHEALTHY, ok=False, looked=False),
    ]  # nobody looked at d, and nothing says how it is


def test_an_hour_begins_in_utc_whatever_the_zone() -> None:
    there = timezone(timedelta(hours=5, minutes=30))
    at = (START + timedelta(minutes=59)).astimezone(there)
    look = Look("Service/a", at, Health.HEALTHY, ok=True)
    assert hour_id(look) == "2026-11-21T12:00:00+00:00/Service/a"
