"""The bus beside `queue.Queue`, with threads: messages that every one of some readers gets.

    python -m tests.benchmarks.bench_bus [MESSAGES]

With queues each reader has one of its own, and the publisher puts each message into all of them.
A round of each is taken in turn, and the median counts; a message counts once, however many read
it. Every reader checks that it got all messages, in order. Aim: three times the messages a second.
"""

from __future__ import annotations

import queue
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterable

from chimera.runtime.bus import Bus

ROUNDS = 5
SIZE = 4096
BATCH = 256


def check(received: Iterable[int], total: int) -> None:
    """Take every message, one at a time, and raise where one is missing or out of order."""
    expected = 0
    for message in received:
        if message != expected:
            raise AssertionError(f"got {message} where {expected} was due")
        expected += 1
    if expected != total:
        raise AssertionError(f"got {expected} of {total} messages")


def seconds(readers: list[Callable[[], None]], publish: Callable[[], None]) -> float:
    """Return how long it takes until everything is published and read."""
    failed: list[BaseException] = []

    def guarded(read: Callable[[], None]) -> None:
        try:
            read()
        except BaseException as error:  # told below: a thread's error would pass unseen
            failed.append(error)

    threads = [threading.Thread(target=guarded, args=(read,)) for read in readers]
    for thread in threads:
        thread.start()
    began = time.perf_counter()
    publish()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - began
    if failed:
        raise failed[0]
    return took


def by_queue(count: int, total: int, size: int) -> float:
    """Take the time of a `queue.Queue` for each reader, bounded like the bus."""
    queues: list[queue.Queue[int]] = [queue.Queue(size) for _ in range(count)]

    def publish() -> None:
        for message in range(total):
            for one in queues:
                one.put(message)

    def read(one: queue.Queue[int]) -> None:
        check((one.get() for _ in range(total)), total)

    return seconds([lambda one=one: read(one) for one in queues], publish)  # type: ignore[misc]


def by_bus(count: int, total: int, size: int, batch: int = 1) -> float:
    """Take the time of one bus, published to by one message or by batches."""
    bus: Bus[int] = Bus(size)
    readers = [bus.reader() for _ in range(count)]

    def publish() -> None:
        if batch == 1:
            for message in range(total):
                bus.publish(message)
        else:
            for start in range(0, total, batch):
                bus.publish_many(range(start, min(start + batch, total)))
        bus.close()

    return seconds([lambda one=one: check(one, total) for one in readers], publish)  # type: ignore[misc]


def run(total: int = 200_000) -> None:
    """Print the messages a second of each, by the number of readers, and the ratio."""
    print(f"{'readers':>7}  {'queue.Queue':>12}  {'bus, single':>20}  {'bus, batches':>20}")
    for readers in (1, 4, 16):
        messages = max(total // readers, 10_000)
        took: dict[str, list[float]] = {"queue": [], "single": [], "batches": []}
        for _ in range(ROUNDS):
            took["queue"].append(by_queue(readers, messages, SIZE))
            took["single"].append(by_bus(readers, messages, SIZE))
            took["batches"].append(by_bus(readers, messages, SIZE, BATCH))
        rates = {name: messages / statistics.median(times) for name, times in took.items()}
        single, batches = (
            f"{rates[name]:10,.0f}/s {rates[name] / rates['queue']:5.1f} x"
            for name in ("single", "batches")
        )
        print(f"{readers:7}  {rates['queue']:10,.0f}/s  {single:>20}  {batches:>20}")


if __name__ == "__main__":
    run(*map(int, sys.argv[1:]))
