"""The whole language of stages: each fault is told at its line, and what is right has none."""

from __future__ import annotations

import textwrap
import time

import pytest

from chimera.builtin.workflow.stages import StageSpec

GOOD = """
    trigger: human
    version: 1.2.0
    mode: conditional
    timeout: 1h
    retryPolicy: {maxRetries: 3, backoffStrategy: exponential, baseDelay: 1s}
    errorHandling:
      fallbackActions:
        - {type: use_cached_result, conditions: [cache_available]}
        - {type: degrade_gracefully, conditions: [non_critical_operation]}
      escalationRules:
        - {condition: max_retries_exceeded, action: notify_administrator, severity: high}
    onFailure: compensate
    limits: {disk: 2}
    inputs:
      deploy: {type: boolean, default: true}
      level: {type: integer, default: 3}
      names: {type: array, default: [a, b]}
    secrets: {token: {env: TOKEN}}
    stages:
      - id: package
        module: file
        operation: digest
        inputs: {paths: ["**"]}
        outputs: [count]
        cache: true
        limits: [disk]
        priority: 3
        executor: thread
      - id: route
        switch:
          - {case: large, when: package.count > 100 && input.level >= 2}
          - {case: small}
        dependencies: [package]
      - id: test-large
        operation: command
        when: route.case == "large" && input.deploy
        inputs: {argv: [test, "${route.case}"]}
        dependencies: [route]
      - id: report
        operation: command
        when: has(test-large.stdout)
        inputs: {argv: [echo, "${test-large.stdout}"]}
        dependencies: [test-large]
      - id: carried
        operation: command
        inputs: {argv: [echo, "${test-large.stdout}"]}
        dependencies: [test-large]
      - id: publish
        forEach: {items: "${input.names}", as: name, concurrency: 2, keepGoing: true}
        operation: file.write
        inputs: {path: ".chimera/out/x", content: "${name} ${test-large.stdout ?? route.case}"}
        dependencies: [test-large, route]
        compensate: {operation: file.write, inputs: {path: "${publish.path}", content: "${name}"}}
      - id: several
        forEach: {items: 10, as: n}
        workflow: Workflow/other
        inputs: {count: "${n}", name: "${route.case}"}
        dependencies: [route]
      - id: pause
        wait: {for: 5m}
        dependencies: [publish]
      - id: night
        wait: {until: 2026-12-01T00:00:00+01:00}
        dependencies: [pause]
      - id: told
        wait: {signal: "go-${route.case}", timeout: 1d}
        dependencies: [night, route]
      - id: ask
        confirm: {question: "publish ${publish.0.digest ?? 0}?", approvers: [ada], timeout: 2d}
        dependencies: [told, publish]
      - id: last
        operation: command
        when: ask.approved && size(publish) > 1 && several.all(s, s.said != "")
        inputs: {argv: [echo, "${ask.by}", "${several.0.said}", "${told.anything.at.all}"]}
        dependencies: [ask, several, publish]
    outputs: {by: "${ask.by}", said: "${last.stdout ?? null}"}
"""

OTHER = """
    trigger: human
    inputs: {count: {type: integer}, name: {default: x}}
    stages: [{id: a, operation: command, inputs: {argv: [echo, "${input.count}${input.name}"]}}]
    outputs: {said: "${a.stdout}", code: "${a.exitCode}"}
"""


def test_the_whole_language_is_without_fault(check) -> None:
    assert check(GOOD, other=OTHER) == ()


RUN = "operation: command, inputs: {argv: [x]}"

