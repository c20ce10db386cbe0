"""What an author writes for each kind of step.

The union is closed for the kinds that are known here, so that a misspelt field is found, and open
at one place: a step whose `run` names a registered operation is kept as `OperationStep`. Refuses a
shell.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from chimera.kinds import (
    AddressText,
    AfterValidator,
    DigestText,
    Discriminator,
    Field,
    Glob,
    Items,
    Model,
    Name,
    Plays,
    Reference,
    Role,
    Tag,
    Text,
    refuse,
)

CORE = ("command", "pytest", "policy", "snapshot", "workflow", "evolution")


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise refuse(
            "proof-pattern-invalid", f"{pattern!r} is not a regular expression: {error}"
        ) from None
    return pattern


def _check_file(path: str) -> str:
    if path.startswith("/") or ".." in path.split("/") or "\0" in path:
        raise refuse("proof-snapshot-outside-tree", f"{path!r} is not a path inside the tree")
    return path


FileName = Annotated[Text, AfterValidator(_check_file)]


class OutputExpectation(Model):
    """What a command's output must be; every field that is given is one assertion."""

    equals: str | None = Field(default=None, description="The whole output.")
    contains: Items[Text] = Field(default=(), description="Texts that must occur.")
    excludes: Items[Text] = Field(default=(), description="Texts that must not occur.")
    matches: Annotated[str, AfterValidator(_compiles)] | None = Field(
        default=None, description="Python regular expression that must match somewhere."
    )


class Expectation(Model):
    """What a command must do; every field that is given is one assertion."""

    exit_code: Annotated[int, Field(ge=0, le=255)] | None = Field(
        default=None, description="Exit code; zero is required where none is given."
    )
    stdout: OutputExpectation | None = Field(default=None, description="Its standard output.")
    stderr: OutputExpectation | None = Field(default=None, description="Its standard error.")
    files: Items[Glob] = Field(default=(), description="Files that must exist afterwards.")


class CommandStep(Model):
    """A command, run without a shell in the exported folder."""

    run: Literal["command"] = Field(description="A command.")
    argv: Annotated[Items[Text], Field(min_length=1)] = Field(
        description="Program and arguments; `python` is the interpreter that evidence names."
    )
    expect: Expectation | None = Field(
        default=None,
        description="What it must do. Without it the command only prepares and shows nothing.",
    )
    save_stdout: Glob | None = Field(
        default=None, description="File that its standard output is written to, as an artifact."
    )


class PytestStep(Model):
    """A pytest run, whose outcomes are kept by node id."""

    run: Literal["pytest"] = Field(description="A pytest run.")
    paths: Items[Glob] = Field(
        default=(), description="Test files, folders or node ids; pytest's own choice if left out."
    )
    args: Items[Text] = Field(default=(), description="Further arguments for pytest.")
    at_least: Annotated[int, Field(ge=1)] = Field(
        default=1,
        description="Tests that have to pass: where fewer do, some were lost, skipped or left out, "
        "and the proof is not exercised.",
    )
    warnings: Literal["failures", "all", "none"] = Field(
        default="failures",
        description="Warnings that fail the step: those that tell of a failure and let the test "
        "pass (an exception in a thread or a finalizer, a coroutine never awaited, an assertion "
        "that is always true, a test class that is not collected), all of them, or none.",
    )


class PolicyStep(Model):
    """Policies, judged over the exported documents; their own cases are run first."""

    run: Literal["policy"] = Field(description="Policies: their cases, and their judgement.")
    policies: Items[Annotated[AddressText, Reference("Policy"), Plays(Role.OWES)]] = Field(
        default=(), description="Policies to run; all of them if left out."
    )


class SnapshotStep(Model):
    """A command, whose outputs must be those that are stored among the inputs, byte for byte."""

    run: Literal["snapshot"] = Field(description="A command's outputs against stored ones.")
    argv: Annotated[Items[Text], Field(min_length=1)] = Field(
        description="Program and arguments, as for a command."
    )
    goldens: Annotated[dict[FileName, FileName], Field(min_length=1)] = Field(
        description="For each output the file of the inputs that it must equal: stdout, stderr, or "
        "the path of a file that the command writes. `chimera prove --update-snapshots` writes "
        "them anew."
    )
    exit_code: Annotated[int, Field(ge=0, le=255)] = Field(
        default=0, description="Exit code that the command must end with."
    )


class WorkflowStep(Model):
    """A workflow, run in the exported folder; what would reach beyond it is simulated."""

    run: Literal["workflow"] = Field(description="A run of a workflow.")
    workflow: Annotated[AddressText, Reference("Workflow"), Plays(Role.OWES)] = Field(
        description="The workflow to run."
    )
    inputs: dict[str, Any] = Field(
        default_factory=dict, description="Inputs of the workflow, by name."
    )
    simulate: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        description="What stages give, by id, that are not performed: each that reaches beyond the "
        "exported folder has to stand here, or under perform. The evidence lists them.",
    )
    perform: Items[Text] = Field(
        default=(),
        description="Ids of stages that start a program and are performed all the same, because "
        "it does no harm: in the exported folder, without network where the kernel allows.",
    )
    expect: dict[str, Any] = Field(
        default_factory=dict,
        description="Outputs that the workflow must have, by name; each is one assertion.",
    )


class EvolutionStep(Model):
    """An evolution run, done again from its seed."""

    run: Literal["evolution"] = Field(description="An evolution run.")
    evolution: Annotated[AddressText, Reference("Evolution"), Plays(Role.OWES)] = Field(
        description="The evolution to run."
    )
    champion: DigestText | None = Field(
        default=None,
        description="Digest that its champion must have; left out, repetitions must agree.",
    )
    history: DigestText | None = Field(
        default=None,
        description="Digest that its history must have, the best and the mean of each generation: "
        "other seeds may find the same champion, and never by the same way.",
    )


class OperationStep(Model):
    """A registered operation, by the name that a plugin gave it."""

    run: Name = Field(
        description="Name of an operation; `chimera explain operations` lists them.",
        # So that an exported schema, too, tells the branches of a step apart.
        json_schema_extra={"not": {"enum": list(CORE)}},
    )
    inputs: dict[str, Any] = Field(
        default_factory=dict, description="Inputs of the operation, as its own model has them."
    )
    expect: dict[str, Any] = Field(
        default_factory=dict, description="Outputs that it must have, by name."
    )


def _tag(value: Any) -> str:
    run = value.get("run") if isinstance(value, dict) else getattr(value, "run", None)
    return run if run in CORE else "operation"


Step = Annotated[
    Annotated[CommandStep, Tag("command")]
    | Annotated[PytestStep, Tag("pytest")]
    | Annotated[PolicyStep, Tag("policy")]
    | Annotated[SnapshotStep, Tag("snapshot")]
    | Annotated[WorkflowStep, Tag("workflow")]
    | Annotated[EvolutionStep, Tag("evolution")]
    | Annotated[OperationStep, Tag("operation")],
    Discriminator(_tag),
]
"""One step of a proof."""
