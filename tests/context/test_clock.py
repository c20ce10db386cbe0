"""The clocks tell UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from chimera.context import FixedClock, SystemClock


def test_system_clock_is_aware_and_in_utc() -> None:
    assert SystemClock().now().utcoffset() == timedelta(0)


def test_fixed_clock_stands_still_and_turns_to_utc() -> None:
    clock = FixedClock(datetime(2026, 11, 21, 1, 30, tzinfo=timezone(timedelta(hours=2))))
    assert clock.now() == clock.now() == datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
    assert clock.now().tzinfo is UTC


def test_fixed_clock_refuses_a_naive_instant() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        FixedClock(datetime(2026, 11, 21))
