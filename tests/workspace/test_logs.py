"""What `runs logs` prints of a run that failed, and of one that said nothing."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def log_of(repository: Any) -> Any:
    """Apply a workflow of one script and return what apply and `runs logs` answer."""

    def run(script: str) -> Any:
        repository.write(
            "specs/workflow.yaml",
            f"""\
            apiVersion: chimera/v1
            kind: Workflow
            metadata: {{name: it}}
            spec:
              trigger: apply
              stages:
                - {{id: a, operation: command, inputs: {{shell: true, argv: ["{script}"]}}}}
            """,
        )
        applied = repository.chimera("apply")
        (found,) = repository.chimera("runs", "list", "-o", "json").json["runs"]
        return applied, repository.chimera("runs", "logs", found["run"])

    return run


def test_a_stage_that_only_speaks_on_stdout_says_why_it_failed(log_of: Any) -> None:
    applied, logs = log_of("echo why it failed; exit 3")
    assert applied.code == 1
    assert "why it failed" in applied.out + applied.err
    assert logs.out.endswith(" a: why it failed\n")
    assert logs.err == ""


def test_an_empty_log_says_so_beside_the_output(log_of: Any) -> None:
    applied, logs = log_of("exit 0")
    assert applied.code == 0
    assert (logs.out, logs.err) == ("", "nothing was written\n")
