"""The bus: a ring of messages in which every reader has a place of its own, for one process.

A message is put once, however many readers there are, and a reader takes all that is there in one
go; a queue for each reader would be as many puts, and a wait for each message. Holds messages in
memory and keeps none: what must outlive the process is the journal's. Refuses messages that a full
ring has no room for, by the policy that its maker states.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Generic, Literal, NoReturn, TypeVar

from chimera.model import ChimeraError

M = TypeVar("M")

WhenFull = Literal["block", "drop-oldest", "reject"]

UNBOUNDED = sys.maxsize


class BusFullError(ChimeraError):
    """The slowest reader has left no room; `published` messages of those given are on the bus."""

    def __init__(self, size: int, published: int = 0) -> None:
        super().__init__(
            f"the bus is full: {size} messages wait for its slowest reader",
            help="read them, close that reader, or make the bus larger",
        )
        self.published = published


class BusClosedError(ChimeraError):
    """Nothing is published on a bus that is closed."""

    def __init__(self, published: int = 0) -> None:
        super().__init__("the bus is closed", help="publish before it is closed")
        self.published = published


class Bus(Generic[M]):
    """A ring of `size` messages; safe to use from any thread.

    A reader gets every message that is published after it was made, in order and once. A message
    stays until its slot is needed. When a reader is `size` behind, `full` says what is done:
    `block` waits for it, `drop-oldest` lets it lose what is oldest and counts that, `reject`
    refuses the new message. Without readers nothing is ever full.
    """

    def __init__(self, size: int, full: WhenFull = "block") -> None:
        if size < 1:
            raise ValueError("a bus holds at least one message")
        self.size = size
        self.full: WhenFull = full
        self._lock = threading.Lock()
        self._arrived = threading.Condition(self._lock)
        self._room = threading.Condition(self._lock)
        self._ring: list[M | None] = [None] * size
        self._next = 0  # number of the message that is published next
        self._bound = 0  # the first number known not to fit: below it nobody need be asked
        self._readers: dict[int, Reader[M]] = {}
        self._readers_made = 0
        self._listening = False  # whether a reader waits for a message
        self._waiting = 0  # publishers that wait for room
        self._rejected = 0
        self._closed = False

    @property
    def published(self) -> int:
        """How many messages have ever been published."""
        return self._next

    @property
    def rejected(self) -> int:
        """How many messages found no room, by the policy `reject` or after waiting in vain."""
        return self._rejected

    @property
    def is_closed(self) -> bool:
        """Whether nothing is published any more."""
        return self._closed

    @property
    def lag(self) -> int:
        """How many messages the slowest reader has not read."""
        with self._lock:
            return max((reader._behind() for reader in self._readers.values()), default=0)

    def reader(self) -> Reader[M]:
        """Return a new reader of what is published from now on."""
        with self._lock:
            self._readers_made += 1
            reader = Reader(self, self._readers_made, self._next)
            if not self._closed:
                self._readers[self._readers_made] = reader
                self._bound = self._next  # ask again: there may be less room with one more
            return reader

    def publish(self, message: M, timeout: float | None = None) -> None:
        """Publish one message; the policy `block` waits for room, at most `timeout` seconds.

        Raises `BusFullError` where there is none, and `BusClosedError`.
        """
        with self._lock:
            if self._next >= self._bound:
                self._make_room(1, timeout)
            self._ring[self._next % self.size] = message
            self._next += 1
            if self._listening:
                self._wake_readers()

    def publish_many(self, messages: Sequence[M], timeout: float | None = None) -> None:
        """Publish messages in order, with no other between those that find room together.

        The policy `reject` publishes all or none. `block` publishes what there is room for and
        waits for more, at most `timeout` seconds each time. Errors are those of `publish`, and
        say how many were published.
        """
        total, done = len(messages), 0
        with self._lock:
            if self.full == "reject" and self._free(total) < total:
                self._refuse(total)
            while done < total:
                free = self._free(total - done) or self._make_room(total - done, timeout, done)
                count = min(total - done, free, self.size)
                self._write(messages[done : done + count])
                done += count
                if self._listening:
                    self._wake_readers()

    def close(self) -> None:
        """Publish nothing more: readers read what is left, and who waits is woken."""
        with self._lock:
            self._closed = True
            self._bound = self._next
            self._arrived.notify_all()
            self._room.notify_all()

    def _write(self, messages: Sequence[M]) -> None:
        """Write at most `size` messages, which have room."""
        start = self._next % self.size
        first = min(len(messages), self.size - start)
        self._ring[start : start + first] = messages[:first]
        self._ring[: len(messages) - first] = messages[first:]
        self._next += len(messages)

    def _wake_readers(self) -> None:
        self._listening = False
        self._arrived.notify_all()

    def _free(self, wanted: int) -> int:
        """Return for how many messages there is room, as far as `wanted` makes it matter."""
        if self._closed:
            raise BusClosedError
        if self._bound - self._next < wanted:
            self._bound = self._known_bound()
        return self._bound - self._next

    def _known_bound(self) -> int:
        if self.full == "drop-oldest" or not self._readers:
            return UNBOUNDED
        return min(reader._cursor for reader in self._readers.values()) + self.size

    def _make_room(self, wanted: int, timeout: float | None, published: int = 0) -> int:
        """Return for how many messages there is room, at least one, after waiting for it."""
        free = self._free(wanted)
        if not free and self.full == "block":
            self._waiting += 1
            try:
                self._room.wait_for(lambda: self._closed or self._free(wanted), timeout)
            finally:
                self._waiting -= 1
            if self._closed:
                raise BusClosedError(published)
            free = self._free(wanted)
        if not free:
            self._refuse(wanted, published)
        return free

    def _refuse(self, count: int, published: int = 0) -> NoReturn:
        self._rejected += count
        raise BusFullError(self.size, published)


class Reader(Generic[M]):
    """One place in the ring, for one thread at a time; as a context manager it closes itself."""

    def __init__(self, bus: Bus[M], number: int, cursor: int) -> None:
        self._bus = bus
        self._number = number
        self._cursor = cursor
        self._dropped = 0
        self._closed = False

    @property
    def lag(self) -> int:
        """How many messages it has not read and can still read."""
        with self._bus._lock:
            return min(self._behind(), self._bus.size)

    @property
    def dropped(self) -> int:
        """How many messages it has lost by being too slow."""
        with self._bus._lock:
            return self._dropped + max(0, self._behind() - self._bus.size)

    def read(self, limit: int | None = None, timeout: float | None = None) -> list[M]:
        """Return what has been published since the last time, oldest first, at most `limit`.

        Waits for a message, at most `timeout` seconds (0: not at all). Nothing is returned when
        the time is over, and when the bus or the reader is closed and all has been read.
        """
        bus = self._bus
        with bus._lock:
            if self._cursor == bus._next and not self._await(timeout):
                return []
            behind = bus._next - self._cursor
            if behind > bus.size:
                self._dropped += behind - bus.size
                self._cursor += behind - bus.size
                behind = bus.size
            taken = self._take(behind if limit is None else min(behind, limit))
            if bus._waiting and behind >= bus.size:  # others were held up by it, perhaps alone
                bus._room.notify_all()
            return taken

    def close(self) -> None:
        """Read nothing more, and hold up nobody."""
        bus = self._bus
        with bus._lock:
            self._closed = True
            self._cursor = bus._next
            bus._readers.pop(self._number, None)
            bus._arrived.notify_all()
            bus._room.notify_all()

    def __iter__(self) -> Iterator[M]:
        """Yield messages as they come, until the bus or the reader is closed."""
        while batch := self.read():
            yield from batch

    def __enter__(self) -> Reader[M]:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def _behind(self) -> int:
        return 0 if self._closed else self._bus._next - self._cursor

    def _await(self, timeout: float | None) -> bool:
        """Tell whether there is a message, after waiting for one."""
        bus = self._bus
        if timeout == 0 or bus._closed or self._closed:
            return False

        def is_over() -> bool:
            if self._cursor != bus._next or bus._closed or self._closed:
                return True
            bus._listening = True
            return False

        bus._arrived.wait_for(is_over, timeout)
        return self._cursor != bus._next and not self._closed

    def _take(self, count: int) -> list[M]:
        ring, size = self._bus._ring, self._bus.size
        start = self._cursor % size
        self._cursor += count
        end = start + count
        if end <= size:
            return ring[start:end]  # type: ignore[return-value]  # what was published is no hole
        return ring[start:] + ring[: end - size]  # type: ignore[return-value]
