"""Everything that is wrong with a workflow is told at once, each at its line."""

from __future__ import annotations

import textwrap

import pytest

from chimera.builtin.workflow.stages import StageSpec

GOOD = """
    trigger: human
    inputs:
      name: {type: string, default: x}
      count: {type: integer, default: 2}
      words: {type: array, default: []}
    secrets:
      token: {env: DEPLOY_TOKEN}
    stages:
      - id: first
        operation: command
        inputs:
          argv: [echo, "${input.name}", "$${HOME}"]
          jsonOutput: true
          maxOutput: "${input.count}"
      - id: second
        operation: http.send
        inputs:
          url: "https://example.org/${first.exitCode}"
          headers: {Authorization: "Bearer ${secret.token}"}
          json: "${first.json}"
        dependencies: [first]
        timeout: 5s
        retryPolicy: {maxRetries: 2, baseDelay: 10ms}
      - id: script
        operation: command
        inputs: {shell: true, argv: ['echo "$1" $${HOME}', "${first.stdout}"]}
      - id: third
        operation: file.write
        inputs: {path: .chimera/out/x, content: "${first.stdout} of ${second.status}"}
    outputs:
      digest: "${third.digest}"
      deep: {list: ["${first.json.some.0.thing}", "${input.words.0}"]}
"""


def test_a_workflow_without_faults_has_none(check) -> None:
    assert check(GOOD) == ()


