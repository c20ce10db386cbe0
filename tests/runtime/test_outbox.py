"""What steps publish stands in the outbox in the order in which it was published."""

from datetime import UTC, datetime

from chimera.runtime.outbox import OUTBOX, Outbox
from tests.runtime.conftest import chain

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC).isoformat()
LATER = datetime(2026, 11, 21, 12, 1, tzinfo=UTC).isoformat()


def publishing(*payloads):
    def work(call):
        for payload in payloads:
            call.publish("t", payload)

    return work


def test_messages_stand_in_the_order_in_which_they_were_published(house):
    works = [publishing(*range(12)), publishing("second")]
    house.execute(chain(*works, executor="inline", effects=False))
    items = house.state.items("local", OUTBOX)
    assert [item.value["payload"] for item in items] == [*range(12), "second"]
    assert [item.value["step"] for item in items] == ["s0"] * 12 + ["s1"]
    assert [item.id for item in items] == sorted(item.id for item in items)


def test_the_order_holds_from_one_process_to_the_next(house):
    house.execute(chain(publishing("a")))
    house.restart()
    house.execute(chain(publishing("b")))
    said = [item.value["payload"] for item in house.state.items("local", OUTBOX)]
    assert said == ["a", "b"]


def test_a_clock_that_goes_back_changes_no_order(house):
    outbox = Outbox(house.state)
    ids = [outbox.next_id("local", at, "run", "s") for at in (NOON, LATER, NOON, LATER, NOON)]
    assert ids == sorted(set(ids))


def test_what_a_failed_attempt_published_is_not_there(house):
    def work(call):
        call.publish("t", "lost")
        raise ValueError("no")

    house.execute(chain(work))
    assert house.state.items("local", OUTBOX) == ()
