"""Work that misbehaves: it fails by itself, and harms neither its run's journal nor other runs."""

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chimera.context import Context
from chimera.model import StateError
from chimera.runtime import (
    ControlAction,
    Expansion,
    Recovery,
    Retry,
    RunSettings,
    RunStatus,
    Step,
    Wait,
    control_run,
)
from chimera.state import EventKind

from .conftest import SOON, House, chain, echo

ERRORS = [SystemExit, KeyboardInterrupt, GeneratorExit, asyncio.CancelledError, BaseException]


def raising(error):
    def work(call):
        raise error

    return work


def raising_later(error):
    async def work(call):
        await asyncio.sleep(0)
        raise error

    return work


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
@pytest.mark.parametrize("executor", ["thread", "inline", "loop"])
def test_work_that_raises_what_is_no_exception_fails_or_interrupts_its_run(house, executor, error):
    """A Ctrl-C is one wherever it comes; all else is a failure of the step. Nothing is stuck."""
    work = raising_later(error) if executor == "loop" else raising(error)
    run = house.new_run()
    steps = [Step("x", work, executor=executor, recovery=Recovery(Retry(1))), Step("y", echo)]
    try:
        result = house.execute(steps, run=run, grace=0.5)
    except KeyboardInterrupt:
        assert error is KeyboardInterrupt
        assert executor != "thread"
        house.restart()
        steps = [Step("x", echo), Step("y", echo)]
        assert house.execute(steps, run=house.state.run(run.uid)).status is RunStatus.SUCCEEDED
    else:
        assert result.status is RunStatus.FAILED
        assert list(result.failed) == ["x"]
        assert "y" in result.outputs


def recursive():
    value = []
    value.append(value)
    return value


def nested():
    value = []
    for _ in range(100_000):
        value = [value]
    return value


class Odd(dict):
    def items(self):
        raise RuntimeError("no items today")


NO_JSON = {
    "NaN": lambda: float("nan"),
    "infinity": lambda: [float("inf")],
    "set": lambda: {1},
    "bytes": lambda: b"x",
    "object": object,
    "recursive": recursive,
    "deep": nested,
    "surrogate": lambda: "\ud800",
    "surrogate key": lambda: {"\udc00": 1},
    "tuple key": lambda: {(1, 2): 3},
    "odd mapping": lambda: Odd(a=1),
}


@pytest.mark.parametrize("executor", ["thread", "inline"])
@pytest.mark.parametrize("made", NO_JSON.values(), ids=NO_JSON)
def test_result_that_is_no_json_fails_its_step_alone(house, made, executor):
    result = house.execute(
        [Step("x", lambda call: made(), executor=executor), Step("y", echo)],
    )
    assert result.status is RunStatus.FAILED
    assert list(result.failed) == ["x"]
    assert "y" in result.outputs


@pytest.mark.parametrize("made", NO_JSON.values(), ids=NO_JSON)
@pytest.mark.parametrize("what", ["inputs", "collect", "publish", "put"])
def test_value_that_is_no_json_fails_its_step_wherever_it_turns_up(house, made, what):
    step = {
        "inputs": lambda: Step("x", echo, inputs=lambda outputs: made()),
        "collect": lambda: Step(
            "x",
            expand=lambda inputs: Expansion(
                count=1, make=lambda n: Step("e", echo), collect=lambda outputs: made()
            ),
        ),
        "publish": lambda: Step("x", lambda call: call.publish("topic", made())),
        "put": lambda: Step("x", lambda call: call.store.put("c", "i", made()), executor="inline"),
    }[what]()
    result = house.execute([step, Step("y", echo)])
    assert result.status is RunStatus.FAILED
    assert list(result.failed) == ["x"]
    assert "y" in result.outputs


def raise_deep():
    raise RecursionError("too deep")


@pytest.mark.parametrize("error", [RuntimeError, RecursionError, MemoryError, AssertionError])
@pytest.mark.parametrize("where", ["inputs", "when", "expand", "make", "collect", "wait"])
def test_expression_that_raises_fails_its_step_alone(house, where, error):
    def bad(*_):
        raise error("bad")

    step = {
        "inputs": Step("x", echo, inputs=bad),
        "when": Step("x", echo, when=bad),
        "expand": Step("x", expand=bad),
        "make": Step("x", expand=lambda i: Expansion(count=2, make=bad)),
        "collect": Step(
            "x", expand=lambda i: Expansion(count=1, make=lambda n: Step("e", echo), collect=bad)
        ),
        "wait": Step("x", wait=bad),
    }[where]
    result = house.execute([step, Step("y", echo)])
    assert result.status is RunStatus.FAILED
    assert "x" in result.failed
    assert "y" in result.outputs


