"""Asking by a command, without a shell and with all that it started ended in time.

Refuses to show what it was given: what it says is shown without secrets.
"""

from __future__ import annotations

from chimera.builtin.services.health.matching import mismatch
from chimera.builtin.services.health.probing import Deadline, LateError, ProbeError, Tools
from chimera.builtin.services.spec.checks import CommandCheck
from chimera.context import Command, Limits, base_environment
from chimera.model import ChimeraError

_OUTPUT = 1 << 20


def ask(check: CommandCheck, tools: Tools, deadline: Deadline) -> str:
    """Ask once; return what was well, and raise `ProbeError` where something was not."""
    env = base_environment(**{**check.env, **tools.secrets(check.secrets, deadline)})
    command = Command(
        check.argv,
        cwd=tools.root,
        env=env,
        timeout=deadline.left,
        limits=Limits(output_bytes=_OUTPUT),
    )
    name = check.argv[0]
    try:
        done = tools.context.processes.run(command)
    except ChimeraError as error:
        raise ProbeError(error.message, help=error.help) from error
    if done.timed_out:
        raise LateError(f"{name} did not end within {deadline.seconds:g} s, and was ended")
    if done.returncode not in check.exits:
        said = tools.shown(done.stderr or done.stdout)
        how = (
            f"was ended by signal {-done.returncode}"
            if done.returncode < 0
            else (f"ended with exit code {done.returncode}")
        )
        raise ProbeError(f"{name} {how}" + (f": {said}" if said else ""))
    if check.output is not None:
        wrong = mismatch(check.output, done.stdout.decode(errors="replace"), tools.shown)
        if wrong is not None:
            raise ProbeError(wrong)
    return f"{name} ended with exit code {done.returncode}"