# Each case marks the line of the fault, and is good with the marked text replaced.
CASES = {
    "workflow-cycle": [
        """
        trigger: human
        mode: parallel
        stages:
          - {id: a, operation: command, inputs: {argv: [x]},
             dependencies: [b]}  # here
          - {id: b, operation: command, inputs: {argv: [x]}, dependencies: [a]}
        """,
        """
        trigger: human
        mode: parallel
        stages:
          - {id: a, operation: command, inputs: {argv: [x]},
             dependencies: [a]}  # here
        """,
        """
        trigger: human
        mode: sequential
        stages:
          - {id: a, operation: command, inputs: {argv: [x]},
             dependencies: [b]}  # here
          - {id: b, operation: command, inputs: {argv: [x]}}
        """,
    ],
    "workflow-dependency-unknown": [
        """
        trigger: human
        stages:
          - {id: build, operation: command, inputs: {argv: [x]}}
          - {id: b, operation: command, inputs: {argv: [x]},
             dependencies: [biuld]}  # here
        """
    ],
    "workflow-stage-duplicate": [
        """
        trigger: human
        stages:
          - {id: a, operation: command, inputs: {argv: [x]}}
          - {id: a, operation: command, inputs: {argv: [x]}}  # here
        """
    ],
    "workflow-stage-reserved": [
        """
        trigger: human
        stages:
          - {id: input, operation: command, inputs: {argv: [x]}}  # here
        """
    ],
    "workflow-operation-unknown": [
        """
        trigger: human
        stages:
          - {id: a, operation: comand, inputs: {argv: [x]}}  # here
        """
    ],
    "workflow-trigger-incomplete": [
        """
        trigger: schedule  # here
        stages: [{id: a, operation: command, inputs: {argv: [x]}}]
        """,
        """
        trigger: event  # here
        stages: [{id: a, operation: command, inputs: {argv: [x]}}]
        """,
    ],
    "workflow-trigger-unused": [
        """
        trigger: human
        schedule: 0 6 * * *  # here
        stages: [{id: a, operation: command, inputs: {argv: [x]}}]
        """
    ],
    "workflow-schedule-invalid": [
        """
        trigger: schedule
        schedule: 0 25 * * *  # here
        stages: [{id: a, operation: command, inputs: {argv: [x]}}]
        """,
        """
        trigger: schedule
        schedule: "@daily"  # here
        stages: [{id: a, operation: command, inputs: {argv: [x]}}]
        """,
        """
        trigger: schedule
        schedule: "*/0 * * * *"  # here
        stages: [{id: a, operation: command, inputs: {argv: [x]}}]
        """,
    ],
    "workflow-input-unset": [
        """
        trigger: apply
        inputs:
          name: {}  # here
        stages: [{id: a, operation: command, inputs: {argv: [x]}}]
        """
    ],
    "workflow-default-invalid": [
        """
        trigger: human
        inputs:
          count: {type: integer, default: two}  # here
        stages: [{id: a, operation: command, inputs: {argv: [x]}}]
        """,
        """
        trigger: human
        inputs:
          count: {type: integer, default: null}  # here
        stages: [{id: a, operation: command, inputs: {argv: [x]}}]
        """,
    ],
    "workflow-reference-malformed": [
        """
        trigger: human
        stages:
          - id: a
            operation: command
            inputs: {argv: [echo, "${HOME}"]}  # here
        """,
        """
        trigger: human
        stages:
          - id: a
            operation: command
            inputs: {argv: [echo, "tail ${a.b"]}  # here
        """,
    ],
    "workflow-stage-unknown": [
        """
        trigger: human
        stages: [{id: build, operation: command, inputs: {argv: [x]}}]
        outputs:
          x: "${biuld.stdout}"  # here
        """
    ],
    "workflow-output-unknown": [
        """
        trigger: human
        stages: [{id: a, operation: command, inputs: {argv: [x]}}]
        outputs:
          x: "${a.stdot}"  # here
        """,
        """
        trigger: human
        stages: [{id: a, operation: command, inputs: {argv: [x]}}]
        outputs:
          x: "${a.exitCode.more}"  # here
        """,
    ],
    "workflow-input-unknown": [
        """
        trigger: human
        inputs: {name: {}}
        stages:
          - {id: a, operation: command,
             inputs: {argv: ["${input.nmae}"]}}  # here
        """
    ],
    "workflow-secret-unknown": [
        """
        trigger: human
        secrets: {token: {env: TOKEN}}
        stages:
          - {id: a, operation: command,
             inputs: {argv: ["${secret.tokn}"]}}  # here
        """
    ],
    "workflow-secret-exposed": [
        """
        trigger: human
        secrets: {token: {env: TOKEN}}
        stages: [{id: a, operation: command, inputs: {argv: [x]}}]
        outputs:
          x: "${secret.token}"  # here
        """
    ],
    "workflow-reference-order": [
        """
        trigger: human
        mode: parallel
        stages:
          - {id: a, operation: command, inputs: {argv: [x]}}
          - {id: b, operation: command,
             inputs: {argv: ["${a.stdout}"]}}  # here
        """,
        """
        trigger: human
        stages:
          - {id: a, operation: command,
             inputs: {argv: ["${b.stdout}"]}}  # here
          - {id: b, operation: command, inputs: {argv: [x]}}
        """,
    ],
    "workflow-reference-type": [
        """
        trigger: human
        stages:
          - {id: a, operation: command, inputs: {argv: [x]}}
          - {id: b, operation: command,
             inputs: {argv: ["${a.exitCode}"]}}  # here
        """,
        """
        trigger: human
        inputs: {name: {}}
        stages:
          - {id: a, operation: command,
             inputs: {argv: [x], maxOutput: "1${input.name}"}}  # here
        """,
        """
        trigger: human
        inputs: {names: {type: object}}
        stages:
          - {id: a, operation: command,
             inputs: {argv: "${input.names}"}}  # here
        """,
    ],
    "workflow-shell-reference": [
        """
        trigger: human
        inputs: {name: {}}
        stages:
          - {id: a, operation: command,
             inputs: {shell: true, argv: ["rm ${input.name}"]}}  # here
        """,
        """
        trigger: human
        inputs: {words: {type: array, default: []}}
        stages:
          - {id: a, operation: command,
             inputs: {shell: true, argv: "${input.words}"}}  # here
        """,
    ],
    "field-invalid": [
        """
        trigger: human
        stages:
          - {id: a, operation: command,
             inputs: {argv: [1]}}  # here
        """
    ],
    "field-unknown": [
        """
        trigger: human
        stages:
          - {id: a, operation: command,
             inputs: {argv: [x], shel: true}}  # here
        """,
        """
        trigger: human
        inputs: {flag: {type: boolean}}
        stages:
          - {id: a, operation: command,
             inputs: {argv: [x], shel: "${input.flag}"}}  # here
        """,
    ],
    "field-missing": [
        """
        trigger: human
        stages:
          - {id: a, operation: command,
             inputs: {shell: true}}  # here
        """
    ],
    "path-not-writable": [
        """
        trigger: human
        stages:
          - {id: a, operation: file.write,
             inputs: {path: README.md, content: x}}  # here
        """,
        """
        trigger: human
        stages:
          - {id: a, operation: file.write,
             inputs: {path: .chimera/out, content: x}}  # here
        """,
    ],
    "path-outside-tree": [
        """
        trigger: human
        stages:
          - {id: a, operation: file.read,
             inputs: {path: ../secret}}  # here
        """,
        """
        trigger: human
        stages:
          - {id: a, operation: file.write,
             inputs: {path: .chimera/out/../../README.md, content: x}}  # here
        """,
        """
        trigger: human
        stages:
          - {id: a, operation: file.read,
             inputs: {path: .git/config}}  # here
        """,
    ],
    "http-url-invalid": [
        """
        trigger: human
        stages:
          - {id: a, operation: http.get,
             inputs: {url: "file:///etc/passwd"}}  # here
        """,
        """
        trigger: human
        stages:
          - {id: a, operation: http.get,
             inputs: {url: "https://ada:pw@example.org/"}}  # here
        """,
        """
        trigger: human
        stages:
          - {id: a, operation: http.get,
             inputs: {url: "https://example.org:port/"}}  # here
        """,
    ],
}