# Each case marks the line of the fault.
CASES = {
    "workflow-stage-work": [
        "- {id: a}  # here",
        "- {id: a, inputs: {x: 1}}  # here",
        "- {id: a, operation: command, inputs: {argv: [x]},\n   wait: {for: 1s}}  # here",
    ],
    "workflow-module-unknown": [
        "- {id: a, module: contxt, operation: createContext}  # here",
    ],
    "workflow-operation-unknown": [
        "- {id: a, module: file, operation: raed, inputs: {path: x}}  # here",
        f"- {{id: a, {RUN},\n   compensate: {{operation: undo}}}}  # here",
        (
            f"- {{id: a, {RUN}, errorHandling: {{fallbackActions: [\n"
            "   {type: alternative, operation: nothing}]}}  # here"
        ),
    ],
    "workflow-field-unfit": [
        "- {id: a, wait: {for: 1s},\n   inputs: {x: 1}}  # here",
        "- {id: a, confirm: {question: x},\n   retryPolicy: {}}  # here",
        "- {id: a, switch: [{case: x}],\n   executor: thread}  # here",
        "- {id: a, workflow: Workflow/other, inputs: {count: 1},\n   cache: true}  # here",
    ],
    "workflow-wait-invalid": [
        "- {id: a,\n   wait: {}}  # here",
        "- {id: a, wait: {for: 1s,\n   signal: x}}  # here",
        "- {id: a, wait: {for: 1s,\n   timeout: 2s}}  # here",
        "- {id: a, wait: {\n   until: tomorrow}}  # here",
        "- {id: a, wait: {\n   until: '2026-12-01T00:00:00'}}  # here",
    ],
    "workflow-case-duplicate": [
        "- {id: a, switch: [{case: x, when: input.flag},\n   {case: x}]}  # here",
    ],
    "workflow-stage-unreachable": [
        "- {id: a, switch: [\n   {case: x}, {case: y, when: input.flag}]}  # here",
        f"- {{id: a, {RUN},\n   when: 'false'}}  # here",
    ],
    "workflow-predicate-invalid": [
        f"- {{id: a, {RUN},\n   when: input.falg}}  # here",
        f"- {{id: a, {RUN},\n   when: input.count}}  # here",
        f"- {{id: a, {RUN},\n   when: input.count == 'x'}}  # here",
        f"- {{id: a, {RUN},\n   when: 'input.flag &&'}}  # here",
        f"- {{id: a, {RUN},\n   when: b.exitCode == 0}}  # here\n- {{id: b, {RUN}}}",
        f"- {{id: b, {RUN}}}\n- {{id: a, {RUN},\n   when: b.stdot == ''}}  # here",
        "- {id: a, switch: [\n   {case: x, when: secret.token == ''}]}  # here",
    ],
    "workflow-compensation-pointless": [
        (
            "- {id: a, operation: file.read, inputs: {path: x},\n"
            "   compensate: {operation: command, inputs: {argv: [x]}}}  # here"
        ),
    ],
    "workflow-cache-unfit": [
        f"- {{id: a, {RUN},\n   cache: true}}  # here",
        "- {id: a, operation: resources.usage, inputs: {},\n   cache: true}  # here",
        (
            "- {id: a, operation: core.executePlan, inputs: {planId: plan-001},\n"
            "   cache: true}  # here"
        ),
    ],
    "workflow-probe-missing": [f"- {{id: a, {RUN},\n   onInterrupt: probe}}  # here"],
    "workflow-executor-unknown": [f"- {{id: a, {RUN},\n   executor: thraed}}  # here"],
    "workflow-limit-unknown": [f"- {{id: a, {RUN},\n   limits: [gpus]}}  # here"],
    "workflow-fallback-invalid": [
        (
            f"- {{id: a, {RUN}, errorHandling: {{fallbackActions: [\n"
            "   {type: alternative}]}}  # here"
        ),
        (
            f"- {{id: a, {RUN}, errorHandling: {{fallbackActions: [\n"
            "   {type: use_cached_result, operation: command}]}}  # here"
        ),
        (
            f"- {{id: a, {RUN}, errorHandling: {{fallbackActions: [{{type: use_cached_result,\n"
            "   outputs: {}}]}}  # here"
        ),
        f"- {{id: a, {RUN}, errorHandling: {{\n   rollbackProcedure: {{}}}}}}  # here",
    ],
    "workflow-variable-taken": [
        f"- {{id: a, {RUN}, forEach: {{items: [1],\n   as: input}}}}  # here",
        f"- {{id: item, {RUN}, forEach: {{items: [1],\n   as: item}}}}  # here",
    ],
    "workflow-items-invalid": [
        f"- {{id: a, {RUN}, forEach: {{\n   items: some}}}}  # here",
    ],
    "workflow-reference-type": [
        f'- {{id: a, {RUN}, forEach: {{\n   items: "${{input.name}}"}}}}  # here',
        "- {id: a, workflow: Workflow/other, inputs: {\n   count: many}}  # here",
        '- {id: a, workflow: Workflow/other, inputs: {\n   count: "${input.name}"}}  # here',
        (
            "- {id: a, forEach: {items: [1, 2]}, operation: command, inputs: {\n"
            '   argv: ["${item}"]}}  # here'
        ),
        (
            f"- {{id: b, {RUN}, when: input.flag}}\n- {{id: a, operation: command, inputs: {{\n"
            '   argv: ["${b.stdout ?? 3}"]}}  # here'
        ),
        (
            "- {id: b, workflow: Workflow/other, inputs: {count: 1}}\n"
            '- {id: a, operation: command, inputs: {\n   argv: ["${b.code}"]}}  # here'
        ),
        (
            f"- {{id: b, {RUN}, forEach: {{items: [1]}}}}\n"
            '- {id: a, operation: command, inputs: {\n   argv: ["${b.0.exitCode}"]}}  # here'
        ),
    ],
    "workflow-output-unknown": [
        f"- {{id: a, {RUN},\n   outputs: [stdot]}}  # here",
        (
            "- {id: b, workflow: Workflow/other, inputs: {count: 1}}\n"
            '- {id: a, operation: command, inputs: {\n   argv: ["${b.sad}"]}}  # here'
        ),
        (
            f"- {{id: b, {RUN}, forEach: {{items: [1]}}}}\n"
            '- {id: a, operation: command, inputs: {\n   argv: ["${b.stdout}"]}}  # here'
        ),
        (
            "- {id: b, confirm: {question: x}}\n"
            '- {id: a, operation: command, inputs: {\n   argv: ["${b.who}"]}}  # here'
        ),
    ],
    "workflow-input-unknown": [
        "- {id: a, workflow: Workflow/other, inputs: {count: 1,\n   cuont: 1}}  # here",
    ],
    "workflow-input-missing": ["- {id: a,\n   workflow: Workflow/other}  # here"],
    "workflow-secret-exposed": [
        (
            "- {id: a, workflow: Workflow/other, inputs: {count: 1,\n"
            '   name: "${secret.token}"}}  # here'
        ),
        '- {id: a, confirm: {\n   question: "${secret.token}"}}  # here',
        f'- {{id: a, {RUN}, forEach: {{\n   items: ["${{secret.token}}"]}}}}  # here',
    ],
    "workflow-reference-missing": [
        (
            f"- {{id: b, {RUN}, when: input.flag}}\n"
            '- {id: a, operation: command, inputs: {\n   argv: ["${b.stdout}"]}}  # here'
        ),
        (
            f"- {{id: b, {RUN}, when: input.flag}}\n- {{id: c, {RUN}, when: '!input.flag'}}\n"
            "- {id: a, operation: command, inputs: {\n"
            '   argv: ["${b.stdout ?? c.stdout}"]}}  # here'
        ),
        (
            f"- {{id: b, {RUN}, when: input.flag}}\n"
            "- {id: a, when: input.flag || input.count > 1,\n"
            '   operation: command, inputs: {\n   argv: ["${b.stdout}"]}}  # here'
        ),
        (
            f"- {{id: b, {RUN}, when: input.flag}}\n"
            f"- {{id: a, {RUN},\n   when: b.exitCode > 0}}  # here"
        ),
        (
            f"- {{id: b, {RUN}, when: input.flag}}\n"
            f"- {{id: a, {RUN},\n   when: b.stdout.startsWith('x') || input.flag}}  # here"
        ),
        (
            f"- {{id: b, {RUN}, when: input.flag}}\n"
            "- {id: a, switch: [\n   {case: x, when: !b.stdout.matches('x')}, {case: y}]}  # here"
        ).replace("!b", "b"),
        (
            f"- {{id: b, {RUN}, when: input.flag, forEach: {{items: 3}}}}\n"
            f"- {{id: a, {RUN},\n   when: \"b[0].stdout == 'x'\"}}  # here"
        ),
    ],
    "workflow-case-unknown": [
        (
            "- {id: r, switch: [{case: large, when: input.flag}, {case: small}]}\n"
            f"- {{id: a, {RUN},\n   when: r.case == 'lagre'}}  # here"
        ),
        (
            "- {id: r, switch: [{case: large, when: input.flag}, {case: small}]}\n"
            f'- {{id: a, {RUN},\n   when: input.flag && "smal" != r.case}}  # here'
        ),
        (
            "- {id: r, switch: [{case: large, when: input.flag}, {case: small}]}\n"
            f"- {{id: a, {RUN},\n   when: \"r.case in ['large', 'smal']\"}}  # here"
        ),
    ],
    "workflow-recursion": ["- {id: a,\n   workflow: Workflow/it}  # here"],
    "reference-dangling": [],
}

