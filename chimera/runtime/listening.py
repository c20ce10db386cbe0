"""Listening: what steps publish is told to whoever listens in the process, by topic.

The engine tells what is on disk and goes on: a listener that is slow loses what is oldest, which it
can count, and finds in the outbox. Refuses to hold up a run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chimera.model import UsageError
from chimera.runtime.bus import Bus, Reader
from chimera.runtime.topics import is_pattern, matches
from chimera.state import Json


@dataclass(frozen=True, slots=True)
class Said:
    """What a step published."""

    topic: str
    payload: Json


class Listeners:
    """Those who listen to the runs of one engine; `tell` is what `RunSettings.bus` calls.

    No more than `size` messages are held for the slowest.
    """

    def __init__(self, size: int) -> None:
        self._bus: Bus[Said] = Bus(size, "drop-oldest")

    def tell(self, messages: Sequence[tuple[str, Json]]) -> None:
        """Tell everybody who listens, of topics and payloads; never waits for them."""
        self._bus.publish_many([Said(topic, payload) for topic, payload in messages])

    def listen(self, pattern: str = "#") -> Listener:
        """Return a listener to what is published from now on under topics of the pattern.

        Raises `UsageError` where that is none.
        """
        if not is_pattern(pattern):
            raise UsageError(
                f"{pattern!r} is no pattern of topics",
                help="write words with dots; * stands for one word, # for any number: context.#",
            )
        return Listener(self._bus.reader(), pattern)

    def close(self) -> None:
        """Tell nothing more: listeners hear what is left, and are over."""
        self._bus.close()


class Listener:
    """Hears what is published under the topics of one pattern, in order and once."""

    def __init__(self, reader: Reader[Said], pattern: str) -> None:
        self._reader = reader
        self.pattern = pattern

    @property
    def missed(self) -> int:
        """How many messages, of whatever topic, were lost because it did not listen in time."""
        return self._reader.dropped

    def __iter__(self) -> Iterator[Said]:
        """Yield what is published as it comes, until nothing more is told."""
        return (said for said in self._reader if matches(self.pattern, said.topic))

    def hear(self, timeout: float = 0) -> list[Said]:
        """Return what has been published since, after waiting for at most `timeout` seconds."""
        found = self._reader.read(timeout=timeout)
        return [said for said in found if matches(self.pattern, said.topic)]

    def close(self) -> None:
        """Listen no longer."""
        self._reader.close()
