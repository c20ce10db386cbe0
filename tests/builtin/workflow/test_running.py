"""Workflows carried out on a real state: what flows, what is kept, and what is kept out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chimera.builtin.workflow.plugin import chimera_execute, chimera_reconcile
from chimera.builtin.workflow.running import builder
from chimera.kinds import Registry
from chimera.model import Action, Address, Change, ChimeraError, UsageError
from chimera.runtime import ReconcileTask, RunError
from chimera.state import EventKind

ADDRESS = Address("Workflow", "it")


def everything_below(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_values_flow_with_their_types(outputs) -> None:
    assert outputs("""
        trigger: apply
        inputs:
          limit: {type: integer, default: 3}
          words: {type: array, default: [echo, words]}
        stages:
          - id: make
            operation: command
            inputs: {argv: [echo, '{"n": 7, "list": ["x", {"y": null}]}'], jsonOutput: true}
          - id: show
            operation: command
            inputs: {argv: "${input.words}"}
            dependencies: [make]
          - id: cut
            operation: command
            inputs: {argv: [echo, "n is ${make.json.n}, $${HOME}"], maxOutput: "${input.limit}"}
        outputs:
          number: "${make.json.n}"
          list: ["${make.json.list.1}"]
          text: "all of ${make.json}"
          said: "${show.stdout}${cut.stdout}"
          code: "${cut.exitCode}"
    """) == {
        "number": 7,
        "list": [{"y": None}],
        "text": 'all of {"list":["x",{"y":null}],"n":7}',
        "said": "words\nn i",
        "code": 0,
    }


def test_parallel_stages_run_side_by_side(outputs, tmp_path: Path) -> None:
    script = "echo > $1; while ! test -e $2; do sleep 0.01; done"
    names = [("a", "b"), ("b", "a")]
    stages = "\n".join(
        f"""
          - id: {own}
            operation: command
            timeout: 20s
            inputs: {{shell: true, argv: ["{script}", {own}, {other}]}}"""
        for own, other in names
    )
    outputs(f"""
        trigger: apply
        mode: parallel
        stages:{stages}
    """)
    assert (tmp_path / "a").exists()


def test_sequential_stages_run_one_after_another(outputs, tmp_path: Path) -> None:
    stage = "{id: %s, operation: file.append, inputs: {path: .chimera/out/x, content: %s}}"
    outputs(f"""
        trigger: apply
        stages: [{", ".join(stage % (name, name) for name in "dcbaefg")}]
    """)
    assert (tmp_path / ".chimera/out/x").read_text() == "dcbaefg"


def test_a_failing_stage_is_tried_again_with_the_same_key(outputs, state, tmp_path: Path) -> None:
    outputs("""
        trigger: apply
        stages:
          - id: flaky
            operation: command
            inputs: {shell: true, argv: ["echo $CHIMERA_KEY >> keys; test $(wc -l < keys) = 3"]}
            retryPolicy: {maxRetries: 2, baseDelay: 1ms}
    """)
    keys = (tmp_path / "keys").read_text().split()
    assert len(keys) == 3
    assert len(set(keys)) == 1


def test_a_stage_that_takes_too_long_is_ended(task, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"slow: it took longer than 0\.2 s"):
        chimera_reconcile(
            task("""
                trigger: apply
                stages:
                  - {id: slow, operation: command, timeout: 200ms, inputs: {argv: [sleep, "600"]}}
                  - {id: after, operation: command, inputs: {argv: [touch, made]}}
            """)
        )
    assert not (tmp_path / "made").exists()


def test_a_value_of_another_type_stops_the_stage_for_good(task, state) -> None:
    with pytest.raises(RunError, match="use: the inputs of the operation command do not fit"):
        chimera_reconcile(
            task("""
                trigger: apply
                stages:
                  - {id: make, operation: command, inputs: {argv: [echo, "7"], jsonOutput: true}}
                  - id: use
                    operation: command
                    inputs: {argv: [echo, "${make.json}"]}
                    retryPolicy: {maxRetries: 4, baseDelay: 1ms}
            """)
        )
    (run,) = state.runs(target=str(ADDRESS))
    kinds = [event.kind for event in state.events(run.uid) if event.step == "use"]
    assert kinds == [EventKind.START, EventKind.FAIL]


def test_a_reference_into_nothing_stops_the_stage(task) -> None:
    with pytest.raises(RunError, match=r"use: \$\{make.json.missing\} leads nowhere"):
        chimera_reconcile(
            task("""
                trigger: apply
                stages:
                  - {id: make, operation: command, inputs: {argv: [echo, "{}"], jsonOutput: true}}
                  - {id: use, operation: command, inputs: {argv: [echo, "${make.json.missing}"]}}
            """)
        )


SECRET = """
    trigger: apply
    secrets: {token: {env: WORKFLOW_TEST_VARIABLE}}
    stages:
      - id: use
        operation: command
        inputs:
          shell: true
          argv: ['echo "$1" > seen; echo "$1"; echo "$1" >&2', "<${secret.token}>"]
      - id: pass
        operation: command
        inputs: {argv: [echo, "${use.stdout}"]}
    outputs: {said: "${pass.stdout}"}
