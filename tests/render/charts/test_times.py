"""Axes of time: round moments of a zone, in order, and told apart."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera.render.charts.times import time_label, time_scale

ZONES = st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns"])


@given(st.integers(0, 2_000_000_000), st.integers(60, 3 * 365 * 86_400), ZONES)
def test_ticks_lie_on_the_axis_in_order(low: int, length: int, name: str) -> None:
    scale = time_scale(low, low + length, ZoneInfo(name))
    assert len(scale.ticks) <= 14
    assert list(scale.ticks) == sorted(set(scale.ticks))
    assert all(low <= tick <= low + length for tick in scale.ticks)


@pytest.mark.parametrize(
    ("start", "end", "labels"),
    [
        ("2026-11-21T00:00", "2026-11-22T00:00", ["00:00", "06:00", "12:00", "18:00", "00:00"]),
        ("2026-11-16T00:00", "2026-11-23T00:00", ["11-16", "11-18", "11-20", "11-22"]),
        ("2026-11-01T00:00", "2026-12-01T00:00", ["11-02", "11-09", "11-16", "11-23", "11-30"]),
    ],
)
def test_a_day_a_week_and_a_month_have_round_ticks(start: str, end: str, labels: list[str]) -> None:
    zone = ZoneInfo("Europe/Berlin")
    low, high = (datetime.fromisoformat(t).replace(tzinfo=zone).timestamp() for t in (start, end))
    scale = time_scale(low, high, zone)
    assert [time_label(tick, scale, zone) for tick in scale.ticks] == labels


def test_one_moment_has_an_axis_around_it() -> None:
    scale = time_scale(0.0, 0.0, UTC)
    assert scale.low < 0 < scale.high