LIMIT = 16 * 1024 * 1024


@pytest.mark.parametrize(
    ("characters", "fits"), [(LIMIT - 1, True), (LIMIT, True), (LIMIT + 1, False)]
)
def test_result_is_kept_up_to_its_bound_and_no_further(house, characters, fits):
    result = house.execute([Step("x", lambda call: "x" * (characters - 2))])
    assert (result.status is RunStatus.SUCCEEDED) is fits
    if fits:
        assert len(result.outputs["x"]) == characters - 2
    else:
        assert f"{LIMIT:,}" in result.failed["x"]


def test_result_that_is_a_number_and_then_a_list_is_what_the_last_attempt_gave(house):
    """Attempts need not agree on a type: what counts is the one that is recorded."""

    def work(call):
        if call.attempt < 3:
            raise ConnectionError(str([{}, 1][call.attempt - 1]))
        return {"n": [1.5, None]}

    steps = chain(work, lambda call: call.inputs, recovery=SOON)
    result = house.execute(steps)
    assert result.outputs["s1"] == {"n": [1.5, None]}


def test_type_that_changes_between_retries_from_a_stage_fails_what_cannot_read_it(house):

    given = [1, "one"]
    steps = [
        Step("a", lambda call: given.pop(0)),
        Step("b", lambda call: call.inputs + 1, ("a",), lambda outputs: outputs["a"]),
    ]
    first = house.execute(steps)
    assert first.outputs == {"a": 1, "b": 2}
    house.state.close()
    control_run(house.root, house.context, first.run, ControlAction.RETRY, name="a")
    house.restart()
    second = house.resume(first, steps)
    assert second.status is RunStatus.FAILED
    assert list(second.failed) == ["b"]
    assert second.outputs == {"a": "one"}, "the old result of b is nobody's any more"


def test_plugin_that_is_missing_on_resume_fails_the_run_and_loses_nothing(house):
    """Installed again, the run goes on where it was."""
    done = []
    steps = [Step("a", lambda call: done.append(1)), Step("b", echo, ("a",), executor="elsewhere")]
    first = house.execute(steps)
    assert first.status is RunStatus.FAILED
    assert "elsewhere" in first.failed["b"]
    second = house.resume(first, [steps[0], replace(steps[1], executor="thread")])
    assert second.status is RunStatus.SUCCEEDED
    assert done == [1]


def test_coroutine_that_never_yields_holds_up_others_and_is_late_all_the_same(house):
    async def hog(call):
        time.sleep(0.3)
        return 1

    result = house.execute(
        [Step("hog", hog, timeout=timedelta(seconds=0.05)), Step("other", echo)], grace=0.2
    )
    assert list(result.failed) == ["hog"]
    assert "took longer than 0.05 s" in result.failed["hog"]
    assert "other" in result.outputs


def test_coroutine_that_swallows_its_cancellation_is_given_up(house):
    async def stubborn(call):
        end = time.monotonic() + 3
        while time.monotonic() < end:
            try:
                await asyncio.sleep(0.05)
            except asyncio.CancelledError:
                continue

    began = time.monotonic()
    result = house.execute([Step("x", stubborn, timeout=timedelta(seconds=0.1))], grace=0.2)
    assert result.status is RunStatus.FAILED
    assert time.monotonic() - began < 2.5


ODD_IDS = [
    "ä",
    "a b",
    "'",
    '"',
    "%s",
    "a.b",
    "\n",
    "\x00",
    "💥",
    "x" * 5000,
    "SELECT",
    "-",
    "..",
    "]",
]


