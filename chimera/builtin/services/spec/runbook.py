"""The kind Runbook: symptoms, and numbered procedures that a person goes through.

Owns what a step is: a command without a shell, a check, or an instruction; how much it risks; what
it preserves and what it loses. Refuses any trigger but a human.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal

from chimera.builtin.services.spec.objective import TreeFile
from chimera.kinds import (
    AddressText,
    Duration,
    Field,
    Items,
    Model,
    Plays,
    Reference,
    Role,
    StringConstraints,
    Text,
)

Identity = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$", max_length=64)]
Risk = Literal["reads", "changes", "destroys"]
"""How much a step risks, the least first."""
Preserved = Literal["timeline", "metrics", "logs", "state", "impact", "backup"]
"""What OPERATIONS.md has preserved before anything is taken away."""
Lost = Literal["logs", "state", "data"]
"""What a step takes away."""

FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=64)]
Argv = Annotated[Items[str], Field(min_length=1, max_length=100)]


RESERVED = ("environment", "run")
"""Values that are there by themselves: the environment, and the folder that keeps the files."""
INPUT = re.compile(r"\$\{([^}]*)\}")
VariableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


def filled(text: str, values: Mapping[str, str]) -> str:
    """Return a text with `${name}` replaced where its value is known."""
    return INPUT.sub(lambda match: values.get(match[1], match[0]), text)


class HttpCheck(Model):
    """A request, and what its answer has to be."""

    url: Annotated[Text, StringConstraints(pattern=r"^https?://")] = Field(
        description="What is asked, by GET."
    )
    status: Annotated[int, Field(ge=200, le=599)] = Field(
        default=200, description="The status that is expected."
    )
    contains: Text | None = Field(default=None, description="Text that the body has to contain.")
    timeout: Duration = Field(default=timedelta(seconds=5), description="For how long at most.")


class CheckStep(Model):
    """What is looked at: exactly one of service, objective and http."""

    service: Annotated[AddressText, Reference("Service")] | None = Field(
        default=None, description="A Service: its health checks have to find it healthy."
    )
    objective: Annotated[AddressText, Reference("Objective")] | None = Field(
        default=None, description="An Objective: it has to be met."
    )
    http: HttpCheck | None = Field(default=None, description="An HTTP request.")

    @property
    def ways(self) -> tuple[str, ...]:
        """Which of them are given."""
        return tuple(n for n in ("service", "objective", "http") if getattr(self, n) is not None)


class Original(Model):
    """What an older runbook says here, and why this step is another one."""

    commands: Annotated[Items[Text], Field(min_length=1)] = Field(
        description="Its lines as they stand there."
    )
    why: Text = Field(description="Why it is not done so: what fails, or what it would break.")


class StepSpec(Model):
    """One step: exactly one of command, pipe, shell, check and instruction."""

    id: Identity = Field(description="Name of the step, unique in its procedure.")
    title: Text = Field(description="What the step is for.")
    command: Argv | None = Field(
        default=None, description="A program and its arguments; no shell reads them."
    )
    pipe: Annotated[Items[Argv], Field(min_length=2, max_length=10)] | None = Field(
        default=None,
        description="Programs of which each reads what the one before wrote; no shell reads them.",
    )
    shell: Text | None = Field(
        default=None, description="A script for sh, where its author wants a shell."
    )
    check: CheckStep | None = Field(default=None, description="What is looked at, and must be so.")
    instruction: Text | None = Field(
        default=None, description="What a person does, and then says whether it is done."
    )
    decision: bool = Field(
        default=False,
        description="Whether the person decides here: no blanket yes covers it.",
    )
    risk: Risk | None = Field(
        default=None,
        description="reads, changes or destroys; what is known of its programs if left out. "
        "Changes are confirmed one by one.",
    )
    preserves: Items[Preserved] = Field(
        default=(),
        description="What is kept by it: timeline, metrics, logs, state, impact or a backup.",
    )
    loses: Items[Lost] = Field(
        default=(),
        description="What is gone after it: logs, state or data. What is known to lose it (a "
        "restart, a restore) need not say so.",
    )
    exit_codes: Items[int] = Field(
        default=(0,), description="Exit codes of the last program that mean success."
    )
    timeout: Duration = Field(
        default=timedelta(minutes=1), description="After which time it is ended, and has failed."
    )
    stdin: TreeFile | None = Field(
        default=None, description="File of the tree that the first program reads."
    )
    save: FileName | None = Field(
        default=None,
        description="Name of a file that keeps all that it writes, in the folder of the run.",
    )
    original: Original | None = Field(
        default=None, description="What this step takes the place of, and why."
    )

    @property
    def ways(self) -> tuple[str, ...]:
        """Which of the five it is given as."""
        names = ("command", "pipe", "shell", "check", "instruction")
        return tuple(name for name in names if getattr(self, name) is not None)

    @property
    def programs(self) -> tuple[tuple[str, ...], ...]:
        """The programs that it starts, without a shell."""
        if self.command is not None:
            return (self.command,)
        return self.pipe or ()

    @property
    def is_program(self) -> bool:
        """Tell whether it starts anything."""
        return bool(self.programs) or self.shell is not None


class InputSpec(Model):
    """A value that whoever runs a procedure gives."""

    asks: Text = Field(description="What it is, for whoever is asked.")
    default: Text | None = Field(default=None, description="What it is if nobody says.")


class ProcedureSpec(Model):
    """Steps for one situation, in order."""

    id: Identity = Field(description="Name of the procedure, unique in its runbook.")
    title: Text = Field(description="What it is for, as a heading.")
    symptoms: Items[Text] = Field(
        default=(), description="What somebody sees who needs it, as they would say it."
    )
    cadence: Annotated[Literal["daily", "weekly", "monthly"], Plays(Role.CADENCE)] | None = Field(
        default=None,
        description="How often a person goes through it as a habit; nothing starts it.",
    )
    inputs: dict[Identity, InputSpec] = Field(
        default_factory=dict, description="Values of commands, written ${name} in their arguments."
    )
    steps: Annotated[Items[StepSpec], Field(min_length=1, max_length=100)] = Field(
        description="The steps, in order."
    )
    notes: Items[Text] = Field(default=(), description="What to know before it begins.")


class RunbookSpec(Model):
    """Procedures of one part of a system; a person starts each, and confirms what changes."""

    summary: Text = Field(description="What the runbook is for, in one line.")
    trigger: Annotated[Literal["human"], Plays(Role.TRIGGER)] = Field(
        default="human", description="Only a person starts a procedure."
    )
    allow_env: Items[VariableName] = Field(
        default=("KUBECONFIG",),
        description="Variables of whoever goes through it that its programs get, beside PATH, HOME "
        "and LANG; KUBECONFIG if left out.",
    )
    procedures: Annotated[Items[ProcedureSpec], Field(min_length=1, max_length=100)] = Field(
        description="What can be gone through, one situation each."
    )

    def procedure(self, id: str) -> ProcedureSpec | None:
        """Return the procedure of a name, if it is there."""
        return next((one for one in self.procedures if one.id == id), None)


class Answered(Model):
    """One step as it was gone through."""

    step: Identity = Field(description="The step.")
    by: Text = Field(description="Who answered for it.")
    at: Text = Field(description="When it ended.")
    answer: Literal["yes", "skip", "unavailable", "abort", "none"] = Field(
        description="What was answered; none where nothing had to be."
    )
    outcome: Literal["done", "failed", "skipped", "unavailable", "aborted"] = Field(
        description="What came of it."
    )
    note: str = Field(default="", description="What was said with the answer.")
    message: str = Field(default="", description="What was found, in a line.")
    exit_codes: Items[int] = Field(default=(), description="How its programs ended.")
    output: str = Field(default="", description="The end of what it wrote, without secrets.")
    file: str | None = Field(default=None, description="File that keeps all that it wrote.")
    digest: str | None = Field(default=None, description="Digest of that file.")


class RunbookRunSpec(Model):
    """That somebody went through a procedure, step by step, and what came of it."""

    runbook: AddressText = Field(description="The runbook.")
    procedure: Identity = Field(description="The procedure.")
    digest: Text = Field(description="Digest of the procedure as it was gone through.")
    environment: Text = Field(description="Where.")
    run: Text = Field(description="The run in the journal.")
    began: Text = Field(description="When it began.")
    ended: Text = Field(description="When it ended.")
    by: Annotated[Items[Text], Field(min_length=1)] = Field(description="Who went through it.")
    outcome: Literal["succeeded", "failed", "aborted"] = Field(description="How it ended.")
    inputs: dict[str, str] = Field(default_factory=dict, description="The values that were given.")
    steps: Items[Answered] = Field(description="Each step that was come to.")
