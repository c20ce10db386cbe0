"""Diagnosis: why a proof's runs differ, found by varying one factor at a time.

Everything is held still first; then each factor is varied by itself, and what then differs is the
proof of the cause. Runs follow one another in one folder, so that no other thing varies. Refuses
to write evidence, and to name a cause that no run has shown.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chimera.context import Command, Context
from chimera.documents import export
from chimera.kinds import Document, Snapshot
from chimera.model import Address, ChimeraError
from chimera.proof.factors import FACTORS, FIXED, Changes, Factor
from chimera.proof.inputs import input_paths
from chimera.proof.kinds import ProofSpec
from chimera.proof.report import Divergence
from chimera.proof.running.compare import divergences
from chimera.proof.running.conditions import Conditions
from chimera.proof.running.run import Ran, RunStep, Setup, run
from chimera.proof.steps.models import PytestStep

TRIES = 3
"""How often something is run that chance decides."""
_REPETITIONS = 2
_OWN_LANGUAGES = ("C", "POSIX", "en_")


@dataclass(frozen=True, slots=True)
class Cause:
    """A factor that makes runs differ, and what differs then."""

    factor: Factor
    varied: Changes
    divergences: tuple[Divergence, ...]

    @property
    def shown(self) -> str:
        """What the runs that differ show, in words."""
        said = ", ".join(filter(None, map(_said, self.varied.items())))
        return f"differs when {self.factor.varies} differs and nothing else does" + (
            f" ({said})" if said else ""
        )


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Why runs of a proof differ.

    `repeated` is how repetitions differ as `prove` runs them, `unexplained` what differs although
    everything is held still. `left_out` says which factors could not be varied, and why.
    """

    proof: Address
    runs: int
    causes: tuple[Cause, ...]
    repeated: tuple[Divergence, ...]
    unexplained: tuple[Divergence, ...]
    left_out: Mapping[str, str]

    @property
    def differs(self) -> bool:
        """Whether any two of the runs differ that should not."""
        return bool(self.causes or self.repeated or self.unexplained)

    @property
    def conclusion(self) -> str:
        """The likely cause, in one sentence."""
        names = " and ".join(cause.factor.cause for cause in self.causes)
        if self.unexplained:
            return (
                _UNKNOWN if not names else f"{names}, and something that nothing here holds still"
            )
        if names:
            return names
        if self.repeated:
            return "several factors together: no single one makes its runs differ"
        return "nothing: its runs agree whatever is varied"


def _said(change: tuple[str, Any]) -> str | None:
    """Return a value that a person would try again, as it is written."""
    match change:
        case ("clock_start", None):
            return "the present"
        case ("clock_start", float(start)):
            return datetime.fromtimestamp(start, UTC).isoformat(sep=" ")
        case ("locale" | "timezone", str(value)):
            return value
    return None


_UNKNOWN = (
    "unknown: its runs differ although everything is held still that can be; processes that run at"
    " once, programs that are not Python, and the machine itself are left"
)


def diagnose(
    proof: Document[ProofSpec],
    snapshot: Snapshot,
    context: Context,
    run_step: RunStep,
    *,
    tries: int = TRIES,
    factors: Sequence[Factor] = FACTORS,
) -> Diagnosis:
    """Run a proof's steps under one changed condition after another and say what mattered.

    What chance decides is tried `tries` times. All of `factors` are held still before one varies.
    """
    with tempfile.TemporaryDirectory(prefix="chimera-diagnosis-") as folder:
        inputs = Path(folder).resolve() / "inputs"
        export(snapshot.tree, input_paths(proof, snapshot), inputs)
        session = _Session(proof, inputs, context, run_step, tries, factors)
        context.progress.start(session.label)
        try:
            return session.diagnosis()
        finally:
            context.progress.finish(session.label, f"{session.runs} runs")


@dataclass
class _Session:
    """The runs of one diagnosis, each beside what it is compared with."""

    proof: Document[ProofSpec]
    inputs: Path
    context: Context
    run_step: RunStep
    tries: int
    factors: Sequence[Factor]
    runs: int = 0
    blind: set[str] = field(default_factory=set)

    @property
    def label(self) -> str:
        return f"{self.proof.address} diagnosis"

    def diagnosis(self) -> Diagnosis:
        shuffle = self.proof.spec.shuffle
        naturally = [
            self._run(Conditions.of_repetition(number, shuffle), f"repetition {number}")
            for number in range(1, _REPETITIONS + 1)
        ]
        base = self._run(FIXED, "all held still")
        again = [self._run(FIXED, "all held still, again") for _ in range(1, _REPETITIONS)]
        unexplained = divergences([base, *again])
        self.blind = {divergence.what for divergence in unexplained}
        left_out: dict[str, str] = {}
        causes = []
        for factor in self.factors:
            reason = self._impossible(factor)
            if reason is not None:
                left_out[factor.cause] = reason
            elif (cause := self._try(factor, base)) is not None:
                causes.append(cause)
                if factor.masks:
                    self.blind |= {divergence.what for divergence in cause.divergences}
        return Diagnosis(
            proof=self.proof.address,
            runs=self.runs,
            causes=tuple(causes),
            repeated=divergences(naturally),
            unexplained=unexplained,
            left_out=left_out,
        )

    def _try(self, factor: Factor, base: Ran) -> Cause | None:
        """Return the factor as a cause where varying it and nothing else makes runs differ."""
        if factor.base is not None:
            base = self._run(replace(FIXED, **factor.base), f"{factor.name} first")
        for changes in self._alternatives(factor):
            ran = self._run(replace(FIXED, **changes), f"{factor.name} varied")
            found = divergences([base, ran])
            seen = tuple(divergence for divergence in found if divergence.what not in self.blind)
            if seen:
                return Cause(factor, changes, seen)
        return None

    def _alternatives(self, factor: Factor) -> Iterator[Changes]:
        if factor.name == "locale" and (installed := self._locale()) is not None:
            yield {"locale": installed}
        for changes in factor.alternatives:
            yield from (changes for _ in range(self.tries if factor.is_chance else 1))

    def _impossible(self, factor: Factor) -> str | None:
        """Return why a factor cannot be varied here, if it cannot."""
        if factor.name == "network" and not self.context.processes.isolation().network:
            return "this kernel keeps the network from nobody"
        if factor.name == "order" and not any(
            isinstance(step, PytestStep) for step in self.proof.spec.steps
        ):
            return "no step runs tests"
        return None

    def _locale(self) -> str | None:
        """Return a locale of another language that is installed, if there is one."""
        try:
            completed = self.context.processes.run(Command(("locale", "-a"), cwd=self.inputs))
        except ChimeraError:
            return None
        names = completed.stdout.decode("utf-8", "replace").split()
        others = sorted(name for name in names if not name.startswith(_OWN_LANGUAGES))
        return next((name for name in others if "utf" in name.lower()), None)

    def _run(self, conditions: Conditions, label: str) -> Ran:
        """Run the steps once, in the same folder each time."""
        self.runs += 1
        self.context.progress.advance(self.label, self.runs, label)
        setup = Setup(self.proof, self.inputs, 1, None, conditions, self.inputs.parent)
        ran = run(setup, self.context, self.run_step, lambda: False)
        return Ran(replace(ran.report, label=label), ran.artifacts)