@pytest.mark.parametrize("id", ODD_IDS, ids=ascii)
def test_odd_id_is_an_id_like_any_other(house, id):
    step = Step(
        id,
        expand=lambda i: Expansion(steps=[Step(id, echo), Step("z", echo, (id,))]),
        effects=False,
    )
    fan = Step("fan", expand=lambda i: Expansion(count=2, make=lambda n: Step(id, echo)))
    wait = Step("wait", wait=Wait(signal=id), needs=(id,), timeout=timedelta(hours=1))
    first = house.execute([step, fan, wait])
    assert first.status is RunStatus.WAITING
    assert house.kinds(first, f"{id}/{id}") == ["START", "DONE"]
    house.state.close()

    control_run(house.root, house.context, first.run, ControlAction.SIGNAL, name=id, data=id)
    house.restart()
    second = house.resume(first, [step, fan, wait])
    assert second.outputs["wait"] == id
    house.state.close()
    control_run(house.root, house.context, first.run, ControlAction.RETRY, name=id)
    house.restart()
    assert house.resume(first, [step, fan, wait]).status in {RunStatus.WAITING, RunStatus.SUCCEEDED}


@pytest.mark.parametrize("id", ["\ud800", "a\udfff"], ids=ascii)
def test_id_that_is_no_text_is_refused_before_anything_runs(house, id):
    done = []
    with pytest.raises(Exception, match="no id of a step"):
        house.execute([Step("a", lambda call: done.append(1)), Step(id, echo)])
    assert not done


DEPTH = 50


def deep(bottom, depth=DEPTH, **options):
    """Return a step inside a step inside a step."""
    step = Step("bottom", bottom, **options)
    for level in range(depth):
        inner = step

        def expand(inputs, inner=inner, level=level):
            if level % 2:
                return Expansion(count=1, make=lambda n: inner, collect=lambda o: o["0"])
            return Expansion(steps=[inner], collect=lambda o: next(iter(o.values())))

        step = Step(f"l{level}", expand=expand, effects=False)
    return step


def test_expansions_nest_fifty_deep_and_come_back_after_a_failure(house):
    tries = []

    def bottom(call):
        tries.append(call.key)
        if len(tries) == 1:
            raise ValueError("once")
        return 7

    first = house.execute([deep(bottom)])
    assert first.status is RunStatus.FAILED
    second = house.resume(first, [deep(bottom)])
    assert second.outputs == {f"l{DEPTH - 1}": 7}
    assert len(set(tries)) == 1
    started = [e.step for e in house.state.events(first.run) if e.kind is EventKind.START]
    assert len(set(started)) == DEPTH + 1


def test_what_is_fifty_deep_is_undone(house):
    undone = []

    def fail(call):
        raise ValueError("no")

    steps = [
        deep(lambda call: 7, compensate=lambda call: undone.append(call.inputs["outputs"])),
        Step("z", fail, (f"l{DEPTH - 1}",)),
    ]
    assert house.execute(steps, on_failure="compensate").status is RunStatus.COMPENSATED
    assert undone == [7]


def edited(house, run, sql):
    house.state._writing.execute(sql)
    house.restart()


EDITS = {
    "an unknown kind": "UPDATE event SET kind = 'EXPLODE' WHERE kind = 'DONE'",
    "no JSON": "UPDATE event SET data = '{' WHERE kind = 'DONE'",
    "a missing file": "UPDATE event SET data = '@sha256:00' WHERE kind = 'DONE'",
    "no time": "UPDATE event SET at = 'yesterday'",
    "an unknown status": "UPDATE run SET status = 'fine'",
    "a definition that is none": "UPDATE spec SET definition = '{'",
}


@pytest.mark.parametrize("sql", EDITS.values(), ids=EDITS)
def test_journal_that_was_edited_by_hand_is_refused_and_says_so(house, sql):
    first = house.execute([Step("a", lambda call: 1), Step("b", raising(ValueError("x")), ("a",))])
    edited(house, first.run, sql)
    with pytest.raises(StateError) as caught:
        house.execute([Step("a", echo), Step("b", echo, ("a",))], run=house.state.run(first.run))
    assert caught.value.help


INSERT = "INSERT INTO event (run, kind, step, attempt, epoch, at, data)"


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM event WHERE kind = 'START'",
        "DELETE FROM event WHERE kind = 'FAIL'",
        (f"{INSERT} SELECT run, 'DONE', 'ghost', 1, epoch, at, NULL FROM event LIMIT 1"),
        (f"{INSERT} SELECT run, 'START', 'b[9]', 7, epoch, at, '[]' FROM event LIMIT 1"),
        (
            f"{INSERT} SELECT run, 'RESUME', '',"
            ' 0, epoch, at, \'{"steps": ["nobody"], "request": "r"}\' FROM event LIMIT 1'
        ),
        "UPDATE event SET attempt = -5",
    ],
)
def test_journal_that_lost_or_gained_a_line_resumes(house, sql):
    first = house.execute([Step("a", lambda call: 1), Step("b", raising(ValueError("x")), ("a",))])
    edited(house, first.run, sql)
    second = house.execute(
        [Step("a", echo), Step("b", echo, ("a",))], run=house.state.run(first.run)
    )
    assert second.status is RunStatus.SUCCEEDED
    assert second.outputs["a"] == 1


