"""Exceptions that a command ends with; a mistake in a document is a `Diagnostic` instead."""

from __future__ import annotations

from chimera.model.outcome import Outcome


class ChimeraError(Exception):
    """A failure that is expected and can be told to the user: what, where and what to do.

    `outcome` becomes the exit code; `help` says what to do next.
    """

    outcome = Outcome.FAILED

    def __init__(self, message: str, *, help: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.help = help


class UsageError(ChimeraError):
    """The command was asked for something that it cannot be asked for."""

    outcome = Outcome.USAGE


class StaleError(ChimeraError):
    """A plan or a piece of evidence no longer fits what it is used on."""

    outcome = Outcome.STALE


class GateError(ChimeraError):
    """The gate did not give a permit."""


class StateError(ChimeraError):
    """The state file cannot be read, written or locked."""


class GitError(ChimeraError):
    """Git is missing, or refused."""


class RefError(GitError):
    """There is no commit of the name that was asked for."""

    outcome = Outcome.USAGE
