"""Laws of the fold, and that a run resumed from any prefix of its journal ends the same."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from chimera.runtime import Step
from chimera.runtime.fold import RunState, StepStatus, fold
from chimera.state import Event, EventKind

from .conftest import SOON, House, echo

NOW = datetime(2026, 11, 21, tzinfo=UTC)


@st.composite
def journals(draw):
    kinds = draw(st.lists(st.tuples(st.sampled_from(EventKind), st.sampled_from(["a", "b", "c"]))))
    run_kinds = {
        *(EventKind.PAUSE, EventKind.RESUME, EventKind.CANCEL),
        *(EventKind.SIGNAL, EventKind.MIGRATE, EventKind.HALT),
    }
    return [
        Event(kind, "" if kind in run_kinds else step, 1, NOW, data={"error": "no"}, due=NOW, seq=n)
        for n, (kind, step) in enumerate(kinds, 1)
    ]


@given(journals())
def test_folding_a_journal_again_changes_nothing(events):
    once = fold(events)
    assert fold(events, once) == once
    assert fold(events + events) == once


@given(journals(), st.integers(0, 20))
def test_folding_in_two_parts_is_folding_at_once(events, cut):
    assert fold(events[cut:], fold(events[:cut])) == fold(events)


@given(journals())
def test_finished_step_stays_finished(events):
    finished = set()
    state = RunState()
    for event in events:
        state = fold([event], state)
        now = {id for id, step in state.steps.items() if step.status.is_finished}
        assert finished <= now
        finished = now


def test_start_without_an_end_is_in_doubt_when_begun_again():
    start = Event(EventKind.START, "a", 1, NOW, seq=1)
    again = start._replace(seq=2)
    assert not fold([start]).steps["a"].in_doubt
    assert fold([start, again]).steps["a"].in_doubt
    done = Event(EventKind.DONE, "a", 1, NOW, data=5, seq=3)
    assert fold([start, again, done]).steps["a"].output == 5


def test_resume_puts_back_what_failed_and_nothing_else():
    events = [
        Event(EventKind.FAIL, "a", 1, NOW, {"error": "no"}, seq=1),
        Event(EventKind.DONE, "b", 1, NOW, seq=2),
        Event(EventKind.ESCALATE, "c", 1, NOW, {"error": "no"}, seq=3),
        Event(EventKind.RETRY, "d", 1, NOW, {"error": "no"}, NOW, seq=4),
    ]
    assert fold(events).steps["a"].status is StepStatus.FAILED
    state = fold([*events, Event(EventKind.RESUME, "", 0, NOW, seq=5)])
    assert set(state.steps) == {"b", "c", "d"}
    assert state.steps["d"].attempt == 2


def _steps(flaky):
    def fail_at_first(call):
        flaky.add(call.key)
        if len(flaky) < 3 and call.attempt < 3:
            raise RuntimeError("not yet")
        return sorted(call.inputs.values())

    return [
        Step("a", lambda call: 1),
        Step("b", lambda call: 2, effects=False),
        Step("c", fail_at_first, needs=("a", "b"), inputs=dict, recovery=SOON),
        Step("skipped", echo, when=lambda outputs: False),
        Step("d", echo, needs=("c", "skipped"), inputs=lambda o: [o["c"], "skipped" in o]),
        *(Step(f"e{n}", echo, needs=("d",), inputs=lambda o, n=n: n) for n in range(4)),
        Step("f", echo, needs=tuple(f"e{n}" for n in range(4)), inputs=dict, effects=False),
    ]


def test_every_prefix_of_a_journal_resumes_to_the_same_outputs(tmp_path):
    first = House(tmp_path)
    whole = first.execute(_steps(set()))
    events = first.state.events(whole.run)
    first.state.close()
    assert whole.outputs["f"] == {"e0": 0, "e1": 1, "e2": 2, "e3": 3}
    assert whole.outputs["d"] == [[1, 2], False]
    for length in range(len(events) + 1):
        root = tmp_path / str(length)
        root.mkdir()
        house = House(root)
        run = house.new_run()
        house.state.record(run.uid, events[:length])
        result = house.execute(_steps(set()), run=run)
        assert result.outputs == whole.outputs, length
        assert result.skipped == ("skipped",)
        journal = house.state.events(run.uid)
        for step in whole.outputs:
            assert [e.kind for e in journal if e.step == step].count(EventKind.DONE) == 1
        house.state.close()
