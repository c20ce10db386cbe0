"""The store of inline steps: what an attempt writes is recorded with its result, or not at all."""

import pytest

from chimera.runtime import Expansion, RunStatus, Step
from chimera.runtime.collections import KeepingError
from chimera.state import read_state

from .conftest import SOON, chain


def inline(id, work, *needs, **options):
    return Step(id, work, needs, executor="inline", effects=False, **options)


def items(house, collection="things"):
    with read_state(house.root) as reader:
        return {item.id: item.value for item in reader.items("local", collection)}


def test_writes_are_there_with_the_result_and_for_the_next_step(house):
    def put(call):
        call.store.put("things", "a", {"n": 1})
        call.store.put("things", "b", {"n": 2})
        assert call.store.get("things", "a") == {"n": 1}
        return call.store.count("things")

    def change(call):
        assert call.store.find("things", n=2) == [("b", {"n": 2})]
        call.store.delete("things", "b")
        call.store.put("things", "c", {"n": 1})
        return [id for id, _ in call.store.find("things", n=1)]

    result = house.execute([inline("put", put), inline("change", change, "put")])
    assert result.outputs == {"put": 2, "change": ["a", "c"]}
    assert items(house) == {"a": {"n": 1}, "c": {"n": 1}}


def test_attempt_that_fails_wrote_and_said_nothing(house):
    heard = []

    def put(call):
        call.store.put("things", str(call.attempt), {})
        call.publish("told", call.attempt)
        heard.append(call.store.count("things"))
        if call.attempt < 3:
            raise RuntimeError("not yet")

    house.execute([inline("put", put, recovery=SOON)])
    assert items(house) == {"3": {}}
    assert heard == [1, 1, 1]
    assert [message["payload"] for message in items(house, "outbox").values()] == [3]


def test_attempt_that_fails_keeps_what_its_failure_says_and_nothing_else(house):
    def wait(call):
        def keep(store, due):
            if due is None:
                store.delete("waiting", call.key)
            else:
                store.put("waiting", call.key, {"due": due.isoformat()})

        call.store.put("things", str(call.attempt), {})
        seen.append([value["due"] for _, value in call.store.find("waiting")])
        raise KeepingError("not yet", keep, transient=True)

    seen = []
    result = house.execute([inline("wait", wait, recovery=SOON)])
    assert result.status is RunStatus.FAILED
    due = [e.due.isoformat() for e in house.state.events(result.run) if e.due is not None]
    assert seen == [[], [due[0]], [due[1]]]
    assert items(house, "waiting") == items(house) == {}


def test_what_cannot_be_kept_is_told_and_changes_nothing(house):
    def fail(call):
        raise KeepingError("not yet", lambda store, due: store.put("things", "a", object()))

    result = house.execute([inline("fail", fail, recovery=SOON)])
    assert result.failed == {"fail": "not yet"}
    assert items(house) == {}
    assert "nothing of the attempt was kept" in house.state.log(result.run)[0].text


def test_attempts_side_by_side_count_each_other(house):
    def add(call):
        count = (call.store.get("counts", "n") or {"n": 0})["n"]
        call.store.put("counts", "n", {"n": count + 1})

    fan = lambda inputs: Expansion(count=200, make=lambda n: inline("x", add))  # noqa: E731
    steps = [Step("fan", expand=fan), *(inline(f"s{n}", add) for n in range(50))]
    assert house.execute(steps).status is RunStatus.SUCCEEDED
    assert items(house, "counts") == {"n": {"n": 250}}


def test_version_counts_the_writes_that_were_committed(house):
    def put(call):
        call.store.put("things", "a", 1)

    house.execute(chain(put, executor="inline"))
    house.execute(chain(put, executor="inline"))
    assert house.state.item("local", "things", "a").version == 2


def test_work_that_is_not_inline_has_no_store(house):
    result = house.execute([Step("x", lambda call: call.store.get("things", "a"))])
    assert "only work that is executed inline" in result.failed["x"]


def test_ids_and_time_are_the_same_in_every_attempt(house):
    seen = []

    def work(call):
        seen.append((call.new_id(), call.new_id(), call.now))
        if call.attempt < 3:
            raise RuntimeError("not yet")

    house.execute([Step("x", work, recovery=SOON)])
    assert len(seen) == 3
    assert len(set(seen)) == 1
    first, second, _ = seen[0]
    assert first != second
    assert first[14] == "4"


def test_what_is_published_reaches_the_bus_after_it_is_on_disk(house):
    from chimera.runtime import RunSettings

    heard = []

    def hear(messages):
        heard.extend((*message, len(items(house, "outbox"))) for message in messages)

    def work(call):
        call.publish("plan.created", {"id": 1})

    house.execute([Step("x", work)], settings=RunSettings(bus=hear))
    assert heard == [("plan.created", {"id": 1}, 1)]
    (message,) = items(house, "outbox").values()
    assert (message["topic"], message["step"]) == ("plan.created", "x")


@pytest.mark.parametrize("value", [None, {1}, float("nan")])
def test_value_that_is_not_json_is_refused(house, value):
    result = house.execute([inline("x", lambda call: call.store.put("things", "a", value))])
    assert result.status is RunStatus.FAILED
    assert items(house) == {}
