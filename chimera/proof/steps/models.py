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
    Discriminator,
    Field,
    Glob,
    Items,
    Model,
    Name,
    Plays,
    Reference,
    Role,
    StringConstraints,
    Tag,
    Text,
    refuse,
)

CORE = ("command", "pytest", "policy", "evolution")


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise refuse(
            "proof-pattern-invalid", f"{pattern!r} is not a regular expression: {error}"
        ) from None
    return pattern


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


class EvolutionStep(Model):
    """An evolution run, done again from its seed."""

    run: Literal["evolution"] = Field(description="An evolution run.")
    evolution: Annotated[AddressText, Reference("Evolution"), Plays(Role.OWES)] = Field(
        description="The evolution to run."
    )
    champion: Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")] | None = Field(
        default=None,
        description="Digest that its champion must have; left out, repetitions must agree.",
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
    | Annotated[EvolutionStep, Tag("evolution")]
    | Annotated[OperationStep, Tag("operation")],
    Discriminator(_tag),
]
"""One step of a proof."""