def test_state_of_a_later_version_is_left_alone(house):
    house.execute([Step("a", echo)])
    house.state._writing.execute("PRAGMA user_version = 99")
    house.state.close()
    before = house.state.layout.database.read_bytes()
    with pytest.raises(StateError, match="format 99") as caught:
        house.restart()
    assert "later" in caught.value.help
    assert house.state.layout.database.read_bytes() == before


@pytest.mark.parametrize("lines", [200_000])
def test_stage_that_logs_without_end_keeps_little_and_no_memory(house, lines):
    def chatter(call):
        for _ in range(lines):
            call.log("again")

    result = house.execute([Step("x", chatter), Step("y", echo)])
    assert result.status is RunStatus.SUCCEEDED
    assert len(house.state.log(result.run)) <= 10_001


class SetClock:
    """A clock that somebody sets."""

    def __init__(self):
        self.ahead = timedelta()

    def now(self):
        return datetime.now(UTC) + self.ahead


DAYS = timedelta(days=3)


@pytest.fixture
def set_house(tmp_path):
    house = House(tmp_path, replace(Context.system(), clock=SetClock()))
    yield house
    house.state.close()


@pytest.mark.parametrize("jump", [-DAYS, DAYS], ids=["back", "ahead"])
def test_clock_that_is_set_while_a_run_goes_on_neither_ends_nor_holds_it(set_house, jump):
    """Time-outs, backoff and waits for some seconds go by a clock that nobody can set."""

    def set_it(call):
        set_house.context.clock.ahead += jump

    def flaky(call):
        set_it(call)
        if call.attempt < 3:
            raise ConnectionError("no")

    steps = [
        Step("a", set_it, timeout=timedelta(seconds=20)),
        Step("b", flaky, ("a",), recovery=SOON, timeout=timedelta(seconds=20)),
        Step("c", wait=Wait(seconds=0.05), needs=("b",), timeout=timedelta(seconds=20)),
    ]
    settings = RunSettings(patience=None)
    began = time.monotonic()
    result = set_house.execute(steps, timeout=timedelta(seconds=30), settings=settings)
    assert result.status is RunStatus.SUCCEEDED
    assert time.monotonic() - began < 15


@pytest.mark.parametrize("jump", [-DAYS, DAYS], ids=["back", "ahead"])
def test_clock_that_was_set_between_processes_holds_a_retry_no_longer_than_its_backoff(
    set_house, jump
):
    run = set_house.new_run()

    def fail_and_die(call):
        raise ConnectionError("no")

    def die(call):
        time.sleep(0.1)
        raise KeyboardInterrupt

    waiting = Recovery(Retry(2, timedelta(seconds=0.3), timedelta(seconds=0.3)))
    steps = [
        Step("x", fail_and_die, recovery=waiting),
        Step("y", lambda call: time.sleep(0.1)),
        Step("z", die, ("y",), executor="inline"),
    ]
    with pytest.raises(KeyboardInterrupt):
        set_house.execute(steps, run=run)
    set_house.context.clock.ahead += jump
    set_house.restart()
    steps = [replace(step, work=echo) for step in steps]
    began = time.monotonic()
    result = set_house.execute(steps, run=set_house.state.run(run.uid))
    assert result.status is RunStatus.SUCCEEDED
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("jump", [timedelta(), -DAYS, DAYS], ids=["not", "back", "ahead"])
def test_wait_of_some_seconds_is_never_longer_than_that_once_it_goes_on(set_house, jump):
    steps = [Step("w", wait=Wait(seconds=0.3), effects=False)]
    first = set_house.execute(steps)
    assert first.status is RunStatus.WAITING
    set_house.context.clock.ahead += jump
    set_house.restart()
    began = time.monotonic()
    settings = RunSettings(patience=timedelta(seconds=5))
    second = set_house.resume(first, steps, settings=settings)
    assert second.status is RunStatus.SUCCEEDED
    assert time.monotonic() - began < 4