HEAD = """
trigger: human
inputs:
  flag: {type: boolean, default: true}
  count: {type: integer, default: 2}
  name: {default: x}
secrets: {token: {env: TOKEN}}
stages:
"""


@pytest.mark.parametrize("stages", [stages for many in CASES.values() for stages in many])
def test_a_plain_stage_is_judged_as_any_other(
    check, monkeypatch: pytest.MonkeyPatch, stages: str
) -> None:
    spec = HEAD + textwrap.indent(stages, "  ") + "\n"
    faults = check(spec, other=OTHER)
    monkeypatch.setattr(StageSpec, "plain_operation", None)
    assert check(spec, other=OTHER) == faults != ()


@pytest.mark.parametrize(
    ("rule", "stages"), [(rule, stages) for rule, many in CASES.items() for stages in many]
)
def test_a_fault_is_told_at_its_line(check, rule: str, stages: str) -> None:
    spec = HEAD + textwrap.indent(stages, "  ") + "\n"
    (fault,) = check(spec, other=OTHER)
    line = next(n for n, text in enumerate(spec.split("\n"), 5) if text.endswith("# here"))
    assert (fault.rule, fault.span.line) == (rule, line)
    assert fault.address == "Workflow/it"
    assert fault.help
    assert fault.message[0].islower() or not fault.message[0].isalpha()


