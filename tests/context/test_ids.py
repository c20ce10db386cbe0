"""Ids are unique and sort by time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from chimera.context import FixedClock, SequentialIds, SystemClock, SystemIds

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Script:
    """A clock that tells the instants that it was given, one after another."""

    def __init__(self, *instants: datetime) -> None:
        self._instants = iter(instants)

    def now(self) -> datetime:
        return next(self._instants)


def test_ids_are_short_lowercase_and_hold_no_ambiguous_letter() -> None:
    new = SystemIds(SystemClock()).new()
    assert len(new) == 26
    assert set(new) <= set("0123456789abcdefghjkmnpqrstvwxyz")


def test_ids_of_different_makers_sort_by_time() -> None:
    early = SystemIds(FixedClock(NOON)).new()
    late = SystemIds(FixedClock(NOON + timedelta(milliseconds=1))).new()
    assert early < late


def test_ids_rise_while_the_clock_stands_still_or_steps_back() -> None:
    ids = SystemIds(Script(NOON, NOON, NOON - timedelta(hours=1), NOON + timedelta(seconds=1)))
    made = [ids.new() for _ in range(4)]
    assert made == sorted(set(made))


def test_ids_of_two_makers_at_one_moment_differ() -> None:
    assert SystemIds(FixedClock(NOON)).new() != SystemIds(FixedClock(NOON)).new()


def test_ids_made_by_threads_are_unique() -> None:
    ids = SystemIds(FixedClock(NOON))
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: ids.new(), range(500)))
    assert len(set(made)) == 500


def test_sequential_ids_count() -> None:
    ids = SequentialIds("run")
    assert [ids.new(), ids.new()] == ["run-000001", "run-000002"]
