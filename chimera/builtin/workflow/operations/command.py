"""The operation `command`: runs a program and gives what it wrote.

Owns what a program may see: the named variables, a folder inside the tree. Refuses a shell unless
the author says so, and output without bound.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from chimera.builtin.workflow.operations.parsing import parse_json
from chimera.builtin.workflow.operations.tree import TreePath, folder_below
from chimera.context import Command, Completed, Limits, base_environment
from chimera.kinds import Duration, Field, Items, Model, StringConstraints
from chimera.runtime import Operation
from chimera.runtime.executors.lines import Lines
from chimera.runtime.recovery import Category, StepError

if TYPE_CHECKING:
    from chimera.runtime import OperationCall

KEY_VARIABLE = "CHIMERA_KEY"
TEMPORARY = 75
"""The exit code of sysexits.h by which a program says that it may go well later."""
_SHOWN = 400  # characters of what it wrote in an error message

VariableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class CommandInputs(Model):
    """A program, what it is given, and what is expected of it.

    The program finds its idempotency key, the same in every attempt, in the variable CHIMERA_KEY.
    By exit code 75 it says that it may go well later: it is tried again.
    """

    argv: Annotated[Items[str], Field(min_length=1)] = Field(
        description="The program and its arguments. With shell, the script, and what becomes its "
        "$1, $2 and so on: the safe way to give it values. Who is on the machine can read them: "
        "give secrets by env or stdin."
    )
    shell: bool = Field(default=False, description="Whether the first item is a script for sh.")
    cwd: TreePath = Field(default=".", description="Folder of the tree that it runs in.")
    env: dict[VariableName, str] = Field(
        default_factory=dict, description="Variables that it gets, by name."
    )
    allow_env: Items[VariableName] = Field(
        default=(), description="Variables of Chimera's own environment that it gets too."
    )
    stdin: str = Field(default="", description="Text that it can read from its standard input.")
    json_output: bool = Field(
        default=False, description="Whether stdout is JSON, to be given as the output json."
    )
    exit_codes: Items[int] = Field(default=(0,), description="Exit codes that mean success.")
    max_output: Annotated[int, Field(ge=0, le=64 << 20)] = Field(
        default=1 << 20, description="Bytes kept of stdout and of stderr; the rest is dropped."
    )
    max_memory: Annotated[int, Field(ge=1 << 20)] | None = Field(
        default=None,
        description="Bytes of memory that it and all that it starts may use; more ends it.",
    )
    max_cpu: Duration | None = Field(
        default=None, description="Processor time that they may use together; more ends it."
    )
    max_processes: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Processes that there may be of them at a time; more ends it."
    )


class CommandOutputs(Model):
    """How the program ended and what it wrote."""

    exit_code: int = Field(description="Exit code; negative for the signal that ended it.")
    stdout: str = Field(description="What it wrote to its standard output.")
    trimmed: str = Field(description="stdout without the line ends at its end, as $(...) gives it.")
    stderr: str = Field(description="What it wrote to its standard error.")
    truncated: bool = Field(description="Whether some output was dropped.")
    json_value: Any = Field(
        default=None, alias="json", description="What stdout says as JSON, if that was asked for."
    )


def run(call: OperationCall[CommandInputs]) -> Mapping[str, Any]:
    """Run the program to its end; a cancelled one is ended with all that it started."""
    inputs = call.inputs
    shell = ("/bin/sh", "-c", inputs.argv[0], "sh") if inputs.shell else inputs.argv[:1]
    env = base_environment(allow=inputs.allow_env)
    command = Command(
        (*shell, *inputs.argv[1:]),
        cwd=folder_below(call.root, inputs.cwd),
        env=env | {KEY_VARIABLE: call.key} | inputs.env,
        stdin=inputs.stdin.encode(),
        limits=Limits(
            output_bytes=inputs.max_output,
            total_memory_bytes=inputs.max_memory,
            total_cpu_seconds=inputs.max_cpu.total_seconds() if inputs.max_cpu else None,
            processes=inputs.max_processes,
        ),
    )
    lines = Lines(lambda line: call.log(call.context.secrets.mask(line)))
    try:
        done = call.context.processes.run(command, cancelled=call.cancelled, hear=lines.hear)
    finally:
        lines.end()
    stdout = done.stdout.decode(errors="replace")
    stderr = done.stderr.decode(errors="replace")
    if done.limit is not None or done.returncode not in inputs.exit_codes:
        # Masked before anything is cut: half a secret would not be known for one.
        said = [call.context.secrets.mask(text).strip() for text in (stderr, stdout)]
        raise _failure(call, done, (said[0] or said[1])[-_SHOWN:])
    return {
        "exitCode": done.returncode,
        "stdout": stdout,
        "trimmed": stdout.rstrip("\r\n"),
        "stderr": stderr,
        "truncated": done.truncated,
        "json": parse_json(stdout, "stdout") if inputs.json_output else None,
    }


def _failure(call: OperationCall[CommandInputs], done: Completed, reason: str) -> StepError:
    name = call.context.secrets.mask(call.inputs.argv[0])
    if done.limit is not None:
        return StepError(
            f"{name!r} was ended: it used more {done.limit} than it may",
            category=Category.RESOURCE,
            kind=f"{done.limit}-limit",
            help=f"have it use less, or raise max{done.limit.capitalize()}",
        )
    return StepError(
        f"{name!r} ended with exit code {done.returncode}" + (f": {reason}" if reason else ""),
        transient=done.returncode == TEMPORARY,
        help="see what it wrote with `chimera runs logs`",
    )


OPERATIONS = (
    Operation(
        name="command",
        summary="Run a program and give its exit code and what it wrote.",
        inputs=CommandInputs,
        outputs=CommandOutputs,
        run=run,
        reach="program",
    ),
)
