"""A run killed anywhere ends as the undisturbed one: every prefix of its journal is tried."""

from datetime import timedelta

from chimera.runtime import Expansion, Recovery, Retry, RunSettings, RunStatus, Step, Wait
from chimera.runtime.recovery import Fallback
from chimera.state import Event, EventKind, read_state

from .conftest import House

AT_ONCE = Retry(3, timedelta(), timedelta())


def inline(id, work, *needs, **options):
    return Step(id, work, needs, executor="inline", effects=False, **options)


def steps_of_everything(done):
    """Return steps of every sort; `done` hears which were worked out, with their keys."""

    def work(call):
        done.append((call.inputs, call.key))
        return call.inputs

    def flaky(call):
        if call.attempt < 3:
            raise RuntimeError("not yet")
        return work(call)

    def count(call):
        kept = (call.store.get("counts", "n") or {"n": 0})["n"]
        call.store.put("counts", "n", {"n": kept + 1})
        return kept + 1

    def fail(call):
        raise RuntimeError("never")

    def element(n):
        if n == 2:
            return Step("x", expand=lambda i: Expansion(steps=[inline("in", count)]))
        return Step("x", work, inputs=lambda outputs: f"element {n}")

    other = Step("other", lambda call: "other")
    return [
        Step("first", flaky, inputs=lambda o: "first", recovery=Recovery(AT_ONCE)),
        inline("count", count, "first"),
        Step("pause", wait=Wait(seconds=0.001), needs=("first",)),
        Step("fan", needs=("count", "pause"), expand=lambda i: Expansion(count=4, make=element)),
        Step("asked", wait=Wait(signal="go"), needs=("fan",)),
        Step(
            "instead",
            fail,
            ("fan",),
            recovery=Recovery(fallbacks=(Fallback("alternative", step=other),)),
        ),
        Step("skipped", work, ("instead",), when=lambda outputs: False),
        inline("last", count, "asked", "skipped"),
    ]


def test_every_prefix_of_a_journal_of_everything_ends_the_same(tmp_path):
    settings = RunSettings(patience=timedelta(seconds=5))

    def execute(root, events=()):
        root.mkdir()
        house, done = House(root), []
        run = house.new_run()
        if events:
            house.state.record(run.uid, events)
        if not any(event.kind is EventKind.SIGNAL for event in events):
            now = house.context.clock.now()
            signal = {"name": "go", "data": "went"}
            house.state.record(run.uid, [Event(EventKind.SIGNAL, "", 0, now, signal)])
        result = house.execute(steps_of_everything(done), run=run, settings=settings)
        assert result.status is RunStatus.SUCCEEDED, (len(events), result.failed)
        journal = house.state.events(run.uid)
        counts = house.state.run(run.uid)
        house.state.close()
        with read_state(root) as reader:
            kept = {item.id: item.value for item in reader.items("local", "counts")}
        return result, journal, done, counts, kept

    whole, events, _, counts, kept = execute(tmp_path / "whole")
    assert kept == {"n": {"n": 3}}
    assert whole.outputs["asked"] == "went"
    assert (counts.done, counts.total) == (8 + 4 + 1, 13)
    for length in range(len(events) + 1):
        before = events[:length]
        result, journal, done, again, _ = execute(tmp_path / str(length), before)
        for id in ("first", "asked", "instead"):
            assert result.outputs[id] == whole.outputs[id], length
        assert result.skipped == ("skipped",)
        assert (again.done, again.total, again.failed) == (13, 13, 0), length
        ended = [e.step for e in journal if e.kind in {EventKind.DONE, EventKind.SKIP}]
        assert len(ended) == len(set(ended)) == 13, "a result was recorded twice"
        finished = {e.step for e in before if e.kind is EventKind.DONE}
        assert not {"first"} & finished or ("first" not in dict(done)), length
