"""Who listens in the process hears what steps published, once it is on disk."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import pytest

from chimera.model import UsageError
from chimera.runtime import Engine, Graph, RunSettings, Step
from chimera.runtime.listening import Listeners, Said
from chimera.runtime.outbox import OUTBOX


def publish(*topics: str) -> Any:
    def work(call: Any) -> None:
        for number, topic in enumerate(topics):
            call.publish(topic, number)

    return work


def test_a_listener_hears_its_topics_in_order(house: Any) -> None:
    listeners = Listeners(64)
    some, every = listeners.listen("news.*"), listeners.listen()
    steps = [Step("a", publish("news.a", "other", "news.b")), Step("b", publish("x"), needs=("a",))]
    run = house.new_run()
    settings = RunSettings(bus=listeners.tell)
    Engine(house.state, house.context, settings=settings).execute(run, Graph(None, steps))
    assert some.hear() == [Said("news.a", 0), Said("news.b", 2)]
    assert [said.topic for said in every.hear()] == ["news.a", "other", "news.b", "x"]
    assert some.hear() == every.hear() == []


def test_what_is_told_is_on_disk(house: Any) -> None:
    seen: list[int] = []

    def tell(messages: Sequence[Any]) -> None:
        seen.extend(len(house.state.items("local", OUTBOX)) for _ in messages)

    settings = RunSettings(bus=tell)
    engine = Engine(house.state, house.context, settings=settings)
    engine.execute(house.new_run(), Graph(None, [Step("a", publish("x", "y"))]))
    assert seen == [2, 2]


def test_a_listener_in_another_thread_hears_until_the_end() -> None:
    listeners, heard = Listeners(1024), list[Said]()
    listener = listeners.listen("a.#")
    thread = threading.Thread(target=lambda: heard.extend(listener), daemon=True)
    thread.start()
    for number in range(500):
        listeners.tell([("a.b" if number % 2 else "c", number)])
    listeners.close()
    thread.join(30)
    assert [said.payload for said in heard] == list(range(1, 500, 2))


def test_a_slow_listener_holds_up_nobody_and_knows_what_it_missed() -> None:
    listeners = Listeners(4)
    slow = listeners.listen()
    for number in range(10):
        listeners.tell([("t", number)])
    assert [said.payload for said in slow.hear()] == [6, 7, 8, 9]
    assert slow.missed == 6


def test_who_listens_no_longer_hears_nothing() -> None:
    listeners = Listeners(4)
    listener = listeners.listen()
    listeners.tell([("t", 1)])
    listener.close()
    assert listener.hear() == []


def test_a_pattern_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="no pattern"):
        Listeners(4).listen("a..b")