@pytest.mark.parametrize(
    ("rule", "number", "near"),
    [
        ("workflow-operation-unknown", 0, "read"),
        ("workflow-predicate-invalid", 0, "input.flag"),
        ("workflow-predicate-invalid", 5, "b.stdout"),
        ("workflow-executor-unknown", 0, "thread"),
        ("workflow-output-unknown", 0, "stdout"),
        ("workflow-input-unknown", 0, "count"),
        ("workflow-case-unknown", 0, "large"),
        ("workflow-case-unknown", 1, "small"),
    ],
)
def test_a_misspelt_name_gets_a_suggestion(check, rule: str, number: int, near: str) -> None:
    (fault,) = check(HEAD + textwrap.indent(CASES[rule][number], "  ") + "\n", other=OTHER)
    assert fault.help == f"did you mean {near}?"


@pytest.mark.parametrize(
    "stages",
    [
        # The same condition, or one that holds only where the other does.
        (
            f"- {{id: b, {RUN}, when: input.flag}}\n"
            "- {id: a, when: input.flag && input.count > 1,\n"
            '   operation: command, inputs: {argv: ["${b.stdout}"]}}'
        ),
        (
            f"- {{id: b, {RUN}, when: input.flag}}\n"
            '- {id: a, when: b.stdout != null, operation: command, inputs: {argv: ["${b.stdout}"]}}'
        ),
        # In a condition: compared with ==, asked for first, or surely there.
        *(
            f"- {{id: b, {RUN}, when: input.flag}}\n- {{id: a, {RUN}, when: {condition}}}"
            for condition in (
                "b.exitCode == 0",
                "\"'x' != b.stdout\"",
                "has(b.exitCode) && b.exitCode > 0",
                "b.exitCode == null || b.exitCode > 0",
                "input.flag && b.exitCode > 0",
                "input.name == 'b.exitCode > 0'",
            )
        ),
        (
            "- {id: r, switch: [{case: large, when: input.flag}, {case: small}]}\n"
            f"- {{id: a, {RUN}, when: r.case == 'large' && input.name != 'r.case == 1'}}\n"
            f'- {{id: c, {RUN}, when: "input.name == \\"r.case == \'lagre\'\\""}}'
        ),
        # What the guard's stage was guarded by.
        (
            f"- {{id: b, {RUN}, when: input.flag}}\n- {{id: c, {RUN}, when: has(b.stdout)}}\n"
            '- {id: a, when: has(c.stdout), operation: command, inputs: {argv: ["${b.stdout}"]}}'
        ),
        # One that surely ran, and a literal.
        (
            f"- {{id: b, {RUN}, when: input.flag}}\n- {{id: c, {RUN}}}\n"
            '- {id: a, operation: command, inputs: {argv: ["${b.stdout ?? c.stdout}"]}}'
        ),
        (
            f"- {{id: b, {RUN}, when: input.flag}}\n"
            '- {id: a, operation: command, inputs: {argv: ["${b.stdout ?? \\"none\\"}"]}}'
        ),
    ],
)
def test_an_output_that_may_be_missing_is_guarded_or_defaulted(check, stages: str) -> None:
    assert check(HEAD + textwrap.indent(stages, "  ") + "\n") == ()