@pytest.mark.parametrize(
    ("rule", "spec"), [(rule, spec) for rule, specs in CASES.items() for spec in specs]
)
def test_a_fault_is_told_at_its_line(check, rule: str, spec: str) -> None:
    (fault,) = check(spec)
    lines = textwrap.dedent(spec).split("\n")
    line = next(number for number, text in enumerate(lines, 5) if text.endswith("# here"))
    assert (fault.rule, fault.span.line) == (rule, line)
    assert fault.span.column > 1
    assert fault.address == "Workflow/it"
    assert fault.help
    assert fault.message[0].islower() or not fault.message[0].isalpha()


def test_what_waits_behind_a_circle_is_told(check) -> None:
    faults = check("""
        trigger: human
        mode: parallel
        stages:
          - {id: a, operation: command, inputs: {argv: [x]}, dependencies: [b]}
          - {id: b, operation: command, inputs: {argv: [x]}, dependencies: [a]}
          - {id: c, operation: command, inputs: {argv: [x]}, dependencies: [b]}
          - {id: d, operation: command, inputs: {argv: [x]}, dependencies: [c]}
          - {id: e, operation: command, inputs: {argv: [x]}}
    """)
    assert [(fault.rule, fault.span.line) for fault in faults] == [
        ("workflow-cycle", 9),
        ("workflow-stage-unreachable", 11),
        ("workflow-stage-unreachable", 12),
    ]
    assert faults[0].message == "stages wait for one another: a → b → a"


def test_everything_is_told_at_once_and_identically(check) -> None:
    broken = """
        trigger: schedule
        inputs: {n: {type: integer}}
        stages:
          - {id: a, operation: comand, dependencies: [z]}
          - {id: b, operation: command, inputs: {argv: ["${c.stdout}", "${input.m}", "${"]}}
          - {id: b, operation: file.write, inputs: {path: /etc/x, content: "${input.n}"}}
        outputs: {x: "${q.y}"}
    """
    first, second = check(broken), check(broken)
    assert first == second
    assert {fault.rule for fault in first} == {
        "workflow-trigger-incomplete",
        "workflow-input-unset",
        "workflow-dependency-unknown",
        "workflow-operation-unknown",
        "workflow-stage-duplicate",
        "workflow-stage-unknown",
        "workflow-input-unknown",
        "workflow-reference-malformed",
        "workflow-reference-type",
        "path-outside-tree",
    }


@pytest.mark.parametrize(
    ("rule", "near"),
    [
        ("workflow-operation-unknown", "command"),
        ("workflow-dependency-unknown", "build"),
        ("workflow-stage-unknown", "build"),
        ("workflow-output-unknown", "stdout"),
        ("workflow-input-unknown", "name"),
        ("workflow-secret-unknown", "token"),
        ("field-unknown", "shell"),
    ],
)
def test_a_misspelt_name_gets_a_suggestion(check, rule: str, near: str) -> None:
    (fault,) = check(CASES[rule][0])
    assert fault.help == f"did you mean {near}?"


@pytest.mark.parametrize("spec", [GOOD, *(spec for specs in CASES.values() for spec in specs)])
def test_a_plain_stage_is_judged_as_any_other(
    check, monkeypatch: pytest.MonkeyPatch, spec: str
) -> None:
    faults = check(spec)
    monkeypatch.setattr(StageSpec, "plain_operation", None)
    assert check(spec) == faults


def test_a_circle_among_thousands_of_stages_is_found(check) -> None:
    stages = "\n".join(
        f"          - {{id: s{n}, operation: command, inputs: {{argv: [x]}},"
        f" dependencies: [s{(n + 1) % 2000}]}}"
        for n in range(2000)
    )
    (fault,) = check(
        f"\n        trigger: human\n        mode: parallel\n        stages:\n{stages}\n"
    )
    assert fault.rule == "workflow-cycle"
