"""The bus: every reader gets every message, in order and once, and what a full ring does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from functools import partial

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
)

from chimera.runtime.bus import Bus, BusClosedError, BusFullError, Reader, WhenFull

JOINED = 30.0
"""Seconds after which a thread that should have ended is a failure."""


def in_threads(*works: Callable[[], object]) -> None:
    """Do all at the same time; raise what one of them raised."""
    failed: list[BaseException] = []

    def guarded(work: Callable[[], object]) -> None:
        try:
            work()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=guarded, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(JOINED)
    assert not any(thread.is_alive() for thread in threads)
    if failed:
        raise failed[0]


class BusModel(RuleBasedStateMachine):
    """The bus beside lists: what each reader has still to get, and what it has lost."""

    readers = Bundle("readers")

    @initialize(size=st.integers(1, 5), full=st.sampled_from(["block", "drop-oldest", "reject"]))
    def begin(self, size: int, full: WhenFull) -> None:
        self.bus: Bus[int] = Bus(size, full)
        self.pending: dict[Reader[int], list[int]] = {}
        self.lost: dict[Reader[int], int] = {}
        self.count = 0
        self.rejected = 0

    @rule(target=readers)
    def subscribe(self) -> Reader[int]:
        reader = self.bus.reader()
        self.pending[reader], self.lost[reader] = [], 0
        return reader

    @rule(count=st.integers(1, 12), together=st.booleans())
    def publish(self, count: int, together: bool) -> None:
        for messages in [range(count)] if together else [range(1)] * count:
            given = [self.count + number for number in messages]
            fits = self.fits(len(given))
            if fits == len(given):
                self.send(given)
            else:
                with pytest.raises(BusFullError) as refused:
                    self.send(given)
                assert refused.value.published == fits
                self.rejected += len(given) - fits
            for pending in self.pending.values():
                pending.extend(given[:fits])
            self.count += fits

    def fits(self, count: int) -> int:
        room = self.bus.size - max(map(len, self.pending.values()), default=0)
        if self.bus.full == "drop-oldest" or not self.pending or room >= count:
            return count
        return room if self.bus.full == "block" else 0

    def send(self, messages: list[int]) -> None:
        if len(messages) == 1:
            self.bus.publish(messages[0], timeout=0)
        else:
            self.bus.publish_many(messages, timeout=0)

    @rule(reader=readers, limit=st.one_of(st.none(), st.integers(1, 6)))
    def read(self, reader: Reader[int], limit: int | None) -> None:
        pending = self.forget_overwritten(reader)
        expected = pending[:limit]
        del pending[:limit]
        assert reader.read(limit, timeout=0) == expected

    def forget_overwritten(self, reader: Reader[int]) -> list[int]:
        pending = self.pending[reader]
        over = max(0, len(pending) - self.bus.size)
        self.lost[reader] += over
        del pending[:over]
        return pending

    @rule(reader=consumes(readers))
    def leave(self, reader: Reader[int]) -> None:
        reader.close()
        del self.pending[reader], self.lost[reader]
        assert reader.read(timeout=0) == []

    @invariant()
    def tells_where_readers_stand(self) -> None:
        if not hasattr(self, "bus"):
            return
        assert self.bus.published == self.count
        assert self.bus.rejected == self.rejected
        assert self.bus.lag == max(map(len, self.pending.values()), default=0)
        for reader, pending in self.pending.items():
            over = max(0, len(pending) - self.bus.size)
            assert reader.lag == len(pending) - over
            assert reader.dropped == self.lost[reader] + over


TestBusModel = BusModel.TestCase
TestBusModel.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


@pytest.mark.parametrize("readers", [1, 4])
@pytest.mark.parametrize("batch", [1, 7, 300])
def test_every_reader_gets_every_message_once_and_in_order(readers: int, batch: int) -> None:
    bus: Bus[int] = Bus(64)
    total = 5_000
    got: list[list[int]] = [[] for _ in range(readers)]

    def publish() -> None:
        for start in range(0, total, batch):
            bus.publish_many(range(start, min(start + batch, total)))
        bus.close()

    made = [bus.reader() for _ in got]
    reading = [partial(into.extend, reader) for into, reader in zip(got, made, strict=True)]
    in_threads(publish, *reading)
    assert got == [list(range(total))] * readers


def test_messages_of_many_publishers_keep_the_order_of_each() -> None:
    bus: Bus[tuple[int, int]] = Bus(32)
    reader, publishers, total = bus.reader(), 4, 1_000
    got: list[tuple[int, int]] = []

    def publish(who: int) -> None:
        for number in range(total):
            bus.publish((who, number))

    def read() -> None:
        while len(got) < publishers * total:
            got.extend(reader.read(5))

    in_threads(read, *(partial(publish, who) for who in range(publishers)))
    for who in range(publishers):
        assert [number for one, number in got if one == who] == list(range(total))


def test_a_reader_gets_nothing_of_before_it_was_made() -> None:
    bus: Bus[str] = Bus(4)
    bus.publish("before")
    reader = bus.reader()
    bus.publish("after")
    assert reader.read() == ["after"]


def test_a_publisher_waits_for_the_slowest_reader() -> None:
    bus: Bus[int] = Bus(2)
    fast, slow = bus.reader(), bus.reader()
    bus.publish_many([0, 1])
    fast.read()
    with pytest.raises(BusFullError, match="slowest reader"):
        bus.publish(2, timeout=0.01)
    in_threads(lambda: bus.publish(2), lambda: slow.read(1))
    assert (slow.read(), fast.read()) == ([1, 2], [2])


def test_a_reader_that_leaves_holds_up_nobody() -> None:
    bus: Bus[int] = Bus(1)
    reader = bus.reader()
    bus.publish(0)
    in_threads(lambda: bus.publish(1), reader.close)
    assert bus.published == 2


def test_a_batch_that_does_not_fit_is_rejected_whole() -> None:
    bus: Bus[int] = Bus(3, "reject")
    reader = bus.reader()
    bus.publish_many([1, 2])
    with pytest.raises(BusFullError):
        bus.publish_many([3, 4])
    assert reader.read() == [1, 2]
    assert bus.rejected == 2


def test_a_batch_longer_than_the_ring_flows_through_it() -> None:
    bus: Bus[int] = Bus(3)
    reader = bus.reader()
    got: list[int] = []

    def read() -> None:
        while len(got) < 50:
            got.extend(reader.read())

    in_threads(lambda: bus.publish_many(range(50)), read)
    assert got == list(range(50))


def test_a_slow_reader_loses_the_oldest_and_is_told_how_many() -> None:
    bus: Bus[int] = Bus(3, "drop-oldest")
    slow, fast = bus.reader(), bus.reader()
    for number in range(10):
        bus.publish(number)
        assert fast.read() == [number]
    assert slow.read() == [7, 8, 9]
    assert (slow.dropped, fast.dropped) == (7, 0)


def test_reading_in_vain_ends_with_the_time() -> None:
    reader = Bus[int](1).reader()
    assert reader.read(timeout=0) == []
    assert reader.read(timeout=0.01) == []


def test_a_closed_bus_is_read_to_its_end() -> None:
    bus: Bus[int] = Bus(4)
    reader = bus.reader()
    bus.publish_many([1, 2])
    bus.close()
    with pytest.raises(BusClosedError):
        bus.publish(3)
    with pytest.raises(BusClosedError):
        bus.publish_many([3])
    assert list(reader) == [1, 2]
    assert list(bus.reader()) == []


def test_closing_wakes_who_waits() -> None:
    full: Bus[int] = Bus(1)
    full.reader()
    full.publish(0)

    def publish() -> None:
        with pytest.raises(BusClosedError) as closed:
            full.publish_many([1, 2])
        assert closed.value.published == 0

    in_threads(publish, full.close)
    empty: Bus[int] = Bus(1)
    in_threads(lambda: none(empty.reader().read()), empty.close)
    leaving = Bus[int](1).reader()
    in_threads(lambda: none(leaving.read()), leaving.close)


def none(messages: Iterable[int]) -> None:
    """Expect no messages."""
    assert list(messages) == []


def test_a_reader_closes_itself_at_the_end_of_a_block() -> None:
    bus: Bus[int] = Bus(1)
    with bus.reader():
        bus.publish(0)
    bus.publish(1, timeout=0)
    assert bus.lag == 0


def test_a_bus_without_a_place_is_none() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Bus(0)
