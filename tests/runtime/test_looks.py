"""Looks and hours: what is counted once is in one of them, and percentiles are near."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from math import ceil

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
    hours_of,
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


@given(first=LOOKS, second=LOOKS)
def test_an_hour_counts_every_look_once_in_whatever_turns_it_is_kept(
    first: list[Look], second: list[Look]
) -> None:
    by_turns = counted(counted(None, first), second)
    assert by_turns == counted(None, [*first, *second])
    found = {hour.subject: hour for hour in hours_of(START, by_turns)}
    for subject in ("Service/a", "Service/b", "disk"):
        mine = [look for look in (*first, *second) if look.subject == subject]
        assert (subject in found) is bool(mine)
        if mine:
            hour = found[subject]
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


def test_the_id_of_an_hour_is_its_start_in_utc() -> None:
    there = timezone(timedelta(hours=5, minutes=30))
    at = (START + timedelta(minutes=59)).astimezone(there)
    assert hour_id(at) == "2026-11-21T12:00:00+00:00"
