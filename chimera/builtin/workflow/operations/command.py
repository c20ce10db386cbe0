"""The operation `command`: runs a program and gives what it wrote.

Owns what a program may see: the named variables, a folder inside the tree. Refuses a shell unless
the author says so, and output without bound.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from chimera.builtin.workflow.operations.parsing import parse_json
from chimera.builtin.workflow.operations.tree import TreePath, folder_below
from chimera.context import Command, Limits, base_environment
from chimera.kinds import Field, Items, Model, StringConstraints
from chimera.model import ChimeraError
from chimera.runtime import Operation, OperationCall

KEY_VARIABLE = "CHIMERA_KEY"
_SHOWN = 400  # characters of what it wrote in an error message
_LOGGED = 16_000  # characters of each stream in the log: its end, where programs say what is wrong

VariableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class CommandInputs(Model):
    """A program, what it is given, and what is expected of it.

    The program finds its idempotency key, the same in every attempt, in the variable CHIMERA_KEY.
    """

    argv: Annotated[Items[str], Field(min_length=1)] = Field(
        description="The program and its arguments. With shell, the script, and what becomes its "
        "$1, $2 and so on: the safe way to give it values."
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
    done = call.context.processes.run(
        Command(
            (*shell, *inputs.argv[1:]),
            cwd=folder_below(call.root, inputs.cwd),
            env=env | {KEY_VARIABLE: call.key} | inputs.env,
            stdin=inputs.stdin.encode(),
            limits=Limits(output_bytes=inputs.max_output),
        ),
        cancelled=call.cancelled,
    )
    stdout = done.stdout.decode(errors="replace")
    stderr = done.stderr.decode(errors="replace")
    # Masked before anything is cut: half a secret would not be known for one.
    said = [call.context.secrets.mask(text).strip() for text in (stdout, stderr)]
    for text in filter(None, said):
        _log(call, text)
    if done.returncode not in inputs.exit_codes:
        reason = (said[1] or said[0])[-_SHOWN:]
        raise ChimeraError(
            f"{inputs.argv[0]!r} ended with exit code {done.returncode}"
            + (f": {reason}" if reason else ""),
            help="see what it wrote with `chimera runs logs`",
        )
    return {
        "exitCode": done.returncode,
        "stdout": stdout,
        "trimmed": stdout.rstrip("\r\n"),
        "stderr": stderr,
        "truncated": done.truncated,
        "json": parse_json(stdout, "stdout") if inputs.json_output else None,
    }


def _log(call: OperationCall[CommandInputs], text: str) -> None:
    """Log what a stream carried line by line, or its end where that is too much."""
    dropped = len(text) - _LOGGED
    if dropped > 0:
        call.log(f"[the first {dropped} characters are not kept]")
    for line in text[max(dropped, 0) :].splitlines():
        call.log(line)


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
