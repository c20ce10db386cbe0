"""Which topics a pattern selects: AMQP's rules, by example and beside a naive matcher."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera.runtime.topics import Topics, is_pattern, is_topic, matches

WORDS = st.sampled_from(["a", "b", "c"])
TOPICS = st.lists(WORDS, min_size=1, max_size=6).map(".".join)
PATTERNS = st.lists(st.one_of(WORDS, st.sampled_from("*#")), min_size=1, max_size=6).map(".".join)


def naive(pattern: list[str], topic: list[str]) -> bool:
    """Match as AMQP's specification words it."""
    if not pattern:
        return not topic
    if pattern[0] == "#":
        return any(naive(pattern[1:], topic[skipped:]) for skipped in range(len(topic) + 1))
    return bool(topic) and pattern[0] in ("*", topic[0]) and naive(pattern[1:], topic[1:])


@given(PATTERNS, TOPICS)
def test_a_pattern_selects_what_the_naive_matcher_says(pattern: str, topic: str) -> None:
    assert matches(pattern, topic) == naive(pattern.split("."), topic.split("."))


@given(st.lists(PATTERNS, max_size=12), st.sets(st.integers(0, 11)), TOPICS)
def test_many_patterns_find_what_each_finds_alone(
    patterns: list[str], gone: set[int], topic: str
) -> None:
    topics: Topics[int] = Topics()
    for number, pattern in enumerate(patterns):
        topics.put(pattern, number)
    for number, pattern in enumerate(patterns):
        if number in gone:
            topics.discard(pattern, number)
    assert topics.find(topic) == [
        number
        for number, pattern in enumerate(patterns)
        if number not in gone and naive(pattern.split("."), topic.split("."))
    ]


@pytest.mark.parametrize(
    ("pattern", "selects", "leaves"),
    [
        ("context.*", ["context.updated"], ["context", "context.a.b", "plan.updated"]),
        ("context.#", ["context", "context.updated", "context.a.b"], ["plan", "contexts"]),
        ("#.failed", ["failed", "run.failed", "run.step.failed"], ["failed.run"]),
        ("#", ["a", "a.b.c"], []),
        ("a.*.#.b", ["a.x.b", "a.x.y.b"], ["a.b"]),
    ],
)
def test_patterns_of_the_manual(pattern: str, selects: list[str], leaves: list[str]) -> None:
    assert all(matches(pattern, topic) for topic in selects)
    assert not any(matches(pattern, topic) for topic in leaves)


def test_a_subscriber_of_two_patterns_is_found_once() -> None:
    topics: Topics[str] = Topics()
    topics.put("a.*", "both")
    topics.put("a.b", "other")
    topics.put("#", "both")
    assert topics.find("a.b") == ["both", "other"]


def test_what_is_discarded_leaves_nothing_behind() -> None:
    topics: Topics[str] = Topics()
    topics.put("a.b.#", "one")
    topics.discard("a.b.#", "one")
    topics.discard("x.y", "nobody")
    assert topics._root.is_empty


def test_a_hostile_pattern_is_matched_in_no_time() -> None:
    assert not matches(".".join(["#", "a"] * 60), ".".join(["a"] * 59 + ["b"] * 60))


@pytest.mark.parametrize("text", ["", ".", "a.", ".a", "a..b", "a b", "a.*", "é", "a\n", "a" * 256])
def test_what_is_no_topic(text: str) -> None:
    assert not is_topic(text)


@pytest.mark.parametrize("text", ["", "a.", "a*", "**", "a.#b", "*\n", "#." * 128])
def test_what_is_no_pattern(text: str) -> None:
    assert not is_pattern(text)
    with pytest.raises(ValueError, match="no pattern"):
        matches(text, "a")
