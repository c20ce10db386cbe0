"""What one step of a proof is given, and what it answers.

A step acts only through `StepTask.run` and `StepTask.call`: both start a fresh process in the
exported folder, isolated where the kernel allows it, within its limits and the time that is left.
Refuses to hand a step the repository that the inputs came from.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from chimera.context import Command, Completed, Context, Isolation
from chimera.kinds import Model, format_duration
from chimera.model import Address, ChimeraError, Finding
from chimera.proof.running.conditions import Conditions
from chimera.proof.running.limits import ProofLimits

_TAIL = 800
_TOO_LARGE = os.strerror(errno.EFBIG).encode()
"""What a program says of its file limit that, as Python does, lives on past the signal."""
_ENGINE_ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """What one step showed.

    `outcomes` names everything that was asserted (a test's node id, an expectation) with how it
    came out; `exercised` counts those that really happened; `outputs` is JSON that must be the
    same in every repetition.
    """

    finding: Finding
    outcomes: Mapping[str, str] = field(default_factory=dict)
    exercised: int = 0
    outputs: Any = None
    reasons: tuple[str, ...] = ()


class OutOfTimeError(ChimeraError):
    """A step used up what its repetition may take."""


@dataclass(slots=True)
class Allowance:
    """What is left of a repetition's time, what has isolated it, and what went wrong in all steps.

    `total` is how much time there was. `faults` fail the run, whatever its steps make of them;
    `hints` explain one that failed.
    """

    seconds: float
    total: float | None = None
    isolation: Isolation = field(default_factory=Isolation.whole)
    faults: list[str] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class StepTask:
    """One step of one repetition: its model, where it runs, and what it may see.

    `folder` holds the exported inputs and is the working directory; `scratch` is the step's own
    folder beside it; these and `writable` are all that its processes may write to. `repetition`
    counts from one; a control is repetition zero. `conditions` are in `environment` already, or put
    on by `run`.
    """

    step: Model
    proof: Address
    folder: Path
    scratch: Path
    environment: Mapping[str, str]
    context: Context
    repetition: int
    allowance: Allowance
    conditions: Conditions = field(default_factory=Conditions)
    limits: ProofLimits = field(default_factory=ProofLimits)
    writable: tuple[Path, ...] = ()

    def run(
        self, argv: tuple[str, ...], *, environment: Mapping[str, str] | None = None
    ) -> Completed:
        """Run a command in the exported folder; raises `OutOfTimeError` at the timeout.

        A limit that it passes and a process that it leaves behind fail the run, whatever the
        step makes of what is returned.
        """
        if self.allowance.seconds <= 0:
            raise OutOfTimeError(f"no time is left of the proof's timeout{self._timeout}")
        completed = self.context.processes.run(
            Command(
                argv=argv,
                cwd=self.folder,
                env={**self.environment, **(environment or {})},
                timeout=self.allowance.seconds,
                limits=self.limits.bounds(),
                network=self.conditions.network,
                writable=(self.folder, self.scratch, *self.writable),
                umask=self.conditions.umask,
                cpus=self.conditions.cpus,
                fixed_addresses=self.conditions.fixed_addresses,
            )
        )
        self.allowance.seconds -= completed.seconds
        self.allowance.isolation &= completed.isolation
        self.allowance.faults += self._faults(completed)
        if completed.timed_out:
            name = Path(argv[0]).name
            raise OutOfTimeError(f"{name} was ended at the proof's timeout{self._timeout}")
        if completed.returncode != 0 and _TOO_LARGE in completed.stdout + completed.stderr:
            limit = self.limits.passed("file")
            self.allowance.hints.append(f"a file may have been larger than its {limit}")
        return completed

    @property
    def _timeout(self) -> str:
        """How long the whole repetition may take, where that is known: ` of 10m`."""
        total = self.allowance.total
        return f" of {format_duration(timedelta(seconds=total))}" if total is not None else ""

    def _faults(self, completed: Completed) -> Iterator[str]:
        if completed.limit is not None:
            yield f"it was ended at its {self.limits.passed(completed.limit)}"
        if completed.returncode == -signal.SIGXFSZ:
            yield f"it was ended at its {self.limits.passed('file')}"
        if completed.truncated:
            yield f"it said more than its {self.limits.passed('output')}"
        for command_line in completed.leftovers:
            yield f"it left a process behind: {command_line}"

    def run_engine(self, *args: str, environment: Mapping[str, str] | None = None) -> Completed:
        """Run `python ARGS` with the engine importable: the exported one where there is one."""
        env = {**self.environment, **(environment or {})}
        if not (self.folder / "chimera" / "__init__.py").exists():
            env["PYTHONPATH"] = f"{env['PYTHONPATH']}:{_ENGINE_ROOT}"
        return self.run((sys.executable, *args), environment=env)

    def write(self, path: str, data: bytes) -> None:
        """Write a file of the exported folder for a step that ran there.

        Raises `ChimeraError` where a link that the step made leads out of it.
        """
        target = (self.folder / path).resolve()
        if not target.is_relative_to(self.folder.resolve()):
            raise ChimeraError(f"{path} cannot be written: a link leads out of the exported folder")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)

    def tail(self, output: bytes) -> str:
        """Return the end of what a process said, masked before it is cut."""
        said = self.context.secrets.mask(output.decode("utf-8", "replace")).strip()
        if len(said) <= _TAIL:
            return said
        _, line_end, whole_lines = said[-_TAIL:].partition("\n")
        return whole_lines.lstrip("\n") if line_end else f"…{said[-_TAIL:]}"

    def call(self, target: str, argument: Any, *, named: str) -> Any:
        """Call `module:function` with a JSON value in a fresh process and return its JSON answer.

        Raises `ChimeraError` with the end of what the process said where it has no answer; `named`
        is what the proof's author calls the work.
        """
        asked, answered = self.scratch / "argument.json", self.scratch / "answer.json"
        asked.write_text(json.dumps(argument), encoding="utf-8")
        completed = self.run_engine(
            "-m", "chimera.proof.steps.child", target, str(asked), str(answered)
        )
        if completed.returncode != 0 or not answered.exists():
            said = self.tail(completed.stderr or completed.stdout)
            raise ChimeraError(f"{named}: {said or f'exit code {completed.returncode}'}")
        return json.loads(answered.read_text(encoding="utf-8"))
