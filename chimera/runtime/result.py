"""How a run ended, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from chimera.model import Outcome
from chimera.state import Json, RunStatus

_HELP = {
    RunStatus.FAILED: "see `chimera runs logs {run}`; `chimera runs retry {run}` tries again what"
    " failed, and keeps what has finished",
    RunStatus.INTERRUPTED: "`chimera runs resume {run}` goes on where it stopped",
    RunStatus.PAUSED: "`chimera runs resume {run}` goes on with it",
    RunStatus.CANCELLED: "what was cancelled does not go on: start it anew",
    RunStatus.WAITING: "it goes on when what it waits for has come: `chimera run --due`",
    RunStatus.COMPENSATED: "what it had done was undone; see `chimera runs logs {run}`",
}


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended: outputs of its finished steps, errors of its failed ones, both by step id.

    `blocked` are the steps that were never started because one that they need failed. `message`
    says why the run failed where no step did, or which guard stopped it, and `held` how it goes on
    after that.
    """

    run: str
    status: RunStatus
    outputs: Mapping[str, Json]
    failed: Mapping[str, str] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()
    message: str = ""
    held: str = ""

    @property
    def outcome(self) -> Outcome:
        """What a command that did nothing else ends with."""
        match self.status:
            case RunStatus.SUCCEEDED | RunStatus.WAITING:
                return Outcome.PASSED
            case RunStatus.INTERRUPTED if not self.held:
                return Outcome.INTERRUPTED
            case _:
                return Outcome.FAILED

    @property
    def help(self) -> str | None:
        """What to do next, unless the run succeeded."""
        if self.held:
            return self.held
        text = _HELP.get(self.status)
        return text.format(run=self.run) if text else None
