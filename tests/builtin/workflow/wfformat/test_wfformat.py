"""Traces become Workflows whose run gives the hash that was worked out when they were read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from chimera.builtin.workflow.compile import compile_spec
from chimera.builtin.workflow.kinds import WorkflowSpec
from chimera.builtin.workflow.wfformat.operations import hash_of
from chimera.builtin.workflow.wfformat.reading import Task, Trace, read_trace
from chimera.builtin.workflow.wfformat.writing import EXPECTED, LARGEST, write_trace
from chimera.cli.main import root
from chimera.documents import parse
from chimera.kinds import Registry
from chimera.model import ChimeraError, Place


def trace_of(tasks: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """A small trace in the layout of 1.5."""
    specification = {"tasks": [{"name": task["id"], **task} for task in tasks]}
    return {
        "name": "small",
        "schemaVersion": "1.5",
        "workflow": {"specification": specification},
    } | more


DIAMOND = [
    {"id": "split#1", "parents": [], "children": ["left/a", "Right:b"]},
    {"id": "left/a", "parents": ["split#1"], "children": ["merge"]},
    {"id": "Right:b", "parents": ["split#1"], "children": ["merge"]},
    {"id": "merge", "parents": ["left/a", "Right:b"], "children": []},
]


@pytest.fixture
def read(tmp_path: Path):
    def run(value: Any, name: str = "trace.json") -> Trace:
        path = tmp_path / name
        path.write_text(value if isinstance(value, str) else json.dumps(value))
        return read_trace(path)

    return run


def orders(trace: Trace) -> dict[str, set[str]]:
    return {task.id: set(task.parents) for task in trace.tasks}


WANTED = {
    "split#1": set(),
    "left/a": {"split#1"},
    "Right:b": {"split#1"},
    "merge": {"left/a", "Right:b"},
}


def test_parents_and_children_say_the_same(read) -> None:
    assert orders(read(trace_of(DIAMOND))) == WANTED


@pytest.mark.parametrize("missing", ["parents", "children"])
def test_either_of_parents_and_children_is_enough(read, missing: str) -> None:
    tasks = [{k: v for k, v in task.items() if k != missing} for task in DIAMOND]
    assert orders(read(trace_of(tasks))) == WANTED
    emptied = [{**task, missing: []} for task in DIAMOND]
    assert orders(read(trace_of(emptied))) == WANTED


def test_files_say_what_follows_what_where_nothing_else_does(read) -> None:
    trace = read(
        trace_of(
            [
                {"id": "b", "inputFiles": ["x", "raw"], "outputFiles": ["y"]},
                {"id": "a", "inputFiles": ["raw"], "outputFiles": ["x"]},
            ]
        )
    )
    assert [task.id for task in trace.tasks] == ["a", "b"]
    assert "files say what follows what" in trace.notes[-1]


def test_runtimes_come_from_the_execution_and_may_be_missing(read) -> None:
    value = trace_of(DIAMOND)
    value["workflow"]["execution"] = {
        "tasks": [
            {"id": "split#1", "runtimeInSeconds": 2.5},
            {"id": "left/a", "runtimeInSeconds": -1},
            {"id": "merge", "runtimeInSeconds": "long"},
            {"id": "elsewhere", "runtimeInSeconds": 1},
        ]
    }
    trace = read(value)
    assert {task.id: task.seconds for task in trace.tasks}["split#1"] == 2.5
    assert sum(task.seconds for task in trace.tasks) == 2.5
    assert trace.notes == ("1 tasks have no measured runtime, and take no time here",)


@pytest.mark.parametrize(("version", "seconds", "size"), [
    ("1.4", "runtimeInSeconds", "sizeInBytes"), ("1.3", "runtime", "size"),
])  # fmt: skip
def test_the_older_layout_refers_by_name(read, version: str, seconds: str, size: str) -> None:
    file = {"name": "f", "link": "output", size: 1}
    tasks = [
        {"name": "first", "id": "ID1", "parents": [], "children": ["second"], seconds: 3,
         "files": [file]},
        {"name": "second", "id": "ID2", "parents": ["first"], seconds: 4,
         "files": [{**file, "link": "input"}]},
    ]  # fmt: skip
    trace = read({"name": "old", "schemaVersion": version, "workflow": {"tasks": tasks}})
    assert orders(trace) == {"first_ID1": set(), "second_ID2": {"first_ID1"}}
    assert [(task.seconds, task.reads, task.writes) for task in trace.tasks] == [
        (3, (), ("f",)), (4, ("f",), ()),
    ]  # fmt: skip


def test_what_is_named_and_not_there_is_left_out_and_told(read) -> None:
    trace = read(trace_of([{"id": "a", "parents": ["gone", ""], "children": []}]))
    assert orders(trace) == {"a": set()}
    assert trace.notes[0] == "1 tasks have no measured runtime, and take no time here"
    assert trace.notes[1].endswith("left out: gone")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "is not a mapping"),
        ({"schemaVersion": "1.2", "workflow": {"jobs": []}}, "is WfFormat 1.2"),
        ({"workflow": {}}, "says no schemaVersion"),
        ({"schemaVersion": "1.5", "workflow": {"specification": {"tasks": []}}}, "lists no tasks"),
        ({"schemaVersion": "1.5", "workflow": {"specification": {"tasks": [1]}}}, "lists no tasks"),
        (trace_of([{"id": "", "parents": []}]), "a task has no id"),
        (trace_of([{"id": "a"}, {"id": "a"}]), "two tasks are called a"),
        (
            trace_of([{"id": "a", "parents": ["b"]}, {"id": "b", "parents": ["a"]}]),
            "2 tasks wait for one another, such as a, b",
        ),
    ],
)
def test_what_is_no_trace_is_refused(read, value: Any, message: str) -> None:
    with pytest.raises(ChimeraError, match=message) as raised:
        read(value)
    assert raised.value.help


def performed(text: str, registry: Registry) -> str:
    """Do the stages in their order, as a run without waits does; return the last hash."""
    [document], faults = parse("trace.yaml", text.encode())
    assert not faults
    spec = WorkflowSpec.model_validate(document.value["spec"])
    assert not list(compile_spec(spec, registry.operations, Place("trace.yaml"), "Workflow/x"))
    hashes: dict[str, str] = {}
    for stage in spec.stages:
        assert set(stage.dependencies) <= hashes.keys()
        inputs = stage.inputs
        after = [hashes[reference[2:-6]] for reference in inputs.get("after", ())]
        task = inputs["task"].replace("$${", "${")
        hashes[stage.id] = hash_of(task, after, inputs.get("files", ""))
    assert document.value["metadata"]["annotations"][EXPECTED] == hashes["all-done"]
    return hashes["all-done"]


ids = st.text(min_size=1, max_size=80) | st.sampled_from(
    ["null", "on", "input", "secret", "all-done", "t1", "a b", "a-b", "a_b", "join-1", "1", "${x}"]
)


@given(st.lists(ids, unique=True, min_size=1, max_size=12), st.data())
def test_any_trace_becomes_a_document_that_compiles(
    registry: Registry, names: list[str], data: st.DataObject
) -> None:
    tasks = tuple(
        Task(
            name,
            name,
            tuple(names[p] for p in sorted(data.draw(st.sets(st.integers(0, n - 1)))) if n)
            if n
            else (),
            data.draw(st.floats(0, 1e12)),
            reads=("f",) * (n % 2),
        )
        for n, name in enumerate(names)
    )
    trace = Trace("Any Name!", "", "1.5", tasks)
    written = write_trace(trace, 0.001)
    assert performed(written.text, registry) == written.hash
    assert write_trace(trace, 0.001) == written


def test_many_that_follow_the_same_many_have_one_in_between(registry: Registry) -> None:
    first = tuple(Task(f"a{n}", "", (), 0.0) for n in range(100))
    names = tuple(task.id for task in first)
    second = tuple(Task(f"b{n}", "", names, 0.0) for n in range(100))
    written = write_trace(Trace("dense", "", "1.5", first + second), 0)
    assert len(written.text) < 50_000
    assert performed(written.text, registry) == written.hash


def test_ten_thousand_tasks_fit_a_document(registry: Registry) -> None:
    tasks = tuple(
        Task(
            f"mProject_ID{n:07d}",
            "",
            tuple(f"mProject_ID{n - k:07d}" for k in (1, 7) if n >= k),
            9.9,
        )
        for n in range(10_000)
    )
    written = write_trace(Trace("large", "", "1.5", tasks), 0)
    assert len(written.text) <= LARGEST
    assert performed(written.text, registry) == written.hash


def test_more_than_a_document_holds_is_refused() -> None:
    with pytest.raises(ChimeraError, match="a workflow has at most 20000 stages"):
        write_trace(Trace("l", "", "1.5", tuple(Task(str(n), "", (), 0) for n in range(20_000))), 0)
    names = [f"x{'y' * 150}{n}" for n in range(15_000)]
    with pytest.raises(ChimeraError, match="a document has at most 2048 KiB"):
        write_trace(Trace("l", "", "1.5", tuple(Task(n, "", (), 0) for n in names)), 0)


def test_every_trace_is_imported_or_told_of(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps(trace_of(DIAMOND)))
    bad.write_text("{}")
    out = tmp_path / "out"
    run = CliRunner().invoke(root, ["import", "wfformat", str(bad), str(good), "--out", str(out)])
    assert isinstance(run.exception, ChimeraError)
    assert "1 of 2 traces" in run.exception.message
    assert "Workflow/small, 4 tasks, 4 dependencies" in run.output
    assert (out / "small.yaml").is_file()
    again = CliRunner().invoke(root, ["import", "wfformat", str(good), "--out", str(out)])
    assert isinstance(again.exception, ChimeraError)
    assert "exists, and nothing is overwritten" in again.output


def test_a_trace_of_time_scaled_waits(registry: Registry) -> None:
    tasks = (Task("a", "", (), 90.0), Task("b", "", ("a",), 0.0001))
    written = write_trace(Trace("w", "", "1.5", tasks), 0.5)
    assert "operation: trace.task" in written.text
    assert "takes: 45s" in written.text
    assert written.text.count("trace.hash") == 2
    assert written.takes.total_seconds() == 45
