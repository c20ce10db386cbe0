"""What a run does about failures, from its journal: each thing that `recovery` can decide."""

from datetime import timedelta

import pytest

from chimera.runtime import Engine, Graph, PermanentError, RunStatus, Step
from chimera.runtime.recovery import (
    DEFAULT_RECOVERY,
    BreakerRule,
    BulkheadRule,
    Category,
    Escalation,
    Fallback,
    Recovery,
    Retry,
    Rollback,
    StepError,
)
from chimera.runtime.settings import RunSettings

from .conftest import House, echo

QUICK = timedelta(milliseconds=5)


class Place(House):
    """A house whose runs have settings, and somebody who is told."""

    def execute(self, steps, *, run=None, settings=RunSettings(), notify=None):  # noqa: B008
        graph = Graph(None, tuple(steps), notify=notify)
        return Engine(self.state, self.context, settings=settings).execute(
            run or self.new_run(), graph
        )


@pytest.fixture
def house(tmp_path):
    house = Place(tmp_path)
    yield house
    house.state.close()


def refuse(call):
    raise ConnectionRefusedError("nobody listens")


def never(call):
    raise PermanentError("it cannot be")


def events(house, result, step):
    return [event for event in house.state.events(result.run) if event.step == step]


def test_transient_failure_is_retried_after_its_backoff(house):
    retry = Retry(3, QUICK, 4 * QUICK, strategy="linear", jitter=0, on="transient")
    result = house.execute([Step("call", refuse, recovery=Recovery(retry))])
    assert result.failed == {"call": "nobody listens"}
    waits = [e.due - e.at for e in events(house, result, "call") if e.kind.value == "RETRY"]
    assert waits == [QUICK, 2 * QUICK]


def test_what_is_not_known_to_pass_is_not_retried_by_default(house):
    def fail(call):
        raise RuntimeError("what")

    result = house.execute([Step("work", fail, recovery=DEFAULT_RECOVERY)])
    assert house.kinds(result, "work") == ["START", "FAIL"]


def test_whoever_asks_for_time_is_given_it(house):
    def busy(call):
        if call.attempt == 1:
            raise StepError(
                "busy",
                category=Category.COMMUNICATION,
                transient=True,
                retry_after=timedelta(milliseconds=80),
            )
        return "served"

    retry = Retry(2, QUICK, QUICK, on="transient")
    result = house.execute([Step("call", busy, recovery=Recovery(retry))])
    assert result.outputs == {"call": "served"}
    (wait,) = [e.due - e.at for e in events(house, result, "call") if e.kind.value == "RETRY"]
    assert wait == timedelta(milliseconds=80)


def flagged(house, result, step):
    """Return how the journal tells the result of a step apart."""
    (done,) = [event for event in events(house, result, step) if event.kind.value == "DONE"]
    return done.flag


def test_last_result_for_the_same_inputs_stands_in(house):
    up = [True]

    def quote(call):
        if not up[0]:
            refuse(call)
        return {"price": 7, "of": call.inputs}

    def steps(item):
        recovery = Recovery(fallbacks=(Fallback("use_cached_result", ("cache_available",)),))
        return [Step("quote", quote, inputs=lambda outputs: item, recovery=recovery)]

    assert flagged(house, house.execute(steps("tea")), "quote") is None
    up[0] = False
    again = house.execute(steps("tea"))
    assert again.outputs == {"quote": {"price": 7, "of": "tea"}}
    assert flagged(house, again, "quote") == "cached"
    assert house.execute(steps("coffee")).status is RunStatus.FAILED


def test_step_that_is_not_critical_is_degraded_and_says_so(house):
    recovery = Recovery(fallbacks=(Fallback("degrade_gracefully", value={"rows": []}),))
    steps = [
        Step("rows", refuse, recovery=recovery, critical=False),
        Step("report", echo, needs=("rows",), inputs=dict),
    ]
    result = house.execute(steps)
    assert result.outputs["report"] == {"rows": {"rows": []}}
    assert flagged(house, result, "rows") == "degraded"
    (line,) = house.state.log(result.run)
    assert (line.step, line.text) == ("rows", "it failed: nobody listens")
    critical = [Step("rows", refuse, recovery=recovery)]
    assert house.execute(critical).status is RunStatus.FAILED


def test_alternative_gets_the_inputs_and_its_result_takes_the_place(house):
    other = Step("other", lambda call: {"by": "the other", "of": call.inputs})
    recovery = Recovery(fallbacks=(Fallback("alternative", step=other),))
    steps = [Step("first", never, inputs=lambda outputs: 3, recovery=recovery)]
    result = house.execute(steps)
    assert result.outputs == {"first": {"by": "the other", "of": 3}}
    assert flagged(house, result, "first") == "alternative"


def test_alternative_that_fails_leads_to_what_comes_after_it(house):
    recovery = Recovery(
        fallbacks=(
            Fallback("alternative", step=Step("other", never)),
            Fallback("degrade_gracefully", value="less"),
        )
    )
    result = house.execute([Step("first", never, recovery=recovery, critical=False)])
    assert result.outputs == {"first": "less"}
    assert flagged(house, result, "first") == "degraded"


TOLD = Recovery(Retry(2, QUICK, QUICK), escalations=(Escalation(("max_retries_exceeded",)),))


