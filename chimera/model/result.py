"""What every command returns: a value, the diagnostics met on the way, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from chimera.model.diagnostic import Diagnostic
from chimera.model.outcome import Outcome

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Result(Generic[T_co]):
    """The answer of one piece of work; rendering and exit codes are the command line's."""

    value: T_co
    outcome: Outcome = Outcome.PASSED
    diagnostics: tuple[Diagnostic, ...] = ()
