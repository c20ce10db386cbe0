"""Registers proofs and their records, judges their definitions, and runs the core kinds of step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from chimera.kinds import Kind
from chimera.plugin import hookimpl

if TYPE_CHECKING:
    from chimera.kinds import Subject
    from chimera.model import Obligation, Touch, Verdict
    from chimera.proof.kinds import ProofSpec
    from chimera.proof.steps.task import StepOutcome, StepTask
    from chimera.state import Holding


@hookimpl
def chimera_register_kinds() -> list[Kind]:
    """Register Proof and ReleaseProof."""
    return [
        Kind(
            "Proof",
            "chimera.proof.kinds:ProofSpec",
            "What must be shown before covered changes may be applied.",
            breaks=_breaks,
            ends=_ends,
            home="proofs",
        ),
        Kind(
            "ReleaseProof",
            "chimera.proof.kinds:ReleaseProofSpec",
            "What one proving of a proof found.",
            record=True,
            home="proofs/records",
        ),
    ]


def _breaks(before: ProofSpec, after: ProofSpec) -> Iterable[str]:
    from chimera.proof.compatibility import breaks

    return breaks(before, after)


def _ends(before: ProofSpec) -> Iterable[str]:
    from chimera.proof.compatibility import ends

    return ends(before)


@hookimpl
def chimera_check_snapshot(subject: Subject) -> Iterable[Verdict]:
    """Judge whether each proof could show anything over the present tree, and no less than it did
    where the change owes it.
    """
    if "Proof" not in subject.snapshot.kinds and not subject.changes:
        return ()
    from chimera.proof.checks import check
    from chimera.proof.weakening import weakened

    return (*check(subject.snapshot), *weakened(subject))


@hookimpl
def chimera_owe(subject: Subject) -> Iterable[Obligation]:
    """Return the proofs that the subject's changes owe by what the proofs cover."""
    from chimera.proof.owed import owed

    return tuple(owed(subject))


@hookimpl
def chimera_touch(subject: Subject) -> Iterable[Touch]:
    """Return which proofs cover the subject's changes."""
    from chimera.proof.touching import touch

    return tuple(touch(subject))


@hookimpl
def chimera_run_proof_step(task: StepTask) -> StepOutcome | None:
    """Run a command, pytest, policy or snapshot step; other kinds belong to other plugins."""
    match getattr(task.step, "run", None):
        case "command":
            from chimera.proof.steps.command import run_command

            return run_command(task)
        case "pytest":
            from chimera.proof.steps.pytest import run_pytest

            return run_pytest(task)
        case "policy":
            from chimera.proof.steps.policy import run_policies

            return run_policies(task)
        case "snapshot":
            from chimera.proof.steps.snapshot import run_snapshot

            return run_snapshot(task)
    return None


@hookimpl
def chimera_contribute_backup() -> Iterable[Holding]:
    """Name the evidence, its signatures and its artifacts."""
    from chimera.state import Holding

    return (Holding("evidence", "what proofs showed, and who signed it", _evidence_faults),)


def _evidence_faults(root: Path) -> Iterator[str]:
    from chimera.proof.evidence.store import EvidenceStore

    for path in EvidenceStore.below(root).damaged():
        yield f"{path.name} is not what its name says"
