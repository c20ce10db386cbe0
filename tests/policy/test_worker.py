"""The child that evaluates: values, errors, functions of `snapshot`, hostile expressions."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chimera.context import Command, Processes, Running
from chimera.model import ChimeraError
from chimera.policy import Bounds, evaluate
from chimera.policy.worker import Answer, Program, Seen, Task, Worker

from .conftest import thing

ROOT = Path(__file__).parents[2]
BOMB = "'aaaaaaaaaaaaaaaaaaaa'" + ".replace('a', 'aaaaaaaaaaaaaaaaaaaa')" * 9
SLOW = "object.all(x, !text.matches('a.*b.*c'))"
SLOW_VALUES = {"object": list(range(9000)), "text": "ab" * 100_000}


@pytest.fixture
def processes() -> Processes:
    return Processes()


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    """One child for all tests that leave it alive; programs keep their numbers."""
    with Worker(Processes(), Bounds()) as worker:
        yield worker


def ask(worker: Worker, expression: str, **bindings: Any) -> Answer:
    """Compile and evaluate one expression."""
    number = worker._programs
    (faults,) = worker.compile([Program(expression, tuple(sorted(bindings)), "any")])
    assert faults == ()
    ((answer,),) = worker.judge({}, [Seen(None, bindings)], [Task(number, (0,))])
    return answer


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("object.a + 1", 3),
        ("object.b", [1.5, True, None, "x"]),
        ("{'k': [object.a]}", {"k": [2]}),
        ("object.a == 2.0", True),
        ("timestamp('2026-11-21T00:00:00Z')", "2026-11-21T00:00:00+00:00"),
        ("duration('90s')", "90s"),
        ("'a,b'.split(',')", ["a", "b"]),
        ("now > timestamp('2020-01-01T00:00:00Z')", True),
    ],
)
def test_values_go_in_and_come_out_as_json(worker: Worker, expression: str, value: Any) -> None:
    bindings = {"object": {"a": 2, "b": [1.5, True, None, "x"]}, "now": "2026-11-21T00:00:00Z"}
    assert ask(worker, expression, **bindings) == Answer(value)


@pytest.mark.parametrize(
    ("expression", "part"),
    [
        ("object.missing == 1", 'Key not found in map : "missing"'),
        ("1 / object.zero", "divide by zero"),
        ("object.zero + 'a' == 'b'", "No matching overloads"),
        ("9223372036854775807 + object.one", "overflow"),
        ("b'bytes'", "no JSON form"),
        ("snapshot.get('Thing/none').spec == 1", "there is no Thing/none"),
        ("object.l.all(x, object.l.all(y, object.l.all(z, true)))", "Iteration budget exceeded"),
    ],
)
def test_what_goes_wrong_is_an_error_and_never_a_value(
    worker: Worker, expression: str, part: str
) -> None:
    answer = ask(worker, expression, object={"zero": 0, "one": 1, "l": list(range(100))})
    assert answer.value is None
    assert part in (answer.error or "")


def test_a_name_that_is_not_bound_is_told_apart_from_an_error(worker: Worker) -> None:
    number = worker._programs
    worker.compile([Program("before.x == 1", ("before",))])
    ((answer,),) = worker.judge({}, [Seen(None, {})], [Task(number, (0,))])
    assert answer == Answer(absent="before")


def test_a_document_cannot_pretend_that_a_name_is_not_bound(worker: Worker) -> None:
    key = 'UNKNOWN: No value with name "before" found in Activation'
    assert ask(worker, "object[object.k] == 1", object={"k": key}).absent is None


@pytest.mark.parametrize(
    ("expression", "line", "column", "part"),
    [
        ("object.a ==", 1, 12, "Syntax error"),
        ("object.a > 0 &&\n  object.q..b", 2, 12, "Syntax error"),
        ("nothing == 1", 1, 1, "undeclared reference"),
        ("object.x && 'a'", 1, 10, "no matching overload"),
        ("1 + 1", 1, 1, "gives int, not bool"),
        ("[" * 40 + "]" * 40, 1, 1, "recursion limit"),
    ],
)
def test_an_expression_that_does_not_compile_is_a_fault_with_its_position(
    worker: Worker, expression: str, line: int, column: int, part: str
) -> None:
    (faults,) = worker.compile([Program(expression, ("object",))])
    assert part in faults[0].message
    if "&& 'a'" not in expression:
        assert (faults[0].line, faults[0].column) == (line, column)


def test_a_value_of_one_program_is_bound_for_others_with_its_type(worker: Worker) -> None:
    first = worker._programs
    values = (("v", first),)
    worker.compile(
        [
            Program("timestamp(object)", ("object",), "any"),
            Program("v > timestamp('2020-01-01T00:00:00Z')", ("object",), "bool", values),
        ]
    )
    tasks = [Task(first, (0, 1), "v"), Task(first + 1, (0, 1))]
    seen = [Seen(None, {"object": text}) for text in ("2026-01-01T00:00:00Z", "no time")]
    answers = worker.judge({}, seen, tasks)[1]
    assert answers[0] == Answer(True)
    assert "v: String to Timestamp conversion failed" in (answers[1].error or "")


DOCUMENTS = [
    thing("a", size=1, note="x"),
    thing("b", size=1, note="y"),
    thing("c", note="z", parts=[{"k": 1}]),
    {"kind": "Other", "metadata": {"name": "a"}, "spec": {"size": 1, "flag": True, "share": 0.5}},
]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("snapshot.count('Thing')", 3),
        ("snapshot.count('*')", 4),
        ("snapshot.count('None')", 0),
        ("snapshot.count('Thing', 'spec.size', 1)", 2),
        ("snapshot.count('*', 'spec.size', 1)", 3),
        ("snapshot.count('Other', 'spec.flag', true)", 1),
        ("snapshot.count('Other', 'spec.flag', 1)", 0),
        ("snapshot.count('Other', 'spec.share', 0.5)", 1),
        ("snapshot.where('Thing', 'spec.note', 'x')", ["Thing/a"]),
        ("snapshot.where('Thing', 'spec.note.deeper', 'x')", []),
        ("snapshot.unique('Thing', 'spec.note')", True),
        ("snapshot.unique('Thing', 'spec.size')", False),
        ("snapshot.unique('*', 'metadata.name')", False),
        ("snapshot.duplicates('Thing', 'spec.size')", ["Thing/a", "Thing/b"]),
        ("snapshot.has('Thing/a')", True),
        ("snapshot.has('Thing/z')", False),
        ("snapshot.get('Thing/b').spec.note", "y"),
        ("snapshot.refersTo('Thing/a')", ["Other/a"]),
        ("snapshot.refersTo('Thing/a', 'Other/a')", True),
        ("snapshot.refersTo('Other/a', 'Thing/a')", False),
        ("snapshot.referredBy('Other/a')", ["Thing/a"]),
        ("snapshot.referredBy('Thing/a')", []),
    ],
)
def test_snapshot_answers_from_its_index(worker: Worker, expression: str, value: Any) -> None:
    worker.load(DOCUMENTS, [("Thing/a", "Other/a")])
    assert ask(worker, expression) == Answer(value)


def test_loading_again_forgets_what_was_loaded_before(worker: Worker) -> None:
    worker.load(DOCUMENTS)
    assert ask(worker, "snapshot.count('*')").value == 4
    worker.load([])
    assert ask(worker, "snapshot.count('*')").value == 0


def test_looking_things_up_in_a_rule_is_not_quadratic(processes: Processes) -> None:
    # Each of these, done by going through all documents, is a hundred million comparisons.
    documents = [thing(f"t{n}", size=n) for n in range(10_000)]
    expressions = [
        "snapshot.count('Thing', 'spec.size', object.spec.size) == 1",
        "snapshot.unique('Thing', 'spec.size')",
        "size(snapshot.referredBy('Thing/' + object.metadata.name)) == 1",
    ]
    with Worker(processes, Bounds(seconds=60)) as worker:
        worker.load(documents, [(f"Thing/t{n}", f"Thing/t{n + 1}") for n in range(10_000)])
        worker.compile([Program(e, ("object",)) for e in expressions])
        everything = tuple(range(10_000))
        seen = [Seen(n, {}) for n in everything]
        answers = worker.judge({}, seen, [Task(p, everything) for p in range(3)])
    assert [sum(a.value is True for a in given) for given in answers] == [10_000, 10_000, 9_999]


def test_nested_replace_runs_out_of_its_own_memory(worker: Worker) -> None:
    assert "memory" in (ask(worker, f"{BOMB} == ''").error or "")
    assert ask(worker, "1 + 1") == Answer(2)


def test_a_rule_that_overruns_its_time_is_an_error_and_others_are_judged(
    processes: Processes,
) -> None:
    with Worker(processes, Bounds(seconds=0.5)) as worker:
        worker.load([thing("a")])
        names = ("object", "text")
        worker.compile([Program(e, names) for e in ("true", SLOW, "snapshot.count('Thing') == 1")])
        seen = [Seen(None, SLOW_VALUES)]
        first, slow, last = worker.judge({}, seen, [Task(p, (0,)) for p in range(3)])
        assert (first, last) == ([Answer(True)], [Answer(True)])
        assert "longer than 0.5 seconds" in (slow[0].error or "")
        (again,) = worker.judge({}, seen, [Task(1, (0,))])
        assert again == slow


def test_after_a_few_lost_processes_everything_left_is_an_error(processes: Processes) -> None:
    with Worker(processes, Bounds(seconds=0.3, losses=2)) as worker:
        worker.compile([Program(SLOW, ("object", "text")) for _ in range(3)])
        seen = [Seen(None, SLOW_VALUES)]
        answers = worker.judge({}, seen, [Task(p, (0,)) for p in range(3)])
        assert "longer than" in (answers[0][0].error or "")
        assert [a.error for (a,) in answers[1:]] == [
            "nothing more is evaluated after 2 lost processes"
        ] * 2


def test_a_worker_that_is_killed_is_replaced(processes: Processes) -> None:
    others = set(_descendants(os.getpid()))  # what earlier tests of this process still have
    with Worker(processes, Bounds()) as worker:
        worker.load([thing("a")])
        assert ask(worker, "snapshot.count('*')").value == 1
        pid = [child for child in _descendants(os.getpid()) if child not in others][-1]
        os.kill(pid, signal.SIGKILL)
        assert "died" in (ask_twice(worker, "snapshot.count('*') == 1").error or "")
        assert ask(worker, "snapshot.count('*')").value == 1


def ask_twice(worker: Worker, expression: str) -> Answer:
    number = worker._programs
    worker.compile([Program(expression, (), "any")])
    return worker.judge({}, [Seen(None, {})], [Task(number, (0,))])[0][0]


def _descendants(pid: int) -> list[int]:
    """Return the descendants of a process that still run, parents first."""
    found = [pid]
    for parent in found:
        for entry in Path("/proc").glob("[0-9]*/stat"):
            try:
                state, its_parent = entry.read_text().rpartition(")")[2].split()[:2]
            except OSError:
                continue
            if int(its_parent) == parent and state != "Z":
                found.append(int(entry.parent.name))
    return found[1:]


SLOW_JUDGING = f"""
from chimera.context import Command, Processes, Running
from chimera.policy import Bounds, evaluate
print("ready", flush=True)
evaluate({SLOW!r}, {{"object": list(range(9000)), "text": "ab" * 10_000_000}},
         bounds=Bounds(seconds=60))