def test_administrator_is_told_once_and_durably(house):
    told = []

    def notify(call):
        told.append(call.inputs)

    options = {"notify": notify}
    result = house.execute([Step("call", refuse, recovery=TOLD)], **options)
    assert result.failed == {"call": "nobody listens"}
    (inputs,) = told
    assert (inputs["to"], inputs["severity"]) == ("administrator", "high")
    assert (inputs["step"], inputs["outcome"]) == ("call", "failed")
    assert inputs["category"] == "communication_error"
    assert house.kinds(result, "call!escalate[0]")[-2:] == ["START", "DONE"]
    house.restart()
    house.resume(result, [Step("call", refuse, recovery=TOLD)], **options)
    assert [inputs["step"] for inputs in told] == ["call"]


def test_notice_that_cannot_be_given_fails_nothing_else(house):
    recovery = Recovery(
        fallbacks=(Fallback("degrade_gracefully", value=0),),
        escalations=(Escalation(("communication_error",)),),
    )
    step = Step("call", refuse, recovery=recovery, critical=False)
    result = house.execute([step], notify=never)
    assert result.status is RunStatus.SUCCEEDED
    assert result.outputs == {"call": 0}


def test_giving_up_runs_the_rollback_that_is_declared(house):
    done = []
    steps = [
        Step("make", lambda call: done.append("made"), compensate=lambda call: done.append("no")),
        Step(
            "break",
            never,
            needs=("make",),
            recovery=Recovery(
                rollback=Rollback(Step("restore", lambda call: done.append("restored")))
            ),
        ),
    ]
    result = house.execute(steps)
    assert result.status is RunStatus.COMPENSATED
    assert done == ["made", "restored"]


BREAKER = RunSettings(
    breakers={"db": BreakerRule(2, timedelta(minutes=1), timedelta(milliseconds=150))}
)


def guarded(name, work, **options):
    return Step(name, work, recovery=Recovery(breaker="db", **options))


def test_breaker_opens_and_is_open_in_the_next_process(house):
    calls = []

    def down(call):
        calls.append(call.attempt)
        refuse(call)

    for _ in range(2):
        house.execute([guarded("query", down)], settings=BREAKER)
    house.restart()
    refused = house.execute([guarded("query", down)], settings=BREAKER)
    assert "the circuit breaker db is open" in refused.failed["query"]
    assert len(calls) == 2


def test_breaker_closes_after_a_trial_that_succeeds(house):
    up = []

    def query(call):
        return "row" if up else refuse(call)

    for _ in range(2):
        house.execute([guarded("query", query)], settings=BREAKER)
    up.append(True)
    # Refused now, it waits for as long as the breaker asks for, and is the trial then.
    step = guarded("query", query, retry=Retry(2, QUICK, QUICK, on="transient"))
    assert house.execute([step], settings=BREAKER).outputs == {"query": "row"}
    assert house.execute([guarded("query", query)], settings=BREAKER).outputs == {"query": "row"}


def test_what_was_asked_wrongly_opens_no_breaker(house):
    for _ in range(5):
        result = house.execute([guarded("query", never)], settings=BREAKER)
        assert result.failed == {"query": "it cannot be"}


@pytest.mark.parametrize("queue", [None, 0])
def test_bulkhead_bounds_those_inside_and_rejects_where_its_queue_is_full(house, queue):
    import threading

    inside, most, lock = 0, 0, threading.Lock()

    def work(call):
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        threading.Event().wait(0.05)
        with lock:
            inside -= 1
        return "done"

    settings = RunSettings(bulkheads={"render": BulkheadRule(2, queue)})
    steps = [Step(f"s{n}", work, recovery=Recovery(bulkhead="render")) for n in range(5)]
    result = house.execute(steps, settings=settings)
    assert most == 2
    if queue is None:
        assert set(result.outputs.values()) == {"done"}
        assert len(result.outputs) == 5
    else:
        assert len(result.failed) == 3
        assert all("the bulkhead render is full" in error for error in result.failed.values())


def test_rejected_step_comes_in_when_it_is_retried(house):
    import threading

    def work(call):
        threading.Event().wait(0.02)
        return "done"

    settings = RunSettings(bulkheads={"render": BulkheadRule(1, 0)})
    retry = Retry(50, timedelta(milliseconds=10), timedelta(milliseconds=20), on="transient")
    recovery = Recovery(retry, bulkhead="render")
    steps = [Step(f"s{n}", work, recovery=recovery) for n in range(4)]
    assert len(house.execute(steps, settings=settings).outputs) == 4


def test_waits_follow_from_the_key_so_that_two_runs_do_not_wait_alike(house):
    waits = []
    for _ in range(2):
        retry = Retry(3, QUICK, timedelta(seconds=1))
        result = house.execute([Step("call", refuse, recovery=Recovery(retry))])
        (key,) = {e.data["key"] for e in events(house, result, "call") if e.kind.value == "START"}
        found = [e for e in events(house, result, "call") if e.kind.value == "RETRY"]
        for event in found:
            assert event.due - event.at == retry.delay(key, event.attempt)
        waits.append([event.due - event.at for event in found])
    assert waits[0] != waits[1]
