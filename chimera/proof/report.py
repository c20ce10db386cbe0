"""What a proving came to, as values: per repetition, per control, and in all."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce
from operator import and_

from chimera.context import Isolation
from chimera.model import Address, Digest, Finding, Outcome, Verdict
from chimera.proof.steps.task import StepOutcome

_FAILED = {"fail", "failed"}


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first region in which two runs differ.

    `what` names an artifact, an outcome or a step's outputs, `between` the runs. The lines of
    `diff` begin with a blank, `-`, `+` or, below a line whose characters it marks, `?`. Where the
    content has lines, `line` and `column` count from one; else `offset` counts bytes from zero.
    """

    what: str
    diff: tuple[str, ...]
    between: tuple[str, str]
    line: int | None = None
    column: int | None = None
    offset: int | None = None

    @property
    def place(self) -> str:
        """What differs and where, in words."""
        if self.line is not None:
            return f"{self.what}, line {self.line}, column {self.column}"
        return self.what if self.offset is None else f"{self.what}, byte {self.offset}"


@dataclass(frozen=True, slots=True)
class RunReport:
    """One run of all steps: a repetition, or a control (`label` says which).

    `notes` say what is worth a word and changes no finding.
    """

    label: str
    finding: Finding
    steps: tuple[StepOutcome, ...]
    artifacts: tuple[tuple[str, Digest], ...] = ()
    isolation: Isolation = field(default_factory=Isolation.whole)
    seconds: float = 0.0
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_unasserted(self) -> bool:
        """Whether it failed without one assertion that did: by an error on the way."""
        outcomes = (outcome for step in self.steps for outcome in step.outcomes.values())
        return self.finding is Finding.FAIL and not _FAILED & set(outcomes)


@dataclass(frozen=True, slots=True)
class ProofReport:
    """What proving one proof came to; `evidence` is what was stored of it."""

    proof: Address
    finding: Finding
    outcome: Outcome
    repetitions: tuple[RunReport, ...]
    controls: tuple[RunReport, ...] = ()
    divergences: tuple[Divergence, ...] = ()
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    evidence: Digest | None = None
    record: str | None = None
    """Name of the `ReleaseProof` that was written."""

    @property
    def verdict(self) -> Verdict:
        """The report as a verdict of the proof on itself."""
        return Verdict(str(self.proof), str(self.proof), self.finding, self.reasons)

    @property
    def isolation(self) -> Isolation:
        """What held in every run, controls included."""
        runs = (*self.repetitions, *self.controls)
        return reduce(and_, (run.isolation for run in runs), Isolation.whole())

    @property
    def exercised(self) -> int:
        """How many assertions the first repetition exercised."""
        return sum(step.exercised for step in self.repetitions[0].steps) if self.repetitions else 0
