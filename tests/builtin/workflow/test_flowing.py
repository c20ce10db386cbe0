"""Runs of the whole language: what is skipped, gone through, waited for and chosen."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from chimera.builtin.workflow.plugin import chimera_execute, chimera_reconcile
from chimera.context import Context
from chimera.model import Action, UsageError
from chimera.runtime import ControlAction, ReconcileTask, RunError, RunStatus
from chimera.runtime.control import leave_request
from chimera.runtime.steps import idempotency_key
from chimera.state import EventKind, StateWriter
from tests.builtin.workflow.conftest import ADDRESS

START = EventKind.START
ECHO = "operation: command, inputs: {argv: [printf, '%s',"


def steps_of(state: StateWriter, kind: EventKind) -> list[str]:
    (run,) = state.runs(target=str(ADDRESS))
    return [event.step for event in state.events(run.uid) if event.kind is kind]


def test_a_stage_runs_only_when_its_condition_holds(outputs, state) -> None:
    given = outputs(f"""
        trigger: apply
        inputs: {{level: {{type: integer, default: 3}}}}
        stages:
          - {{id: first-one, {ECHO} abc]}}}}
          - {{id: does, when: first-one.stdout == "abc" && input.level > 2, {ECHO} ran]}}}}
          - {{id: not, when: input.level > 3 || first-one.exitCode != 0, {ECHO} ran]}}}}
          - {{id: after-not, when: has(not.stdout), {ECHO} ran]}}}}
        outputs:
          does: "${{does.stdout ?? null}}"
          not: "${{not.stdout ?? \\"skipped\\"}}"
          either: "${{not.stdout ?? does.stdout ?? null}}"
    """)
    assert given == {"does": "ran", "not": "skipped", "either": "ran"}
    assert steps_of(state, EventKind.SKIP) == ["not", "after-not"]


def test_in_conditional_mode_what_follows_a_skipped_stage_is_skipped(outputs, state) -> None:
    given = outputs(f"""
        trigger: apply
        mode: conditional
        inputs: {{kind: {{default: small}}}}
        stages:
          - id: route
            switch: [{{case: large, when: input.kind == "large"}}, {{case: small}}]
          - {{id: large, when: route.case == "large", {ECHO} large]}}, dependencies: [route]}}
          - {{id: small, when: route.case == "small", {ECHO} small]}}, dependencies: [route]}}
          - {{id: after-large, {ECHO} x]}}, dependencies: [large]}}
          - {{id: join, {ECHO} "${{large.stdout ?? small.stdout ?? \\"\\"}}"]}},
             dependencies: [large, small]}}
        outputs: {{said: "${{join.stdout ?? null}}"}}
    """)
    assert given == {"said": "small"}
    assert sorted(steps_of(state, EventKind.SKIP)) == ["after-large", "large"]


def test_a_switch_without_a_case_that_holds_chooses_none(outputs) -> None:
    given = outputs("""
        trigger: apply
        stages: [{id: route, switch: [{case: x, when: 1 > 2}]}]
        outputs: {case: "${route.case}"}
    """)
    assert given == {"case": None}


def test_a_list_is_gone_through_in_order(outputs) -> None:
    given = outputs(f"""
        trigger: apply
        inputs: {{names: {{type: array, default: [{{n: a}}, {{n: b}}, {{n: c}}]}}}}
        stages:
          - {{id: each, forEach: {{items: "${{input.names}}", as: one, concurrency: 2}},
             {ECHO} "${{one.n}}"]}}}}
          - {{id: count, forEach: {{items: 3, as: n}}, {ECHO} "${{n}} ${{each.1.stdout}}"]}}}}
          - {{id: none, forEach: {{items: []}}, {ECHO} "${{item}}"]}}}}
          - id: chosen
            forEach: {{items: 3, as: n}}
            switch: [{{case: low, when: n < 1}}, {{case: high}}]
        outputs:
          each: ["${{each.0.stdout}}", "${{each.2.stdout}}"]
          count: ["${{count.0.stdout}}", "${{count.2.stdout}}"]
          none: "${{none}}"
          chosen: ["${{chosen.0.case}}", "${{chosen.1.case}}"]
    """)
    assert given == {
        "each": ["a", "c"],
        "count": ["0 b", "2 b"],
        "none": [],
        "chosen": ["low", "high"],
    }


def test_an_item_knows_nothing_of_the_whole_list(outputs, state) -> None:
    outputs(f"""
        trigger: apply
        inputs: {{names: {{type: array, default: [a, b]}}, all: {{default: x}}}}
        stages:
          - {{id: each, forEach: {{items: "${{input.names}}"}},
             {ECHO} "${{item}}${{input.all}}"]}}}}
    """)
    (run,) = state.runs(target=str(ADDRESS))
    keys = {event.step: event.data["key"] for event in state.events(run.uid) if event.kind is START}
    inputs = {"item": "b", "input.all": "x"}
    assert keys["each[1]"] == idempotency_key(run.uid, "each[1]", inputs)


def test_what_fails_among_many_leaves_the_others_their_place(outputs) -> None:
    given = outputs(
        """
        trigger: apply
        stages:
          - id: each
            forEach: {items: [0, 1, 0], as: code, keepGoing: true}
            operation: command
            inputs: {shell: true, argv: ['exit "$1"', "code ${code}"]}
            when: "true"
        outputs: {each: "${each ?? null}"}
    """.replace('"code ${code}"', '"${code}x"').replace('exit "$1"', 'test "$1" = 0x')
    )
    assert [one and one["exitCode"] for one in given["each"]] == [0, None, 0]


def test_a_workflow_inside_a_workflow_gets_inputs_and_gives_outputs(outputs, state) -> None:
    given = outputs(
        """
        trigger: apply
        stages:
          - id: each
            forEach: {items: 2, as: n}
            workflow: Workflow/inner
            inputs: {count: "${n}"}
          - {id: alone, workflow: Workflow/inner, inputs: {count: 7, name: z}}
        outputs: {each: ["${each.0.said}", "${each.1.said}"], alone: "${alone.said}"}
        """,
        inner=f"""
        trigger: human
        inputs: {{count: {{type: integer}}, name: {{default: x}}}}
        stages:
          - {{id: say, {ECHO} "${{input.name}}${{input.count}}"]}}}}
          - {{id: never, when: input.count > 100, {ECHO} x]}}}}
        outputs: {{said: "${{say.stdout}}"}}
        """,
    )
    assert given == {"each": ["x0", "x1"], "alone": "z7"}
    assert "each[1]/say" in steps_of(state, EventKind.DONE)
    assert "alone/say" in steps_of(state, EventKind.DONE)


def test_a_pinned_run_has_all_that_it_runs(task, state) -> None:
    inner = "trigger: human\nstages: [{id: a, operation: command, inputs: {argv: [%s]}}]\n"
    outer = "trigger: apply\nstages: [{id: a, workflow: Workflow/inner}]\n"
    with pytest.raises(RunError):
        chimera_reconcile(task(outer, inner=inner % '"false"'))
    (run,) = state.runs(target=str(ADDRESS))
    assert run.definition["workflows"]["Workflow/inner"]["stages"][0]["inputs"] == {
        "argv": ["false"]
    }


def carried_through(given: ReconcileTask) -> dict[str, Any]:
    """Take a run up again until nothing in it waits any more, as later commands do."""
    for _ in range(100):
        try:
            return dict(chimera_reconcile(given) or {})["outputs"]
        except RunError as error:
            if error.result.status is not RunStatus.WAITING:
                raise
            time.sleep(0.01)
    raise AssertionError("it still waits")


def test_waits_are_over_in_their_time(task) -> None:
    given = carried_through(
        task("""
        trigger: apply
        stages:
          - {id: short, wait: {for: 10ms}}
          - {id: past, wait: {until: 2020-01-01T00:00:00Z}}
          - {id: given, wait: {until: "${short}"}}
        outputs: {past: "${past}"}
        """)
    )
    assert given["past"].startswith("20")


ASKING = """
    trigger: apply
    stages:
      - {id: ask, confirm: {question: "go on?", approvers: [ada]%s}}
      - {id: told, wait: {signal: "go-${ask.by}"}}
    outputs: {by: "${ask.by}", approved: "${ask.approved}", count: "${told.count}"}
