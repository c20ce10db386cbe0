"""Secrets by reference: where each comes from, and how it is read when it is needed.

From then on its value is masked in everything that is shown, logged or recorded. Refuses to keep
one, and one that is empty: what goes on without its secret fails where nobody sees why.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from chimera.context import Command, Context, Limits, base_environment
from chimera.kinds import AfterValidator, Field, Items, Model, StringConstraints, Text, refuse
from chimera.model import ChimeraError
from chimera.runtime.recovery import Category, PermanentError

_LARGEST = 64 << 10
_SECONDS = timedelta(seconds=30).total_seconds()


class SecretSpec(Model):
    """Where a secret comes from: exactly one of env, file and command. Its value is kept nowhere.

    Line ends at the end of a file, or of what a command writes, are left out.
    """

    env: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = Field(
        default=None, description="Environment variable that holds the secret."
    )
    file: Text | None = Field(
        default=None,
        description="File that holds the secret, such as /run/secrets/token; relative to the tree.",
    )
    command: Annotated[Items[Text], Field(min_length=1)] | None = Field(
        default=None,
        description="Program and arguments, such as a password manager's, that write the secret.",
    )


def _check_source(spec: SecretSpec) -> SecretSpec:
    if [spec.env, spec.file, spec.command].count(None) != 2:
        raise refuse(
            "secret-source-invalid", "a secret comes from exactly one of env, file and command"
        )
    return spec


Secret = Annotated[SecretSpec, AfterValidator(_check_source)]


def read_secret(
    name: str, spec: SecretSpec, context: Context, root: Path, cancelled: Callable[[], bool]
) -> str:
    """Return the secret `name`, which is masked from then on.

    Raises `PermanentError` where it is not there, and `ChimeraError` where its command failed.
    """
    if spec.env is not None:
        value, where = _of_variable(spec.env), f"the variable {spec.env}"
    elif spec.file is not None:
        value, where = _of_file(name, root / Path(spec.file).expanduser()), f"{spec.file!r}"
    else:
        assert spec.command is not None
        value = _of_command(name, spec.command, context, root, cancelled)
        where = f"{spec.command[0]!r}"
    if not value:
        raise _missing(name, f"{where} is not set" if spec.env else f"{where} gave nothing")
    context.secrets.add(value)
    return value


def _of_variable(variable: str) -> str:
    return base_environment(allow=(variable,)).get(variable, "")


def _of_file(name: str, path: Path) -> str:
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a FIFO would block
        try:
            if not stat.S_ISREG(os.fstat(file).st_mode):
                raise _missing(name, f"{str(path)!r} is no file")
            data = os.read(file, _LARGEST + 1)
        finally:
            os.close(file)
    except OSError as error:
        raise _missing(name, f"{str(path)!r} cannot be read: {error.strerror}") from error
    return _text(name, data)


def _of_command(
    name: str,
    argv: tuple[str, ...],
    context: Context,
    root: Path,
    cancelled: Callable[[], bool],
) -> str:
    """Return what the command writes; nobody sees what it says, not even where it fails."""
    limits = Limits(output_bytes=_LARGEST + 1)
    command = Command(argv, cwd=root, env=base_environment(), timeout=_SECONDS, limits=limits)
    done = context.processes.run(command, cancelled=cancelled)
    if done.timed_out or done.returncode != 0:
        how = "took too long" if done.timed_out else f"ended with exit code {done.returncode}"
        raise ChimeraError(
            f"the secret {name!r} is not there: {argv[0]!r} {how}",
            help="run the command of the secret yourself and see what it says",
        )
    return _text(name, done.stdout)


def _text(name: str, data: bytes) -> str:
    if len(data) > _LARGEST:
        raise _missing(name, f"there are more than {_LARGEST} bytes where it should be")
    try:
        return data.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise _missing(name, "what is there is not UTF-8 text") from None


def _missing(name: str, why: str) -> PermanentError:
    return PermanentError(
        f"the secret {name!r} is not there: {why}",
        category=Category.VALIDATION,
        help="put it there where chimera runs, and apply again",
    )