"""


def test_a_secret_reaches_the_stage_and_nothing_else(
    outputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKFLOW_TEST_VARIABLE", "correct-horse")
    assert outputs(SECRET) == {"said": "<***>\n\n"}
    assert (tmp_path / "seen").read_text() == "<correct-horse>\n"
    assert b"correct-horse" not in everything_below(tmp_path / ".chimera")


def test_a_failing_stage_does_not_tell_its_secret(
    task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKFLOW_TEST_VARIABLE", "correct-horse")
    for fault in ('exit 1; echo "$1"', 'echo "$1" >&2; exit 1'):
        with pytest.raises(RunError) as raised:
            chimera_reconcile(task(SECRET.replace('echo "$1" >&2', fault)))
        assert "correct-horse" not in str(raised.value)
    assert b"correct-horse" not in everything_below(tmp_path / ".chimera")


def test_a_missing_secret_is_named(task, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORKFLOW_TEST_VARIABLE", raising=False)
    with pytest.raises(RunError, match="the variable WORKFLOW_TEST_VARIABLE is not set"):
        chimera_reconcile(task(SECRET))


def test_what_a_stage_says_brings_no_secret_forth(outputs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKFLOW_TEST_VARIABLE", "correct-horse")
    said = outputs("""
        trigger: apply
        secrets: {token: {env: WORKFLOW_TEST_VARIABLE}}
        stages:
          - {id: hostile, operation: command, inputs: {argv: [printf, "$${secret.token}"]}}
          - id: use
            operation: command
            inputs: {argv: [printf, "%s", "${hostile.stdout}"], env: {T: "${secret.token}"}}
        outputs: {said: "${use.stdout}"}
    """)
    assert said == {"said": "${secret.token}"}


@pytest.mark.parametrize("trigger", ["human", "event", "schedule"])
def test_other_triggers_only_register(task, tmp_path: Path, trigger: str) -> None:
    named = {"event": "event: pushed", "schedule": "schedule: 0 6 * * 1"}.get(trigger, "")
    given = task(f"""
        trigger: {trigger}
        {named}
        stages: [{{id: a, operation: command, inputs: {{argv: [touch, made]}}}}]
    """)
    assert chimera_reconcile(given) == {"registered": True}
    assert not (tmp_path / "made").exists()
    chimera_execute(given, {})
    assert (tmp_path / "made").exists()


INPUTS = """
    trigger: human
    inputs:
      name: {}
      count: {type: integer, default: 2}
      deep: {type: object, default: {a: 1}}
    stages: [{id: a, operation: command, inputs: {argv: ["true"]}}]
    outputs: {name: "${input.name}", count: "${input.count}", deep: "${input.deep}"}
"""


def test_inputs_are_read_by_their_types(task) -> None:
    given = {"name": "7", "count": "7", "deep": '{"b": [true]}'}
    found = chimera_execute(task(INPUTS, Action.RUN), given)
    assert found == {"outputs": {"name": "7", "count": 7, "deep": {"b": [True]}}}


def test_inputs_have_defaults(task) -> None:
    found = chimera_execute(task(INPUTS, Action.RUN), {"name": "x", "count": 3})
    assert found == {"outputs": {"name": "x", "count": 3, "deep": {"a": 1}}}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "the input 'name' has no value"),
        ({"nmae": "x"}, "no input 'nmae'"),
        ({"name": "x", "count": "two"}, "'count' is not of the type integer"),
        ({"name": "x", "count": True}, "'count' is not of the type integer"),
        ({"name": 7}, "'name' is not of the type string"),
        ({"name": "x", "count": 2.0}, "'count' is not of the type integer"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(task, given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message) as raised:
        chimera_execute(task(INPUTS, Action.RUN), given)
    assert raised.value.help


def test_deleting_keeps_nothing(task) -> None:
    given = task(INPUTS)
    gone = ReconcileTask(
        **{
            **{name: getattr(given, name) for name in ReconcileTask.__dataclass_fields__},
            "document": None,
            "change": Change(ADDRESS, Action.DELETE, "sha256:0", None, "gone"),
        }
    )
    assert chimera_reconcile(gone) == {}
    assert chimera_execute(gone, {}) is None


def test_other_kinds_are_left_to_their_own(task, registry: Registry, tmp_path: Path) -> None:
    given = task(INPUTS)
    other = Change(Address("Gate", "it"), Action.DELETE, "sha256:0", None, "gone")
    fields = {name: getattr(given, name) for name in ReconcileTask.__dataclass_fields__}
    assert chimera_reconcile(ReconcileTask(**{**fields, "document": None, "change": other})) is None


def test_a_pinned_definition_is_compiled_again(registry: Registry, tmp_path: Path) -> None:
    spec = {"trigger": "apply", "stages": [{"id": "a", "operation": "gone", "inputs": {}}]}
    build = builder("Workflow/it", registry.operations, tmp_path)
    with pytest.raises(ChimeraError, match="cannot go on: there is no operation 'gone'"):
        build({"spec": spec}, {})


def test_stages_become_steps_as_their_authors_say(registry: Registry, tmp_path: Path) -> None:
    command = {"operation": "command", "inputs": {"argv": ["x"]}}
    read = {"operation": "file.read", "inputs": {"path": "${a.stdout}"}}
    stages = [
        {"id": "a", **command, "onInterrupt": "escalate", "timeout": "2s"},
        {"id": "b", **command, "retryPolicy": {"maxRetries": 3, "maxDelay": "3s"}},
        {"id": "c", **read},
    ]
    build = builder("Workflow/it", registry.operations, tmp_path)
    first, second, third = build({"spec": {"trigger": "apply", "stages": stages}}, {}).steps
    assert (first.needs, second.needs, third.needs) == ((), ("a",), ("b", "a"))
    assert [step.on_interrupt for step in (first, second)] == ["escalate", "retry"]
    assert [step.effects for step in (first, second, third)] == [True, True, False]
    assert first.timeout is not None
    assert first.timeout.total_seconds() == 2
    retry = second.recovery.retry
    assert (retry.max_attempts, retry.max_delay.total_seconds()) == (4, 3)