"""


def signal(root: Path, state: StateWriter, context: Context, name: str, data: Any) -> None:
    (run,) = state.runs(target=str(ADDRESS))
    leave_request(state.layout, context, run.uid, ControlAction.SIGNAL, "", name=name, payload=data)


def test_a_human_is_waited_for_and_named(task, tmp_path: Path, state, context) -> None:
    given = task(ASKING % "")
    with pytest.raises(RunError, match="waiting"):
        chimera_reconcile(given)
    signal(tmp_path, state, context, "ask", {"approved": True, "by": "ada", "kind": "human"})
    signal(tmp_path, state, context, "go-ada", {"count": 3})
    assert carried_through(given) == {"by": "ada", "approved": True, "count": 3}


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            {"approved": False, "by": "ada", "kind": "human", "comment": "not today"},
            "ada said no: not today",
        ),
        ({"approved": True, "by": "ada", "kind": "automation"}, "ada is automation"),
        ({"approved": True, "by": "ada"}, "ada is automation"),
        ({"approved": True, "by": "bob", "kind": "human"}, "bob was not asked"),
        ({"approved": "yes", "by": "ada", "kind": "human"}, "the signal is no answer"),
        (None, "the signal is no answer"),
    ],
)
def test_what_is_no_approval_stops_the_stage(
    task, tmp_path: Path, state, context, answer: Any, message: str
) -> None:
    given = task(ASKING % "")
    with pytest.raises(RunError, match="waiting"):
        chimera_reconcile(given)
    signal(tmp_path, state, context, "ask", answer)
    with pytest.raises(RunError, match=message):
        carried_through(given)


def test_a_moment_that_is_none_stops_the_stage(task) -> None:
    given = task(
        """
        trigger: human
        inputs: {at: {}}
        stages: [{id: a, wait: {until: "${input.at}"}}]
    """,
        Action.RUN,
    )
    with pytest.raises(RunError, match="'soon' is no moment"):
        chimera_execute(given, {"at": "soon"})


def test_a_condition_that_cannot_be_decided_stops_the_stage(task) -> None:
    spec = f"""
        trigger: apply
        stages:
          - {{id: make, operation: command, inputs: {{argv: [echo, "[]"], jsonOutput: true}}}}
          - {{id: use, when: make.json.deep.er > 3, {ECHO} x]}}}}
    """
    with pytest.raises(RunError, match=r"use: .*cannot be decided"):
        chimera_reconcile(task(spec))


def test_more_items_than_there_may_be_stop_the_stage(task) -> None:
    with pytest.raises(RunError, match="it would go through 2000000 items"):
        chimera_reconcile(
            task(f"""
            trigger: apply
            inputs: {{count: {{type: integer, default: 2000000}}}}
            stages: [{{id: a, forEach: {{items: "${{input.count}}"}}, {ECHO} x]}}}}]
        """)
        )


def test_an_input_of_another_type_stops_the_workflow_inside(task) -> None:
    spec = """
        trigger: apply
        stages:
          - {id: make, operation: command, inputs: {argv: [echo, '"x"'], jsonOutput: true}}
          - {id: use, workflow: Workflow/inner, inputs: {count: "${make.json}"}}
    """
    inner = f"""
        trigger: human
        inputs: {{count: {{type: integer}}}}
        stages: [{{id: a, {ECHO} x]}}}}]
    """
    with pytest.raises(RunError, match="'count' of Workflow/inner is not of the type integer"):
        chimera_reconcile(task(spec, inner=inner))


def test_what_was_done_is_undone_from_the_last(task, tmp_path: Path) -> None:
    spec = """
        trigger: apply
        onFailure: compensate
        stages:
          - id: first
            operation: file.append
            inputs: {path: .chimera/out/log, content: "a"}
            compensate:
              {operation: file.append, inputs: {path: "${first.path}", content: "-a"}}
          - id: each
            forEach: {items: [b, c], concurrency: 1}
            operation: file.append
            inputs: {path: .chimera/out/log, content: "${item}"}
            compensate:
              {operation: file.append, inputs: {path: "${each.path}", content: "-${item}"}}
          - {id: fail, operation: command, inputs: {argv: ["false"]}}
    """
    with pytest.raises(RunError):
        chimera_reconcile(task(spec))
    assert (tmp_path / ".chimera/out/log").read_text() == "abc-c-b-a"


def test_a_rollback_gets_what_the_stage_could_refer_to(task, tmp_path: Path) -> None:
    spec = """
        trigger: apply
        inputs: {name: {default: ada}}
        stages:
          - {id: first, operation: command, inputs: {argv: [printf, one]}}
          - id: fail
            operation: command
            inputs: {argv: ["false", "${first.stdout}"]}
            errorHandling:
              rollbackProcedure:
                operation: file.append
                inputs: {path: .chimera/out/log, content: "${input.name} after ${first.stdout}"}
    """
    with pytest.raises(RunError, match="compensated: fail: "):
        chimera_reconcile(task(spec))
    assert (tmp_path / ".chimera/out/log").read_text() == "ada after one"


def test_a_stage_that_is_not_critical_degrades(outputs) -> None:
    given = outputs("""
        trigger: apply
        errorHandling:
          fallbackActions:
            - {type: degrade_gracefully, conditions: [non_critical_operation],
               outputs: {stdout: nothing}}
        stages:
          - {id: weak, critical: false, operation: command, inputs: {argv: ["false"]}}
        outputs: {said: "${weak.stdout}"}
    """)
    assert given == {"said": "nothing"}


def test_an_alternative_is_done_instead(outputs) -> None:
    given = outputs("""
        trigger: apply
        inputs: {name: {default: ada}}
        stages:
          - id: weak
            operation: command
            inputs: {argv: ["false"]}
            errorHandling:
              fallbackActions:
                - type: alternative
                  operation: command
                  inputs: {argv: [printf, "hello ${input.name}"]}
        outputs: {said: "${weak.stdout}"}
    """)
    assert given == {"said": "hello ada"}


def test_equal_inputs_take_the_output_that_they_gave(outputs, state) -> None:
    spec = """
        trigger: apply
        stages:
          - {id: a, operation: file.digest, inputs: {paths: ["specs/**"]}, cache: true}
          - {id: b, operation: file.digest, inputs: {paths: ["specs/**"]}, cache: true}
        outputs: {same: ["${a.digest}", "${b.digest}"]}
    """
    first, second = outputs(spec)["same"]
    assert first == second
    assert steps_of(state, EventKind.START) == ["a"]


def test_an_output_that_has_to_be_there_and_is_null_stops_the_stage(task) -> None:
    with pytest.raises(RunError, match="it gave no 'json'"):
        chimera_reconcile(
            task("""
            trigger: apply
            stages: [{id: a, operation: command, inputs: {argv: [echo]}, outputs: [json]}]
        """)
        )


PROMISING = {
    "another process": "{id: a, executor: process, outputs: [trimmed],\n"
    "         operation: command, inputs: {argv: ['true'], jsonOutput: false}}",
    "a workflow": "{id: a, outputs: [said], workflow: Workflow/inner}",
    "a signal": "{id: a, outputs: [count], wait: {signal: go}}",
    "an alternative": "{id: a, outputs: [json], operation: command, inputs: {argv: ['false']},\n"
    "         errorHandling: {fallbackActions: [{type: alternative, operation: command,\n"
    "         inputs: {argv: ['true']}}]}}",
}


@pytest.mark.parametrize("how", PROMISING)
def test_what_a_stage_has_to_give_is_asked_of_it_wherever_it_is_done(
    task, tmp_path: Path, state, context, how: str
) -> None:
    stage = PROMISING[how].replace("[trimmed]", "[json]")
    inner = """
        trigger: human
        stages: [{id: x, operation: command, inputs: {argv: ['true']}}]
        outputs: {said: "${x.json}"}
    """
    given = task(f"trigger: apply\nstages:\n  - {stage}\n", inner=inner)
    if how == "a signal":
        with pytest.raises(RunError, match="waiting"):
            chimera_reconcile(given)
        signal(tmp_path, state, context, "go", {"cuont": 3})
    with pytest.raises(RunError, match=r"it gave no '(json|said|count)'"):
        carried_through(given)


def test_unknown_inputs_are_refused(task) -> None:
    with pytest.raises(UsageError):
        chimera_execute(task("trigger: human\nstages: [{id: a, wait: {for: 1ms}}]\n"), {"x": 1})
