"""Topics of messages and the patterns that select them, as AMQP 0-9-1's topic exchanges have them.

A topic is made of words: `context.updated`. In a pattern `*` stands for exactly one word and `#`
for any number of them, none included: `context.*`, `context.#`, `#.failed`. Owns the trie in which
many patterns are looked up at once. Refuses words of other characters than letters, digits, `_` and
`-`, and topics of more than 255 characters, AMQP's own bound.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator
from functools import lru_cache
from typing import Generic, TypeVar

V = TypeVar("V", bound=Hashable)

MAX_LENGTH = 255
WORD, ANY_WORD, ANY_WORDS = "[A-Za-z0-9_-]+", "*", "#"
TOPIC_PATTERN = rf"^{WORD}(?:\.{WORD})*$"
PATTERN_PATTERN = rf"^(?:{WORD}|[*#])(?:\.(?:{WORD}|[*#]))*$"

_TOPIC, _PATTERN = re.compile(TOPIC_PATTERN), re.compile(PATTERN_PATTERN)


def is_topic(text: str) -> bool:
    """Tell whether something can be published under `text`."""
    return len(text) <= MAX_LENGTH and _TOPIC.fullmatch(text) is not None


def is_pattern(text: str) -> bool:
    """Tell whether `text` selects topics."""
    return len(text) <= MAX_LENGTH and _PATTERN.fullmatch(text) is not None


def matches(pattern: str, topic: str) -> bool:
    """Tell whether `pattern` selects `topic`; raises `ValueError` where it is no pattern."""
    return bool(_alone(pattern).find(topic))


class Topics(Generic[V]):
    """Values by the patterns under which they were put; a topic finds all that select it.

    What a topic costs follows from its words and from the patterns that begin like it, not from
    how many patterns there are.
    """

    def __init__(self) -> None:
        self._root: _Node[V] = _Node()
        self._put = 0

    def put(self, pattern: str, value: V) -> None:
        """Put a value under a pattern; raises `ValueError` where that is none."""
        if not is_pattern(pattern):
            raise ValueError(f"{pattern!r} is no pattern of topics")
        node = self._root
        for word in pattern.split("."):
            node = node.inner.setdefault(word, _Node(repeats=word == ANY_WORDS))
        self._put += 1
        node.values.setdefault(value, self._put)

    def discard(self, pattern: str, value: V) -> None:
        """Take a value away from a pattern, if it is there."""
        path = [self._root]
        for word in pattern.split("."):
            found = path[-1].inner.get(word)
            if found is None:
                return
            path.append(found)
        path[-1].values.pop(value, None)
        for node, word in reversed(list(zip(path[:-1], pattern.split("."), strict=True))):
            if node.inner[word].is_empty:
                del node.inner[word]

    def find(self, topic: str) -> list[V]:
        """Return the values whose patterns select `topic`, each once, in the order of putting."""
        here = _reached([self._root])
        for word in topic.split("."):
            here = _reached(step for node in here for step in node.after(word))
            if not here:
                return []
        numbers: dict[V, int] = {}
        for node in here:
            for value, number in node.values.items():
                numbers[value] = min(number, numbers.get(value, number))
        return sorted(numbers, key=numbers.__getitem__)


class _Node(Generic[V]):
    """A place in the trie; one that `repeats` stays where it is, whatever word comes."""

    __slots__ = ("inner", "repeats", "values")

    def __init__(self, *, repeats: bool = False) -> None:
        self.inner: dict[str, _Node[V]] = {}
        self.values: dict[V, int] = {}
        self.repeats = repeats

    @property
    def is_empty(self) -> bool:
        return not self.inner and not self.values

    def after(self, word: str) -> Iterator[_Node[V]]:
        """Yield where a word leads from here."""
        if self.repeats:
            yield self
        for key in (word, ANY_WORD):
            if key in self.inner:
                yield self.inner[key]


def _reached(nodes: Iterable[_Node[V]]) -> list[_Node[V]]:
    """Return nodes and those that are reached from them without a word, each once."""
    found: dict[int, _Node[V]] = {}
    for start in nodes:
        node: _Node[V] | None = start
        while node is not None and id(node) not in found:
            found[id(node)] = node
            node = node.inner.get(ANY_WORDS)
    return list(found.values())


@lru_cache(maxsize=1024)  # the same few patterns are asked of every message
def _alone(pattern: str) -> Topics[bool]:
    topics: Topics[bool] = Topics()
    topics.put(pattern, True)
    return topics
