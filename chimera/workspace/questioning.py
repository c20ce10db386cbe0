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
from chimera.proof import ProofSpec
from chimera.proof.diagnose import Diagnosis, diagnose
from chimera.proof.mutation import Trial, try_mutants
from chimera.proof.run import RunStep
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


def diagnose_proofs(
    workspace: Workspace, names: Sequence[str], *, environment: str, tries: int
) -> Result[DiagnoseReport]:
    """Vary one factor at a time for each proof; any difference is `not-deterministic`."""
    snapshot, proofs, diagnostics = _asked(workspace, names, environment)
    found = tuple(
        diagnose(proof, snapshot, workspace.context, _run_step(workspace), tries=tries)
        for proof in proofs
    )
    outcomes = [Outcome.NOT_DETERMINISTIC if one.differs else Outcome.PASSED for one in found]
    return Result(DiagnoseReport(found), _worst(outcomes, diagnostics), diagnostics)


def mutate_proofs(
    workspace: Workspace,
    names: Sequence[str],
    *,
    environment: str,
    number: int,
    seed: str,
    tests: bool,
    fail_on_survivors: bool,
) -> Result[MutateReport]:
    """Run each proof under `number` mutants of what it covers."""
    snapshot, proofs, diagnostics = _asked(workspace, names, environment)
    trials = tuple(
        try_mutants(
            proof,
            snapshot,
            workspace.context,
            _run_step(workspace),
            number=number,
            seed=seed,
            tests=tests,
        )
        for proof in proofs
    )
    outcomes = []
    for trial in trials:
        is_bad = trial.reasons or (fail_on_survivors and trial.survivors)
        outcomes.append(Outcome.FAILED if is_bad else Outcome.PASSED)
        if not trial.tried and not trial.reasons:
            outcomes.append(Outcome.NOT_EXERCISED)
    return Result(MutateReport(trials), _worst(outcomes, diagnostics), diagnostics)


def _asked(
    workspace: Workspace, names: Sequence[str], environment: str
) -> tuple[Snapshot, list[Document[ProofSpec]], tuple[Diagnostic, ...]]:
    """Return the proofs that are named, or all; none where a document has an error."""
    loaded = workspace.for_environment(environment)
    facts = facts_of(loaded.snapshot, environment)
    judgement = judge(loaded, workspace.plugins, workspace.context, facts)
    proofs = select(loaded, names, judgement.subject.placed)
    if has_errors(judgement.diagnostics):
        proofs = []
    return loaded.snapshot, proofs, judgement.diagnostics


def _worst(outcomes: list[Outcome], diagnostics: tuple[Diagnostic, ...]) -> Outcome:
    if has_errors(diagnostics):
        return Outcome.FAILED
    return Outcome.worst(outcomes or [Outcome.NOT_EXERCISED])


def _run_step(workspace: Workspace) -> RunStep:
    hook = workspace.plugins.hook
    return lambda task: hook.chimera_run_proof_step(task=task)
