"""Proof: what must be shown, running it, and evidence bound to content.

Refuses scoring and interpretation: a proof passes, fails, or exercised nothing.
"""

from typing import TYPE_CHECKING

from chimera.model.lazily import import_lazily

if TYPE_CHECKING:
    from chimera.proof.evidence.standing import Standing, how_to_prove, stand
    from chimera.proof.evidence.store import EvidenceError, EvidenceStore
    from chimera.proof.evidence.verification import Check, Verification
    from chimera.proof.evidence.verifying import Verifier
    from chimera.proof.kinds import ProofSpec, ReleaseProofSpec
    from chimera.proof.owed import is_due, owed
    from chimera.proof.prove import prove
    from chimera.proof.report import Divergence, ProofReport, RunReport
    from chimera.proof.steps.models import OperationStep
    from chimera.proof.steps.task import StepOutcome, StepTask

__all__ = [
    "Check",
    "Divergence",
    "EvidenceError",
    "EvidenceStore",
    "OperationStep",
    "ProofReport",
    "ProofSpec",
    "ReleaseProofSpec",
    "RunReport",
    "Standing",
    "StepOutcome",
    "StepTask",
    "Verification",
    "Verifier",
    "how_to_prove",
    "is_due",
    "owed",
    "prove",
    "stand",
]

import_lazily(
    __name__,
    {
        ".evidence.store": "EvidenceError EvidenceStore",
        ".kinds": "ProofSpec ReleaseProofSpec",
        ".owed": "is_due owed",
        ".prove": "prove",
        ".report": "Divergence ProofReport RunReport",
        ".evidence.standing": "Standing how_to_prove stand",
        ".steps.models": "OperationStep",
        ".steps.task": "StepOutcome StepTask",
        ".evidence.verification": "Check Verification",
        ".evidence.verifying": "Verifier",
    },
)
