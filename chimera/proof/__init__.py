"""Proof: what must be shown, running it, and evidence bound to content.

Refuses scoring and interpretation: a proof passes, fails, or exercised nothing.
"""

from chimera.proof.evidence import EvidenceError, EvidenceStore
from chimera.proof.kinds import ProofSpec, ReleaseProofSpec
from chimera.proof.owed import is_due, owed
from chimera.proof.prove import prove
from chimera.proof.report import Divergence, ProofReport, RunReport
from chimera.proof.standing import Standing, standing, verify
from chimera.proof.steps.models import OperationStep
from chimera.proof.steps.task import StepOutcome, StepTask

__all__ = [
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
    "is_due",
    "owed",
    "prove",
    "standing",
    "verify",
]