"""


@pytest.mark.skipif(not Path("/proc").exists(), reason="reads /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_ctrl_c_and_kill_leave_no_evaluator_behind(number: signal.Signals) -> None:
    argv = [sys.executable, "-c", SLOW_JUDGING]
    with subprocess.Popen(
        argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        children = _until(lambda: _evaluators(parent.pid))
        parent.send_signal(number)
        parent.wait(30)
        assert parent.stderr is not None
        interrupted = "KeyboardInterrupt" in parent.stderr.read()
    assert interrupted == (number == signal.SIGINT)
    assert _until(lambda: all(_is_gone(pid) for pid in children))


def _evaluators(pid: int) -> list[int]:
    found = [
        child
        for child in _descendants(pid)
        if b"policy/child.py" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]
    return _descendants(pid) if found else []


def _is_gone(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"


def _until(condition: Any) -> Any:
    """Wait for something that must come; the bound is only there to fail instead of hanging."""
    for _ in range(3000):
        if found := condition():
            return found
        time.sleep(0.01)
    raise AssertionError("it did not come")


def test_evaluate_gives_the_value_of_one_expression() -> None:
    assert evaluate("input.a + size(input.l)", {"input": {"a": 1, "l": [1, 2]}}) == 3


@pytest.mark.parametrize("expression", ["input.", "input.missing", "1 / input.zero"])
def test_evaluate_raises_where_there_is_no_value(expression: str) -> None:
    with pytest.raises(ChimeraError):
        evaluate(expression, {"input": {"zero": 0}})


def test_a_child_gets_the_memory_that_later_documents_take(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[int] = []
    start = Processes.start

    def noted(self: Processes, command: Command) -> Running:
        assert command.limits.memory_bytes is not None
        started.append(command.limits.memory_bytes)
        return start(self, command)

    monkeypatch.setattr(Processes, "start", noted)
    with Worker(processes, Bounds()) as worker:
        worker.compile([Program("size(object.spec.note) > 0", ("object",))])
        for size in (1, 2, 6_000_000):
            worker.load([], others=[{"spec": {"note": "x" * size}}])
            ((answer,),) = worker.judge({}, [Seen(0, {})], [Task(0, (0,))])
            assert answer == Answer(value=True)
    first, second = started
    assert second - first > 24 * 1_500_000