def test_circles_among_workflows_are_told_in_each_of_them(check) -> None:
    def runs(name: str) -> str:
        return f"trigger: human\nstages: [{{id: a, workflow: Workflow/{name}}}]\n"

    faults = check(runs("two"), two=runs("three"), three=runs("it"))
    assert [(fault.rule, fault.address) for fault in faults] == [
        ("workflow-recursion", f"Workflow/{name}") for name in ("it", "three", "two")
    ]
    assert faults[0].message.endswith(": Workflow/it → Workflow/two → Workflow/three → Workflow/it")


def test_a_workflow_inside_that_is_nowhere_is_a_dangling_reference(check) -> None:
    (fault,) = check("trigger: human\nstages: [{id: a, workflow: Workflow/otehr}]\n", other=OTHER)
    assert (fault.rule, fault.help) == ("reference-dangling", "did you mean Workflow/other?")


def test_everything_is_told_at_once(check) -> None:
    faults = check(
        HEAD
        + """
  - {id: a, operation: command, inputs: {argv: ["${b.stdout}"]}, when: nope, limits: [x]}
  - {id: b, wait: {}, forEach: {items: "${c.nothing}", as: input}}
  - {id: c, switch: [{case: x}, {case: x}], dependencies: [d]}
  - {id: e, workflow: Workflow/other}
""",
        other=OTHER,
    )
    assert {fault.rule for fault in faults} == {
        "workflow-predicate-invalid", "workflow-limit-unknown",
        "workflow-wait-invalid", "workflow-variable-taken", "workflow-output-unknown",
        "workflow-case-duplicate", "workflow-stage-unreachable", "workflow-dependency-unknown",
        "workflow-input-missing",
    }  # fmt: skip


# Hostile documents are judged in a bounded time, whatever they say.


def test_workflows_that_run_one_another_twice_each_are_judged_quickly(check) -> None:
    def twice(number: int) -> str:
        inner = f"w{number + 1}"
        stages = ", ".join(f"{{id: {id}, workflow: Workflow/{inner}}}" for id in "ab")
        outputs = '{x: ["${a.x}", "${b.x}"]}' if number < 20 else "{x: 1}"
        body = stages if number < 20 else "{id: a, operation: command, inputs: {argv: [x]}}"
        return f"trigger: human\nstages: [{body}]\noutputs: {outputs}\n"

    start = time.process_time()
    assert check(twice(0), **{f"w{n}": twice(n) for n in range(1, 21)}) == ()
    assert time.process_time() - start < 20


def test_a_condition_that_takes_too_much_is_a_fault_or_does_no_harm(check) -> None:
    bomb = "(" * 2000 + "input.flag" + ")" * 2000
    (fault,) = check(HEAD + f"  - {{id: a, {RUN}, when: '{bomb}'}}\n")
    assert fault.rule == "workflow-predicate-invalid"
    (fault,) = check(HEAD + f"  - {{id: a, {RUN}, when: '{'x' * 5000}'}}\n")
    assert fault.rule == "field-invalid"


def test_more_stages_than_there_can_be_are_refused(check) -> None:
    stages = "".join(f"  - {{id: s{n}, {RUN}}}\n" for n in range(20_001))
    (fault,) = check(HEAD + stages)
    assert (fault.rule, fault.span.line) == ("field-invalid", 13)
