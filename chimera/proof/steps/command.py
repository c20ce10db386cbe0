"""The `command` step: a command, and what it must do. Refuses a shell."""

from __future__ import annotations

import re
from collections.abc import Iterator

from chimera.context import Completed
from chimera.documents import Globs, open_work_tree
from chimera.model import Finding
from chimera.proof.steps.models import CommandStep, Expectation, OutputExpectation
from chimera.proof.steps.task import StepOutcome, StepTask

Assertion = tuple[str, bool]
"""What was expected, and whether it came."""


def run_command(task: StepTask) -> StepOutcome:
    """Run the command and judge it by what it declares; without that it only has to exit zero."""
    step = task.step
    assert isinstance(step, CommandStep)
    completed = task.run(tuple(step.argv))
    if step.save_stdout is not None:
        task.write(step.save_stdout, completed.stdout)
    if step.expect is None:
        assertions: tuple[Assertion, ...] = ()
        failed = completed.returncode != 0
    else:
        assertions = tuple(_assertions(step.expect, completed, task))
        failed = not all(came for _, came in assertions)
    outcomes = {name: "pass" if came else "fail" for name, came in assertions}
    reasons = [f"{name}: it was not so" for name, came in assertions if not came]
    failed = failed or completed.truncated  # what was not kept was not judged; the run says so
    if failed:
        reasons.append(_ending(task, completed))
    return StepOutcome(
        Finding.FAIL if failed else Finding.PASS,
        outcomes,
        exercised=len(assertions),
        outputs={"exitCode": completed.returncode},
        reasons=tuple(reasons),
    )


def _assertions(expect: Expectation, completed: Completed, task: StepTask) -> Iterator[Assertion]:
    code = expect.exit_code or 0
    yield f"exits with {code}", completed.returncode == code
    for name, output in (("stdout", expect.stdout), ("stderr", expect.stderr)):
        if output is not None:
            text = getattr(completed, name).decode("utf-8", "replace")
            yield from _output_assertions(name, output, text, task)
    if expect.files:
        present = [entry.path for entry in open_work_tree(task.folder).entries()]
        for pattern in expect.files:
            yield f"{pattern} exists", bool(Globs((pattern,)).filter(present))


def _output_assertions(
    name: str, output: OutputExpectation, text: str, task: StepTask
) -> Iterator[Assertion]:
    if output.equals is not None:
        yield f"{name} equals {output.equals!r}", text == output.equals
    for part in output.contains:
        yield f"{name} contains {part!r}", part in text
    for part in output.excludes:
        yield f"{name} excludes {part!r}", part not in text
    if output.matches is not None:
        # In a process of its own: a pattern can take for ever, and only a process can be ended.
        asked = [output.matches, text]
        matches = task.call(f"{__name__}:matches", asked, named=f"pattern {output.matches!r}")
        yield f"{name} matches {output.matches!r}", bool(matches)


def matches(asked: list[str]) -> bool:
    """Tell whether a pattern matches somewhere in a text; called in a step's own process."""
    pattern, text = asked
    return re.search(pattern, text) is not None


def _ending(task: StepTask, completed: Completed) -> str:
    said = task.tail(completed.stderr) or task.tail(completed.stdout)
    return f"exit code {completed.returncode}" + (f", and it said: {said}" if said else "")
