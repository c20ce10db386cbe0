"""The runbooks of this repository against seed 002: no command line of it is left out."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from chimera.builtin.services.runbooks.procedures import procedures_of, runbooks_of
from chimera.builtin.services.spec.runbook import ProcedureSpec, StepSpec
from chimera.cli.main import root
from chimera.cli.session import Session
from chimera.workspace import Workspace

ROOT = Path(__file__).parents[4]
SEEDS = ROOT.parent / "shared" / "seeds"


@pytest.fixture(scope="module")
def procedures() -> list[ProcedureSpec]:
    snapshot = Workspace.open(ROOT).loaded.snapshot
    return [found.procedure for found in procedures_of(runbooks_of(snapshot))]


@pytest.fixture(scope="module")
def steps(procedures: list[ProcedureSpec]) -> list[StepSpec]:
    return [step for procedure in procedures for step in procedure.steps]


def seed(number: str) -> str:
    found = sorted(SEEDS.glob(f"{number}_*.txt"))
    if not found:
        pytest.skip("the seeds are not here")
    return found[0].read_text(encoding="utf-8")


def blocks(text: str) -> list[list[str]]:
    """Return the lines of each block of bash, with continued lines in one."""
    found = re.findall(r"^```bash\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [re.sub(r"\\\n\s*", "", block).splitlines() for block in found]


def normal(line: str) -> str:
    """Return a line as it is compared: its emoji were broken by somebody's encoding."""
    plain = " ".join(re.sub(r"[^\x20-\x7e]", "", line).split())
    return re.sub(r"(?<=\S) # .*$", "", plain)


def words(line: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(line))
    except ValueError:
        return (line,)


def written(step: StepSpec) -> tuple[str, ...]:
    found: list[str] = []
    for argv in step.programs:
        found += ["|", *argv] if found else argv
    return tuple(found)


def test_every_command_line_is_a_step_or_the_original_of_one(steps: list[StepSpec]) -> None:
    originals = {normal(one) for step in steps if step.original for one in step.original.commands}
    commands = {written(step) for step in steps if step.programs}
    lines = [normal(line) for block in blocks(seed("002")) for line in block]
    wanted = [line for line in lines if line and not line.startswith("#")]
    assert len(wanted) > 200
    lost = [line for line in wanted if line not in originals and words(line) not in commands]
    assert lost == []


def test_what_the_seed_only_says_is_an_instruction(steps: list[StepSpec]) -> None:
    texts = " ".join(normal(f"{step.title} {step.instruction}") for step in steps).lower()
    for block in blocks(seed("002")):
        lines = [normal(line) for line in block if line.strip()]
        if all(line.startswith("#") for line in lines):
            for line in lines:
                told = re.sub(r"^# (?:\d+\. )?", "", line).lower()
                assert told in texts, told


def test_every_problem_and_every_task_is_a_procedure(procedures: list[ProcedureSpec]) -> None:
    symptoms = {normal(text).lower() for one in procedures for text in one.symptoms}
    for problem in re.findall(r"^\*\*Problem\*\*: (.*)$", seed("002"), re.MULTILINE):
        assert any(normal(problem).lower() in symptom for symptom in symptoms), problem
    titles = {normal(step.title) for one in procedures for step in one.steps}
    tasks = seed("000").partition("## Common Tasks")[2].partition("\n## ")[0]
    lines = re.findall(r"^   - (.*)$", tasks, re.MULTILINE)
    assert len(lines) == 12
    assert [line for line in lines if line not in titles] == []


def test_every_correction_says_why(steps: list[StepSpec]) -> None:
    corrected = [step for step in steps if step.original is not None]
    assert len(corrected) > 100
    assert all(len(step.original.why) > 25 for step in corrected if step.original)


def test_what_would_let_the_system_change_itself_is_decided_by_a_person(
    steps: list[StepSpec],
) -> None:
    for word in ("auto-tune", "evolution/autonomous", "integration/optimize", "config/optimize"):
        found = [
            step
            for step in steps
            if step.original and any(f"/{word}" in one for one in step.original.commands)
        ]
        assert found, word
        assert all(step.decision and step.instruction for step in found), word


def test_every_objective_of_the_seeds_is_there() -> None:
    snapshot = Workspace.open(ROOT).loaded.snapshot
    names = {address.name for address in snapshot.documents if address.kind == "Objective"}
    assert names == {
        *("layer-4-response-time", "layer-5-optimization", "layer-7-evolution"),
        *("system-availability", "cross-layer-latency", "component-availability"),
        *("api-response-time", "deployment-frequency", "error-rate", "resource-utilisation"),
    }


def test_every_command_of_chimera_is_one_that_there_is(steps: list[StepSpec]) -> None:
    """Each is parsed as the command line parses it, and not invoked."""
    found = [argv for step in steps for argv in step.programs if argv[0] == "chimera"]
    assert len(found) > 10
    for argv in found:
        with click.Context(root, obj=Session(ROOT)) as context:
            command: click.Command = root
            rest = list(argv[1:])
            while isinstance(command, click.Group):
                _, inner, rest = command.resolve_command(context, rest)
                assert inner is not None, argv
                command = inner
            command.make_context(" ".join(argv), rest, parent=context)
