"""Questioning proofs: why their runs differ, and what they would not notice.

Both run proofs under other conditions or on other content than theirs. Refuses to keep anything of
it: neither evidence nor a record comes out of a question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chimera.kinds import Document, Snapshot
from chimera.model import Diagnostic, Outcome, Result, has_errors
from chimera.proof import ProofSpec, StepOutcome, StepTask
from chimera.proof.diagnose import TRIES, Diagnosis, diagnose
from chimera.proof.mutation import Trial, try_mutants
from chimera.workspace.concerning import concerning
from chimera.workspace.judging import facts_of, judge
from chimera.workspace.proving import select

if TYPE_CHECKING:
    from chimera.workspace.workspace import Workspace


@dataclass(frozen=True)
class DiagnoseReport:
    """Why the runs of each proof differ."""

    diagnoses: tuple[Diagnosis, ...]


@dataclass(frozen=True)
class MutateReport:
    """What became of the mutants of each proof."""

    trials: tuple[Trial, ...]


class Questions:
    """What may be asked of a repository's proofs."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def diagnose(
        self, names: Sequence[str] = (), *, environment: str = "local", tries: int = TRIES
    ) -> Result[DiagnoseReport]:
        """Vary one factor at a time for each proof; any difference is `not-deterministic`."""
        snapshot, proofs, diagnostics = self._asked(names, environment)
        context, run_step = self._workspace.context, self._run_step
        found = tuple(diagnose(proof, snapshot, context, run_step, tries=tries) for proof in proofs)
        outcomes = [Outcome.NOT_DETERMINISTIC if one.differs else Outcome.PASSED for one in found]
        return Result(DiagnoseReport(found), _worst(outcomes, diagnostics), diagnostics)

    def mutate(
        self,
        names: Sequence[str] = (),
        *,
        number: int,
        seed: str = "0",
        tests: bool = False,
        fail_on_survivors: bool = False,
        environment: str = "local",
    ) -> Result[MutateReport]:
        """Run each proof under `number` mutants of what it covers."""
        snapshot, proofs, diagnostics = self._asked(names, environment)
        context, run_step = self._workspace.context, self._run_step
        trials = tuple(
            try_mutants(proof, snapshot, context, run_step, number=number, seed=seed, tests=tests)
            for proof in proofs
        )
        outcomes = [_outcome(trial, fail_on_survivors) for trial in trials]
        return Result(MutateReport(trials), _worst(outcomes, diagnostics), diagnostics)

    def _asked(
        self, names: Sequence[str], environment: str
    ) -> tuple[Snapshot, list[Document[ProofSpec]], tuple[Diagnostic, ...]]:
        """Return the proofs that are named, or all; none where an error concerns one of them."""
        workspace = self._workspace
        loaded = workspace.for_environment(environment)
        facts = facts_of(loaded.snapshot, environment)
        judgement = judge(loaded, workspace.plugins, workspace.context, facts)
        diagnostics = concerning(loaded.snapshot, names, judgement.diagnostics)
        if has_errors(diagnostics):
            return loaded.snapshot, [], diagnostics
        return loaded.snapshot, select(loaded, names, judgement.subject.placed), diagnostics

    def _run_step(self, task: StepTask) -> StepOutcome | None:
        outcome: StepOutcome | None = self._workspace.plugins.hook.chimera_run_proof_step(task=task)
        return outcome


def _outcome(trial: Trial, fail_on_survivors: bool) -> Outcome:
    if trial.reasons or (fail_on_survivors and trial.survivors):
        return Outcome.FAILED
    return Outcome.PASSED if trial.tried else Outcome.NOT_EXERCISED


def _worst(outcomes: list[Outcome], diagnostics: tuple[Diagnostic, ...]) -> Outcome:
    if has_errors(diagnostics):
        return Outcome.FAILED
    return Outcome.worst(outcomes or [Outcome.NOT_EXERCISED])
